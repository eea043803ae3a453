"""Curves over layers: what is drawn where, values at the cursor, what is 0, and the measure behind rank collapse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt

from app import theme, words
from app.plots.depthplot import LOWEST, Depth, DepthPlot, share
from engines.blocks.alike import difference
from tests.app.views_help import drag, exported, is_drawn, key, show

FALLS, STAYS = np.array([0.95, 0.1, 1e-3, 1e-7]), np.array([0.9, 0.8, 0.7, 0.64])


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


@pytest.fixture
def plot(qtbot):
    view = DepthPlot("Depth", "depth")
    view.set_lines([Depth("attention", FALLS, "cat0"), Depth("with skip", STAYS, "cat1", True)])
    view.picked.connect(view.set_cursor)
    return show(qtbot, view, 420, 260)


def test_values_at_the_cursor_and_at_the_end(plot):
    assert plot.values_at(None) == [1e-7, 0.64]
    plot.set_cursor(1.4)
    assert plot.values_at(1.4) == [0.1, 0.8]
    assert plot.report() == "1, attention 0.10, with skip 0.80"
    plot.set_lines([Depth("attention", FALLS), Depth("with skip", STAYS[:2], "cat1")])
    assert plot.values_at(3) == [pytest.approx(1e-7), None]


def test_the_hand_moves_the_cursor_by_whole_layers(plot):
    plot.set_cursor(1)
    drag(plot.viewport(), plot.spot(1, 0.01), plot.spot(2, 0.01))
    assert plot.cursor_at() == pytest.approx(2, abs=0.1)
    key(plot, Qt.Key.Key_Right)
    key(plot, Qt.Key.Key_Right)
    assert plot.cursor_at() == 3


def test_whole_decades_and_what_is_zero(plot):
    low, high = plot.box.viewRange()[1]
    assert low < -7 < 0 < high < 1
    plot.set_lines([Depth("one", np.array([1.0, 0.0]))])
    assert plot.values_at(None) == [0.0]  # told as it is, drawn at the lowest place
    assert plot.numbers()["one_y"].tolist() == [1.0, 0.0]
    with pytest.raises(ValueError, match="negative"):
        plot.set_lines([Depth("one", np.array([-1.0]))])
    with pytest.raises(ValueError, match="NaN"):
        plot.set_lines([Depth("one", np.array([np.nan]))])
    assert LOWEST < 1e-10


def test_both_curves_are_drawn_in_both_themes(plot):
    for name in ("light", "dark"):
        theme.use(name)
        plot.restyled()
        assert is_drawn(plot)
    assert exported(plot, ".svg").count(b"<path") > 4


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0"), (0.64, "0.64"), (1.5e-7, "1.5·10⁻⁷"), (123.4, "123"), (3e6, "3.0·10⁶")]
)
def test_a_value_of_any_size_is_short(qapp, value, said):
    assert share(value) == said


def test_difference_is_what_equal_rows_leave(qapp):
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    same = x[:, :1].expand(-1, 5, -1)
    assert difference(same).tolist() == pytest.approx([0, 0], abs=1e-7)
    assert difference(x - x.mean(-2, keepdim=True)).tolist() == pytest.approx([1, 1])
    by_hand = np.linalg.norm(x[0] - x[0].mean(0)) / np.linalg.norm(x[0])
    assert float(difference(x)[0]) == pytest.approx(by_hand, rel=1e-6)
    assert float(difference(torch.zeros(3, 4))) == 0

"""Means with error bars: where bars, dots and numbers stand, what the pointer picks, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app import theme, words
from app.plots.curves import Curve, Curves
from app.plots.errorplot import APART, CAP, Crossing, ErrorLine, ErrorPlot
from tests.app.views_help import exported, hover, is_drawn, key, show, wheel

X = np.array([50.0, 150, 500, 1500, 5000])


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


@pytest.fixture
def plot(qtbot):
    view = ErrorPlot("Accuracy", "pictures")
    spread = np.array([0, 1.0, 2, 3, 4])
    short = ErrorLine("b", "cat1", X[:2], X[:2] / 10, X[:2] / 100, True)
    view.set_lines([ErrorLine("a", "cat0", X, np.linspace(20, 60, 5), spread), short], X)
    return show(qtbot, view, 480, 300)


def test_bars_end_where_the_deviation_says_and_a_single_value_has_none(plot):
    bars = plot.bars[0].opts
    np.testing.assert_allclose(bars["y"], np.linspace(20, 60, 5)[1:])
    np.testing.assert_allclose(bars["top"], [1, 2, 3, 4])
    np.testing.assert_allclose(bars["bottom"], [1, 2, 3, 4])


def test_bars_may_be_uneven(plot):
    low, high = np.array([10.0, 20]), np.array([15.0, 22])
    plot.set_lines([ErrorLine("a", "cat0", X[:2], np.array([12.0, 21]), np.ones(2), low=low, high=high)], X)
    np.testing.assert_allclose(plot.bars[0].opts["bottom"], [2, 1])
    np.testing.assert_allclose(plot.bars[0].opts["top"], [3, 1])


def test_lines_stand_some_pixels_apart_whatever_is_in_sight(plot):
    for _ in range(2):
        wide = plot.box.viewPixelSize()[0]
        first, second = (curve.getData()[0][0] for curve in plot.curves)
        assert (second - first) / wide == pytest.approx(APART)
        assert plot.bars[0].opts["beam"] / wide == pytest.approx(CAP)
        wheel(plot.viewport(), QPointF(240, 150), 3)


def test_the_axis_names_the_numbers_there_are_as_far_as_there_is_room(plot):
    written = plot.plot.getAxis("bottom")._tickLevels[0]
    assert [text for _, text in written] == ["50", "150", "500", "1,500", "5,000"]
    plot.set_lines([], np.arange(100.0, 200))
    written = plot.plot.getAxis("bottom")._tickLevels[0]
    assert 3 < len(written) < 20
    assert written[0][1] == "100"


def test_pointer_and_arrows_pick_the_nearest_number(plot):
    said = []
    plot.picked.connect(said.append)
    hover(plot.viewport(), plot.spot(520, 30))
    hover(plot.viewport(), plot.spot(1400, 30))
    assert said == [2, 3]
    assert 10 ** plot.line.value() == pytest.approx(1500)
    key(plot, Qt.Key.Key_Right)
    key(plot, Qt.Key.Key_Escape)
    assert said == [2, 3, 4, None]
    assert not plot.line.isVisible()
    plot.set_at(1)
    assert plot.report() == "150, a 30.0, b 15.0"


def test_crossings_are_ringed_and_dropped(plot):
    plot.set_crossings([Crossing(300, 40, "300", "cat0")])
    assert plot.marks.captions[0].toPlainText() == "300"
    assert plot.marks.feet[0].isVisible()
    plot.set_crossings([])
    assert not plot.marks.captions[0].isVisible()


def test_themes_and_files(plot):
    theme.use("dark")
    plot.restyled()
    assert is_drawn(plot)
    for ending in (".png", ".svg", ".npz", ".csv"):
        assert len(exported(plot, ending)) > 100
    assert plot.numbers()["b_deviation"].tolist() == (X[:2] / 100).tolist()


@pytest.mark.parametrize("field", ["mean", "spread"])
def test_nan_is_refused(qapp, field):
    values = {"mean": np.ones(5), "spread": np.ones(5)} | {field: np.full(5, np.nan)}
    with pytest.raises(ValueError, match="NaN"):
        ErrorPlot("n", "x").set_lines([ErrorLine("a", "cat0", X, **values)], X)


def test_the_axis_of_an_empty_plot_is_that_of_the_curves_to_come(qtbot):
    empty = show(qtbot, ErrorPlot("Accuracy", "pictures"), 480, 300)
    low, high = empty.box.viewRange()[1]
    assert low < 0 < 100 < high < 110
    loss, percents = Curves(), Curves(empty_top=100)
    assert loss.box.viewRange()[1][1] < 2
    assert 100 < percents.box.viewRange()[1][1] < 110
    percents.set_curves([Curve("a", np.arange(3.0), np.array([0.0, 1, 2]))])
    assert percents.box.viewRange()[1][1] < 3
    for made in (loss, percents):
        qtbot.addWidget(made)

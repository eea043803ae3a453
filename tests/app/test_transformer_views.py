"""The Transformer tab's views by themselves, and what a run has told."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.tabs.transformer.training.metrics import Metrics, Table
from app.theme import S2, SMALL
from app.views.bars import LEAST_TRACK, Bar, Bars
from app.views.base import text_width
from app.views.saidline import SaidLine
from app.views.tokenlinks import TokenLinks
from tests.app import reading
from tests.app.views_help import click, hover, is_drawn, show


# ------------------------------------------------------------------ what a run has told
def test_figures_are_smoothed_without_bias():
    told = Metrics(1)
    for step in range(1, 4):
        told.step(step, (2.0, 50.0, 0.0), (float(step),), step / 10)
    np.testing.assert_allclose(told.steps.rows[:, 4:], [[2, 50, 0]] * 3)
    assert told.norms()[0] == 2
    assert told.norms(2)[0] == 1.5
    assert Metrics().norms() is None
    assert [told.learning_rate(step) for step in (None, 1, 0)] == [0.3, 0.1, None]
    assert Metrics().learning_rate() is None


def test_a_table_grows():
    table = Table(2)
    for i in range(600):
        table.add(i, -i)
    assert table.rows.shape == (600, 2)
    assert table.rows[599].tolist() == [599, -599]


# ------------------------------------------------------------------ views
@pytest.fixture
def links(qtbot):
    view = TokenLinks()
    candidates = [[("b", 0.7), ("a", 0.2), ("</s>", 0.1)]] * 3
    view.set_tokens(("a", " ", "</s>"), ("<s>", "b", "b"), ("b", "b", "a"), candidates)
    cross = np.array([[0.1, 0.1, 0.8]] * 3, np.float32)
    view.set_weights(cross, np.tril(np.ones((3, 3), np.float32)) / 3)
    return show(qtbot, view)


def test_links_are_walked_clicked_and_told(links, qtbot):
    with qtbot.waitSignal(links.chosen) as clicked:
        click(links, links.column_rect(2).center())
    assert clicked.args == [2]
    links.set_at(1)
    assert links.report().startswith("2 / 3: b; b 70.0 %")
    with qtbot.waitSignal(links.chosen) as walked:
        QTest.keyClick(links, Qt.Key.Key_Right)
    assert walked.args == [2]
    assert is_drawn(links)
    links.set_until(0)
    assert is_drawn(links)
    hover(links, QPointF(links.source_rect(2).center()))
    assert is_drawn(links)
    assert links.numbers()["candidates"].shape == (3, 3)


def test_each_candidate_has_its_probability(links):
    shown = [said.text for said in reading.texts(links)]
    assert all(shown.count(text) == 3 for text in ("70 %", "20 %", "10 %"))
    many = [[("nine", 1.0), ("two", 0.0)]] * 9
    links.set_tokens(("9",), ("<s>", *["nine"] * 8), ("nine",) * 9, many)
    links.set_weights(np.ones((9, 1), np.float32), np.tril(np.ones((9, 9), np.float32)))
    links.resize(520, 360)  # no room for the sign
    shown = [said.text for said in reading.texts(links)]
    assert shown.count("100") == 9


def test_empty_links_say_so(qtbot):
    assert is_drawn(show(qtbot, TokenLinks()))


def test_said_tokens_are_held_against_those_wanted(qtbot):
    line = SaidLine()
    line.set_tokens("ab", ("b", "x", "</s>"), ("b", "a", "</s>"))
    show(qtbot, line)
    assert [line.right(i) for i in range(3)] == [True, False, True]
    assert line.report() == "b, 2 / 3"
    with qtbot.waitSignal(line.chosen) as clicked:
        click(line, line.place(1).center())
    assert clicked.args == [1]
    assert is_drawn(line)


@pytest.mark.parametrize("high", [310, 600])
def test_names_of_low_rows_stay_in_their_row(qtbot, high):
    """Fourteen matrices where a window is small: a second line of a name would stand in the next row."""
    view = show(qtbot, Bars(30, 136, "0.0000"), 232, high)
    view.set_bars([Bar(f"Encoder {n + 1}, attention W_o", ((1.0, "cat0"),), "1.234") for n in range(14)])
    assert is_drawn(view)
    at = view._at
    lines = 1 if text_width("Encoder 14, attention W_o", SMALL - 1) <= at.name_w - S2 else 2
    assert lines * 13 <= at.pitch
    assert view.width() - at.value_w - at.name_w >= LEAST_TRACK  # and the bar is still seen

"""The tab "Self-attention & positions" as a hand uses it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import words
from app.plots.curves import Curve
from app.tabs.self_attention.cost import duration, exact_costs, whole
from app.tabs.self_attention.positions import BandCurves
from app.tabs.self_attention.sentence import EXAMPLES, short, tiny
from engines.self_attention import cost
from engines.self_attention.spec import NUMBERS, ROTARY, MeasuredFrame, SelfAttentionParams


@pytest.fixture
def tab(open_window, qtbot):
    window = open_window()
    made = window.show_topic("self_attention")
    made.answers = 0

    def count(_event):
        made.answers += 1

    made.stream.arrived.connect(count)
    rest(made, qtbot)
    return made


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.stream.is_busy, timeout=60_000)


def test_typing_shows_the_new_tokens_and_is_one_step_to_undo(tab, qtbot):
    tab.sentence.line.selectAll()
    QTest.keyClicks(tab.sentence.line, "so we meet")
    rest(tab, qtbot)
    assert tab.params.text == "so we meet"
    assert tab.sentence.map.numbers()["rows"].tolist() == ["so", "we", "meet"]
    assert tab.sentence.count.text() == "3 tokens"
    tab.undo()
    rest(tab, qtbot)
    assert tab.params.text == tab.sentence.line.text() == SelfAttentionParams.text
    assert not tab.history.can_undo


def test_an_empty_line_says_so_and_the_old_picture_stays(tab, qtbot):
    before = tab.sentence.map.numbers()["values"]
    tab.sentence.line.selectAll()
    QTest.keyClick(tab.sentence.line, Qt.Key.Key_Delete)
    rest(tab, qtbot)
    assert "empty" in tab.sentence.count.text()
    assert tab.sentence.line.property("kind") == "bad"
    assert tab.sentence.map.numbers()["values"] is before
    assert not tab.failed
    QTest.keyClicks(tab.sentence.line, "x")
    rest(tab, qtbot)
    assert tab.sentence.count.text() == "1 token"
    assert tab.sentence.line.property("kind") == ""


def test_what_asks_by_itself_asks_with_a_line_that_can_be_read(tab, qtbot, monkeypatch):
    """Another device, measuring and the other pages: none of them needs the line, and none fails for it."""
    monkeypatch.setattr(cost, "LENGTHS", (4, 8))
    before = tab.sentence.map.numbers()["values"]
    tab.type_text("")
    tab.set_device("cpu")
    rest(tab, qtbot)
    assert not tab.failed
    tab.measure()
    rest(tab, qtbot)
    assert tab.cost._measured is not None
    tab.change(split=NUMBERS)
    tab.type_text("1 2 3; what")
    tab.change(dim=2, length=17)
    rest(tab, qtbot)
    assert not tab.failed
    assert tab.code.map.numbers()["values"].shape == (17, 2)
    assert tab.sentence.map.numbers()["values"] is before
    assert "does not fit" in tab.sentence.count.text()
    tab.type_text("1 2; 3")
    rest(tab, qtbot)
    assert tab.sentence.map.numbers()["values"].shape == (2, 2)


def test_five_hundred_tokens_are_cut_in_words(tab, qtbot):
    tab.type_text("word " * 500)
    rest(tab, qtbot)
    assert tab.sentence.count.text() == "500 tokens: the first 128 are shown"
    assert tab.sentence.map.numbers()["values"].shape == (128, 128)


def test_numbers_have_a_line_of_their_own(tab, qtbot):
    tab.change(split=NUMBERS)
    rest(tab, qtbot)
    assert tab.sentence.line.text() == tab.params.numbers
    tab.type_text("1 0; what")
    rest(tab, qtbot)
    assert tab.sentence.count.text() == "what is not a number."
    tab.change(split="Words")
    rest(tab, qtbot)
    assert tab.sentence.line.text() == tab.params.text == SelfAttentionParams.text
    assert tab.sentence.count.text() == "9 tokens"


def test_numbers_that_no_longer_fit_are_named(tab, qtbot):
    tab.change(split=NUMBERS)
    tab.type_text("1 2 3; 4")
    tab.change(dim=2)
    rest(tab, qtbot)
    assert tab.sentence.count.text() == "A token of 3 numbers does not fit a width of 2."
    assert not tab.failed


@pytest.mark.parametrize("index", range(len(EXAMPLES)))
def test_examples(tab, qtbot, index):
    tab.use_example(index)
    rest(tab, qtbot)
    assert tab.sentence.line.text() == EXAMPLES[index][1]
    assert tab.sentence.line.property("kind") != "bad"


def test_a_token_is_pinned_in_every_view_without_asking_the_engine(tab, qtbot):
    tab.change(shuffle=True)
    rest(tab, qtbot)
    before = tab.answers
    tab.sentence.map.clicked.emit((4, -1))
    rest(tab, qtbot)
    assert tab.answers == before
    assert [view._at for view in tab.sentence.token_views] == [(4, -1)] * 5
    assert {view._at for view in tab.sentence.outputs} == {(tab.sentence._shown.order[4], -1)}
    assert tab.params.token == 4
    tab.undo()
    assert (tab.params.shuffle, tab.params.token) == (False, 4)


def test_the_verdict_is_drawn_for_both_and_bold_for_the_present(tab, qtbot):
    page = tab.sentence
    assert "the same rows" in page.without.text()
    assert "other rows" in page.with_.text()
    assert page.with_.font().bold() > page.without.font().bold()
    tab.change(positions=False, kind=ROTARY)
    rest(tab, qtbot)
    assert page.without.font().bold() > page.with_.font().bold()
    assert page.with_.text().startswith("Rotary")


def test_reset_brings_the_model_back_but_not_the_sentence(tab, qtbot):
    tab.type_text("keep me")
    tab.change(positions=False, temperature=2.0, shuffle=True)
    assert tab.changes() == 3
    tab.reset_changes()
    rest(tab, qtbot)
    assert tab.changes() == 0
    assert tab.params.text == "keep me"


def test_cursors_are_linked(tab, qtbot):
    tab.show_page(1)
    tab.code.map.hovered.emit((7, 3))
    assert tab.code.curves._cursor == 7
    assert tab.code.dots._lit == (7, -1)
    tab.code.dots.hovered.emit((2, 9))
    assert tab.code.offset._cursor == 7


def test_columns_stay_within_the_width(tab, qtbot):
    tab.show_page(1)
    for dim in (2, 256, 4):
        tab.change(dim=dim, column=252)
        rest(tab, qtbot)
        assert len(tab.code.curves._curves) == min(4, dim)


def test_measuring_fills_the_plots_and_can_be_stopped(tab, qtbot, monkeypatch):
    monkeypatch.setattr(cost, "LENGTHS", (4, 8, 16))
    tab.show_page(2)
    seen = []
    tab.stream.arrived.connect(lambda event: seen.append(event) if isinstance(event, MeasuredFrame) else None)
    tab.measure()
    assert tab.measure_button.text() == "Stop"
    before = tab.params
    tab.change(cost_length=100)  # only another place to look at: the measurement goes on
    rest(tab, qtbot)
    assert seen[-1].done
    assert tab.measure_button.text() == "Measure"
    assert tab.params.cost_length == 100 != before.cost_length
    assert not tab.params.measure
    assert "equal to the formulas" in tab.cost.counted.text()
    tab.change(kernel=5)
    rest(tab, qtbot)
    assert tab.cost._measured is None  # measured with another kernel
    monkeypatch.setattr(cost, "LENGTHS", (64,) * 3000)
    tab.measure()
    qtbot.waitUntil(lambda: tab.progress is not None, timeout=20_000)
    tab.measure()
    rest(tab, qtbot)
    assert tab.measure_button.text() == "Measure"
    assert not tab.failed


def test_the_cursor_of_the_cost_is_one_step_to_undo(tab, qtbot):
    tab.show_page(2)
    plot = tab.cost.plots[0]
    for x in (100.0, 200.0, 300.0):
        plot.picked.emit(x)
    plot.settled.emit()
    assert tab.params.cost_length == 300
    tab.undo()
    assert tab.params.cost_length == SelfAttentionParams.cost_length


def test_the_table_of_costs_takes_the_room_of_a_large_window(tab, qtbot):
    tab.window().resize(1920, 1080)
    tab.show_page(2)
    table = tab.cost.table
    qtbot.waitUntil(lambda: table.isVisible() and table.height() > 300)
    assert table.height() - 24 - len(table._rows) * table.row_height() < 48


def test_a_window_in_chinese_begins_with_a_chinese_sentence(open_window, qtbot):
    window = open_window(language="zh")
    made = window.show_topic("self_attention")
    rest(made, qtbot)
    assert made.params.text == EXAMPLES[1][1]
    assert not words.missing()


def test_numbers_are_written_as_the_app_writes_them():
    assert [tiny(v) for v in (0, 4.44e-16, 0.0021, 1.972)] == ["0", "4.4e−16", "0.0021", "1.97"]
    assert [duration(v) for v in (1.25e-6, 9e-4, 0.0034, 1.2)] == ["1.2 µs", "900 µs", "3.4 ms", "1.20 s"]
    assert short("internationalization") == "internatio…"
    assert [whole(n) for n in (33_554_432, 68_719_476_736)] == ["33,554,432", "6.87 · 10¹⁰"]
    assert exact_costs(5, 2, 3) == ((100, 60, 40), (2, 1, 5), (1, 2, 5))


def test_bands_fit_into_their_plot(qtbot):
    plot = BandCurves(zero=True, widest="−0.00")
    qtbot.addWidget(plot)
    x = np.arange(3.0)
    plot.set_curves([Curve("a", x, x, low=x - 4, high=x + 5)])
    plot.fit()
    low, high = plot.box.viewRange()[1]
    assert low <= -4
    assert high >= 7

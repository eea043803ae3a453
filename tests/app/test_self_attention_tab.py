"""The tab "Self-attention & positions" as a hand uses it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import words
from app.export import settings_of
from app.plots.curves import Curve, Curves
from app.tabs.self_attention.cost.page import duration, exact_costs, whole
from app.tabs.self_attention.sentence.page import EXAMPLES, short, tiny
from engines.core.protocol import Ended, Frame
from engines.self_attention.cost import measure as cost
from engines.self_attention.cost.spec import CostParams, MeasuredFrame
from engines.self_attention.spec import LEARNED, NUMBERS, ROTARY, SINUSOIDAL, SelfAttentionParams

SENTENCE, POSITIONS, COST = 0, 6, 7


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window().show_topic("self_attention")
    rest(made, qtbot)
    return made


@pytest.fixture
def page(tab):
    """The page "Sentence", on which the tab opens."""
    return tab.now


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=60_000)


def turn(tab, qtbot, index):
    tab.show_page(index)
    rest(tab, qtbot)
    return tab.now


def frames(page):
    """All frames of the page's engine from now on."""
    heard = []
    page.feed.heard.connect(lambda event: heard.append(event) if isinstance(event, Frame) else None)
    return heard


def test_typing_shows_the_new_tokens_and_is_one_step_to_undo(tab, page, qtbot):
    page.line.selectAll()
    QTest.keyClicks(page.line, "so we meet")
    rest(tab, qtbot)
    assert tab.params.text == "so we meet"
    assert page.map.numbers()["rows"].tolist() == ["so", "we", "meet"]
    assert page.count.text() == "3 tokens"
    tab.undo()
    rest(tab, qtbot)
    assert tab.params.text == page.line.text() == SelfAttentionParams.text
    assert not tab.now.state.history.can_undo


def test_an_empty_line_says_so_and_the_old_picture_stays(tab, page, qtbot):
    before = page.map.numbers()["values"]
    page.line.selectAll()
    QTest.keyClick(page.line, Qt.Key.Key_Delete)
    rest(tab, qtbot)
    assert "empty" in page.count.text()
    assert page.line.property("kind") == "bad"
    assert page.map.numbers()["values"] is before
    assert not tab.failed
    QTest.keyClicks(page.line, "x")
    rest(tab, qtbot)
    assert page.count.text() == "1 token"
    assert page.line.property("kind") == ""


def test_the_last_line_that_could_be_read_is_drawn(tab, page, qtbot):
    for text in ("a b", "", "a b"):  # faster than the engine
        page.type_text(text)
    rest(tab, qtbot)
    assert page.map.numbers()["rows"].tolist() == ["a", "b"]
    assert page.count.text() == "2 tokens"


def test_what_asks_by_itself_waits_for_a_line_that_can_be_read(tab, page, qtbot):
    """Another device and coming back from another page: none of them fails for the line."""
    page.type_text("")
    tab.set_device("cpu")
    assert not tab.is_busy
    page.change(split=NUMBERS)
    rest(tab, qtbot)
    before = page.map.numbers()["values"]
    page.type_text("1 2 3; what")
    code = turn(tab, qtbot, POSITIONS)
    code.change(dim=2, length=17)
    rest(tab, qtbot)
    assert code.map.numbers()["values"].shape == (17, 2)  # it needs no line
    turn(tab, qtbot, SENTENCE)
    assert not tab.failed
    assert not tab.error.isVisible()
    assert page.map.numbers()["values"] is before
    assert "does not fit" in page.count.text()
    page.type_text("1 2; 3")
    rest(tab, qtbot)
    assert page.map.numbers()["values"].shape == (2, 2)


def test_five_hundred_tokens_are_cut_in_words(tab, page, qtbot):
    page.type_text("word " * 500)
    rest(tab, qtbot)
    assert page.count.text() == "500 tokens: the first 128 are shown"
    assert page.map.numbers()["values"].shape == (128, 128)


def test_numbers_have_a_line_of_their_own(tab, page, qtbot):
    page.change(split=NUMBERS)
    rest(tab, qtbot)
    assert page.line.text() == tab.params.numbers
    page.type_text("1 0; what")
    rest(tab, qtbot)
    assert page.count.text() == "what is not a number."
    page.change(split="Words")
    rest(tab, qtbot)
    assert page.line.text() == tab.params.text == SelfAttentionParams.text
    assert page.count.text() == "9 tokens"


def test_numbers_that_no_longer_fit_are_named(tab, page, qtbot):
    page.change(split=NUMBERS)
    page.type_text("1 2 3; 4")
    page.change(dim=2)
    rest(tab, qtbot)
    assert page.count.text() == "A token of 3 numbers does not fit a width of 2."
    assert not tab.failed


@pytest.mark.parametrize("index", range(len(EXAMPLES)))
def test_examples(tab, page, qtbot, index):
    page.use_example(index)
    rest(tab, qtbot)
    assert page.line.text() == EXAMPLES[index][1]
    assert page.line.property("kind") != "bad"


def test_a_token_is_pinned_in_every_view_without_asking_the_engine(tab, page, qtbot):
    page.change(shuffle=True)
    rest(tab, qtbot)
    asked = frames(page)
    page.map.clicked.emit((4, -1))
    rest(tab, qtbot)
    assert not asked
    assert [view.at() for view in page.token_views] == [(4, -1)] * 5
    assert {view.at() for view in page.outputs} == {(page.frame.order[4], -1)}
    assert tab.params.token == 4
    tab.undo()
    assert (tab.params.shuffle, tab.params.token) == (False, 4)


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0.7}, {"temperature": 3.0, "dim": 8, "kind": ROTARY, "seed": 4}]
)
def test_the_formula_of_a_pair_holds_for_the_settings_shown(tab, page, qtbot, settings):
    page.change(**settings)
    rest(tab, qtbot)
    frame, found = page.frame, words.said(page.live, "setText").values
    query, key = page.params.token, int(frame.weights[page.params.token].argmax())
    by = {"√d": frame.queries.shape[1] ** 0.5, "(√d × T)": frame.queries.shape[1] ** 0.5 * page.params.temperature}
    assert page.params.temperature == 1 or "T" in found["by"]
    score = float(frame.queries[query] @ frame.keys[key]) / by[found["by"]]
    assert found["score"] == words.number(score, 2)
    assert np.exp(frame.scores[query] - score).sum() * frame.weights[query, key] == pytest.approx(1)


def test_the_verdict_is_drawn_for_both_and_bold_for_the_present(tab, page, qtbot):
    assert "the same rows" in page.without.text()
    assert "different rows" in page.with_.text()
    assert page.with_.font().bold() > page.without.font().bold()
    page.change(positions=False, kind=ROTARY)
    rest(tab, qtbot)
    assert page.without.font().bold() > page.with_.font().bold()
    assert page.with_.text().startswith("Rotary")


def test_reset_brings_the_model_back_but_not_the_sentence(tab, page, qtbot):
    page.type_text("keep me")
    page.change(positions=False, temperature=2.0, shuffle=True)
    assert tab.params.changes() == 3
    tab.now.state.reset()
    rest(tab, qtbot)
    assert tab.params.changes() == 0
    assert tab.params.text == "keep me"


def test_kind_width_and_seed_are_set_for_both_pages_and_undone_on_either(tab, page, qtbot):
    code = turn(tab, qtbot, POSITIONS)
    code.step(kind=LEARNED)
    rest(tab, qtbot)
    assert code.frame.kind == LEARNED
    turn(tab, qtbot, SENTENCE)
    assert page.with_.text().startswith("Learned")
    tab.undo()
    rest(tab, qtbot)
    assert page.with_.text().startswith("Sine")
    assert turn(tab, qtbot, POSITIONS).frame.kind == SINUSOIDAL


def test_cursors_are_linked(tab, qtbot):
    page = turn(tab, qtbot, POSITIONS)
    page.map.hovered.emit((7, 3))
    assert page.curves.cursor_at() == 7
    assert page.dots.lit() == (7, -1)
    page.dots.hovered.emit((2, 9))
    assert page.offset.cursor_at() == 7


def test_columns_stay_within_the_width_and_are_drawn_without_asking(tab, qtbot):
    page = turn(tab, qtbot, POSITIONS)
    for dim in (2, 256, 4):
        page.change(dim=dim, column=252)
        rest(tab, qtbot)
        assert len(page.curves.curves()) == min(4, dim)
    page.change(dim=64)
    rest(tab, qtbot)
    asked = frames(page)
    page.change(column=8)
    assert not tab.is_busy
    assert not asked
    assert [curve.name for curve in page.curves.curves()] == ["8", "9", "10", "11"]


def test_measuring_fills_the_plots_and_can_be_stopped(tab, qtbot, monkeypatch):
    monkeypatch.setattr(cost, "LENGTHS", (4, 8, 16))
    page = turn(tab, qtbot, COST)
    seen = frames(page)
    page.measure()
    assert page.measure_button.text() == "Stop"
    before = tab.params
    page.change(cost_length=100)  # only another place to look at: the measurement goes on
    rest(tab, qtbot)
    assert [event for event in seen if isinstance(event, MeasuredFrame)][-1].done
    assert page.measure_button.text() == "Measure"
    assert tab.params.cost_length == 100 != before.cost_length
    assert not tab.params.measure
    assert "equal to the formulas" in page.counted.text()
    assert "measure" not in settings_of(page.table)
    page.change(kernel=5)
    rest(tab, qtbot)
    assert page.measured is None  # measured with another kernel
    assert not tab.failed


def measuring(tab, qtbot, monkeypatch):
    """The page while it measures for long."""
    monkeypatch.setattr(cost, "LENGTHS", (64,) * 3000)
    page = turn(tab, qtbot, COST)
    page.step(kernel=5)
    rest(tab, qtbot)
    page.measure()
    qtbot.waitUntil(lambda: tab.progress is not None, timeout=20_000)
    return page


def by_undo(tab, page):
    tab.undo()
    assert tab.params == CostParams()  # not measured anew with the other kernel


ENDS = {
    "its button": lambda tab, page: page.measure(),
    "another width": lambda tab, page: page.change(cost_dim=8),
    "an undo": by_undo,
    "another device": lambda tab, page: tab.set_device("cpu"),
    "Esc of the status bar": lambda tab, page: tab.cancel(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_measurement_is_ended_by(tab, qtbot, monkeypatch, end):
    page = measuring(tab, qtbot, monkeypatch)
    end(tab, page)
    rest(tab, qtbot)
    assert page.measure_button.text() == "Measure"
    assert not tab.params.measure
    assert not tab.failed


def test_a_measurement_begun_anew_is_not_ended_by_the_end_of_the_one_before(tab, qtbot, monkeypatch):
    page, ended = measuring(tab, qtbot, monkeypatch), []
    page.feed.heard.connect(lambda event: ended.append(event) if isinstance(event, Ended) else None)
    page.measure()
    page.measure()
    qtbot.waitUntil(lambda: len(ended) == 2)
    assert tab.params.measure
    page.measure()
    rest(tab, qtbot)


def test_a_measurement_goes_on_behind_another_page(tab, qtbot, monkeypatch):
    page = measuring(tab, qtbot, monkeypatch)
    tab.show_page(SENTENCE)
    tab.show_page(COST)
    assert tab.is_busy
    assert page.measure_button.text() == "Stop"
    tab.show_page(SENTENCE)
    tab.now.change(temperature=2.0)  # asked meanwhile
    qtbot.waitUntil(lambda: not tab.is_busy and not page.params.measure)
    turn(tab, qtbot, COST)
    assert page.measure_button.text() == "Measure"


def test_the_cursor_of_the_cost_is_one_step_to_undo(tab, qtbot):
    page = turn(tab, qtbot, COST)
    for x in (100.0, 200.0, 300.0):
        page.plots[0].picked.emit(x)
    page.plots[0].settled.emit()
    assert tab.params.cost_length == 300
    tab.undo()
    assert tab.params == CostParams()


def test_the_table_of_costs_takes_the_room_of_a_large_window(tab, qtbot):
    tab.window().resize(1920, 1080)
    table = turn(tab, qtbot, COST).table
    qtbot.waitUntil(lambda: table.isVisible() and table.height() > 300)
    assert table.height() - 24 - len(table._rows) * table.row_height() < 48


def test_a_window_in_chinese_begins_with_a_chinese_sentence(open_window, qtbot):
    window = open_window(language="zh")
    made = window.show_topic("self_attention")
    rest(made, qtbot)
    assert made.params.text == EXAMPLES[1][1]
    assert not words.missing()


def test_settings_of_the_whole_tab_are_read_by_its_pages(open_window):
    window = open_window()
    found = SimpleNamespace(dim=8, column=2, kernel=7)
    window.settings.keep_fields("self_attention", found, ("dim", "column", "kernel"))
    tab = window.show_topic("self_attention")
    assert tab.pages[SENTENCE].params == tab.pages[POSITIONS].params == SelfAttentionParams(dim=8, column=2)
    assert tab.pages[COST].params == CostParams(kernel=7)


def test_numbers_are_written_as_the_app_writes_them():
    assert [tiny(v) for v in (0, 4.44e-16, 0.0021, 1.972)] == ["0", "4.4e−16", "0.0021", "1.97"]
    assert [duration(v) for v in (1.25e-6, 9e-4, 0.0034, 1.2)] == ["1.2 µs", "900 µs", "3.4 ms", "1.20 s"]
    assert short("internationalization") == "internatio…"
    assert [whole(n) for n in (33_554_432, 68_719_476_736)] == ["33,554,432", "6.87 · 10¹⁰"]
    assert exact_costs(5, 2, 3) == ((100, 60, 40), (2, 1, 5), (1, 2, 5))


def test_bands_fit_into_their_plot(qtbot):
    plot = Curves(zero=True, widest="−0.00")
    qtbot.addWidget(plot)
    x = np.arange(3.0)
    plot.set_curves([Curve("a", x, x, low=x - 4, high=x + 5)])
    plot.fit()
    low, high = plot.box.viewRange()[1]
    assert low <= -4
    assert high >= 7

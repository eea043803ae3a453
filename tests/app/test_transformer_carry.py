"""Nothing of one task, run or model is said of the next one; and what the hand points at survives new numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.tabs.transformer.maps import Maps
from app.views.bars import Bar, Bars
from app.views.pairbars import PairBars, PairRow
from app.views.tokenlinks import TokenLinks
from engines.core.errors import Message
from engines.data.sequences import SORT
from engines.transformer.decode.spec import BEAM
from engines.transformer.experiments.norm_comparison_spec import ComparisonBegan, ComparisonMeasured, ComparisonStep
from engines.transformer.experiments.spec import ABLATION, CAUSAL, Causality
from tests.app import reading
from tests.app.transformer_help import (
    DECODE,
    LAB,
    MATHS,
    PATIENCE,
    change,
    know,
    rest,
    run_of,
    texts,
    train,
    turn,
)
from tests.app.transformer_help import transformer_tab as transformer_tab
from tests.app.views_help import hover, show


# ------------------------------------------------------------------ tasks
def test_a_step_back_from_behind_a_shorter_answer(tab, qtbot):
    tab.show_page(DECODE)
    tab.now.change(token=9)
    change(qtbot, tab, text="abc")
    assert "Step 4 of 4" in texts(tab.pages[DECODE].centre)
    tab.pages[DECODE].back.click()
    assert tab.params.token == 2
    assert "Step 3 of 4" in texts(tab.pages[DECODE].centre)


def test_all_pages_look_at_the_input_that_decode_shows(tab, qtbot):
    tab.show_page(MATHS)
    tab.now.change(text="abc")
    rest(tab, qtbot)
    tab.now.change(text="a+b")  # can't be read: the answer of the one before stays
    rest(tab, qtbot)
    assert tab.pages[MATHS].seen.keys == ("a", "b", "c", "</s>")
    assert turn(tab, qtbot, DECODE).answer.source == tab.pages[MATHS].seen.keys
    tab.show_page(LAB)
    qtbot.waitUntil(lambda: Causality in tab.pages[LAB].frames, timeout=PATIENCE)
    assert "".join(tab.pages[LAB].frames[Causality].target) == "<s>cba"
    tab.cancel()
    rest(tab, qtbot)


def test_settings_reach_the_last_input_that_could_be_read(tab, qtbot):
    tab.show_page(DECODE)
    change(qtbot, tab, text="abc")
    tab.now.change(text="a+b")
    assert not tab.is_busy  # nothing new to ask
    change(qtbot, tab, method=BEAM, beams=3)
    assert tab.pages[DECODE].answer.source == ("a", "b", "c", "</s>")
    assert len(tab.pages[DECODE].beams.numbers()["names"]) > 1


def test_numbers_are_said_of_the_task_that_they_are_of(tab, qtbot):
    said = {MATHS: tab.pages[MATHS].told, LAB: tab.pages[LAB].model}
    for page, label in said.items():
        tab.show_page(page)
        qtbot.waitUntil(lambda label=label: label.text().startswith("Reverse: "), timeout=PATIENCE)
        tab.now.change(task=SORT, text="")
        assert label.text().startswith("Reverse: ")  # the old numbers are still on screen
        qtbot.waitUntil(lambda label=label: label.text().startswith("Sort: "), timeout=PATIENCE)
        tab.undo()
    tab.cancel()
    rest(tab, qtbot)


# ------------------------------------------------------------------ runs and their shapes
def test_a_step_of_the_walk_stays_the_same_in_a_model_of_another_order(tab, qtbot):
    tab.show_page(MATHS)
    rest(tab, qtbot)
    page = tab.pages[MATHS]
    page.go(5)
    assert page.steps[page.at][1] == "Softmax"
    page.on(replace(page.seen, norm_first=True))
    assert (page.steps[page.at][1], page.at) == ("Softmax", 6)
    page.go(1)
    assert page.steps[page.at][1] == "Norm"
    page.on(replace(page.seen, norm_first=False))  # has no such step
    assert page.at == 1


def test_a_map_of_a_run_goes_with_it(tab, qtbot):
    tab.now.change(experiment=ABLATION, lab_examples=32)
    train(qtbot, tab, 2)
    tab.show_page(LAB)
    panel = tab.pages[LAB].ablation
    panel.wanted.emit()
    qtbot.waitUntil(lambda: panel.frame is not None, timeout=PATIENCE)
    panel.stop.click()
    rest(tab, qtbot)
    run_of(tab).one_step()
    rest(tab, qtbot)
    know(tab, qtbot)
    assert panel.frame is not None  # the run goes on
    assert panel.bar.isVisible()
    run_of(tab).restart()
    assert panel.frame is None
    assert not panel.bar.isVisible()  # nor is its scale left
    rest(tab, qtbot)


def test_a_race_begins_without_the_last_steps_of_the_one_before(tab):
    comparison = tab.pages[LAB].comparison
    comparison.take(ComparisonStep(500, (0.1, 0.2), (False, True)))  # arrives after the next one was asked for
    comparison._draw()  # and the next one takes its time
    assert comparison.loss.numbers() == {}
    comparison.take(ComparisonBegan(1000, Message("")))
    comparison._draw()
    assert comparison.loss.numbers() == {}
    comparison.take(ComparisonMeasured(0, *[(0.0, 0.0)] * 4))
    comparison.take(ComparisonStep(1, (3.0, 3.0), (False, False)))
    comparison._draw()
    assert comparison.loss.numbers()["LN_x"].tolist() == [1]


def test_the_answer_is_of_now_when_the_tab_comes_back(tab, qtbot):
    tab.show_page(DECODE)
    train(qtbot, tab, 2)
    qtbot.waitUntil(lambda: tab.pages[DECODE].answer.step == run_of(tab).step, timeout=PATIENCE)
    tab.hide()
    run_of(tab).one_step()
    rest(tab, qtbot)
    know(tab, qtbot)
    assert tab.pages[DECODE].answer.step == run_of(tab).step - 1  # nobody sees it
    tab.show()
    tab.shown()
    qtbot.waitUntil(lambda: tab.pages[DECODE].answer.step == run_of(tab).step, timeout=PATIENCE)
    rest(tab, qtbot)


# ------------------------------------------------------------------ what is long
def test_long_problems_and_answers_take_more_lines_not_the_room_of_others(tab, qtbot):
    tab.show_page(DECODE)
    page, words_of = (
        tab.pages[DECODE],
        "pneumonoultramicroscopic floccinaucinihilipilification antidisestablishment " * 2,
    )
    change(qtbot, tab, task="English to digits", text="", method=BEAM, beams=8)
    before = page.line.width()
    tab.now.change(text=words_of)
    qtbot.waitUntil(lambda: page.line.width() < before, timeout=PATIENCE)
    assert page.line.width() > 300
    qtbot.waitUntil(lambda: not list(reading.cut(page.count)), timeout=PATIENCE)  # the next line of it needs its room
    long = "nine hundred ninety-nine thousand nine hundred ninety-nine"
    page.draw_answer(replace(page.answer, text=long, right=long + "!"))
    qtbot.waitUntil(lambda: page.result.height() > 20, timeout=PATIENCE)
    assert not [found for found in reading.cut(page.links_card) if "QLabel" in found]
    tab.window().resize(1920, 1080)
    qtbot.waitUntil(lambda: page.result.height() <= 20, timeout=PATIENCE)  # one line where there is room
    change(qtbot, tab, text="six")
    assert (page.result.wordWrap(), page.count.wordWrap(), page.count.minimumWidth()) == (False, False, 0)


# ------------------------------------------------------------------ what is pointed at
def test_a_bar_stays_pointed_at_while_its_value_changes(qtbot):
    view = show(qtbot, Bars())
    bars = [Bar(name, ((1.0, "accent"),), "1.0") for name in "abc"]
    view.set_bars(bars)
    view.arranged()
    hover(view, view._at.rows[1].center())
    view.set_bars([replace(bar, text="2.0") for bar in bars])
    assert view.report() == view.accessibleDescription() == "b, 2.0"
    view.set_bars(bars[:2])
    assert view.hover() is None  # rows stand elsewhere


def test_a_row_that_is_gone_is_not_pointed_at(qtbot):
    view = show(qtbot, PairBars(("before", "after", "ratio"), "off"), 620, 300)
    rows = [PairRow(name, 1.0, 2.0) for name in "abcd"]
    view.set_rows(rows)
    hover(view, view.row_rect(3).center())
    view.set_rows([replace(row, after=3.0) for row in rows])
    assert view.report().startswith("d: 1.00, 3.00")
    view.set_rows(rows[:2])  # a model of fewer layers
    assert view.report().startswith("a: ")


def test_a_column_stays_pointed_at_while_its_tokens_change(qtbot):
    view = show(qtbot, TokenLinks())
    for said in ("abc", "abd", "a"):
        view.set_tokens("xyz", "<" + said[1:], said, [[(token, 1.0)] for token in said])
        if said == "abc":
            hover(view, view.column_rect(2).center())
        assert view._hover == (2 if len(said) == 3 else -1)


def test_maps_light_up_what_new_weights_look_at(qtbot):
    maps = Maps()
    for card in maps.cards.values():
        qtbot.addWidget(card)
    rng = np.random.default_rng(0)

    def weights():
        sizes = {"encoder": (3, 3), "decoder": (2, 2), "cross": (2, 3)}
        return {kind: rng.dirichlet(np.ones(n), (1, 1, m)).astype(np.float32) for kind, (m, n) in sizes.items()}

    maps.show_weights(weights(), "xyz", "ab")
    maps.maps["cross"].hovered.emit((1, 2))
    lit = set()
    for _ in range(9):
        now = weights()
        maps.show_weights(now, "xyz", "ab")
        row = now["cross"][0, 0, 1]
        assert maps.bars["cross"].mark() == pytest.approx(row[2])
        assert maps.maps["encoder"].lit() == (row.argmax(), -1)
        lit.add(int(row.argmax()))
    assert len(lit) > 1
    maps.maps["cross"].hovered.emit(None)
    assert maps.bars["cross"].mark() is maps.maps["encoder"].lit() is None


def test_a_cell_stays_pointed_at_while_the_model_learns(tab, qtbot):
    tab.show_page(MATHS)
    rest(tab, qtbot)
    page = tab.pages[MATHS]
    hover(page.result.grid, page.result.grid.cell_rect((2, 1)).center())
    said = [line.text() for line in page.lines]
    assert page.cell == (0, 0)
    page.on(replace(page.seen, step=7))
    assert [line.text() for line in page.lines] == said
    page.go(2)
    assert [line.text() for line in page.lines] != said  # the hand asked for another step

    tab.show_page(LAB)
    rest(tab, qtbot)
    assert tab.params.experiment == CAUSAL
    panel = tab.pages[LAB].causal
    hover(panel.grid, panel.grid.cell_rect((5, 1)).center())
    assert "Position 6" in panel.said[0].text()
    tab.pages[LAB].on(replace(tab.pages[LAB].frames[Causality]))
    assert "Position 6" in panel.said[0].text()
    tab.now.change(token=3)  # chosen by hand
    assert "Position 4" in panel.said[0].text()


def test_a_part_stays_pointed_at_while_others_are_measured(tab, qtbot):
    tab.now.change(experiment=ABLATION, lab_examples=256)
    tab.show_page(LAB)
    panel = tab.pages[LAB].ablation
    qtbot.waitUntil(lambda: panel.frame is not None and panel.frame.done > 1, timeout=PATIENCE)
    panel.stop.click()
    rest(tab, qtbot)
    cell = (5, 2)
    hover(panel.grid, panel.grid.cell_rect(cell).center())
    assert panel.said[0].text() == "Not measured yet."
    panel.take(replace(panel.frame))
    assert panel.said[0].text() == "Not measured yet."

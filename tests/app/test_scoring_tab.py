"""The tab "Scoring functions": what the hand does, what is asked for, what is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from app import theme, words
from app.export import TAKERS, settings_of
from app.plots.typed import GraphicsView
from app.tabs.scoring.step_through.stages import STEPS, formula, steps
from app.tabs.scoring.tex import EQUATIONS
from engines.scoring.compare.spec import Compared
from engines.scoring.spec import (
    ADDITIVE,
    DOT,
    FUNCTIONS,
    MOST_ARROWS,
    MOST_KEYS,
    SCALED,
    ScoringParams,
)
from tests.app.views_help import click, drag, exported, is_drawn, loud
from tests.closeness import close

COMPARE, DIMENSION, WALK, ARROWS = range(4)


def turn(tab, qtbot, page):
    """Turn to a page and wait for its answer."""
    tab.show_page(page)
    rest(tab, qtbot)


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=60_000)


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("scoring")
    rest(tab, qtbot)
    return tab


def seen(tab) -> Compared:
    return tab.pages[COMPARE].feed.frames[Compared]


def texts(tab):
    return [line.text() for line in tab.pages[WALK].lines]


# ------------------------------------------------------------------ Compare
def test_three_functions_stand_side_by_side(tab):
    for f, one in enumerate(tab.pages[COMPARE].functions):
        scores, weights, output = one.grids
        np.testing.assert_allclose(scores.values(), seen(tab).scores[f])
        np.testing.assert_allclose(weights.values(), seen(tab).weights[f])
        np.testing.assert_allclose(output.values(), seen(tab).output[f])
        assert scores.is_off((1, 1))
        assert scores.is_off((3, 2))
        assert not scores.is_off((0, 5))
        assert weights.at() == (0, 2)
        assert output.at() == (0, -1)
    tops = {one.grids[1]._top for one in tab.pages[COMPARE].functions}
    assert len(tops) == 1  # one scale for all weights
    raw, scaled = seen(tab).raw[2][0, 2], seen(tab).scores[2][0, 2]
    assert tab.pages[COMPARE].functions[2].live.text() == f"q1, k3: {raw:.2f} / 4.00 = {scaled:.2f}".replace("-", "−")


def test_hovering_lights_the_pair_everywhere_and_asks_nobody(tab):
    tab.pages[COMPARE].functions[0].grids[0].hovered.emit((2, 1))
    assert {one.grids[1]._cross for one in tab.pages[COMPARE].functions} == {(2, 1)}
    assert tab.pages[COMPARE].functions[1].live.text().startswith("q3, k2: ")
    assert tab.pages[COMPARE].mlp.report().startswith("q3, k2: ")
    assert not tab.is_busy
    tab.pages[COMPARE].functions[0].grids[0].hovered.emit(None)
    assert tab.pages[COMPARE].mlp.report().startswith("q1, k3: ")
    tab.pages[COMPARE].functions[0].grids[0].clicked.emit((2, 1))
    assert tab.params.cell == (2, 1)
    assert not tab.now.state.history.can_undo  # looking is no step


def test_painting_is_one_step_a_drag(tab, qtbot):
    mask = tab.pages[COMPARE].grid
    drag(mask, mask.cell_rect((0, 0)).center(), mask.cell_rect((0, 3)).center())
    assert {(0, 0), (0, 3)} <= set(tab.params.masked)
    painted = tab.params.masked
    rest(tab, qtbot)
    assert not seen(tab).allowed[0, 0]
    click(mask, mask.cell_rect((0, 0)).center())
    assert (0, 0) not in tab.params.masked
    tab.undo()
    assert tab.params.masked == painted
    tab.undo()
    assert tab.params.masked == ScoringParams().masked
    tab.redo()
    assert tab.params.masked == painted


def test_the_edge_of_a_row_is_its_valid_length(tab, qtbot):
    mask = tab.pages[COMPARE].grid
    drag(mask, mask.edge(0), mask.edge(0) - QPointF(3 * mask.cell_rect((0, 0)).width(), 0))
    assert tab.params.valid_lens[0] == 3
    drag(mask, mask.edge(3), mask.edge(3) + QPointF(9 * mask.cell_rect((0, 0)).width(), 0))
    assert tab.params.valid_lens == (3, MOST_KEYS, 4, MOST_KEYS)  # dragged to the end: all keys, also later ones
    tab.now.change(num_keys=20)
    rest(tab, qtbot)
    assert seen(tab).allowed[3].all()
    tab.undo()
    tab.undo()
    assert tab.params.valid_lens == (3, MOST_KEYS, 4, 2)


def test_the_mask_can_be_worked_by_keys(tab, qtbot):
    mask = tab.pages[COMPARE].grid
    mask.setFocus()
    qtbot.keyClick(mask, Qt.Key.Key_Right)
    assert tab.params.cell == (0, 3)
    qtbot.keyClick(mask, Qt.Key.Key_Space)
    assert (0, 3) in tab.params.masked
    qtbot.keyClicks(mask, "-")
    assert tab.params.valid_lens[0] == 5
    qtbot.keyClicks(mask, "+")
    assert tab.params.valid_lens[0] == MOST_KEYS


def test_a_row_without_keys_is_said(tab, qtbot):
    assert tab.pages[COMPARE].empty.isHidden()
    tab.now.change(valid_lens=(MOST_KEYS, 0, 4, 2))
    rest(tab, qtbot)
    assert not tab.pages[COMPARE].empty.isHidden()
    assert tab.pages[COMPARE].empty.text().startswith("q2: no key left")
    assert not seen(tab).weights[:, 1].any()
    tab.pages[COMPARE].clear.click()
    assert tab.params.valid_lens == ()
    assert tab.params.masked == ()
    rest(tab, qtbot)
    assert tab.pages[COMPARE].empty.isHidden()


def test_dot_products_say_why_not(tab, qtbot):
    tab.pages[COMPARE].form.control("same_length").click()
    rest(tab, qtbot)
    additive, dot, scaled = (one.card for one in tab.pages[COMPARE].functions)
    assert not additive.is_empty()
    for one in (dot, scaled):
        assert one.is_empty()
        assert "queries have 4 numbers, keys 16" in one.empty_text.text()
    turn(tab, qtbot, WALK)
    assert "queries have 4 numbers, keys 16" in tab.pages[WALK].middle.empty_text.text()
    tab.pages[WALK].middle.empty_button.click()
    assert tab.params.function == ADDITIVE
    rest(tab, qtbot)
    assert not tab.pages[WALK].middle.is_empty()
    turn(tab, qtbot, COMPARE)
    dot.empty_button.click()
    rest(tab, qtbot)
    assert tab.params.same_length
    assert not dot.is_empty()


def test_reset_brings_the_first_mask_and_temperature_back(tab):
    tab.now.change(temperature=2.0)
    tab.now.change(valid_lens=(1,), masked=())
    assert tab.params.changes() == 5  # temperature, three rows, one cell
    tab.now.state.reset()
    assert tab.params == ScoringParams()
    assert tab.params.changes() == 0


# ------------------------------------------------------------------ Step through
def test_buttons_and_keys_walk_the_steps(tab, qtbot):
    tab.window().activateWindow()
    qtbot.waitUntil(tab.window().isActiveWindow)
    turn(tab, qtbot, WALK)
    walk = tab.pages[WALK]
    assert walk.at == 0
    assert not walk.stepping.back.isEnabled()
    walk.stepping.forward.click()
    assert walk.at == walk.strip.at() == 1
    walk.strip.setFocus()
    qtbot.keyClick(walk.strip, Qt.Key.Key_Right)
    assert walk.at == 2
    assert not walk.mask_box.isHidden()
    for key, step in ((".", 3), (",", 2), (Qt.Key.Key_End, 4), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(walk.strip, key)
        assert walk.at == step
    walk.go(4)
    assert not walk.stepping.forward.isEnabled()
    click(walk.strip, walk.strip.place(1).center())
    assert walk.at == 1


def test_each_cell_has_its_formula(tab, qtbot):
    turn(tab, qtbot, WALK)
    answer = seen(tab)
    assert texts(tab)[0] == "score(q1, k3) = q1 · k3"
    assert texts(tab)[2] == f"= {answer.raw[2][0, 2]:.2f} (a sum over 16 dimensions)"
    tab.pages[WALK].result.grid.hovered.emit((1, 5))
    assert texts(tab)[0] == "score(q2, k6) = q2 · k6"
    tab.pages[WALK].result.grid.hovered.emit(None)
    tab.pages[WALK].go(2)
    tab.pages[WALK].result.grid.hovered.emit((1, 1))
    assert texts(tab)[:2] == ["masked(q2, k2) = −∞", "k2 is masked by hand for q2."]
    tab.pages[WALK].result.grid.hovered.emit((3, 4))
    assert texts(tab)[1] == "k5 lies beyond the valid length of q4, which is 2."
    tab.pages[WALK].go(3)
    tab.pages[WALK].result.grid.hovered.emit((3, 0))
    assert texts(tab)[2].endswith(f"= {answer.weights[2][3, 0]:.3f}")
    tab.pages[WALK].go(4)
    tab.pages[WALK].result.grid.clicked.emit((1, 3))
    assert tab.params.cell == (1, 2)
    assert texts(tab)[2] == f"= {answer.output[2][1, 3]:.2f}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_steps_lead_from_queries_to_the_output(tab, function):
    answer, f = seen(tab), FUNCTIONS.index(function)
    made = steps(answer, f)
    assert [str(step.title) for step in made] == list(STEPS)
    for before, after in itertools.pairwise(made[:4]):
        np.testing.assert_array_equal(before.result.values, after.left.values)
    raised = made[3].right.values
    close(raised / raised.sum(1, keepdims=True), answer.weights[f])
    close(made[4].left.values @ made[4].right.values, made[4].result.values)
    for step in range(len(STEPS)):
        for cell in ((0, 0), (1, 1), (3, 3)):
            assert all(str(line) for line in formula(answer, f, step, cell))


def test_an_additive_score_is_shown_unit_by_unit(tab, qtbot):
    turn(tab, qtbot, WALK)
    page = tab.now
    assert not page.learned.isVisible()
    tab.now.change(function=ADDITIVE)
    rest(tab, qtbot)
    assert page.learned.isVisible()
    answer, (i, j) = seen(tab), page._here()
    w_q, query, w_k, key = page.parts.values()
    asked, offered, hidden, w_v, parts = page.units.values()
    unit = page.units.at()[1]
    assert abs(parts[unit]) == abs(parts).max()
    close(w_q @ query, asked[unit])
    close(w_k @ key, offered[unit])
    close(np.tanh(asked + offered), hidden)
    close((w_v * hidden).sum(), answer.raw[0, i, j])
    close(parts.sum(), page.result.grid.values()[i, j])
    other = (unit + 1) % len(w_v)
    page.units.clicked.emit((0, other))
    close(page.parts.values()[0], answer.w_q[other])
    assert page.lines[0].text().startswith(f"hidden unit {other + 1}:")
    page.go(1)
    assert not page.learned.isVisible()


def test_all_tables_hold_numbers(tab, qtbot):
    """Those of the comparison, and those of an additive score from W_q, W_k and w_v on; smaller ones show colors."""
    tab.window().resize(1280, 800)
    turn(tab, qtbot, COMPARE)
    assert [grid.digits() for one in tab.now.functions for grid in one.grids] == 3 * [2, 3, 2]
    turn(tab, qtbot, WALK)
    tab.now.change(function=ADDITIVE)
    rest(tab, qtbot)
    assert tab.now.units.digits() == 2
    assert tab.now.parts.digits() == 1
    assert tab.now.result.grid.digits() is not None


def test_weights_and_scores_have_the_same_digits_wherever_they_stand(tab, qtbot):
    """Of the chosen pair: its cells, the line below the title, the formula, the steps, the arrow, the bar."""
    answer, cell = seen(tab), tab.now._cell
    score, weight = (float(table[2][cell]) for table in (answer.scores, answer.weights))
    cells = [grid.written(float(grid.values()[cell])) for grid in tab.now.functions[2].grids[:2]]
    printed = EQUATIONS["compare"].numbers(tab.params, {"Compared": answer})
    lines = [words.drawn(formula(answer, 2, step, cell)[-1]) for step in (1, 3)]
    assert cells == [words.number(score, 2), words.number(weight, 3)] == [printed["scaled"], printed["weight"]]
    assert [line.split("= ")[-1] for line in lines] == cells
    assert tab.now.functions[2].live.text().endswith(f"= {cells[0]}")
    turn(tab, qtbot, ARROWS)
    pulled = tab.now.seen
    weight = float(pulled.weights[2][pulled.at])
    assert tab.now.plane.numbers()["notes"][pulled.at] == words.percent(weight)
    assert EQUATIONS["arrows"].numbers(tab.params, {"Pulled": pulled})["weight"] == words.number(weight, 3)


def test_a_row_without_keys_has_a_formula_too(tab, qtbot):
    tab.now.change(valid_lens=(0,))
    rest(tab, qtbot)
    said = formula(seen(tab), 1, 3, (0, 0))
    assert str(said[-1]) == "q1 has no key left: its weights are all 0, not NaN."


# ------------------------------------------------------------------ Dimension
def test_dragging_the_cursor_sets_d(tab, qtbot):
    turn(tab, qtbot, DIMENSION)
    plot = tab.pages[DIMENSION].std
    drag(plot.viewport(), plot.spot(16, 2), plot.spot(512, 2))
    assert tab.params.dim == pytest.approx(512, abs=8)
    rest(tab, qtbot)
    assert tab.pages[DIMENSION].entropy.cursor_at() == tab.params.dim
    tab.undo()
    assert tab.params.dim == 16
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert tab.params.dim == 23
    rest(tab, qtbot)
    assert tab.pages[DIMENSION].heaps._heaps[0].std == pytest.approx(23**0.5, rel=0.1)


# ------------------------------------------------------------------ Arrows
def test_arrows_are_dragged_and_the_output_follows(tab, qtbot):
    turn(tab, qtbot, ARROWS)
    plane = tab.pages[ARROWS].plane
    before = tab.pages[ARROWS].seen
    query = next(a for a in plane._arrows if a.name == "q")
    drag(plane.viewport(), plane.place_of(query.x, query.y), plane.place_of(-1.5, -1.0))
    assert tab.params.arrow_query == pytest.approx((-1.5, -1.0), abs=0.03)
    rest(tab, qtbot)
    assert tab.pages[ARROWS].seen is not before
    assert tab.pages[ARROWS].seen.query == tab.params.arrow_query
    drag(plane.viewport(), plane.place_of(*tab.params.arrow_keys[0]), plane.place_of(9, 0))
    assert tab.params.arrow_keys[0][0] == 4.0  # held within the plane
    tab.undo()
    assert tab.params.arrow_keys == ScoringParams().arrow_keys
    tab.undo()
    assert tab.params == ScoringParams()


def test_values_may_have_arrows_of_their_own(tab, qtbot):
    turn(tab, qtbot, ARROWS)
    plane = tab.pages[ARROWS].plane
    tab.pages[ARROWS].forms[0].control("own_values").click()
    rest(tab, qtbot)
    value = tab.params.arrow_values[2]
    drag(plane.viewport(), plane.place_of(*value), plane.place_of(-3, 2), Qt.KeyboardModifier.ControlModifier)
    assert tab.params.arrow_values[2] == (-3.0, 2.0)
    assert tab.params.arrow_keys == ScoringParams().arrow_keys


def test_the_chosen_key_colors_the_plane(tab, qtbot):
    turn(tab, qtbot, ARROWS)
    plane = tab.pages[ARROWS].plane
    click(plane.viewport(), plane.place_of(*tab.params.arrow_keys[3]))
    rest(tab, qtbot)
    assert tab.params.arrow_at == 3
    assert not tab.pages[ARROWS].bar.isHidden()
    assert tab.pages[ARROWS].bar._name.values == {"key": "k4"}
    assert plane._field is tab.pages[ARROWS].seen.field
    tab.pages[ARROWS].forms[0].control("field").click()
    rest(tab, qtbot)
    assert tab.pages[ARROWS].bar.isHidden()
    assert plane._field is None


def test_keys_are_added_and_taken_away(tab, qtbot):
    turn(tab, qtbot, ARROWS)
    for _ in range(MOST_ARROWS):
        tab.pages[ARROWS].tools.add.click()
    assert len(tab.params.arrow_keys) == len(tab.params.arrow_values) == MOST_ARROWS
    assert not tab.pages[ARROWS].tools.add.isEnabled()
    rest(tab, qtbot)
    assert len(tab.pages[ARROWS].bars[0].bars()) == MOST_ARROWS
    for _ in range(MOST_ARROWS):
        tab.pages[ARROWS].tools.remove.click()
    assert len(tab.params.arrow_keys) == 1
    rest(tab, qtbot)
    assert tab.pages[ARROWS].seen.weights.tolist() == [[1.0]] * 3
    tab.pages[ARROWS].bars[FUNCTIONS.index(DOT)].clicked.emit(0)
    assert tab.params.function == DOT


def test_arrow_keys_move_the_chosen_arrow(tab, qtbot):
    turn(tab, qtbot, ARROWS)
    plane = tab.pages[ARROWS].plane
    qtbot.keyClick(plane, Qt.Key.Key_Return)
    qtbot.keyClick(plane, Qt.Key.Key_Up)
    qtbot.keyClick(plane, Qt.Key.Key_Left)
    assert tab.params.arrow_keys[0] == pytest.approx((2.1, 0.4))
    assert "k1" in plane.report()


# ------------------------------------------------------------------ all pages
@pytest.mark.parametrize("look", theme.THEMES)
def test_every_page_is_whole_in_both_languages(open_window, qtbot, qtlog, look):
    window = open_window(look=look, language="zh")
    words.forget_missing()
    tab = window.show_topic("scoring")
    rest(tab, qtbot)
    for page in range(len(tab.pages)):
        turn(tab, qtbot, page)
        for step in range(len(STEPS)) if page == WALK else (0,):
            tab.pages[WALK].go(step)
            for view in tab.pages[page].centre.findChildren(GraphicsView):
                if view.isVisible():
                    assert is_drawn(view), (page, type(view))
                    assert all(np.isfinite(v).all() for v in view.numbers().values() if v.dtype.kind == "f")
                    assert settings_of(view)["dim"] == 16
    ours = words.translations()
    assert not [text for text in words.missing() if text in ours or "{" in text]
    theme.switch(window, language="en")
    assert tab.pages[COMPARE].functions[0].card.title.text() == ADDITIVE
    assert not loud(qtlog)


@pytest.mark.parametrize("ending", TAKERS)
def test_views_can_be_saved(tab, ending):
    for view in (
        tab.pages[COMPARE].functions[2].grids[1],
        tab.pages[COMPARE].grid,
        tab.pages[WALK].strip,
        tab.pages[ARROWS].plane,
    ):
        assert len(exported(view, ending)) > 100


@pytest.mark.parametrize(
    "fields",
    [
        {"dim": 1, "num_keys": 1, "num_queries": 1, "hidden": 1},
        {"dim": 1024, "num_keys": 64, "num_queries": 8, "hidden": 256, "temperature": 0.01},
        {"temperature": 100.0, "valid_lens": (0, 0, 0, 0)},
    ],
)
def test_extremes_are_drawn(tab, qtbot, fields):
    tab.now.change(**fields)
    rest(tab, qtbot)
    assert not tab.failed
    for page in range(len(tab.pages)):
        turn(tab, qtbot, page)
        for step in range(len(STEPS)) if page == WALK else (0,):
            tab.pages[WALK].go(step)
            tab.pages[page].centre.grab()
    assert tab.params.function == SCALED

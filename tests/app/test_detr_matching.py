"""The page "Matching": what the hand does, and that the assignment is always the optimum."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from scipy.optimize import linear_sum_assignment

from app import export, words
from app.tabs.detr.matching.canvas import GUESS, THING
from app.views.dragbars import DragBars
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Ended
from engines.detr.matching.scenes import (
    CROWD,
    FROM_MODEL,
    INFINITE,
    SCENES,
    UNDEFINED,
    probabilities_of,
    scene_of,
)
from engines.detr.matching.spec import RT_DETR
from engines.detr.spec import CROSS, HeadOff
from tests.app.detr_fake import texts
from tests.app.detr_pages import MATCHING, WAIT, at, looks, open_pages, rest, speak, turn_to
from tests.app.views_help import click, drag, hover, is_drawn, send, show
from tests.closeness import MANY, about, close

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def tab(open_window, monkeypatch):
    return open_pages(open_window, monkeypatch).show_topic("detr")


@pytest.fixture
def page(tab, qtbot):
    return turn_to(tab, qtbot, MATCHING)


def is_optimal(page):
    """The pairs outlined on the table on screen are scipy's optimum of the numbers on it."""
    table = page.tables.tables[3].numbers()
    values = table["values"].astype(np.float64)
    rows, cols = linear_sum_assignment(values)
    outlined = table.get("assignment", np.zeros((0, 2), int))
    pairs = {(int(r), int(c)) for r, c in outlined}
    assert len(pairs) == min(values.shape)
    assert sum(values[r, c] for r, c in pairs) == pytest.approx(values[rows, cols].sum(), abs=1e-9)
    return pairs


# ------------------------------------------------------------------ matching
def test_it_opens_on_a_scene_where_greedy_is_worse(page):
    assert is_optimal(page) == {(0, 0), (1, 1), (2, 2), (3, 3)}
    assert {"4 objects, 7 predictions", "Greedy is worse here: it takes 1→B first.", "+1.57"} <= texts(page.window())
    terms = [table.numbers()["values"] for table in page.tables.tables]
    close(terms[0] + 5 * terms[1] + 2 * terms[2], terms[3])
    assert len(page.tables.tables[3].numbers()["greedy_where_it_differs"]) == 2
    assert len(page.canvas.numbers()["matches"]) == 4
    parts = page.loss.bars.numbers()
    assert parts["names"].tolist() == ["1 → A", "2 → B", "3 → C", "4 → D", "no object"]
    assert parts["values"].sum() == pytest.approx(page.found.total_loss)


def test_a_drag_moves_a_box_as_one_step_and_the_model_is_not_asked(page, tab, qtbot):
    asked, before = tab.model.asked, page.scene
    drag(page.canvas, at(page.canvas, 0.76, 0.34), at(page.canvas, 0.30, 0.70))
    rest(qtbot, page)
    moved = page.scene.things[2].box if page.scene.things[2] != before.things[2] else page.scene.guesses[2].box
    assert moved[0] == pytest.approx(0.76 - 0.46, abs=0.03)
    is_optimal(page)
    assert tab.model.asked == asked
    tab.undo()
    rest(qtbot, page)
    assert page.scene == before
    assert not page.state.history.can_undo
    tab.redo()
    rest(qtbot, page)
    assert page.scene != before


def test_the_assignment_is_the_optimum_at_every_moment_of_a_fast_drag(page, qtbot):
    page.choose_scene(SCENES.index(CROWD))
    rest(qtbot, page)
    seen = []
    page.feed.heard.connect(lambda event: event is page.found and seen.append(is_turned_optimal(page)))
    canvas, left, none = page.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    cx, cy, *_ = page.scene.things[8].box
    send(canvas, QEvent.Type.MouseButtonPress, at(canvas, cx, cy), left, left, none)
    for step in range(60):
        place = at(canvas, cx + 0.3 * np.sin(step / 4), cy + 0.2 * np.cos(step / 3))
        send(canvas, QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton, left, none)
        if step % 7 == 0:  # let an answer in, in the middle of the drag
            answers = len(seen)
            qtbot.waitUntil(lambda answers=answers: len(seen) > answers, timeout=WAIT)
    send(canvas, QEvent.Type.MouseButtonRelease, at(canvas, cx, cy), left, Qt.MouseButton.NoButton, none)
    rest(qtbot, page)
    assert seen
    assert len(is_turned_optimal(page)) == 20
    assert canvas.numbers()["matches"].shape == (20, 2)


def is_turned_optimal(page):
    assert page.tables.turned
    return is_optimal(page)


def test_the_tables_and_the_numbers_over_them_sum_to_the_total(page, tab, qtbot):
    *terms, total = (table.numbers()["values"] for table in page.tables.tables)
    weights = (page.params.class_cost, page.params.bbox_cost, page.params.giou_cost)
    np.testing.assert_allclose(sum(w * t for w, t in zip(weights, terms, strict=True)), total, atol=1e-4)


def test_presets_and_weights(page, tab, qtbot):
    dock = page.controls
    dock.presets.button(1).click()
    rest(qtbot, page)
    assert page.params.weights == RT_DETR
    assert "focal class, × 2 in the sum" in texts(page.tables)
    qtbot.waitUntil(lambda: "Varifocal" in texts(page.loss.card))  # new words appear when they are laid out
    assert not dock.form.control("eos_coef").isEnabled()
    is_optimal(page)
    dock.form.control("bbox_cost").slider.setValue(0)
    rest(qtbot, page)
    assert dock.presets.at() == 2
    assert "L1, × 0 in the sum" in texts(page.tables)
    is_optimal(page)
    for name in ("class_cost", "giou_cost"):
        dock.form.control(name).slider.setValue(0)
    rest(qtbot, page)
    assert "At least one matching cost must be nonzero." in texts(tab)
    dock.presets.button(0).click()
    rest(qtbot, page)
    assert (page.params.weights, page.found.error) == ((False, 1.0, 5.0, 2.0), None)
    qtbot.waitUntil(lambda: "Cross-entropy" in texts(page.loss.card))
    assert dock.form.control("eos_coef").isEnabled()
    dock.presets.button(2).click()  # nothing is the hand's own yet: it is led to where that begins
    assert dock.presets.at() == 0
    assert tab.window().focusWidget() is dock.form.control("class_cost").slider


def test_boxes_are_drawn_chosen_changed_and_deleted(page, tab, qtbot):
    page.add_buttons[0].click()
    drag(page.canvas, at(page.canvas, 0.05, 0.70), at(page.canvas, 0.20, 0.95))
    rest(qtbot, page)
    assert len(page.scene.things) == 5
    assert page.scene.things[4].box == pytest.approx((0.125, 0.825, 0.15, 0.25), abs=0.02)
    assert page.canvas.at() == 7 + 4
    assert "Object E" in texts(page.controls)
    is_optimal(page)
    page.controls.kind.pick(5)
    assert page.scene.things[4].label == 5
    QTest.keyClick(page.canvas, Qt.Key.Key_Delete)
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])
    page.add_buttons[1].click()
    click(page.canvas, at(page.canvas, 0.5, 0.9))
    rest(qtbot, page)
    assert len(page.scene.guesses) == 8
    page.add_buttons[1].click()
    QTest.keyClick(page.canvas, Qt.Key.Key_Escape)
    click(page.canvas, at(page.canvas, 0.5, 0.1))
    rest(qtbot, page)
    assert len(page.scene.guesses) == 8
    while page.state.history.can_undo:
        tab.undo()
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])


def test_probabilities_follow_the_hand(page, tab, qtbot):
    page.select((GUESS, 0))
    assert "Prediction 1: class probabilities" in texts(page.controls)
    bars = page.controls.bars
    bars.arranged()
    row = bars._at.rows[1]  # circle
    drag(bars, QPointF(bars._x(0.2), row.center().y()), QPointF(bars._x(0.9), row.center().y()))
    rest(qtbot, page)
    p = probabilities_of(page.scene.guesses[0].logits)
    assert p[1] == pytest.approx(0.9, abs=0.02)
    assert p.sum() == pytest.approx(1)
    assert page.tables.tables[0].numbers()["values"][0, 1] == about(-p[1], MANY)
    tab.undo()
    assert probabilities_of(page.scene.guesses[0].logits)[1] == pytest.approx(0.48)
    assert not page.state.history.can_undo


def test_a_box_can_lose_its_area(page, tab, qtbot):
    page.select((THING, 1))
    page.controls.sizes[0].slider.setValue(0)
    rest(qtbot, page)
    assert page.scene.things[1].box[2] == 0
    assert "Object B has no area: its IoU with every box is 0. L1 still applies." in texts(tab)
    is_optimal(page)
    assert is_drawn(page.canvas)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_scene_says_what_is_odd(page, tab, qtbot, language):
    speak(tab, language)
    for index, name in enumerate(SCENES):
        page.choose_scene(index)
        rest(qtbot, page)
        assert page.scene == scene_of(name)
        said = [page.found.error] if page.found.error else [*page.found.notes]
        assert bool(said) == (index >= 2)
        assert {words.tr(one) for one in said} <= texts(tab)
        assert is_drawn(page.canvas)
        for table in page.tables.tables:
            assert not table.grab().isNull()
        if page.found.total.size:
            is_optimal(page)
        for what in ((GUESS, 0), (THING, 0) if page.scene.things else None):
            page.select(what)
    page.choose_scene(2)
    while page.scene.guesses:
        page.remove((GUESS, 0))
    rest(qtbot, page)
    assert words.tr(Message("No predictions: nothing to match.")) in texts(tab)
    assert not words.missing()
    assert not tab.error.isVisible()


def test_what_can_not_be_matched_is_said_once_in_each_card_and_covers_no_box(page, qtbot):
    for name, number in ((UNDEFINED, 3), (INFINITE, 2)):
        page.choose_scene(SCENES.index(name))
        rest(qtbot, page)
        page.select((GUESS, number - 1))
        said = words.tr(page.found.error)
        labels = [one.text() for one in page.window().findChildren(QLabel) if one.isVisible()]
        assert labels.count(said) == 2  # costs, assignment
        assert page.loss.bars._empty == page.found.error
        assert not page.canvas.note()
        assert {bar.text for bar in page.controls.bars.bars()} == {"NaN"}
    page.choose_scene(0)
    rest(qtbot, page)
    assert all(table.isVisible() for table in page.tables.tables)


def test_each_pair_of_many_has_its_loss(page, qtbot):
    page.choose_scene(SCENES.index(CROWD))
    rest(qtbot, page)
    bars = page.loss.bars
    assert len(bars.numbers()["names"]) == 21
    np.testing.assert_allclose(bars.numbers()["values"][:20], page.found.loss, atol=1e-9)
    assert bars.height() > bars.parentWidget().height()  # they scroll
    none = words.number(float(page.found.none.sum()), 2)
    assert page.loss.card.note.text() == f"sum {words.number(page.found.total_loss, 2)}, no object {none}"


def test_the_selected_box_is_the_same_everywhere_after_others_came_or_went(page, tab, qtbot):
    page.select((THING, 3))
    page._drawn(GUESS, (0.5, 0.5, 0.2, 0.2))
    page.select((THING, 3))
    assert page.canvas.at() == 8 + 3
    tab.undo()
    rest(qtbot, page)
    assert (page.selected, page.canvas.at()) == ((THING, 3), 7 + 3)
    page.choose_scene(len(SCENES))  # the model's predictions are another scene
    rest(qtbot, page)
    assert (page.selected, page.canvas.at()) == (None, -1)
    page.select((THING, 3))
    tab.model.show(Picture("cat.png", PHOTO))
    rest(qtbot, page)
    assert (page.selected, page.canvas.at()) == (None, -1)


def test_a_scene_chosen_while_the_model_answers_is_not_taken_away(page, tab, qtbot):
    tab.model.answer(source="real")
    tab.model.holds = True
    tab.model.show(Picture("cat.png", PHOTO))
    page.choose_scene(SCENES.index(CROWD))
    tab.model.answer()
    rest(qtbot, page)
    assert page.scene == scene_of(CROWD)


def test_files_of_the_model_s_boxes_say_what_was_done_to_it(page, tab, qtbot):
    tab.model.answer(heads_off=(HeadOff(CROSS, 0, 3),))
    page.choose_scene(len(SCENES))
    rest(qtbot, page)
    assert [words.tr(text) for text in page.caption()] == ["Heads off: Cross-attention L1 H4"]
    assert page.exported()["heads_off"] == [{"attention": CROSS, "layer": 0, "head": 3}]
    page.choose_scene(0)
    assert not list(page.caption())
    assert "heads_off" not in page.exported()


def test_the_bars_of_a_prediction_are_those_of_its_classes(page, tab, qtbot):
    tab.model.answer(source="real")
    page.choose_scene(len(SCENES))
    page.select((GUESS, 0))
    tab.undo()
    assert page.controls._rows[-1] == 6
    tab.redo()
    assert page.scene.name == FROM_MODEL
    assert page.controls._rows[-1] == len(tab.model.newest.info.labels) == 7
    rest(qtbot, page)


def test_unmatched_predictions_of_a_crowd_are_left_out_also_after_undo(page, tab, qtbot):
    page.choose_scene(SCENES.index(CROWD))
    assert not page.controls.rest.isChecked()
    tab.undo()
    assert page.controls.rest.isChecked()
    tab.redo()
    assert not page.controls.rest.isChecked()
    page.controls.rest.click()
    page._moved(GUESS, 0, (0.5, 0.5, 0.1, 0.1))
    assert page.controls.rest.isChecked()  # as the hand wants it
    rest(qtbot, page)


def test_a_box_undone_in_mid_drag_takes_no_other_along(page, tab, qtbot):
    page._drawn(GUESS, (0.5, 0.9, 0.1, 0.1))
    canvas, left, none = page.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    send(canvas, QEvent.Type.MouseButtonPress, at(canvas, 0.5, 0.9), left, left, none)
    send(canvas, QEvent.Type.MouseMove, at(canvas, 0.6, 0.9), Qt.MouseButton.NoButton, left, none)
    tab.undo()
    tab.undo()
    assert page.scene == scene_of(SCENES[0])
    send(canvas, QEvent.Type.MouseMove, at(canvas, 0.2, 0.2), Qt.MouseButton.NoButton, left, none)
    send(canvas, QEvent.Type.MouseButtonRelease, at(canvas, 0.2, 0.2), left, Qt.MouseButton.NoButton, none)
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])
    boxes = [one.box for one in (*page.scene.guesses, *page.scene.things)]
    np.testing.assert_allclose(canvas.numbers()["boxes_cx_cy_w_h"], boxes)


def test_the_toy_on_a_photo_offers_the_real_model(page, tab, qtbot):
    offer = page.controls._offer
    assert offer.isHidden()
    page.choose_scene(len(SCENES))
    rest(qtbot, page)
    assert offer.isHidden()  # a drawn scene is what the toy is for
    tab.model.show(Picture("cat.png", PHOTO))
    rest(qtbot, page)
    assert not offer.isHidden()
    assert "DETR-R50" in page.controls._real.text()
    tab.model.answer(source="real")
    rest(qtbot, page)
    assert offer.isHidden()


def test_pointing_lights_up_the_same_pair_everywhere(page):
    page.canvas.light((GUESS, 1))
    hover(page.canvas, at(page.canvas, 0.76, 0.20))
    lit = page.canvas.what(page.canvas.hover())
    assert lit is not None
    cell = (lit[1], -1) if lit[0] == GUESS else (-1, lit[1])
    assert all(table.lit() == cell for table in page.tables.tables)
    table = page.tables.tables[0]
    hover(table, table.cell_rect((2, 1)).center())
    assert page.canvas.hover() == 2
    assert page.tables.tables[3].lit() == (2, 1)
    page.loss.pointed_at.emit((3, 3))
    assert page.canvas.hover() == 3
    click(table, table.cell_rect((2, 1)).center())
    assert page.canvas.at() == 2
    page.escape()
    assert page.canvas.at() == -1
    page.escape()  # there is nothing to let go
    assert page.canvas.at() == -1


def test_what_is_shown_can_be_chosen(page):
    dock = page.controls
    dock.rest.click()
    assert page.canvas._hidden == {4, 5, 6}
    assert page.canvas.box_at(at(page.canvas, 0.90, 0.86)) is None
    dock.greedy.click()
    assert "greedy_where_it_differs" not in page.tables.tables[3].numbers()
    dock.lines.click()
    assert "matches" not in page.canvas.numbers()


def test_a_dropped_photo_brings_the_model_s_predictions_and_takes_objects_drawn_by_hand(page, tab, qtbot):
    tab.model.answer(source="real")
    tab.model.show(Picture("cat.png", PHOTO))
    rest(qtbot, page)
    assert page.scene.name == FROM_MODEL
    assert (len(page.scene.guesses), page.scene.things) == (100, ())
    p = probabilities_of(page.scene.guesses[7].logits)
    assert p[tab.model.newest.found.labels[7]] == about(float(tab.model.newest.found.scores[7]), MANY)
    assert 'No objects: the target of every prediction is "no object".' in texts(tab)
    assert page.canvas.photo_size() == (180, 120)
    assert words.drawn(page.canvas.note()).startswith("Draw an object")  # 100 unmatched boxes are not shown
    page.add_buttons[0].click()
    drag(page.canvas, at(page.canvas, 0.2, 0.2), at(page.canvas, 0.6, 0.7))
    rest(qtbot, page)
    assert page.scene.things[0].box == pytest.approx((0.4, 0.45, 0.4, 0.5), abs=0.02)
    assert not page.canvas.note()
    assert len(is_turned_optimal(page)) == 1
    page.controls.kind.pick(0)  # "N/A" is no choice
    assert tab.model.newest.info.labels[page.scene.things[0].label] == "person"
    rest(qtbot, page)
    tab.model.answer(temperature=3.0)  # other predictions, the same objects
    rest(qtbot, page)
    assert len(page.scene.things) == 1
    tab.model.show(Picture("dog.png", PHOTO[:, ::-1].copy()))
    rest(qtbot, page)
    assert page.scene.things == ()


def test_the_toy_s_answer_comes_with_the_objects_that_were_drawn(page, tab, qtbot):
    page.choose_scene(len(SCENES))
    rest(qtbot, page)
    assert (len(page.scene.guesses), len(page.scene.things)) == (16, 6)
    assert len(is_optimal(page)) == 6
    tab.undo()
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])


def test_the_model_goes_on_when_the_hand_rests(page, tab, qtbot):
    before = tab.model.feed.resumed
    page.take_preset(RT_DETR)
    assert tab.model.feed.resumed == before
    qtbot.waitUntil(lambda: tab.model.feed.resumed == before + 1, timeout=WAIT)
    rest(qtbot, page)


def test_a_question_that_the_model_s_displaced_is_asked_again_and_its_errors_are_said(page, tab, qtbot):
    page.take_preset(RT_DETR)
    page.feed.stream.request(page.params, again=True)
    page.feed._arrived(Ended(page.params, cancelled=True))  # another's took its place before it was served
    tab.model.feed.busy.emit(False)
    rest(qtbot, page)
    assert page.found.params.weights == RT_DETR
    page.feed.stream.arrived.emit(Ended(page.params, error=Message("The device ran out of memory.")))
    assert tab.error.reason() == "The device ran out of memory."


def test_the_model_is_asked_where_its_answer_is_wanted(page, tab, qtbot):
    assert tab.model.asked == 0
    tab.model.holds = True
    page.choose_scene(len(SCENES))
    assert (tab.model.asked, page.scene.name, page.scenes.at()) == (1, SCENES[0], 0)
    tab.model.answer()
    assert page.scene.name == FROM_MODEL
    assert page.state.history.can_undo  # the hand has asked for it
    rest(qtbot, page)
    tab.show_page(1)
    tab.model.answer(temperature=3.0)
    assert page._source is not tab.model.newest
    tab.show_page(MATCHING)
    assert page._source is tab.model.newest
    rest(qtbot, page)
    page.controls.wanted.emit()
    assert tab.model.got == 1


def test_exported_files_hold_the_weights_and_what_is_matched(page, tab, qtbot):
    page.take_preset(RT_DETR)
    rest(qtbot, page)
    for view in (page.canvas, page.loss.bars, *page.tables.tables, *page.tables.bars):
        said = json.loads(export.settings_text(export.settings_of(view)))
        assert (said["focal"], said["class_cost"], said["scene"]) == (True, 2.0, SCENES[0])
    page.choose_scene(len(SCENES))
    rest(qtbot, page)
    assert export.settings_of(page.canvas)["title"] == "Toy DETR"


def test_bars_take_the_arrow_keys(qtbot):
    from app.views.bars import probability

    view = show(qtbot, DragBars(), 240, 80)
    view.set_bars([probability("a", 0.2), probability("b", 0.5)], top=1.0)
    heard, ends = [], []
    view.dragged.connect(lambda row, value: heard.append((row, round(value, 2))))
    view.let_go.connect(lambda: ends.append(True))
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        QTest.keyClick(view, key)
    assert heard == [(1, 0.51), (0, 0.19)]
    assert len(ends) == 2
    assert is_drawn(view)


# ------------------------------------------------------------------ house
@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_of_the_matching_lab_is_whole(page, tab, qtbot, size):
    for whole in looks(tab, qtbot, size):
        for index in range(len(SCENES) + 1):
            page.choose_scene(index)
            rest(qtbot, page)
            for what in (None, (GUESS, 0), (THING, 0) if page.scene.things else None):
                page.select(what)
                whole()
        page.take_preset(RT_DETR)
        rest(qtbot, page)
        whole()


def test_a_row_of_a_scene_that_is_gone_selects_nothing(page, tab, qtbot):
    """The tables are those of the answer before until the next one comes."""
    last = len(page.scene.guesses) - 1
    page.change(scene=replace(page.scene, guesses=page.scene.guesses[:2]))
    page.tables.chosen.emit(last)
    assert page.selected is None
    page.select((GUESS, 1))
    assert page.selected == (GUESS, 1)
    rest(qtbot, page)
    assert not tab.failed

"""The pages "Matching" and "Without NMS": what the hand does, and that the assignment is always the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from scipy.optimize import linear_sum_assignment

from app import theme, words
from app.tabs.detr.labcanvas import GUESS, THING
from app.views.dragbars import DragBars
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.core.protocol import Ended
from engines.detr.crowd import LEFT
from engines.detr.lab import CROWD, FROM_MODEL, INFINITE, RT_DETR, SCENES, UNDEFINED, probabilities_of, scene_of
from tests.app.detr_fake import FakeDetr, open_detr, open_tab, settle, texts
from tests.app.test_detr_tab import cut
from tests.app.views_help import click, drag, hover, is_drawn, send, show
from tests.closeness import MANY, about, close

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)
MATCHING, WITHOUT = "MatchingPage", "CrowdPage"
WAIT = 30_000  # ms: torch may have to be imported first


@pytest.fixture
def tab(open_window, monkeypatch, qtbot):
    return open_tab(open_detr(open_window, monkeypatch), qtbot)


def turn_to(tab, qtbot, kind):
    index = next(i for i, one in enumerate(tab.side) if type(one).__name__ == kind)
    tab.show_page(index + 2)
    page = tab.side[index]
    rest(qtbot, page)
    return page


def rest(qtbot, page):
    """Wait until what is on screen is the answer to the settings."""
    qtbot.waitUntil(
        lambda: page.found is not None and page.found.params == page.params and not page.stream.is_busy, timeout=WAIT
    )


@pytest.fixture
def page(tab, qtbot):
    return turn_to(tab, qtbot, MATCHING)


def at(view, x, y):
    view.arranged()
    width, height = view.photo_size()
    return view._screen(QPointF(x * width, y * height))


def speak(tab, language):
    """Say the page on screen in a language."""
    words.forget_missing()
    words.set_language(language)
    for part in (tab.pages[tab.page].centre, tab.pages[tab.page].dock):
        words.retranslate(part)


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
    assert {"4 objects, 7 predictions", "Greedy is worse here: it takes 1→B first.", "+1.57"} <= texts(page.tab)
    terms = [table.numbers()["values"] for table in page.tables.tables]
    close(terms[0] + 5 * terms[1] + 2 * terms[2], terms[3])
    assert len(page.tables.tables[3].numbers()["greedy_where_it_differs"]) == 2
    assert len(page.canvas.numbers()["matches"]) == 4
    parts = page.loss.bars.numbers()
    assert parts["names"].tolist() == ["1 → A", "2 → B", "3 → C", "4 → D", "no object"]
    assert parts["values"].sum() == pytest.approx(page.found.total_loss)


def test_a_drag_moves_a_box_as_one_step_and_the_model_is_not_asked(page, tab, qtbot):
    asked, before = len(FakeDetr.asked), page.scene
    drag(page.canvas, at(page.canvas, 0.76, 0.34), at(page.canvas, 0.30, 0.70))
    rest(qtbot, page)
    moved = page.scene.things[2].box if page.scene.things[2] != before.things[2] else page.scene.guesses[2].box
    assert moved[0] == pytest.approx(0.76 - 0.46, abs=0.03)
    is_optimal(page)
    assert len(FakeDetr.asked) == asked
    tab.undo()
    rest(qtbot, page)
    assert page.scene == before
    assert not tab.history.can_undo
    tab.redo()
    rest(qtbot, page)
    assert page.scene != before


def test_the_assignment_is_the_optimum_at_every_moment_of_a_fast_drag(page, qtbot):
    page._choose_scene(SCENES.index(CROWD))
    rest(qtbot, page)
    seen = []
    page.stream.arrived.connect(lambda event: event is page.found and seen.append(is_turned_optimal(page)))
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


def test_presets_and_weights(page, tab, qtbot):
    dock = page.dock
    dock.presets._group.button(1).click()
    rest(qtbot, page)
    assert page.params.weights == RT_DETR
    assert "2 × focal class" in texts(page.tables)
    qtbot.waitUntil(lambda: "Varifocal" in texts(page.loss.card))  # new words appear when they are laid out
    assert not dock.loss.control("eos_coef").isEnabled()
    is_optimal(page)
    dock.weights.control("bbox_cost").slider.setValue(0)
    rest(qtbot, page)
    assert dock.presets.at() == 2
    assert "0 × L1" in texts(page.tables)
    is_optimal(page)
    for name in ("class_cost", "giou_cost"):
        dock.weights.control(name).slider.setValue(0)
    rest(qtbot, page)
    assert "At least one of the matching costs must not be zero." in texts(tab)
    dock.presets._group.button(0).click()
    rest(qtbot, page)
    assert (page.params.weights, page.found.error) == ((False, 1.0, 5.0, 2.0), None)
    qtbot.waitUntil(lambda: "Cross-entropy" in texts(page.loss.card))
    assert dock.loss.control("eos_coef").isEnabled()
    dock.presets._group.button(2).click()  # nothing is the hand's own yet: it is led to where that begins
    assert dock.presets.at() == 0
    assert tab.window().focusWidget() is dock.weights.control("class_cost").slider


def test_boxes_are_drawn_chosen_changed_and_deleted(page, tab, qtbot):
    page._add[0].click()
    drag(page.canvas, at(page.canvas, 0.05, 0.70), at(page.canvas, 0.20, 0.95))
    rest(qtbot, page)
    assert len(page.scene.things) == 5
    assert page.scene.things[4].box == pytest.approx((0.125, 0.825, 0.15, 0.25), abs=0.02)
    assert page.canvas.at() == 7 + 4
    assert "Object E" in texts(page.dock)
    is_optimal(page)
    page.dock.kind._pick(5)
    assert page.scene.things[4].label == 5
    QTest.keyClick(page.canvas, Qt.Key.Key_Delete)
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])
    page._add[1].click()
    click(page.canvas, at(page.canvas, 0.5, 0.9))
    rest(qtbot, page)
    assert len(page.scene.guesses) == 8
    page._add[1].click()
    QTest.keyClick(page.canvas, Qt.Key.Key_Escape)
    click(page.canvas, at(page.canvas, 0.5, 0.1))
    rest(qtbot, page)
    assert len(page.scene.guesses) == 8
    while tab.history.can_undo:
        tab.undo()
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])


def test_probabilities_follow_the_hand(page, tab, qtbot):
    page.select((GUESS, 0))
    assert "Prediction 1: class probabilities" in texts(page.dock)
    bars = page.dock.bars
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
    assert not tab.history.can_undo


def test_a_box_can_lose_its_area(page, tab, qtbot):
    page.select((THING, 1))
    page.dock.sizes[0].slider.setValue(0)
    rest(qtbot, page)
    assert page.scene.things[1].box[2] == 0
    assert "Object B has no area: its IoU with every box is 0. L1 still measures." in texts(tab)
    is_optimal(page)
    assert is_drawn(page.canvas)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_scene_says_what_is_odd(page, tab, qtbot, language):
    speak(tab, language)
    for index, name in enumerate(SCENES):
        page._choose_scene(index)
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
    page._choose_scene(2)
    while page.scene.guesses:
        page.remove((GUESS, 0))
    rest(qtbot, page)
    assert words.tr(Message("No prediction: nothing can be matched.")) in texts(tab)
    assert not words.missing()
    assert not tab.error.isVisible()


def test_what_can_not_be_matched_is_said_once_in_each_card_and_covers_no_box(page, qtbot):
    for name, number in ((UNDEFINED, 3), (INFINITE, 2)):
        page._choose_scene(SCENES.index(name))
        rest(qtbot, page)
        page.select((GUESS, number - 1))
        said = words.tr(page.found.error)
        labels = [one.text() for one in page.tab.findChildren(QLabel) if one.isVisible()]
        assert labels.count(said) == 2  # costs, assignment
        assert page.loss.bars._empty == page.found.error
        assert not page.canvas._note
        assert {bar.text for bar in page.dock.bars._bars} == {"NaN"}
    page._choose_scene(0)
    rest(qtbot, page)
    assert all(table.isVisible() for table in page.tables.tables)


def test_each_pair_of_many_has_its_loss(page, qtbot):
    page._choose_scene(SCENES.index(CROWD))
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
    assert (page._at, page.canvas.at()) == ((THING, 3), 7 + 3)
    page._choose_scene(len(SCENES))  # the model's predictions are another scene
    rest(qtbot, page)
    assert (page._at, page.canvas.at()) == (None, -1)
    page.select((THING, 3))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("cat.png", PHOTO)))
    rest(qtbot, page)
    assert (page._at, page.canvas.at()) == (None, -1)


def test_a_scene_chosen_while_the_model_answers_is_not_taken_away(page, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    with qtbot.waitSignal(tab.rested, timeout=WAIT):
        tab.take_picture(Picture("cat.png", PHOTO))
        page._choose_scene(SCENES.index(CROWD))
    rest(qtbot, page)
    assert page.scene == scene_of(CROWD)


def test_the_bars_of_a_prediction_are_those_of_its_classes(page, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    page._choose_scene(len(SCENES))
    page.select((GUESS, 0))
    tab.undo()
    assert page.dock._rows[-1] == 6
    tab.redo()
    assert page.scene.name == FROM_MODEL
    assert page.dock._rows[-1] == len(tab.info.labels) == 7
    rest(qtbot, page)


def test_unmatched_predictions_of_a_crowd_are_left_out_also_after_undo(page, tab, qtbot):
    page._choose_scene(SCENES.index(CROWD))
    assert not page.dock.rest.isChecked()
    tab.undo()
    assert page.dock.rest.isChecked()
    tab.redo()
    assert not page.dock.rest.isChecked()
    page.dock.rest.click()
    page._moved(GUESS, 0, (0.5, 0.5, 0.1, 0.1))
    assert page.dock.rest.isChecked()  # as the hand wants it
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
    offer = page.dock._offer
    assert offer.isHidden()
    page._choose_scene(len(SCENES))
    rest(qtbot, page)
    assert offer.isHidden()  # a drawn scene is what the toy is for
    settle(qtbot, tab, lambda: tab.take_picture(Picture("cat.png", PHOTO)))
    rest(qtbot, page)
    assert not offer.isHidden()
    assert "DETR-R50" in page.dock._real.text()
    settle(qtbot, tab, lambda: tab.take_model("real"))
    rest(qtbot, page)
    assert offer.isHidden()


def test_pointing_lights_up_the_same_pair_everywhere(page):
    page.canvas.light((GUESS, 1))
    hover(page.canvas, at(page.canvas, 0.76, 0.20))
    lit = page.canvas.what(page.canvas._hover)
    assert lit is not None
    cell = (lit[1], -1) if lit[0] == GUESS else (-1, lit[1])
    assert all(table._lit == cell for table in page.tables.tables)
    table = page.tables.tables[0]
    hover(table, table.cell_rect((2, 1)).center())
    assert page.canvas._hover == 2
    assert page.tables.tables[3]._lit == (2, 1)
    page.loss.pointed_at.emit((3, 3))
    assert page.canvas._hover == 3
    click(table, table.cell_rect((2, 1)).center())
    assert page.canvas.at() == 2
    assert page.escape()
    assert page.canvas.at() == -1
    assert not page.escape()


def test_what_is_shown_can_be_chosen(page):
    dock = page.dock
    dock.rest.click()
    assert page.canvas._hidden == {4, 5, 6}
    assert page.canvas.box_at(at(page.canvas, 0.90, 0.86)) is None
    dock.greedy.click()
    assert "greedy_where_it_differs" not in page.tables.tables[3].numbers()
    dock.lines.click()
    assert "matches" not in page.canvas.numbers()


def test_a_dropped_photo_brings_the_model_s_predictions_and_takes_objects_drawn_by_hand(page, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("cat.png", PHOTO)))
    rest(qtbot, page)
    assert page.scene.name == FROM_MODEL
    assert (len(page.scene.guesses), page.scene.things) == (100, ())
    p = probabilities_of(page.scene.guesses[7].logits)
    assert p[tab.found.labels[7]] == about(float(tab.found.scores[7]), MANY)
    assert 'No object: every prediction learns "no object".' in texts(tab)
    assert page.canvas.photo_size() == (180, 120)
    assert words.drawn(page.canvas._note).startswith("Draw an object")  # 100 unmatched boxes are not shown
    page._add[0].click()
    drag(page.canvas, at(page.canvas, 0.2, 0.2), at(page.canvas, 0.6, 0.7))
    rest(qtbot, page)
    assert page.scene.things[0].box == pytest.approx((0.4, 0.45, 0.4, 0.5), abs=0.02)
    assert not page.canvas._note
    assert len(is_turned_optimal(page)) == 1
    page.dock.kind._pick(0)  # "N/A" is no choice
    assert tab.info.labels[page.scene.things[0].label] == "person"
    rest(qtbot, page)
    settle(qtbot, tab, lambda: tab.change(temperature=3.0))  # other predictions, the same objects
    rest(qtbot, page)
    assert len(page.scene.things) == 1
    settle(qtbot, tab, lambda: tab.take_picture(Picture("dog.png", PHOTO[:, ::-1].copy())))
    rest(qtbot, page)
    assert page.scene.things == ()


def test_the_toy_s_answer_comes_with_the_objects_that_were_drawn(page, tab, qtbot):
    page._choose_scene(len(SCENES))
    rest(qtbot, page)
    assert (len(page.scene.guesses), len(page.scene.things)) == (16, 6)
    assert len(is_optimal(page)) == 6
    tab.undo()
    rest(qtbot, page)
    assert page.scene == scene_of(SCENES[0])


def test_a_model_that_was_displaced_goes_on(page, tab, qtbot):
    asked = len(FakeDetr.asked)
    tab._arrived(Ended(tab.params, cancelled=True))
    page._preset(RT_DETR)
    qtbot.waitUntil(lambda: len(FakeDetr.asked) > asked, timeout=WAIT)
    rest(qtbot, page)
    qtbot.waitUntil(lambda: not tab.stream.is_busy)
    tab.cancel()
    tab._arrived(Ended(tab.params, cancelled=True))  # ended by the hand: it stays ended
    asked = len(FakeDetr.asked)
    page._preset((False, 1.0, 1.0, 1.0))
    rest(qtbot, page)
    assert len(FakeDetr.asked) == asked


def test_a_lab_that_was_displaced_asks_again_and_its_errors_are_said(page, tab, qtbot):
    for weights in (RT_DETR, (False, 1.0, 5.0, 2.0), RT_DETR):
        page._preset(weights)
        tab.stream.request(tab.params, again=True)  # it may well come before the lab's job has begun
    rest(qtbot, page)
    assert page.found.params.weights == RT_DETR
    qtbot.waitUntil(lambda: not tab.stream.is_busy, timeout=WAIT)
    page.stream.arrived.emit(Ended(page.params, error=Message("The device ran out of memory.")))
    assert tab.error.reason() == "The device ran out of memory."


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
def looks(tab, qtbot, size):
    """The window in both languages and themes, each with everything said whole."""
    window = tab.window()
    for language, look in (("zh", "dark"), ("en", "light")):
        theme.switch(window, theme=look, language=language)
        window.resize(*size)
        qtbot.waitUntil(lambda: window.side.rail == (size[0] < 1400))
        yield lambda: qtbot.waitUntil(lambda: cut(tab) == [], timeout=WAIT)


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_of_the_matching_lab_is_whole(page, tab, qtbot, size):
    for whole in looks(tab, qtbot, size):
        for index in range(len(SCENES) + 1):
            page._choose_scene(index)
            rest(qtbot, page)
            for what in (None, (GUESS, 0), (THING, 0) if page.scene.things else None):
                page.select(what)
                whole()
        page._preset(RT_DETR)
        rest(qtbot, page)
        whole()


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_of_without_nms_is_whole(crowd, tab, qtbot, size):
    for whole in looks(tab, qtbot, size):
        for source in (0, 1):
            crowd._choose_source(source)
            for threshold in (0.3, 1.0):
                crowd._change(score=threshold)
                rest(qtbot, crowd)
                whole()


# ------------------------------------------------------------------ without NMS
@pytest.fixture
def crowd(tab, qtbot):
    return turn_to(tab, qtbot, WITHOUT)


def notes(page):
    return [one.note.text() for one in page._cards]


def test_nms_loses_one_of_two_people_and_set_prediction_none(crowd, tab, qtbot):
    assert notes(crowd) == ["1 of 2 found", "2 of 2 found", "2 of 2 found"]
    assert "The objects overlap by 0.70, more than 0.50: one of them goes as a duplicate." in texts(tab)
    assert "B: lost" in crowd.outcomes[0].numbers()["tag"].tolist()
    crowd.forms[0].control("nms_iou").slider.setValue(90)
    rest(qtbot, crowd)
    assert notes(crowd)[0].startswith("2 of 2 found, ")
    tags = crowd.outcomes[0].numbers()["tag"].tolist()
    assert not any("too many" in tag for tag in tags)  # they would cover each other
    assert tags[-2:] == [words.number(float(s), 2) for s in crowd.found.greedy.scores[crowd.found.greedy.found >= 0]]
    assert len(crowd.raw.numbers()["anchors_cx_cy_w_h"]) == 144
    crowd.anchors.click()
    assert not len(crowd.raw.numbers()["anchors_cx_cy_w_h"])


def test_objects_are_dragged_and_the_slider_follows(crowd, tab, qtbot):
    drag(crowd.raw, at(crowd.raw, 0.6, 0.5), at(crowd.raw, 0.85, 0.5))
    rest(qtbot, crowd)
    assert crowd.found.iou < 0.5
    assert crowd.overlap.number() == pytest.approx(crowd.found.iou, abs=0.01)
    assert notes(crowd) == ["2 of 2 found"] * 3
    tab.undo()
    rest(qtbot, crowd)
    assert crowd.params.things[0] == LEFT
    crowd.overlap.slider.setValue(20)
    rest(qtbot, crowd)
    assert crowd.found.iou == pytest.approx(0.2, abs=1e-3)
    crowd._start_again()
    rest(qtbot, crowd)
    assert crowd.found.iou == pytest.approx(0.7, abs=1e-3)


def test_the_model_s_own_boxes_go_the_same_three_ways(crowd, tab, qtbot):
    crowd._choose_source(1)
    rest(qtbot, crowd)
    assert len(crowd.found.boxes) == 16
    assert notes(crowd)[2] == "6 of 6 found"
    assert "16 boxes, no anchors" in texts(tab)
    assert crowd.raw.box_at(at(crowd.raw, 0.3, 0.3)) is None
    settle(qtbot, tab, lambda: tab.take_model("real"))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("cat.png", PHOTO)))
    rest(qtbot, crowd)
    assert len(crowd.found.boxes) == 100
    assert notes(crowd)[2] == "4 boxes kept"
    crowd._choose_source(0)
    rest(qtbot, crowd)
    assert notes(crowd)[0] == "1 of 2 found"


def test_both_settings_of_soft_nms_work_and_all_is_said_in_chinese(crowd, tab, qtbot):
    speak(tab, "zh")
    crowd.forms[1].control("decay")._group.button(1).click()
    rest(qtbot, crowd)
    assert not crowd.forms[1].control("sigma").isEnabled()
    for value in (5, 95):
        crowd.forms[0].control("nms_iou").slider.setValue(value)
        rest(qtbot, crowd)
        assert all(is_drawn(view) for view in crowd.views())
    crowd.forms[0].control("score").slider.setValue(100)
    rest(qtbot, crowd)
    best = words.number(float(crowd.found.scores.max()), 2)
    said = "No box reaches a score of {limit}: the best has {best}."
    assert crowd._feet[0].text() == words.tr(said, limit="1.00", best=best)
    assert notes(crowd)[0] == words.tr("{right} of {true} found", right=0, true=2)
    assert not words.missing()

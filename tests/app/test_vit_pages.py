"""The pages of the ViT tab on the bundled model: what the hand does and what is drawn and said."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import theme, words
from app.export import settings_of
from app.figure import caption_of
from app.plots.curves import Curves
from app.views.paintmap import PaintMap
from engines.core.pictures import Picture
from engines.vit.intervene.spec import Ablation
from engines.vit.relevance.spec import CHEFER, CLASS_SPECIFIC, GRADIENT, METHODS, RAW, ROLLED, Relevance
from engines.vit.spec import LOGIT
from tests.closeness import MANY, close
from tests.engines.vit.pages import newest

WATCH, RELEVANCE, INTERVENE, STEP_THROUGH, LOGIT_LENS = range(5)
pytest.importorskip("torch")


@pytest.fixture
def tab(open_window, monkeypatch, qtbot):
    monkeypatch.setattr("engines.vit.subject.default_source", lambda: "mini-vit")
    tab = open_window().show_topic("vit")
    tab.now.state.put(points=4)  # few, so that the tests are quick
    rest(tab, qtbot)
    return tab


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=60_000)


def turn_to(tab, page, qtbot):
    """Open a page and wait for all it has to say."""
    tab.show_page(page)
    rest(tab, qtbot)
    return tab.now


def press(view, kind, point):
    held = Qt.MouseButton.LeftButton if kind != QEvent.Type.MouseButtonRelease else Qt.MouseButton.NoButton
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, point, view.mapToGlobal(point), button, held, Qt.KeyboardModifier.NoModifier)
    handler = {QEvent.Type.MouseButtonPress: view.mousePressEvent, QEvent.Type.MouseMove: view.mouseMoveEvent}
    handler.get(kind, view.mouseReleaseEvent)(event)


def stroke(view, *cells):
    points = [view.cell_rect(cell).center() for cell in cells]
    press(view, QEvent.Type.MouseButtonPress, points[0])
    for point in points[1:]:
        press(view, QEvent.Type.MouseMove, point)
    press(view, QEvent.Type.MouseButtonRelease, points[-1])


def engine_of(tab):
    return tab.now.feed.stream._engine()


# ------------------------------------------------------------------ pages
def test_every_page_answers_and_going_back_keeps_the_settings(tab, qtbot):
    for page in (RELEVANCE, INTERVENE, STEP_THROUGH, LOGIT_LENS, WATCH):
        turn_to(tab, page, qtbot)
        assert not tab.failed
        assert tab.now.shown.grid is not None
        assert not tab.now.state.history.can_undo  # looking elsewhere is no step
    assert not words.missing()


def test_pages_are_built_when_they_are_first_shown(tab, qtbot):
    assert len(list(tab.pages.made)) == 1
    turn_to(tab, LOGIT_LENS, qtbot)
    assert len(list(tab.pages.made)) == 2


def test_settings_of_before_pages_had_places_of_their_own_are_read(open_window, own_home):
    before = {"layer": 3, "temperature": 2.0, "points": 7, "study_data": "CIFAR-10", "study_folder": "/cifar",
              "study_seed": 4, "seeds": 2}  # fmt: skip
    (own_home / "settings.json").write_text(json.dumps({"topics": {"vit": before}}))
    tab = open_window().show_topic("vit")
    now, study = tab.params, tab.pages[-1].params
    assert (now.layer, now.temperature, now.points) == (3, 2.0, 7)
    assert (study.study_data, study.study_folder, study.study_seed, study.seeds) == ("CIFAR-10", "/cifar", 4, 2)
    tab.now.step(layer=2)
    assert tab.pages[LOGIT_LENS].params.layer == 2
    assert study == tab.pages[-1].params


def test_undo_takes_a_step_back_and_stays_on_the_page(tab, qtbot):
    tab.now.step(temperature=2.0)
    turn_to(tab, LOGIT_LENS, qtbot)
    tab.now.step(target=3)
    tab.undo()
    assert (tab.params.target, tab.params.temperature, tab.page) == (-1, 2.0, LOGIT_LENS)
    tab.undo()
    assert (tab.params.temperature, tab.page) == (1.0, LOGIT_LENS)
    tab.redo()
    assert (tab.params.temperature, tab.page) == (2.0, LOGIT_LENS)
    rest(tab, qtbot)


# ------------------------------------------------------------------ relevance
def test_relevance_shows_four_maps_with_scores_beside_chance(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    event = page.answer
    assert event.complete
    assert event.methods == METHODS
    for at, method in enumerate(METHODS):
        one = page.cards[method]
        np.testing.assert_array_equal(one.view.values(), event.maps[at])
        text = one.said[0].text()
        assert words.number(float(event.deletion_scores[at]), 2) in text
        assert words.number(event.random_score, 2) in text
    for number in (float(event.deletion_scores[0]), event.random_score):
        assert words.number(number, 2) in page.verdict.text()  # attention is not explanation, with a number
    for plot in (page.deletion, page.insertion):
        assert len(plot.curves()) == 1 + len(METHODS)
    close(page.insertion.curves()[0].x, 100 * event.removed, MANY)


def test_the_curves_grow_point_by_point_and_the_scores_wait_for_the_last(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    whole = page.answer
    scores = page.cards[RAW].said[0].text()
    count = len(whole.removed)
    for k in range(count):
        page.on(
            replace(
                whole, removed=whole.removed[:k], deletion=whole.deletion[:, :k], insertion=whole.insertion[:, :k],
                random=whole.random[:, :k], complete=False,
            )
        )  # fmt: skip
        for plot in (page.deletion, page.insertion):
            assert [len(one.y) for one in plot.curves()] == [k] * (1 + len(METHODS))
            assert plot.box.viewRange()[0][0] < 0
            assert plot.box.viewRange()[0][1] > 100  # the axis does not follow what has come
        np.testing.assert_array_equal(page.deletion.curves()[1].y, whole.deletion[0, :k])
        assert page.cards[RAW].said[0].text() == "Testing"
        assert not page.grab().isNull()
    page.on(whole)
    assert page.cards[RAW].said[0].text() == scores


def test_the_cursor_is_linked_and_the_cards_read_the_curves(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    view = page.cards[RAW].view
    view.point_at(view.cell_rect((2, 3)).center())
    assert all(one.view.hover() == (2, 3) for one in page.cards.values())
    view.point_at(None)
    page.cards[CHEFER].view.click_at(page.cards[CHEFER].view.cell_rect((1, 1)).center())
    assert all(one.view.pin() == (1, 1) for one in page.cards.values())
    scores = page.cards[RAW].said[0].text()
    page.deletion.pointed.emit(50.0)
    assert page.insertion.cursor_at() == 50.0
    value = words.number(float(page.answer.deletion[0][2]), 2)
    assert page.cards[RAW].said[0].text() == f"50 % covered: {value}"
    page.deletion.pointed.emit(None)
    assert page.cards[RAW].said[0].text() == scores


def test_another_class_moves_the_class_specific_maps_only(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    before = {method: page.cards[method].view.values().copy() for method in METHODS}
    other = next(i for i in range(10) if i != page.answer.target)
    page.picker.menu.chosen.emit(page.picker._listed.index(other))
    rest(tab, qtbot)
    assert page.answer.target == tab.params.target == other
    for method in METHODS:
        moved = not np.array_equal(before[method], page.cards[method].view.values())
        assert moved == (method in CLASS_SPECIFIC)
    tab.undo()
    rest(tab, qtbot)
    assert page.answer.target != other


def test_without_a_head_two_maps_and_the_reason(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    event = page.answer
    none = Relevance(-1, "", (), 6, (RAW, ROLLED), event.maps[:2], event.removed, event.deletion[:2],
                     event.insertion[:2], event.random, True)  # fmt: skip
    page.draw(none)
    assert [method for method, one in page.cards.items() if not one.isHidden()] == [RAW, ROLLED]
    assert "need a class" in page.verdict.text()
    assert page.picker.menu.isHidden()
    assert not page.picker.none.isHidden()
    page.draw(event)
    assert not page.cards[GRADIENT].isHidden()


def test_cancel_keeps_what_is_there_and_the_next_answer_goes_on(tab, qtbot):
    tab.now.change(points=25)
    rest(tab, qtbot)
    tab.show_page(RELEVANCE)
    page, frames = tab.now, []
    page.feed.heard.connect(lambda e: frames.append(e) if isinstance(e, Relevance) else None)
    qtbot.waitUntil(lambda: any(len(e.removed) for e in frames), timeout=60_000)
    tab.cancel()
    rest(tab, qtbot)
    known = len(newest(engine_of(tab)._tests)._known)
    assert known > 0
    assert page.answer is frames[-1]
    page.change(opacity=0.5)  # only drawn
    page.ask(again=True)
    rest(tab, qtbot)
    assert page.answer.complete
    assert len(newest(engine_of(tab)._tests)._known) > known


# ------------------------------------------------------------------ paint and ablation
def test_a_stroke_is_one_step_and_the_prediction_follows(tab, qtbot):
    page = turn_to(tab, INTERVENE, qtbot)
    before = page.answer.prediction
    stroke(page.paint, (2, 2), (2, 5))  # a quick hand: nothing between
    tokens = tuple(tab.now.shown.token_at(2, col) for col in range(2, 6))
    assert tab.params.masked_patches == tokens
    rest(tab, qtbot)
    after = page.answer.prediction
    assert after.changed
    assert not np.array_equal(before.probabilities, after.probabilities)
    assert tab.params.changes() == 1
    stroke(page.paint, (2, 5), (2, 4))  # begun on a masked_patches patch it gives back
    assert tab.params.masked_patches == tokens[:2]
    tab.undo()
    assert tab.params.masked_patches == tokens
    assert page.paint._painted == {(2, col) for col in range(2, 6)}
    tab.undo()
    assert tab.params.masked_patches == ()
    rest(tab, qtbot)
    np.testing.assert_array_equal(page.answer.prediction.probabilities, before.probabilities)  # bit for bit


def test_paint_by_keys_and_the_button_that_takes_it_away(tab, qtbot):
    page = turn_to(tab, INTERVENE, qtbot)
    page.paint.setFocus()
    QTest.keyClick(page.paint, Qt.Key.Key_Right)
    cell = page.paint.pin()
    QTest.keyClick(page.paint, Qt.Key.Key_Space)
    assert tab.params.masked_patches == (tab.now.shown.token_at(*cell),)
    assert "masked" in page.paint.report()
    assert page.paint.numbers()["painted"].sum() == 1
    page.clear.click()
    assert tab.params.masked_patches == ()
    tab.undo()
    assert len(tab.params.masked_patches) == 1
    tab.now.state.reset()
    assert tab.params.masked_patches == ()
    rest(tab, qtbot)


def test_paint_goes_with_another_picture_and_shows_on_the_first_page(tab, qtbot):
    page = turn_to(tab, INTERVENE, qtbot)
    stroke(page.paint, (0, 0), (0, 1))
    turn_to(tab, WATCH, qtbot)
    weights = tab.now.shown.answer.weights.weights
    assert not weights[:, :, list(tab.params.masked_patches)].any()
    tab.take_picture(Picture("gray", np.full((40, 60, 3), 128, np.uint8)))
    assert tab.params.masked_patches == ()
    rest(tab, qtbot)


def test_the_scan_fills_the_map_and_says_the_strongest(tab, qtbot):
    grown = []
    tab.show_page(INTERVENE)
    page = tab.now
    page.feed.heard.connect(lambda e: grown.append(int(e.done.sum())) if isinstance(e, Ablation) else None)
    rest(tab, qtbot)
    event = page.answer
    assert event.complete
    assert grown[-1] == 24
    np.testing.assert_allclose(page.heads.values(), 100 * event.probability)
    layer, head = np.unravel_index(int(event.probability.argmin()), event.probability.shape)
    assert page.said.text().startswith(f"Most important: L{layer + 1} H{head + 1} −")
    page.heads.hovered.emit((2, 1))
    assert page.said.text().startswith("L3 H2 ")
    tab.now.change(effect=LOGIT)
    assert not tab.is_busy  # only drawn
    np.testing.assert_allclose(page.heads.values(), event.logit)


def test_cells_choose_and_switch_heads(tab, qtbot):
    page = turn_to(tab, INTERVENE, qtbot)
    page.heads.clicked.emit((1, 2))
    assert (tab.params.layer, tab.params.head) == (2, 3)
    page.heads.switched.emit((1, 2))
    assert tab.params.heads_off == ((2, 3),)
    assert page.chips.chips.off() == (2,)
    assert page.heads._out == {(1, 2)}
    rest(tab, qtbot)
    assert page.answer.prediction.changed
    page.chips.changed.emit((0,))
    assert tab.params.heads_off == ((2, 1),)
    page.heads.set_at((1, 0))
    QTest.keyClick(page.heads, Qt.Key.Key_Return)
    assert tab.params.heads_off == ()
    rest(tab, qtbot)


# ------------------------------------------------------------------ one head
def test_steps_show_the_numbers_of_the_head(tab, qtbot):
    page = turn_to(tab, STEP_THROUGH, qtbot)
    event = page.answer
    prefix = 1
    key = prefix + int(event.weights[prefix:].argmax())
    assert page._here() == key  # the strongest patch at first
    np.testing.assert_allclose(page.strands[2].grid.values()[0], event.query * event.keys[key])
    assert f"= {words.number(float(event.raw[key]), 2)}" in page.lines[1].text()
    page.go(1)
    assert words.number(float(event.divisor), 2) in page.lines[0].text()
    page.go(2)
    np.testing.assert_allclose(page.keys.values(), tab.now.shown.on_patches(event.weights))
    page.go(9)
    assert page.stage == 3
    assert not page.stepping.forward.isEnabled()
    page.strands[2].clicked.emit(4)
    assert page.lines[0].text().startswith("output, component 5 =")
    assert words.number(float(event.output[4]), 3) in page.lines[1].text()
    np.testing.assert_allclose(page.strands[2].grid.values()[0], event.output)


def test_a_patch_asks_and_another_is_the_key(tab, qtbot):
    page = turn_to(tab, STEP_THROUGH, qtbot)
    page.query.click_at(page.query.cell_rect((3, 3)).center())
    token = tab.now.shown.token_at(3, 3)
    assert tab.params.pinned == token
    rest(tab, qtbot)
    assert page.answer.token == token
    page.keys.click_at(page.keys.cell_rect((0, 7)).center())
    assert page._here() == tab.now.shown.token_at(0, 7)
    assert page.said.text() == "Key: patch 1, 8"
    page.keys.point_at(page.keys.cell_rect((1, 1)).center())
    assert page.said.text() == "Key: patch 2, 2"
    page.keys.point_at(None)
    assert page.said.text() == "Key: patch 1, 8"
    tab.now.change(temperature=2.0)
    rest(tab, qtbot)
    page.go(1)
    assert "× 2.00" in page.lines[0].text()


def test_a_masked_patches_key_has_no_weight_and_says_so(tab, qtbot):
    tab.now.change(masked_patches=(1, 2))
    page = turn_to(tab, STEP_THROUGH, qtbot)
    page.go(2)
    page.keys.point_at(page.keys.cell_rect((0, 0)).center())
    assert page.lines[0].text().endswith("= 0")
    assert "masked" in page.lines[1].text()


# ------------------------------------------------------------------ lens
def test_the_lens_ends_in_the_prediction(tab, qtbot):
    page = turn_to(tab, LOGIT_LENS, qtbot)
    event = page.answer
    last = page.bars.bars()[-1]
    assert len(page.bars.bars()) == 7
    assert words.drawn(last.name).endswith(event.label)
    assert last.text == words.percent(float(event.shares[-1, 0]))
    np.testing.assert_array_equal(page.photo.values(), event.patches[6])
    page.bars.clicked.emit(3)
    assert tab.params.layer == 3
    np.testing.assert_array_equal(page.photo.values(), page.answer.patches[3])
    page.photo.point_at(page.photo.cell_rect((2, 2)).center())
    assert page.said.text().startswith("Patch 3, 3 reads as ")
    assert page.small.mark() == (2, 2)
    page.photo.point_at(None)
    assert "of 64 patches read as" in page.said.text()
    rest(tab, qtbot)


# ------------------------------------------------------------------ all of it
def test_pages_speak_chinese_and_export_their_settings(tab, qtbot):
    pages = (RELEVANCE, INTERVENE, STEP_THROUGH, LOGIT_LENS)
    for page in pages:
        turn_to(tab, page, qtbot)
    words.forget_missing()
    theme.switch(tab.window(), language="zh", theme="dark")
    for page in pages:
        turn_to(tab, page, qtbot).centre.grab()
    said = {label.text() for page in tab.pages.made for label in page.centre.findChildren(QLabel)}
    assert not words.missing() & said
    for page in (tab.pages[RELEVANCE], tab.pages[INTERVENE]):
        for view in (*page.centre.findChildren(PaintMap), *page.centre.findChildren(Curves)):
            assert settings_of(view)["picture"]
            assert settings_of(view)["page"] == page.name()


def test_a_caption_says_what_was_done_to_the_model_and_no_settings_of_other_pages(tab, qtbot):
    page = tab.now
    first = page.shown.token_at(0, 0)
    page.step(heads_off=((1, 2), (3, 1)), masked_patches=(first, first + 1), pinned=page.shown.token_at(2, 4))
    rest(tab, qtbot)
    view = page.photo.view
    said = caption_of(view)
    for part in ("Heads off: L1 H2, L3 H1", "2 patches masked", "Pinned: patch 3, 5", "Direction Attends to"):
        assert f"; {part}; " in said
    assert f"; Picture: {page.shown.grid.name}; Model: " in said
    assert not [name for name in ("Points of a curve", "Discard ratio", "Effect on", "Class:") if name in said]
    page.step(
        overlay="Rollout", pinned=0, heads_off=tuple((layer, head) for layer in range(1, 6) for head in (1, 2, 3))
    )
    rest(tab, qtbot)
    said = caption_of(view)
    assert "; Discard ratio 0 %; " in said
    assert "; 15 heads off; " in said
    assert "; Pinned: class token; " in said
    words.set_language("zh")
    words.forget_missing()
    assert "已关闭 15 个头; 已掩蔽 2 个图块; 已固定：" in caption_of(view)
    assert not words.missing()


def test_a_caption_names_the_class_that_the_page_speaks_of(tab, qtbot):
    page = turn_to(tab, RELEVANCE, qtbot)
    view = next(iter(page.cards.values())).view
    assert "Class:" not in caption_of(view)
    page.step(target=1, pinned=3)
    rest(tab, qtbot)
    said = caption_of(view)
    assert f"Class: {page.shown.info.labels[1]}" in said
    assert "Points of a curve 4" in said
    assert not [name for name in ("Pinned", "Overlay", "Patch grid") if name in said]

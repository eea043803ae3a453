"""The DETR tab with an engine that knows the answer: what is drawn, what the hand does, and what can be undone."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton

from app import export, theme, words
from app.tabs.detr import TOPIC, editing
from app.tabs.detr.docks import heads_off
from app.tabs.detr.tab import DETECT, REAL, SCENE
from engines.core.pictures import Picture
from engines.detr.spec import BEST_REAL_CLASS, CROSS, ENCODER_SELF, Drawing, HeadOff, Shape
from tests.app.detr_fake import FakeDetr
from tests.app.views_help import drag, hover

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def window(open_window, monkeypatch):
    topic = replace(TOPIC, engine="tests.app.detr_fake:FakeDetr")
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (topic,))
        monkeypatch.setattr(f"{module}.topic", lambda name: topic if name == "detr" else None)
    monkeypatch.setattr(FakeDetr, "asked", [])
    return open_window()


@pytest.fixture
def tab(window, qtbot):
    tab = window.show_topic("detr")
    qtbot.waitUntil(lambda: tab.found is not None and not tab.stream.is_busy)
    return tab


def settle(qtbot, tab, act):
    with qtbot.waitSignal(tab.rested, timeout=5000):
        act()


def texts(widget):
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


# ------------------------------------------------------------------ detect
def test_it_opens_on_a_scene_that_is_already_detected(tab):
    page = tab.detect
    assert tab.page == DETECT
    assert "6 of 16 queries pass" in texts(page.centre)
    assert len(page.photo._boxes) == 6
    tags = {words.drawn(box.tag) for box in page.photo._boxes}
    assert "circle 0.95" in tags
    assert page.table.at() == tab.found.query == 0
    assert page.maps.numbers()["maps"].shape == (12, 12, 12)
    assert page.matrix.numbers()["weights"].shape == (16, 16)
    assert list(page.matrix.numbers()["passing_queries"]) == [1, 4, 7, 10, 13, 16]
    assert tab.form.control("layer").slider.maximum() == 2  # three layers


def test_a_row_a_box_and_a_row_of_the_matrix_choose_the_query_everywhere(tab, qtbot):
    page = tab.detect
    settle(qtbot, tab, lambda: page.table._choose(7))
    assert tab.params.query == tab.found.query == 7
    last = page.photo._boxes[page.photo.at()]
    assert last.dashed  # it does not pass, but it is shown
    assert words.drawn(last.tag).startswith("query 8: ")
    assert page.matrix._at == 7
    box = page._entries.index((3, False))
    settle(qtbot, tab, lambda: page.photo._choose(box))
    assert tab.params.query == 3
    assert page.table.at() == 3
    settle(qtbot, tab, lambda: page.matrix._choose(12))
    assert page.table.at() == 12
    settle(qtbot, tab, tab.escape)
    assert tab.params.query == -1
    assert page.table.at() == 0
    assert not tab.history.can_undo  # looking around is no step


def test_pointing_at_a_query_lights_it_up_everywhere(tab):
    page = tab.detect
    page.table.hovered.emit(3)
    assert page._entries[page.photo._hover] == (3, False)
    assert page.matrix._row == 3
    page.photo.hovered.emit(page._entries.index((6, False)))
    assert page.table.hover() == 6
    page.photo.hovered.emit(None)
    assert page.table.hover() is None


def test_when_nothing_passes_the_best_is_named_and_one_click_lets_it_pass(tab, qtbot):
    page = tab.detect
    settle(qtbot, tab, lambda: tab.change(threshold=0.99))
    note = words.drawn(page.photo._note)
    assert note == "0 of 16. Best score 0.95 (query 1, circle). Lower the threshold?"
    assert page.lower.isVisible()
    settle(qtbot, tab, page.lower.click)
    assert tab.params.threshold == pytest.approx(0.95, abs=0.011)
    assert tab.found.passes.sum() == 1
    assert not page.lower.isVisible()
    assert page.photo._note == ""
    assert "1 of 16 queries passes" in texts(page.centre)
    settle(qtbot, tab, tab.undo)
    assert tab.params.threshold == 0.99


def test_a_best_query_beaten_by_no_object_needs_the_other_rule_too(tab, qtbot, monkeypatch):
    monkeypatch.setattr(FakeDetr, "dim", 0.4)
    settle(qtbot, tab, lambda: tab.change(opacity=0.5))
    settle(qtbot, tab, tab.detect.lower.click)
    assert tab.params.rule == BEST_REAL_CLASS
    assert tab.found.passes.any()


def test_a_map_chooses_layer_and_head(tab, qtbot):
    settle(qtbot, tab, lambda: tab.detect.maps._choose(6))
    assert (tab.params.layer, tab.params.head) == (2, 3)
    assert tab.detect.film.at() == 1
    assert np.array_equal(tab.detect.photo.numbers()["heat"], tab.found.cross[1, 2])
    settle(qtbot, tab, lambda: tab.detect.film._choose(2))
    assert tab.params.layer == 3


def test_changes_are_counted_shown_as_ghosts_and_taken_back_as_one_step(tab, qtbot):
    page = tab.detect
    settle(qtbot, tab, lambda: tab.change(temperature=3.0))
    ghosts = [box for box in page.photo._boxes if box.dashed]
    assert len(ghosts) == 6
    assert "dashed: the untouched model" in texts(page.centre)
    settle(qtbot, tab, lambda: page.table.switched.emit(0, False))
    settle(qtbot, tab, lambda: tab.changing.chips.changed.emit((1, 3)))
    assert tab.params.heads_off == (HeadOff(CROSS, 2, 1), HeadOff(CROSS, 2, 3))
    assert page.maps._off == {9, 11}
    assert "4 changes to the model" in texts(tab.pages[DETECT].dock)
    assert not tab.found.on[0]
    settle(qtbot, tab, tab.reset_changes)
    assert tab.changes() == 0
    assert not any(box.dashed for box in page.photo._boxes)
    settle(qtbot, tab, tab.undo)
    assert tab.changes() == 4
    settle(qtbot, tab, tab.changing.all_on.click)
    assert tab.params.queries_off == ()


def test_chips_belong_to_the_chosen_attention_and_layer(tab, qtbot):
    settle(qtbot, tab, lambda: tab.changing.chips.changed.emit((0,)))
    settle(qtbot, tab, lambda: tab.change(attention=ENCODER_SELF))
    assert tab.changing.chips.off() == ()
    settle(qtbot, tab, lambda: tab.change(attention=CROSS, layer=2))
    assert tab.changing.chips.off() == ()
    settle(qtbot, tab, lambda: tab.change(layer=3))
    assert tab.changing.chips.off() == (0,)
    assert heads_off(tab.params, 2, ()) == ()


def test_pointing_at_a_place_shows_whom_it_looks_at_and_leaving_restores_the_pin(tab, qtbot):
    page = tab.detect
    settle(qtbot, tab, lambda: (page.look.set_at(1), page.look.chosen.emit(1)))
    pinned = tab.params.pixel
    assert pinned is not None
    assert "at the +" in texts(page.centre)
    assert np.array_equal(page.photo.numbers()["heat"], tab.rows.maps[2, 0])
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.1, 0.1)))
    assert tab.rows.cell == (1, 1)
    settle(qtbot, tab, lambda: page.photo.pointed.emit(None))
    assert tab.params.pixel == pinned
    settle(qtbot, tab, lambda: page.photo.click_at(point(page.photo, 0.6, 0.3)))
    assert tab.rows.cell == (3, 7)
    settle(qtbot, tab, tab.escape)
    assert tab.params.pixel is None
    assert np.array_equal(page.photo.numbers()["heat"], tab.found.cross[2, 0])
    assert not tab.history.can_undo


def test_a_storm_of_places_ends_on_the_last(tab, qtbot):
    page = tab.detect
    page.look.set_at(1)
    page.look.chosen.emit(1)
    for i in range(300):
        page.photo.pointed.emit((i / 300, i / 300))
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.99, 0.0)))
    assert tab.rows.cell == (0, 11)


def test_the_toy_says_what_it_knows_and_offers_the_real_one(tab, qtbot, monkeypatch):
    note = tab.note_on_model
    assert "Toy DETR knows 6 drawn shapes and nothing else." in texts(note)
    assert note.get.text().strip() == "Get DETR-R50 (167 MB)"
    wanted = []
    monkeypatch.setattr(tab.shell, "download", wanted.append)
    note.get.click()
    assert wanted == [REAL]
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert "91 classes of COCO." in texts(note)
    assert not note.get.isVisible()
    assert tab.detect.maps.numbers()["maps"].shape[0] == 48
    assert tab.form.control("layer").slider.maximum() == 5


def test_a_photo_of_another_shape_moves_the_cards_and_forgets_old_boxes(tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    wide = tab.detect.photo.parentWidget()
    before = wide.width()
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert tab.detect.photo.photo_size() == (180, 120)
    assert wide.width() > before
    assert {words.drawn(box.tag).split(" 0")[0] for box in tab.detect.photo._boxes} <= {
        "person", "cat", "dog", "hot dog", "traffic light", "wine glass"
    }  # fmt: skip


def test_an_engine_that_fails_leaves_the_old_answer_on_screen(tab, qtbot):
    boxes = tab.detect.photo._boxes
    settle(qtbot, tab, lambda: tab.change(source="broken"))
    assert tab.error.isVisible()
    assert tab.detect.photo._boxes == boxes
    settle(qtbot, tab, lambda: tab.change(source="toy-detr"))
    assert not tab.failed


# ------------------------------------------------------------------ scene editor
@pytest.fixture
def canvas(tab, qtbot):
    tab.show_page(SCENE)
    canvas = tab.scene.canvas
    qtbot.waitUntil(lambda: canvas.isVisible() and len(canvas._found) == 6)
    return canvas


def point(canvas, x, y):
    canvas.arranged()
    width, height = canvas.photo_size()
    return canvas._screen(QPointF(x * width, y * height))


def test_truth_and_prediction_stand_on_the_scene(canvas, tab):
    assert words.drawn(canvas._found[0].tag) == "circle 0.95"
    assert {box.token for box in canvas._found} == {"pred"}
    assert sum(box.token == "truth" for box in canvas._boxes) == 6
    assert "6 of 6 found" in texts(tab.scene.centre)
    assert tab.scene.list.numbers()["values"][0] == pytest.approx(0.95)


def test_a_drag_moves_a_shape_as_one_step_and_the_detection_follows(canvas, tab, qtbot):
    before = tab.params.drawing
    circle = before.shapes[0]
    settle(
        qtbot,
        tab,
        lambda: drag(canvas, point(canvas, circle.x, circle.y - 0.1), point(canvas, circle.x - 0.1, circle.y)),
    )
    moved = tab.params.drawing.shapes[0]
    assert moved.x == pytest.approx(circle.x - 0.1, abs=0.01)
    assert moved.y == pytest.approx(circle.y + 0.1, abs=0.01)
    assert tab.params.drawing.shapes[1:] == before.shapes[1:]
    assert canvas.at() == 0
    best = canvas._found[0]
    assert (best.cx, best.cy) == pytest.approx((moved.x, moved.y), abs=0.02)
    settle(qtbot, tab, tab.undo)
    assert tab.params.drawing == before
    assert canvas.drawing() == before
    assert not tab.history.can_undo
    settle(qtbot, tab, tab.redo)
    assert tab.params.drawing.shapes[0] == moved


def test_corners_resize_and_the_handle_turns(canvas, tab, qtbot):
    square = tab.params.drawing.shapes[3]
    canvas.select(3)
    handles = {(what, corner): place for what, corner, place in canvas._handles(3)}
    center = point(canvas, square.x, square.y)
    grip = handles["size", (1, 1)]
    settle(qtbot, tab, lambda: drag(canvas, grip, grip + (grip - center) * 0.5))
    larger = tab.params.drawing.shapes[3]
    assert larger.size == pytest.approx(1.25 * square.size, rel=0.03)
    assert larger.angle == pytest.approx(square.angle)
    fixed = canvas._screen(canvas._frame(3).out(-1, -1))
    assert (fixed - handles["size", (-1, -1)]).manhattanLength() < 2  # the corner across did not move
    turn = next(place for what, _c, place in canvas._handles(3) if what == "turn")
    center = point(canvas, larger.x, larger.y)
    settle(qtbot, tab, lambda: drag(canvas, turn, QPointF(center.x() + 90, center.y())))
    assert tab.params.drawing.shapes[3].angle == pytest.approx(90, abs=2)
    assert tab.params.drawing.shapes[3].size == pytest.approx(larger.size)
    settle(qtbot, tab, tab.undo)
    settle(qtbot, tab, tab.undo)
    assert tab.params.drawing.shapes[3] == square


def test_keys_move_copy_and_delete(canvas, tab, qtbot):
    shape = tab.params.drawing.shapes[1]
    canvas.select(1)
    canvas.setFocus()
    settle(qtbot, tab, lambda: QTest.keyClick(canvas, Qt.Key.Key_Left))
    assert tab.params.drawing.shapes[1].x == pytest.approx(shape.x - 1 / 96)
    settle(qtbot, tab, lambda: QTest.keyClick(canvas, Qt.Key.Key_Down))
    settle(qtbot, tab, tab.undo)  # each press is a step
    assert tab.params.drawing.shapes[1].y == shape.y
    settle(qtbot, tab, tab.scene.duplicate)
    assert len(tab.params.drawing.shapes) == 7
    assert canvas.at() == 6
    settle(qtbot, tab, lambda: QTest.keyClick(canvas, Qt.Key.Key_Delete))
    assert len(tab.params.drawing.shapes) == 6
    assert canvas.at() == -1
    tab.scene.remove()  # nothing chosen, nothing to delete
    assert len(tab.params.drawing.shapes) == 6


def test_the_palette_adds_by_click_and_by_drag_as_one_step(canvas, tab, qtbot):
    star = next(one for one in tab.scene.palette if one.kind == "star")
    settle(qtbot, tab, star.click)
    assert [s.kind for s in tab.params.drawing.shapes[6:]] == ["star"]
    settle(qtbot, tab, tab.undo)
    ring = next(one for one in tab.scene.palette if one.kind == "ring")
    start = QPointF(ring.rect().center())
    target = QPointF(ring.mapFromGlobal(canvas.mapToGlobal(point(canvas, 0.9, 0.9))))
    settle(qtbot, tab, lambda: drag(ring, start, target))
    added = tab.params.drawing.shapes[-1]
    assert added.kind == "ring"
    assert (added.x, added.y) == pytest.approx((0.9, 0.9), abs=0.01)
    assert canvas.at() == 6
    settle(qtbot, tab, tab.undo)
    assert len(tab.params.drawing.shapes) == 6


def test_color_texture_size_and_turn_of_the_chosen_shape(canvas, tab, qtbot):
    scene = tab.scene
    assert not scene.swatches.isEnabled()
    canvas.select(2)
    assert scene.swatches.isEnabled()
    settle(qtbot, tab, lambda: scene.swatches._choose(3))
    assert tab.params.drawing.shapes[2].color == editing.COLORS[3]
    settle(qtbot, tab, lambda: scene.texture.chosen.emit(3))
    assert tab.params.drawing.shapes[2].texture == "dots"
    settle(qtbot, tab, lambda: [scene.size.changed.emit(v) for v in (0.3, 0.4, 0.5)] + [scene.size.settled.emit(0.5)])
    settle(qtbot, tab, lambda: (scene.angle.changed.emit(45), scene.angle.settled.emit(45)))
    assert (tab.params.drawing.shapes[2].size, tab.params.drawing.shapes[2].angle) == (0.5, 45.0)
    settle(qtbot, tab, tab.undo)
    settle(qtbot, tab, tab.undo)  # the whole slide is one step
    assert tab.params.drawing.shapes[2].size == pytest.approx(0.28)
    settle(qtbot, tab, scene.raise_)
    assert tab.params.drawing.shapes[-1].kind == "ring"


def test_backgrounds_random_scene_and_clear(canvas, tab, qtbot):
    scene = tab.scene
    settle(qtbot, tab, lambda: scene.backgrounds.chosen.emit(2))
    assert tab.params.drawing.background == "noisy"
    seed = tab.params.drawing.seed
    settle(qtbot, tab, lambda: scene.backgrounds.chosen.emit(2))
    assert tab.params.drawing.seed != seed  # the same again: another one
    settle(qtbot, tab, scene.roll)
    first = tab.params.drawing
    settle(qtbot, tab, scene.roll)
    assert tab.params.drawing != first
    settle(qtbot, tab, lambda: scene._do(Drawing(), -1))
    assert tab.found.passes.sum() == 0
    assert scene.list.numbers()["names"].size == 0
    settle(qtbot, tab, tab.undo)
    assert tab.params.drawing.shapes


def test_a_photo_becomes_the_background_of_the_toy(canvas, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert tab.scene.backgrounds.at() == 4
    assert canvas.photo_size() == (384, 384)
    assert len(tab.seen.true_boxes) == 6
    settle(qtbot, tab, lambda: tab.scene.backgrounds.chosen.emit(0))
    assert tab.params.picture is None
    assert tab.params.drawing.background == "plain"
    settle(qtbot, tab, tab.undo)
    assert tab.params.picture.name == "a.png"


def test_a_real_model_with_a_photo_looks_at_no_scene_and_offers_the_way_back(canvas, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert canvas.isVisible()
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert not canvas.isVisible()
    assert "This model looks at the photo, not at the scene." in texts(tab.scene.centre)
    settle(qtbot, tab, tab.scene._canvas_card._act)
    assert canvas.isVisible()
    assert tab.params.picture is None


def test_room_is_bounded_and_a_crowd_is_told(canvas, tab, qtbot):
    for _ in range(20):
        tab.scene.add("star")
    qtbot.waitUntil(lambda: not tab.stream.is_busy)
    assert len(tab.params.drawing.shapes) == editing.ROOM
    assert not tab.scene.palette[0].isEnabled()
    assert "Trained on up to 8 shapes; here are 16." in texts(tab.scene.centre)


def test_the_scene_can_be_seen_as_the_model_gets_it(canvas, tab):
    crisp = canvas._rgb
    tab.scene.seen.click()
    blocks = canvas._rgb.reshape(96, 4, 96, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    tab.scene.seen.click()
    assert np.array_equal(canvas._rgb, crisp)


# ------------------------------------------------------------------ house
def test_what_is_found_counts_each_truth_once():
    true = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.48], [0.5, 0.5, 1, 1], [0.2, 0.2, 0.3, 0.3]], np.float32)
    labels, kinds = np.array([1, 1, 2, 1]), np.array([1, 3])
    assert editing.found(boxes, labels, true, kinds) == [0, -1, -1, -1]
    assert editing.found(boxes, labels, true[:0], kinds[:0]) == [-1] * 4
    assert editing.iou(true, true) == pytest.approx(np.eye(2))


def test_a_new_shape_goes_where_room_is():
    corner = Drawing((Shape("square", 0.2, 0.2, 0.3, 0, (1, 2, 3)),))
    x, y = editing.roomiest(corner)
    assert x > 0.5
    assert y > 0.5
    assert editing.duplicated(corner, 0).shapes[1].x != 0.2


def cut(tab):
    """Texts that have less room than they need."""
    labels = [one for one in tab.findChildren(QLabel) if one.isVisible() and one.text()]
    buttons = [one for one in tab.findChildren(QToolButton) if one.isVisible() and one.text()]
    narrow = [one for one in labels if not one.wordWrap() and one.width() + 1 < one.sizeHint().width()]
    low = [one for one in labels if one.wordWrap() and one.height() + 1 < one.heightForWidth(one.width())]
    return [one.text() for one in (*narrow, *low, *(b for b in buttons if b.width() + 1 < b.minimumSizeHint().width()))]


@pytest.mark.parametrize("page", [DETECT, SCENE])
@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_is_whole_and_translated_in_both_languages_and_themes(tab, window, qtbot, page, size, capfd):
    settle(qtbot, tab, lambda: tab.change(temperature=3.0, threshold=0.97, queries_off=(2,)))
    tab.show_page(page)
    words.forget_missing()
    for language, look in (("zh", "dark"), ("en", "light")):
        theme.switch(window, theme=look, language=language)
        window.resize(*size)
        qtbot.waitUntil(lambda: window.side.rail == (size[0] < 1400))

        def whole():
            assert cut(tab) == []

        qtbot.waitUntil(whole)
        window.grab()
    assert words.missing() == frozenset()
    assert "Q" not in capfd.readouterr().err.replace("This plugin does not support propagateSizeHints()", "")


def test_language_switch_says_made_texts_anew(tab, window, canvas):
    window.use_language("zh")
    assert "找到 6 / 6" in texts(tab.scene.centre)
    tab.show_page(DETECT)
    assert "16 个查询中有 6 个通过" in texts(tab.detect.centre)


def test_every_view_exports_its_numbers_and_settings(tab, canvas, tmp_path):
    page, scene = tab.detect, tab.scene
    views = (page.photo, page.table, page.film, page.maps, page.matrix, canvas, scene.list, scene.film)
    for i, view in enumerate(views):
        assert view.settings["model"] == "Toy DETR"
        export.save(view, tmp_path / f"{i}.npz")
        with np.load(tmp_path / f"{i}.npz") as kept:
            assert "threshold" in str(kept["settings"])
            assert len(kept.files) > 1
    assert canvas.settings["drawing"]["background"] == "gradient"


def test_the_matrix_tells_the_value_under_the_pointer_and_walks(tab, qtbot):
    matrix = tab.detect.matrix
    place = matrix.matrix_rect()
    hover(matrix, QPointF(place.x() + 2.5 * matrix._step, place.y() + 1.5 * matrix._step))
    assert matrix.report().startswith("2 looks at 3: ")
    settle(qtbot, tab, lambda: matrix.walk(1, 0))
    assert tab.params.query == 1
    with pytest.raises(ValueError, match="Q"):
        matrix.set_matrix(np.zeros((2, 3), np.float32), 1.0)


def test_before_the_first_answer_the_scene_is_there_and_the_cards_say_what_is_missing(window, qtbot, monkeypatch):
    gate = threading.Event()
    run = FakeDetr.run

    def gated(self, job):
        assert gate.wait(10)
        yield from run(self, job)

    monkeypatch.setattr(FakeDetr, "run", gated)
    tab = window.show_topic("detr")
    assert tab.detect.photo.photo_size() == (384, 384)
    assert "The model has not answered yet." in texts(tab.detect.centre)
    with qtbot.waitSignal(tab.rested, timeout=5000):
        gate.set()
    assert "The model has not answered yet." not in texts(tab.detect.centre)


def test_another_photo_of_the_same_size_takes_the_old_boxes_away(tab, qtbot, monkeypatch):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    before = []
    monkeypatch.setattr(tab.detect, "show_detections", lambda *_: before.append(len(tab.detect.photo._boxes)))
    settle(qtbot, tab, lambda: tab.take_picture(Picture("b.png", PHOTO[::-1].copy())))
    assert before[0] == 0


def test_moving_within_a_cell_asks_for_nothing(tab, qtbot):
    page = tab.detect
    settle(qtbot, tab, lambda: (page.look.set_at(1), page.look.chosen.emit(1)))
    settle(qtbot, tab, lambda: page.photo.pointed.emit((0.500, 0.2)))
    count = len(FakeDetr.asked)
    page.photo.pointed.emit((0.501, 0.201))
    assert not tab.stream.is_busy
    assert len(FakeDetr.asked) == count

"""The scene editor: shapes that follow the hand, the detection behind them, one undo step per drag."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app import words
from app.plots.boxes import TURN
from app.tabs.detr.boxes import iou
from app.tabs.detr.scene import editing
from app.tabs.detr.tab import SCENE
from engines.core.pictures import Picture
from engines.detr.spec import Drawing, Shape
from tests.app.detr_fake import open_detr, open_tab, settle, texts
from tests.app.views_help import drag

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 180, 3), np.uint8)


@pytest.fixture
def window(open_window, monkeypatch):
    return open_detr(open_window, monkeypatch)


@pytest.fixture
def tab(window, qtbot):
    return open_tab(window, qtbot)


@pytest.fixture
def canvas(tab, qtbot):
    tab.show_page(SCENE)
    canvas = tab.pages[SCENE].canvas
    qtbot.waitUntil(lambda: canvas.isVisible() and len(canvas.found) == 6)
    return canvas


def point(canvas, x, y):
    canvas.arranged()
    width, height = canvas.photo_size()
    return canvas.on_screen(QPointF(x * width, y * height))


def test_truth_and_prediction_stand_on_the_scene(canvas, tab):
    assert words.drawn(canvas.found[0].tag) == "circle 0.95"
    assert {box.token for box in canvas.found} == {"pred"}
    assert sum(box.token == "truth" for box in canvas.boxes()) == 6
    assert "6 of 6 found" in texts(tab.pages[SCENE].centre)
    assert tab.pages[SCENE].list.numbers()["values"][0] == pytest.approx(0.95)


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
    best = canvas.found[0]
    assert (best.cx, best.cy) == pytest.approx((moved.x, moved.y), abs=0.02)
    settle(qtbot, tab, tab.undo)
    assert tab.params.drawing == before
    assert canvas.drawing() == before
    assert not tab.now.state.history.can_undo
    settle(qtbot, tab, tab.redo)
    assert tab.params.drawing.shapes[0] == moved


def test_corners_resize_and_the_handle_turns(canvas, tab, qtbot):
    square = tab.params.drawing.shapes[3]
    canvas.select(3)
    grips = {grip.corner: grip for grip in canvas.region.grips()}
    center = point(canvas, square.x, square.y)
    canvas.lay()
    grip, stays = grips[1, 1].place(), grips[-1, -1].place()
    settle(qtbot, tab, lambda: drag(canvas, grip, grip + (grip - center) * 0.5))
    larger = tab.params.drawing.shapes[3]
    assert larger.size == pytest.approx(1.25 * square.size, rel=0.03)
    assert larger.angle == pytest.approx(square.angle)
    fixed = canvas.on_screen(canvas._frame(3).out(-1, -1))
    assert (fixed - stays).manhattanLength() < 2  # the corner across did not move
    turn = grips[TURN].place()
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
    settle(qtbot, tab, tab.pages[SCENE].duplicate)
    assert len(tab.params.drawing.shapes) == 7
    assert canvas.at() == 6
    settle(qtbot, tab, lambda: QTest.keyClick(canvas, Qt.Key.Key_Delete))
    assert len(tab.params.drawing.shapes) == 6
    assert canvas.at() == -1
    tab.pages[SCENE].remove()  # nothing chosen, nothing to delete
    assert len(tab.params.drawing.shapes) == 6


def test_the_palette_adds_by_click_and_by_drag_as_one_step(canvas, tab, qtbot):
    star = next(one for one in tab.pages[SCENE].kinds if one.kind == "star")
    settle(qtbot, tab, star.click)
    assert [s.kind for s in tab.params.drawing.shapes[6:]] == ["star"]
    settle(qtbot, tab, tab.undo)
    ring = next(one for one in tab.pages[SCENE].kinds if one.kind == "ring")
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
    scene = tab.pages[SCENE]
    assert not scene.swatches.isEnabled()
    canvas.select(2)
    assert scene.swatches.isEnabled()
    settle(qtbot, tab, lambda: scene.swatches._choose(3))
    assert tab.params.drawing.shapes[2].color == editing.COLORS[3]
    settle(qtbot, tab, lambda: scene.texture.chosen.emit(3))
    assert tab.params.drawing.shapes[2].texture == "dots"
    settle(
        qtbot,
        tab,
        lambda: [scene.size_row.changed.emit(v) for v in (0.3, 0.4, 0.5)] + [scene.size_row.settled.emit(0.5)],
    )
    settle(qtbot, tab, lambda: (scene.angle_row.changed.emit(45), scene.angle_row.settled.emit(45)))
    assert (tab.params.drawing.shapes[2].size, tab.params.drawing.shapes[2].angle) == (0.5, 45.0)
    settle(qtbot, tab, tab.undo)
    settle(qtbot, tab, tab.undo)  # the whole slide is one step
    assert tab.params.drawing.shapes[2].size == pytest.approx(0.28)
    settle(qtbot, tab, scene.to_front)
    assert tab.params.drawing.shapes[-1].kind == "ring"


def test_backgrounds_random_scene_and_clear(canvas, tab, qtbot):
    scene = tab.pages[SCENE]
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
    assert tab.pages[SCENE].found.passes.sum() == 0
    assert scene.list.numbers()["names"].size == 0
    settle(qtbot, tab, tab.undo)
    assert tab.params.drawing.shapes


def test_a_photo_becomes_the_background_of_the_toy(canvas, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert tab.pages[SCENE].backgrounds.at() == 4
    assert canvas.photo_size() == (384, 384)
    assert len(tab.pages[SCENE].pictured.true_boxes) == 6
    settle(qtbot, tab, lambda: tab.pages[SCENE].backgrounds.chosen.emit(0))
    assert tab.params.picture is None
    assert tab.params.drawing.background == "plain"
    settle(qtbot, tab, tab.undo)
    assert tab.params.picture.name == "a.png"


def test_a_real_model_with_a_photo_looks_at_no_scene_and_offers_the_way_back(canvas, tab, qtbot):
    settle(qtbot, tab, lambda: tab.take_model("real"))
    assert canvas.isVisible()
    settle(qtbot, tab, lambda: tab.take_picture(Picture("a.png", PHOTO)))
    assert not canvas.isVisible()
    assert "This model's input is the photo, not the scene." in texts(tab.pages[SCENE].centre)
    settle(qtbot, tab, tab.pages[SCENE]._canvas_card._act)
    assert canvas.isVisible()
    assert tab.params.picture is None


def test_room_is_bounded_and_a_crowd_is_told(canvas, tab, qtbot):
    for _ in range(20):
        tab.pages[SCENE].add("star")
    qtbot.waitUntil(lambda: not tab.is_busy)
    assert len(tab.params.drawing.shapes) == editing.ROOM
    assert not tab.pages[SCENE].kinds[0].isEnabled()
    assert "Trained on up to 8 shapes; this scene has 16." in texts(tab.pages[SCENE].centre)


def test_the_scene_can_be_seen_as_the_model_gets_it(canvas, tab):
    crisp = canvas._rgb
    tab.pages[SCENE].seen.click()
    blocks = canvas._rgb.reshape(96, 4, 96, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    tab.pages[SCENE].seen.click()
    assert np.array_equal(canvas._rgb, crisp)


def test_what_is_found_counts_each_truth_once():
    true = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.48], [0.5, 0.5, 1, 1], [0.2, 0.2, 0.3, 0.3]], np.float32)
    labels, kinds = np.array([1, 1, 2, 1]), np.array([1, 3])
    assert editing.found(boxes, labels, true, kinds) == [0, -1, -1, -1]
    assert editing.found(boxes, labels, true[:0], kinds[:0]) == [-1] * 4
    assert iou(true, true) == pytest.approx(np.eye(2))


def test_a_new_shape_goes_where_room_is():
    corner = Drawing((Shape("square", 0.2, 0.2, 0.3, 0, (1, 2, 3)),))
    x, y = editing.roomiest(corner)
    assert x > 0.5
    assert y > 0.5
    assert editing.duplicated(corner, 0).shapes[1].x != 0.2

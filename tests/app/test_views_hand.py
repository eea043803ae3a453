"""What the hand does to the views: hover, click, drag, wheel, keys, and what a screen reader hears."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import theme, words
from app.plots.scatterplot import ScatterPlot
from app.tabs.detr.layergrid import LayerGrid
from app.views.bars import Bars, probability
from app.views.boxeditor import BoxEditor
from app.views.boxes import Box, frame_of, moved, resized, rotated
from app.views.boxview import BoxView
from app.views.filmstrip import FilmStrip
from app.views.maskmap import MaskMap
from app.views.mosaic import Mosaic
from app.views.photomap import CLASS_TOKEN, PhotoMap
from app.views.scoregrid import MaskGrid
from app.views.table import QueryTable, Row
from app.views.tokenmap import TokenMap
from engines.core.errors import Message
from tests.app.views_help import click, drag, hover, key, send, show, wheel


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    pg.setConfigOptions(mouseRateLimit=-1)  # a test's hand is quicker than pyqtgraph believes


@pytest.fixture
def photo_map(qtbot):
    view = PhotoMap()
    view.set_photo(np.zeros((300, 450, 3), np.uint8))
    view.set_grid(16, 24)
    view.set_map(np.random.default_rng(0).random((16, 24)).astype(np.float32) / 384, class_value=0.01)
    return show(qtbot, view, 700, 420)


def heard(signal) -> list:
    """Collect what a signal says."""
    out: list = []
    signal.connect(lambda *values: out.append(values[0] if len(values) == 1 else values))
    return out


def test_a_pixel_belongs_to_its_patch(photo_map):
    said = heard(photo_map.hovered)
    for cell in [(0, 0), (15, 23), (0, 23), (15, 0), (7, 11)]:
        place = photo_map.cell_rect(cell)
        for point in (place.topLeft(), place.center(), place.bottomRight() - QPointF(1, 1)):
            assert photo_map.cell_at(point) == cell
        hover(photo_map, place.center())
        assert said[-1] == cell
        assert f"patch {cell[0] + 1}, {cell[1] + 1}" in photo_map.accessibleDescription()


def test_hover_ends_outside(photo_map):
    said = heard(photo_map.hovered)
    hover(photo_map, photo_map.cell_rect((3, 3)).center())
    hover(photo_map, QPointF(1, 419))
    assert said == [(3, 3), None]


def test_click_pins_and_unpins(photo_map):
    said = heard(photo_map.clicked)
    point = photo_map.cell_rect((4, 5)).center()
    click(photo_map, point)
    assert photo_map.pin() == (4, 5)
    click(photo_map, point)
    click(photo_map, point)
    key(photo_map, Qt.Key.Key_Escape)
    assert said == [(4, 5), None, (4, 5), None]
    assert photo_map.pin() is None


def test_the_class_token_is_a_patch_like_the_others(photo_map):
    said, pointed = heard(photo_map.clicked), heard(photo_map.hovered)
    place = photo_map.cell_rect(CLASS_TOKEN)
    assert not place.intersects(photo_map.photo_rect())
    hover(photo_map, place.center())
    click(photo_map, place.center())
    assert pointed[-1] == CLASS_TOKEN
    assert said == [CLASS_TOKEN]
    assert "class token" in photo_map.report()
    assert "1.0 %" in photo_map.report()


def test_arrows_walk_patches_and_reach_the_class_token(photo_map):
    photo_map.set_pin((0, 1))
    said = heard(photo_map.clicked)
    for code in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
        key(photo_map, code)
    assert said == [(0, 2), (1, 2), (0, 2), CLASS_TOKEN, (0, 0)]


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_wheel_zooms_at_the_pointer(photo_map, steps):
    cell = (10, 15)
    point = photo_map.cell_rect(cell).center()
    wheel(photo_map, point, steps)
    assert photo_map.zoom > 1
    assert photo_map.cell_at(point) == cell
    width = photo_map.cell_rect(cell).width()
    assert width == pytest.approx(round(width))
    key(photo_map, Qt.Key.Key_0)
    assert photo_map.zoom == 1
    assert photo_map.cell_rect(cell).center() == point


def test_drag_pans_a_zoomed_photo_and_does_not_click(photo_map):
    said = heard(photo_map.clicked)
    middle = QPointF(350, 220)
    wheel(photo_map, middle, 6)
    before = photo_map.cell_at(middle)
    drag(photo_map, middle, middle + QPointF(60, 0))
    assert photo_map.cell_at(middle + QPointF(60, 0)) == before
    assert not said
    photo_map.fit()
    drag(photo_map, middle, middle + QPointF(2, 0))
    assert len(said) == 1


def test_shift_and_a_drag_zoom_into_a_rectangle(photo_map):
    said = heard(photo_map.clicked)
    first, last = (photo_map.cell_rect(cell) for cell in ((6, 8), (9, 13)))
    place = first.united(last)
    drag(photo_map, place.topLeft(), place.bottomRight(), Qt.KeyboardModifier.ShiftModifier)
    assert photo_map.zoom > 1
    assert not said
    assert not photo_map.rubber_band.isVisible()
    inside = photo_map.rect().toRectF()
    near = photo_map.cell_rect((6, 8)).united(photo_map.cell_rect((9, 13)))
    assert inside.adjusted(-20, -20, 20, 20).contains(near)
    assert max(near.width() / inside.width(), near.height() / inside.height()) > 0.7
    assert (near.center() - inside.center()).manhattanLength() < 40
    QTest.mouseDClick(photo_map, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(300, 200))
    assert photo_map.zoom == 1
    click(photo_map, first.center(), Qt.KeyboardModifier.ShiftModifier)  # no drag: a click as ever
    assert said[-1] == (6, 8)


def test_the_rectangle_is_seen_while_it_is_drawn_and_forgotten_when_the_button_is_let_go_elsewhere(photo_map):
    left, none, shift = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.ShiftModifier
    start, end = QPointF(200, 150), QPointF(300, 220)
    send(photo_map, QEvent.Type.MouseButtonPress, start, left, left, shift)
    send(photo_map, QEvent.Type.MouseMove, end, none, left, shift)
    assert photo_map.rubber_band.rect() == QRectF(start, end)
    assert photo_map.rubber_band.isVisible()
    send(photo_map, QEvent.Type.MouseButtonRelease, end, left, none, shift)
    photo_map.fit()
    send(photo_map, QEvent.Type.MouseButtonPress, start, left, left, shift)
    hover(photo_map, start + QPointF(1, 1))  # the release went to another window
    send(photo_map, QEvent.Type.MouseMove, end, none, left, shift)
    assert not photo_map.rubber_band.isVisible()


def test_wheel_never_shrinks_below_the_whole(photo_map):
    wheel(photo_map, QPointF(10, 10), -20)
    assert photo_map.zoom == 1


@pytest.fixture
def mosaic(qtbot):
    view = Mosaic(columns=4, captions=True)
    view.set_maps(np.random.default_rng(0).random((10, 6, 8)).astype(np.float32))
    view.set_captions([Message("Head {n}", {"n": i + 1}) for i in range(10)], [f"{i}.0" for i in range(10)])
    return show(qtbot, view)


def test_mosaic_click_arrows_and_order(mosaic):
    said = heard(mosaic.chosen)
    click(mosaic, mosaic.cell_rect(6).center())
    for code in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Right, Qt.Key.Key_Down):
        key(mosaic, code)
    assert said == [6, 5, 1, 2, 6]
    mosaic.set_order(range(9, -1, -1))
    click(mosaic, mosaic.cell_rect(9).center())
    key(mosaic, Qt.Key.Key_Right)
    assert said[-2:] == [9, 8]
    assert mosaic.cell_rect(9).topLeft().y() < mosaic.cell_rect(0).topLeft().y()


def test_mosaic_hover_gives_map_row_and_column(mosaic):
    said = heard(mosaic.hovered)
    cell = mosaic.cell_rect(5)
    step = cell.width() / 8
    hover(mosaic, cell.topLeft() + QPointF(3.5 * step, 2.5 * step))
    assert said[-1] == (5, 2, 3)
    assert mosaic.report().startswith("Head 6, patch 3, 4, ")
    hover(mosaic, cell.bottomLeft() + QPointF(2, 8))
    assert said[-1] is None


def test_mosaic_order_moves_pixels_with_captions(mosaic):
    first = mosaic.cell_rect(0)
    before = mosaic.levels()[0]
    mosaic.set_order([3, 0, 1, 2, 4, 5, 6, 7, 8, 9])
    assert mosaic.cell_rect(3) == first
    np.testing.assert_array_equal(mosaic.levels()[0], before)


def test_switched_off_heads_say_so(mosaic):
    mosaic.set_off((2,))
    mosaic.set_at(2)
    assert mosaic.report() == "Head 3, off"


def test_bars_hover_and_click(qtbot):
    view = Bars()
    view.set_bars([probability(Message("off"), 0.5, 0.4), probability("b", 0.2)])
    show(qtbot, view, 400, 90)
    pointed, said = heard(view.hovered), heard(view.clicked)
    hover(view, QPointF(100, 60))
    click(view, QPointF(100, 10))
    assert pointed[0] == 1
    assert said == [0]
    assert "50.0 % +10.0" in view.report() or "20.0 %" in view.report()


@pytest.fixture
def boxes(qtbot):
    view = BoxView()
    view.set_photo(np.zeros((300, 300, 3), np.uint8))
    view.set_boxes([Box(0.5, 0.5, 0.8, 0.8, "big"), Box(0.5, 0.5, 0.2, 0.2, "small"), Box(0.15, 0.5, 0.1, 0.1)])
    return show(qtbot, view, 400, 400)


def test_the_smallest_box_is_hit_and_the_pixel_is_told(boxes):
    said, pointed, clicked = heard(boxes.hovered), heard(boxes.pointed), heard(boxes.clicked)
    hover(boxes, QPointF(200, 200))
    assert said == [1]
    assert pointed[-1] == pytest.approx((0.5, 0.5), abs=0.01)
    click(boxes, QPointF(200, 200))
    click(boxes, QPointF(200, 200))
    click(boxes, QPointF(100, 100))
    key(boxes, Qt.Key.Key_Escape)
    assert clicked == [1, None, 0, None]
    hover(boxes, QPointF(3, 3))
    assert said[-1] is None


def test_arrows_go_round_the_boxes(boxes):
    said = heard(boxes.clicked)
    for code in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Up):
        key(boxes, code)
    assert said == [0, 1, 0, 2]


@pytest.fixture
def editor(qtbot):
    view = BoxEditor(turn=True)
    view.set_photo(np.zeros((400, 400, 3), np.uint8))
    view.set_boxes([Box(0.5, 0.5, 0.25, 0.25, "a"), Box(0.2, 0.2, 0.1, 0.1, "b")])
    return show(qtbot, view, 400, 400)


def test_one_undo_step_per_drag(editor):
    began, changed, finished = heard(editor.began), heard(editor.changed), heard(editor.finished)
    drag(editor, QPointF(200, 200), QPointF(240, 180))
    assert began == [0]
    assert finished == [0]
    assert len(changed) == 3
    index, box = changed[-1]
    assert index == 0
    assert (box.cx, box.cy) == pytest.approx((0.6, 0.45), abs=0.01)
    assert (box.w, box.h, box.tag) == (0.25, 0.25, "a")
    assert editor.at() == 0


def test_shift_keeps_to_an_axis_and_ctrl_snaps(editor):
    changed = heard(editor.changed)
    drag(editor, QPointF(200, 200), QPointF(240, 210), Qt.KeyboardModifier.ShiftModifier)
    assert changed[-1][1].cy == 0.5
    editor.set_boxes([Box(0.5, 0.5, 0.25, 0.25)])
    drag(editor, QPointF(200, 200), QPointF(243, 201), Qt.KeyboardModifier.ControlModifier)
    box = changed[-1][1]
    assert (box.cx - box.w / 2) * 400 % 8 == pytest.approx(0, abs=1e-6)


def test_corner_resizes_and_the_opposite_one_stays(editor):
    editor.set_at(0)
    changed = heard(editor.changed)
    drag(editor, QPointF(250, 250), QPointF(290, 270))
    box = changed[-1][1]
    assert ((box.cx - box.w / 2) * 400, (box.cy - box.h / 2) * 400) == pytest.approx((150, 150), abs=1)
    assert (box.w * 400, box.h * 400) == pytest.approx((140, 120), abs=2)


def test_handle_above_turns_the_box(editor):
    editor.set_at(0)
    changed = heard(editor.changed)
    drag(editor, QPointF(200, 150 - 22), QPointF(280, 200))
    assert changed[-1][1].angle == pytest.approx(90, abs=1)


def test_arrow_keys_nudge_and_delete_removes(editor):
    editor.set_at(1)
    changed, removed, began = heard(editor.changed), heard(editor.removed), heard(editor.began)
    key(editor, Qt.Key.Key_Right)
    assert changed[-1][1].cx * 400 == pytest.approx(81)
    assert began == [1]
    key(editor, Qt.Key.Key_Delete)
    assert removed == [1]


def test_click_without_moving_is_no_edit(editor):
    began, clicked = heard(editor.began), heard(editor.clicked)
    click(editor, QPointF(200, 200))
    assert not began
    assert clicked == [0]


@pytest.mark.parametrize("angle", [0.0, 30.0, -120.0])
def test_resizing_a_turned_box_keeps_the_far_corner(angle):
    for corner in [(-1, -1), (1, -1), (1, 1), (-1, 1)]:
        _resize_and_compare(angle, corner)


def _resize_and_compare(angle, corner):
    frame = frame_of(Box(0.5, 0.5, 0.3, 0.2, angle=angle), 200, 100)
    new = resized(frame, corner, frame.out(2 * corner[0], 3 * corner[1]), False, 0)
    far, kept = frame.out(-corner[0], -corner[1]), new.out(-corner[0], -corner[1])
    assert (kept.x(), kept.y()) == pytest.approx((far.x(), far.y()))
    assert new.half_w == pytest.approx(frame.half_w * 1.5)
    assert new.half_h == pytest.approx(frame.half_h * 2)
    ratio = resized(frame, corner, frame.out(3 * corner[0], corner[1]), True, 0)
    assert ratio.half_w / ratio.half_h == pytest.approx(frame.half_w / frame.half_h)


def test_a_box_never_gets_lost_or_inside_out():
    frame = frame_of(Box(0.5, 0.5, 0.3, 0.2), 200, 100)
    away = moved(frame, QPointF(9999, -9999), False, 0, (200, 100))
    assert (away.x, away.y) == (200, 0)
    tiny = resized(frame, (1, 1), QPointF(-999, -999), False, 0)
    assert tiny.half_w > 0
    assert tiny.half_h > 0
    assert rotated(frame, QPointF(frame.x, 0), False).angle == 0


def test_film_strip_chooses_by_click_and_arrows(qtbot):
    strip = FilmStrip()
    strip.set_photos([np.zeros((40, 60, 3), np.uint8)] * 20, [str(i) for i in range(20)])
    show(qtbot, strip, 400, 92)
    said = heard(strip.chosen)
    click(strip, strip.place(1).center())
    for _ in range(18):
        key(strip, Qt.Key.Key_Right)
    assert said == list(range(1, 20))
    assert strip.place(19).right() <= strip.width()
    wheel(strip, QPointF(50, 50), 50)
    assert strip.place(0).left() >= 0


def test_film_strip_hears_the_pointer_come_and_go(qtbot):
    strip = FilmStrip()
    strip.set_photos([np.zeros((40, 60, 3), np.uint8)] * 3, ["a", "b", "c"])
    show(qtbot, strip, 400, 92)
    said = heard(strip.hovered)
    hover(strip, strip.place(1).center())
    hover(strip, strip.place(1).center() + QPointF(2, 0))
    assert strip.report().startswith("2 / 3")
    QApplication.sendEvent(strip, QEvent(QEvent.Type.Leave))
    assert said == [1, None]
    assert strip.report() == ""


def test_layers_in_two_lines_are_hit_in_their_own_line(qtbot):
    grid = LayerGrid()
    grid.set_photos([np.zeros((40, 60, 3), np.uint8)] * 6, [str(i) for i in range(6)])
    show(qtbot, grid, 300, 300)
    assert grid.place(5).top() > grid.place(0).bottom()
    said = heard(grid.chosen)
    for i in range(6):
        click(grid, grid.place(i).center())
    assert said == list(range(6))
    assert grid.under(QPointF(1, 1)) is None


@pytest.fixture
def table(qtbot):
    view = QueryTable()
    view.set_rows([Row(i, "cat", i / 100, (0.5, 0.5, 0.1, 0.2)) for i in range(100)])
    return show(qtbot, view, 500, 300)


def test_table_row_and_switch(table):
    chosen, switched, pointed = heard(table.chosen), heard(table.switched), heard(table.hovered)
    view = table.viewport()
    click(view, QPointF(200, 10))
    click(view, QPointF(15, 10))
    hover(view, QPointF(200, 40))
    assert chosen == [99]
    assert switched == [(99, False)]
    assert pointed[-1] == 98
    key(table, Qt.Key.Key_Down)
    key(table, Qt.Key.Key_End)
    key(table, Qt.Key.Key_Space)
    key(table, Qt.Key.Key_Escape)
    assert chosen == [99, 98, 0, None]
    assert switched[-1] == (0, False)


def test_table_keeps_its_selection_through_new_rows(table):
    table.set_at(42)
    table.set_rows([Row(i, "dog", 1 - i / 100, (0.5, 0.5, 0.1, 0.2)) for i in range(100)])
    assert table.at() == 42
    assert table.selectionModel().selectedRows()[0].row() == 42
    table.set_at(None)
    assert not table.selectionModel().selectedRows()


# ------------------------------------------------------------------ undone while the hand still holds it
def hold(view, start: QPointF, end: QPointF) -> None:
    """Press and move, without letting go."""
    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    send(view, QEvent.Type.MouseButtonPress, start, left, left, plain)
    send(view, QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton, left, plain)


def test_a_point_that_is_gone_is_let_go(qtbot):
    plot = ScatterPlot()
    plot.editable = True
    plot.set_points(np.arange(5.0), np.arange(5.0))
    show(qtbot, plot, 400, 300)
    told = heard(plot.point_moved)
    last = plot.spot(4, 4)
    hold(plot.viewport(), last, last - QPointF(20, 0))
    assert told[-1][0] == 4
    plot.set_points(np.arange(3.0), np.arange(3.0))
    count = len(told)
    for modifier in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        send(plot.viewport(), QEvent.Type.MouseMove, last, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, modifier)
    assert len(told) == count


def test_a_row_that_is_gone_is_let_go(qtbot):
    grid = MaskGrid()
    grid.set_mask((4, 4, 4), (), 5)
    show(qtbot, grid, 400, 300)
    told = heard(grid.measured)
    grid.arranged()
    edge = grid.edge(2)
    hold(grid, edge, edge - QPointF(2 * grid.cell_rect((0, 0)).width(), 0))
    assert told[-1] == (4, 4, 2)
    grid.set_mask((4, 4), (), 5)
    hover(grid, edge)
    assert len(told) == 1


# ------------------------------------------------------------------ nearer
def zoomed(view, at):
    wheel(view.viewport(), at, 5)
    (x0, x1), (y0, y1) = view.box.viewRange()
    return view.width() / (x1 - x0), view.height() / (y1 - y0)


@pytest.fixture
def near(qtbot):
    view = TokenMap(rows_only=False)
    view.set_tokens(list("abcdef"), list("abcdef"))
    view.set_values(np.eye(6), 1.0, 0.0)
    return show(qtbot, view, 300, 300)


def test_the_wheel_goes_nearer_at_the_pointer_and_the_hand_still_finds_its_cell(near):
    at = near.cell_rect((2, 3)).center()
    across, down = zoomed(near, at)
    assert across > 1.2
    assert down > 1.2
    said = []
    near.hovered.connect(said.append)
    hover(near.viewport(), at)  # what was under the pointer is still there
    assert said[-1] == (2, 3)
    click(near.viewport(), at)
    assert near.at() == (2, 3)
    corner = near.box.mapViewToScene(near.cell_rect((3, 3)).center())
    hover(near.viewport(), corner)
    assert said[-1] == (3, 3)


def test_a_drag_pans_no_farther_than_the_whole_and_a_double_click_shows_all(near, qtbot):
    whole = near.box.viewRange()
    drag(near.viewport(), QPointF(150, 150), QPointF(190, 190))
    np.testing.assert_allclose(near.box.viewRange(), whole)
    zoomed(near, QPointF(150, 150))
    before = near.box.viewRange()
    drag(near.viewport(), QPointF(150, 150), QPointF(210, 150))
    assert near.box.viewRange()[0][0] < before[0][0]
    qtbot.mouseDClick(near.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    np.testing.assert_allclose(near.box.viewRange(), whole)
    zoomed(near, QPointF(150, 150))
    size, before = np.array([[near.width()], [near.height()]]), near.box.viewRange()
    near.resize(320, 280)  # another size: the same part of it
    np.testing.assert_allclose(near.box.viewRange() / np.array([[320], [280]]), before / size)
    near.fit()
    assert near.box.viewRange() == [[0, 320], [0, 280]]


def test_what_the_left_button_paints_is_not_panned(qtbot):
    view = MaskMap()
    view.set_values(np.full((4, 4), 0.25), 1.0, 0.0)
    show(qtbot, view, 300, 300)
    zoomed(view, QPointF(150, 150))
    before = view.box.viewRange()
    place = view.box.mapViewToScene(view.cell_rect((1, 1)).center())
    drag(view.viewport(), place, place + QPointF(30, 0))
    assert (1, 1) in view.blocked()
    np.testing.assert_allclose(view.box.viewRange(), before)


# ------------------------------------------------------------------ the region in the hand
def grips(editor):
    editor.lay()
    return {grip.corner: grip.place() for grip in editor.region.grips()}


def test_a_corner_is_found_on_a_photo_that_is_near(editor):
    editor.set_at(0)
    wheel(editor.viewport(), QPointF(240, 240), 4)
    before = grips(editor)
    changed = heard(editor.changed)
    corner, stays = before[1, 1], before[-1, -1]
    drag(editor.viewport(), corner, corner + QPointF(-30, 20))
    after = grips(editor)
    assert (after[1, 1] - corner - QPointF(-30, 20)).manhattanLength() < 1.5
    assert (after[-1, -1] - stays).manhattanLength() < 1e-6
    assert changed[-1][1].w == pytest.approx(0.25 - 30 / 400 / editor.zoom, abs=0.004)


def test_the_pointer_says_what_a_press_would_take(editor):
    editor.set_at(0)
    places = grips(editor)
    for place, cursor in [
        (places[1, 1], Qt.CursorShape.SizeFDiagCursor),
        (places[1, -1], Qt.CursorShape.SizeBDiagCursor),
        (places[0, -1], Qt.CursorShape.PointingHandCursor),
        (QPointF(200, 200), Qt.CursorShape.SizeAllCursor),
        (QPointF(80, 80), Qt.CursorShape.SizeAllCursor),  # one that is not chosen
        (QPointF(10, 390), Qt.CursorShape.ArrowCursor),
    ]:
        hover(editor.viewport(), place)
        assert editor.viewport().cursor().shape() == cursor
    editor.set_boxes([Box(0.5, 0.5, 0.25, 0.25, "a", angle=90)])
    hover(editor.viewport(), grips(editor)[1, 1])
    assert editor.viewport().cursor().shape() == Qt.CursorShape.SizeBDiagCursor


def test_what_was_undone_in_the_hand_is_no_edit_and_no_click(editor):
    changed, finished, clicked = heard(editor.changed), heard(editor.finished), heard(editor.clicked)
    hold(editor.viewport(), QPointF(200, 200), QPointF(220, 200))
    assert editor.dragging()
    count = len(changed)
    editor.let_go()
    left, none, plain = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    send(editor.viewport(), QEvent.Type.MouseMove, QPointF(240, 200), none, left, plain)
    send(editor.viewport(), QEvent.Type.MouseButtonRelease, QPointF(240, 200), left, none, plain)
    assert (len(changed), finished, clicked) == (count, [], [0])
    drag(editor.viewport(), QPointF(80, 80), QPointF(100, 80))  # and the next drag is one
    assert changed[-1][0] == 1
    assert finished == [1]


def test_another_button_does_not_end_a_drag(editor):
    changed, finished = heard(editor.changed), heard(editor.finished)
    left, right, none = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
    plain, view = Qt.KeyboardModifier.NoModifier, editor.viewport()
    hold(view, QPointF(200, 200), QPointF(220, 200))
    send(view, QEvent.Type.MouseButtonPress, QPointF(220, 200), right, left | right, plain)
    send(view, QEvent.Type.MouseButtonRelease, QPointF(220, 200), right, left, plain)
    assert not finished
    send(view, QEvent.Type.MouseMove, QPointF(260, 200), none, left, plain)
    send(view, QEvent.Type.MouseButtonRelease, QPointF(260, 200), left, none, plain)
    assert finished == [0]
    assert changed[-1][1].cx == pytest.approx(0.65, abs=0.01)
    assert editor.zoom == 1


def test_a_grip_that_has_left_the_pointer_is_not_taken(editor):
    editor.set_at(0)
    corner = grips(editor)[1, 1]
    drag(editor.viewport(), corner, corner + QPointF(-20, -20))
    editor.set_boxes([Box(0.5, 0.5, 0.25, 0.25, "a"), Box(0.2, 0.2, 0.1, 0.1, "b")])  # undone
    changed = heard(editor.changed)
    drag(editor.viewport(), corner + QPointF(-20, -20), corner)  # where the grip was: the box itself now
    assert changed[-1][1].w == pytest.approx(0.25)
    assert changed[-1][1].cx == pytest.approx(0.55, abs=0.01)


def test_only_the_chosen_box_has_grips_and_a_long_press_is_no_drag(editor):
    assert not editor.region.isVisible()
    began = heard(editor.began)
    hold(editor.viewport(), QPointF(200, 200), QPointF(201, 200))
    editor.scene().clickEvents[0]._time -= 10  # a hand that takes its time
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    send(editor.viewport(), QEvent.Type.MouseMove, QPointF(200, 201), none, left, Qt.KeyboardModifier.NoModifier)
    send(
        editor.viewport(), QEvent.Type.MouseButtonRelease, QPointF(200, 201), left, none, Qt.KeyboardModifier.NoModifier
    )
    assert not began
    assert editor.region.isVisible()
    key(editor, Qt.Key.Key_Escape)
    assert not editor.region.isVisible()

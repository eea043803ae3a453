"""The RT-DETR tab in the window, with the bundled model: what the hand does, and what is shown then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.figure import caption_of
from app.room import Room
from app.tabs.rt_detr.detect.page import NEAR
from app.words import drawn
from engines.core.errors import Message


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window(1280, 800).show_topic("rt_detr")
    qtbot.waitUntil(lambda: made.now.found is not None and not made.is_busy)
    return made


def spot(view, index):
    """Where a point is on the screen."""
    view.arranged()
    return QPointF(*view._spots()[index].tolist())


def test_points_are_those_of_the_query_the_layer_and_the_head(tab, qtbot):
    page = tab.now
    found, view = page.found, page.photo
    assert len(view.numbers()["point_weights"]) == page.info.heads * page.info.levels * page.info.points
    page.change(layer=2, head=3)
    shown = view.numbers()
    np.testing.assert_array_equal(shown["points_x_y"], found.points[1, 2])
    np.testing.assert_array_equal(shown["point_weights"], found.weights[1, 2])
    assert shown["point_levels"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    assert shown["boxes_cx_cy_w_h"][-1] == pytest.approx(found.references[1])
    assert page.found is found  # looking asks for nothing
    bars = page.bars.bars()
    np.testing.assert_allclose([bar.total for bar in bars], found.weights[1, 2].reshape(3, 4).sum(1), atol=1e-6)
    page.table.chosen.emit(4)
    qtbot.waitUntil(lambda: page.found.query == 4)
    np.testing.assert_array_equal(view.numbers()["points_x_y"], page.found.points[1, 2])
    page.escape()
    qtbot.waitUntil(lambda: page.found.query == int(found.scores.argmax()))


def test_a_point_under_the_pointer_says_its_weight(tab, qtbot):
    page = tab.now
    page.change(head=1)
    view = page.photo
    best = int(view.numbers()["point_weights"].argmax())
    view.point_at(spot(view, best))
    assert view.near() is not None
    near = view.near()
    assert view.report().startswith(f"head 1, level {near // 4 + 1}, point {near % 4 + 1}, ")
    assert sum(one.share for one in view.corners()) == pytest.approx(1)
    view.grab()  # with the tokens that it is read from
    view.point_at(None)
    assert view.near() is None
    assert view.corners() == ()
    page.change(summed=True)
    inside = float((page.found.weights[0, 0] * page.found.inside[0, 0]).sum())
    assert view.numbers()["heat"].sum() == pytest.approx(inside, abs=1e-4)


def test_the_reference_box_follows_the_hand_and_everything_follows_it(tab, qtbot):
    page = tab.now
    before, view = page.found, page.photo
    high = view.height()
    assert not page.back.isEnabled()
    rect = view.box_rect(view.at())
    start = rect.center()
    step = QPointF(30 if start.x() < view.width() / 2 else -30, 0)
    for point, act in ((start, QTest.mousePress), (start + step / 2, None), (start + step, None),
                       (start + step, QTest.mouseRelease)):  # fmt: skip
        if act is None:
            QTest.mouseMove(view.viewport(), point.toPoint())
        else:
            act(view.viewport(), Qt.MouseButton.LeftButton, pos=point.toPoint())
    qtbot.waitUntil(lambda: page.params.moved is not None and page.found is not before and not tab.is_busy)
    layer, query, box = page.params.moved
    assert (layer, query) == (0, before.query)
    assert abs(abs(box[0] - before.references[0][0]) - 30 / view.shown_rect().width()) < 0.03
    assert page.found.references[0] == pytest.approx(box, abs=1e-4)
    assert not np.array_equal(page.found.points[0], before.points[0])
    assert page.found.touched
    assert page.back.isEnabled()
    assert view.height() == high  # nothing moves under the hand
    assert page.params.changes() == 1
    assert f"Reference box of query {query + 1} dragged" in caption_of(page.photo_card)
    page.step(frozen=True)
    qtbot.waitUntil(lambda: np.array_equal(page.found.points[0], before.points[0]))
    page.back.click()
    qtbot.waitUntil(lambda: page.params.moved is None and not page.found.touched)
    tab.undo()
    qtbot.waitUntil(lambda: page.params.moved == (layer, query, box))


def test_boxes_that_waited_for_the_hand_are_drawn_when_it_lets_go(tab, qtbot):
    page = tab.now
    view = page.photo
    for start, away in ((view.box_rect(view.at()).center(), QPointF(-150, 90)), (None, QPointF(60, 60))):
        if start is None:  # a point
            page.change(head=1)
            start = spot(view, int(view.numbers()["point_weights"].argmax()))
        before = page.found
        QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start.toPoint())
        for share in (0.5, 1.0):
            QTest.mouseMove(view.viewport(), (start + share * away).toPoint())
        qtbot.waitUntil(lambda before=before: page.found is not before and not tab.is_busy)  # in the hand all the while
        assert view.dragging()
        QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=(start + away).toPoint())
        qtbot.waitUntil(lambda: not tab.is_busy)
        found, shown = page.found, view.boxes()
        wanted = page._boxes(page.info, found, 0)
        assert [drawn(one.tag) for one in shown] == [drawn(one.tag) for one in wanted]
        assert shown[-1].cx == pytest.approx(float(found.references[0][0]), abs=1e-4)


def test_a_single_point_follows_the_hand(tab, qtbot):
    page = tab.now
    page.change(head=2)
    view, before = page.photo, page.found
    weights = view.numbers()["point_weights"]
    spots, middle = view._spots(), view.on_screen(QPointF(*(side / 2 for side in view.photo_size())))
    at = int(weights.argmax())
    start = QPointF(*spots[at].tolist())
    way = QPointF(25 if start.x() < middle.x() else -25, 0)
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start.toPoint())
    held = view._held
    assert held is not None
    assert view.dragging()
    QTest.mouseMove(view.viewport(), (start + way).toPoint())
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=(start + way).toPoint())
    ((layer, query, head, point, x, y),) = page.params.placed
    assert (layer, query, head, point) == (0, before.query, 1, held)
    qtbot.waitUntil(lambda: page.found.touched)
    assert page.found.points[0, 1, held].tolist() == pytest.approx((x, y), abs=1e-4)
    assert abs(x - before.points[0, 1, held, 0]) > 0.02
    assert page.params.changes() == 1
    assert "1 point dragged" in caption_of(page.photo_card)
    tab.undo()
    qtbot.waitUntil(lambda: page.params.placed == () and not page.found.touched)


def test_heads_and_levels_are_switched_off_by_their_chips(tab, qtbot):
    page = tab.now
    page.change(layer=2)
    page.heads.changed.emit((1,))
    assert page.params.heads_off == ((1, 1),)
    qtbot.waitUntil(lambda: page.found.weights[1, 1].max() == 0)
    page.levels.changed.emit((0, 2))
    qtbot.waitUntil(lambda: page.found.weights[:, :, :4].max() == 0 and page.found.weights[:, :, 8:].max() == 0)
    assert page.params.changes() == 3
    page.state.reset()
    qtbot.waitUntil(lambda: not page.found.touched)


def test_a_query_is_switched_off_in_the_table(tab, qtbot):
    page = tab.now
    best = page.found.query
    page.table.switched.emit(best, False)
    qtbot.waitUntil(lambda: not page.found.on[best])
    assert not page.found.passes[best]
    assert page.found.query != best  # the best of those that are left
    page.table.switched.emit(best, True)
    qtbot.waitUntil(lambda: page.found.on.all() and not page.found.touched)


def test_layers_are_cut_off_and_the_untouched_boxes_stay(tab, qtbot):
    page = tab.now
    whole = page.found
    page.change(left_out=2, threshold=0.0)
    qtbot.waitUntil(lambda: len(page.found.layer_scores) == 1)
    np.testing.assert_array_equal(page.found.boxes, whole.layer_boxes[0])
    np.testing.assert_array_equal(page.found.plain_boxes, whole.boxes)
    apart = np.abs(page.found.boxes - whole.boxes).max(1) >= NEAR
    assert sum(box.dashed for box in page.photo.boxes()[:-1]) == apart.sum()
    page.change(left_out=0)
    qtbot.waitUntil(lambda: not page.found.touched)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_answer_has_room_in_a_small_window(tab, qtbot, language):
    window = tab.window()
    window.resize(1024, 600)
    window.use_language(language)
    qtbot.waitUntil(lambda: tab.now.findChild(Room).horizontalScrollBar().maximum() == 0)


def test_another_scene_is_another_picture(tab, qtbot):
    page = tab.now
    before = page.shown
    page.step(scene=7)
    qtbot.waitUntil(lambda: page.shown is not before and not tab.is_busy)
    assert drawn(tab.picture_button._name) == "Drawn scene 7"
    assert not np.array_equal(page.shown.rgb, before.rgb)
    assert page.exported()["picture"] == "drawn scene 7"


def test_selection_shows_every_location_and_takes_fewer(tab, qtbot):
    tab.show_page(1)
    page = tab.now
    qtbot.waitUntil(lambda: page.answer is not None and not tab.is_busy)
    answer = page.answer
    assert answer.shapes == ((12, 12), (6, 6), (3, 3))
    best = np.argsort(-answer.scores, kind="stable")[: len(answer.chosen)]
    np.testing.assert_allclose(answer.scores[answer.chosen], answer.scores[best])
    np.testing.assert_array_equal(page.photo.numbers()["heat"], answer.scores[:144].reshape(12, 12))
    page.change(level=2)
    shown = page.photo.numbers()
    np.testing.assert_array_equal(shown["heat"], answer.scores[144:180].reshape(6, 6))
    mine = answer.chosen[(answer.chosen >= 144) & (answer.chosen < 180)]
    np.testing.assert_array_equal(shown["chosen_x_y"], answer.centers[mine])
    assert sum(bar.total for bar in page.bars.bars()) == len(answer.chosen) == page.info.queries
    np.testing.assert_array_equal(page.plot.numbers()["points"][:, 1], answer.ious.astype(float))
    page.change(queries=0.25)
    qtbot.waitUntil(lambda: len(page.answer.chosen) == 6)
    np.testing.assert_array_equal(page.answer.chosen, answer.chosen[:6])
    assert len(page.found.boxes()) >= len(page.shown.true_boxes)
    assert page.found_card.note.text() == "green: objects"  # beside the boxes that were found
    assert page._told.text().endswith(f"Correlation {page.answer.correlation:.2f}.".replace("-", "−"))
    page.draw(replace(page.answer, chosen=page.answer.chosen[:2], ious=page.answer.ious[:2], correlation=0.0))
    assert page._told.text().endswith("Correlation –.")  # of two there is none
    tab.show_page(0)
    assert tab.now.params.scene == page.params.scene  # one model and one picture for both


def test_the_hybrid_encoder_shows_the_row_of_the_token_that_is_clicked(tab, qtbot):
    tab.show_page(2)
    page = tab.now
    qtbot.waitUntil(lambda: page.answer is not None)
    answer, view = page.answer, page.photo
    view.arranged()
    wide, high = view.photo_size()
    view.click_at(view.on_screen(QPointF(0.9 * wide, 0.1 * high)))
    assert page.params.place == pytest.approx((0.9, 0.1), abs=0.01)
    assert page.token() == (0, 2)
    np.testing.assert_array_equal(page.maps.numbers()["maps"], answer.weights[0, :, 2].reshape(4, 3, 3))
    np.testing.assert_allclose(view.numbers()["heat"], answer.weights[0, :, 2].mean(0).reshape(3, 3), atol=1e-7)
    assert page.answer is answer  # looking asks for nothing
    assert page.flow.shapes()[0] == "(96, 3, 3)"
    page.step(ccff=False)
    qtbot.waitUntil(lambda: page.answer.touched)
    assert page.flow.shapes() == ["(96, 3, 3)", "(96, 3, 3)", "(96, 6, 6)", "(96, 12, 12)"]
    assert page.params.changes() == 1
    page.step(aifi=False)  # what is not computed is not drawn
    qtbot.waitUntil(lambda: not len(page.answer.weights))
    assert page.maps_card.empty_text.isVisibleTo(page)
    assert drawn(page.maps_card.empty_text.text()).startswith("AIFI is off")
    assert "heat" not in view.numbers()
    page.step(aifi=True, ccff=True)
    qtbot.waitUntil(lambda: len(page.answer.weights) == 1 and not page.answer.touched)
    assert page.maps.isVisibleTo(page)
    assert view.numbers()["heat"].sum() == pytest.approx(1, abs=1e-4)
    page.escape()
    assert page.params.place is None


def test_three_detectors_stand_side_by_side(tab, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr("engines.rt_detr.side_by_side.contest.SCENES", 2)
    tab.show_page(len(tab.pages) - 1)
    page = tab.now
    qtbot.waitUntil(lambda: page.answer is not None and page.compared is not None and not tab.is_busy)
    for view, found in zip(page.photos, page.answer.sides, strict=True):
        passing = int((found.scores >= page.params.threshold).sum())
        assert len(view.boxes()) == passing + len(page.shown.true_boxes)
    assert [bar.text for bar in page.bars.bars()] == [f"{value:.3f}" for value in page.compared.ap50]
    assert page._told.text().endswith("2 drawn scenes. Green above: objects.")
    nothing = np.full(3, -1, np.float32)  # the first pictures of a folder may hold no object
    page.draw(replace(page.compared, ap=nothing, ap50=nothing))
    assert [(bar.text, bar.note.split(",")[0]) for bar in page.bars.bars()] == [("–", "–")] * 3
    lost = replace(page.compared, folder="mine", left_out=2, first=Message("the picture 2.png is missing"))
    page.draw(lost)
    assert drawn(page._told.text()).endswith("of mine. 2 annotations were left out. the picture 2.png is missing")
    before = page.answer
    page.change(nms_iou=0.95)
    qtbot.waitUntil(lambda: page.answer is not before and not tab.is_busy)
    assert len(page.answer.sides[2].boxes) >= len(before.sides[2].boxes)
    assert page.answer.sides[0].scores is before.sides[0].scores  # the others are not asked again
    page.take([tmp_path])  # a folder of photos is not for the toy
    assert page.params.folder == ""


def test_the_layers_are_a_film_of_box_and_points(tab, qtbot):
    page = tab.now
    found, view = page.found, page.photo
    page.change(layer=3, head=1)
    assert view.numbers()["boxes_of_layers_before_cx_cy_w_h"] == pytest.approx(found.references[:2])
    page._beat.setInterval(1)
    seen = []
    page._beat.timeout.connect(lambda: seen.append((page.params.layer, view.numbers())))
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert page.params.layer == 1
    assert not len(view.numbers()["boxes_of_layers_before_cx_cy_w_h"])
    qtbot.waitUntil(lambda: not page._beat.isActive())
    assert [layer for layer, _ in seen] == [2, 3, 3]  # at the end it rests on the last
    for layer, shown in seen:
        np.testing.assert_array_equal(shown["points_x_y"], found.points[layer - 1, 0])
        assert shown["boxes_cx_cy_w_h"][-1] == pytest.approx(found.references[layer - 1])
    assert page.found is found  # all layers are there already
    view.grab()
    page.play.click()
    assert page._beat.isActive()
    tab.show_page(1)  # a film that nobody sees stops
    assert not page._beat.isActive()

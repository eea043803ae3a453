"""The Swin tab in the window, with the bundled model: what the hand does on each page, and what is shown then."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest

from app import theme, words
from app.figure import caption_of
from app.tabs.swin.photo import LIFTED, ON_PICTURE, ROLLED, WINDOWED
from app.tabs.swin.watch.cards import what_is_new
from engines.swin.events import Cut
from engines.swin.position_bias.spec import Tables
from engines.swin.proofs.spec import FieldAccuracy, ProofStep
from engines.swin.watch.spec import ATTENTION, ROLLOUT
from engines.swin.windows.spec import WindowsFrame


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window(1280, 800).show_topic("swin")
    qtbot.waitUntil(lambda: made.now.answer is not None and not made.is_busy)
    return made


def turned(tab, qtbot, number, frame=None):
    tab.show_page(number)
    page = tab.now
    if frame is not None:
        qtbot.waitUntil(lambda: frame in page.feed.frames and not tab.is_busy)
    return page


def settled(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy)


def press(view, cell):
    return view.cell_rect(cell).center().toPoint()


def drag(view, start, end):
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.viewport(), (start + end) / 2)
    QTest.mouseMove(view.viewport(), end)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)


def test_the_token_under_the_hand_shows_its_row_in_all_heads_and_blocks(tab, qtbot):
    page = tab.now
    page.photo.view.hovered.emit((3, 5))
    weights, cut = page.answer.weights.weights, page.answer.blocks.cuts[1]
    window, slot = np.argwhere(cut.place == 3 * 16 + 5)[0]
    expected = np.zeros((3, 257), np.float32)
    expected[:, cut.place[window]] = weights[window, :, slot]
    np.testing.assert_array_equal(page.heads.view.maps(), expected[:, :-1].reshape(3, 16, 16))
    np.testing.assert_array_equal(page.photo.view.numbers()["attention"], expected[0, :-1].reshape(16, 16))
    assert abs(page.blocks.view.maps()[5].sum() - 16) < 1e-3  # a token of the last stage covers 16 patches
    page.photo.view.hovered.emit(None)
    page.photo.view.clicked.emit((3, 5))
    assert page.params.pinned == (3, 5)
    page.escape()
    assert page.params.pinned is None


def test_the_photo_rolls_as_a_torus_in_four_states(tab, qtbot):
    view, page = tab.now.photo.view, tab.now
    photo, before = QRectF(view.photo_rect()), {cell: view.cell_rect(cell) for cell in ((0, 0), (2, 3), (15, 1))}
    plain = view._fitted(view._dim, photo)
    theme.set_motion(True)
    page.change(torus=True)
    seen = [view.state()]
    qtbot.waitUntil(lambda: bool(seen.append(view.state())) or view.state() == WINDOWED)
    theme.set_motion(False)
    assert list(dict.fromkeys(seen)) == [LIFTED, ROLLED, WINDOWED]
    wide, high = before[0, 0].width(), before[0, 0].height()
    for cell, place in before.items():  # the block is shifted by 2 of 16 tokens
        moved = place.translated((14 if cell[1] < 2 else -2) * wide, (14 if cell[0] < 2 else -2) * high)
        assert view.cell_rect(cell) == moved
        assert view.cell_at(moved.center()) == cell
    rolled = view._fitted(view._dim, photo)
    step = round(plain.width() * 2 / 16), round(plain.height() * 2 / 16)
    for x, y in ((0, 0), (3, 5), (plain.width() // 2, plain.height() - 1)):
        at = (x + step[0]) % plain.width(), (y + step[1]) % plain.height()
        assert rolled.pixel(x, y) == plain.pixel(*at)
    np.testing.assert_array_equal(view._map_image.image, np.roll(view.numbers()["attention"], (-2, -2), (0, 1)))
    page.change(block=1)  # not shifted: nothing to roll
    qtbot.waitUntil(lambda: page.answer.weights.block == 1)
    assert view.state() == ON_PICTURE
    assert view.cell_rect((0, 0)) == before[0, 0]
    page.change(block=2, torus=False)
    qtbot.waitUntil(lambda: page.answer.weights.block == 2)
    assert view.state() == ON_PICTURE
    page.change(torus=True)  # without motion it is there at once
    assert view.state() == WINDOWED


def test_under_a_block_stands_why_its_windows_are_not_shifted():
    none = np.zeros((0, 0), np.int64)
    assert str(what_is_new(Cut(14, 14, 7, 3, 4, none, none, True), 4)) == "shift 3"
    assert str(what_is_new(Cut(14, 14, 7, 0, 4, none, none, False), 3)) == "no shift"
    assert str(what_is_new(Cut(7, 14, 7, 0, 4, none, none, False), 3)) == "no shift"
    assert str(what_is_new(Cut(7, 7, 7, 0, 4, none, none, False), 2)) == "one window"


def test_a_block_of_another_stage_has_another_grid_and_other_heads(tab, qtbot):
    page = tab.now
    below = [words.drawn(text) for text in page.blocks.view._subs]
    assert below == ["16 × 16", "shift 2", "8 × 8", "shift 2", "4 × 4", "one window"]  # nothing to shift
    page.change(block=5, head=12)
    qtbot.waitUntil(lambda: page.answer.weights.block == 5)
    assert page.photo.view.numbers()["attention"].shape == (4, 4)
    assert page.answer.head == 12
    page.photo.view.clicked.emit((1, 2))
    assert page.params.pinned == (6, 10)  # the patch in the middle of the token
    page.change(block=1)
    qtbot.waitUntil(lambda: page.answer.weights.block == 1)
    assert page.params.head == 3
    assert page.photo.view.pin() == (6, 10)


def test_what_is_changed_stands_beside_the_untouched_model_and_goes(tab, qtbot):
    page = tab.now
    page.change(bias=0.0, scope="Whole block")
    qtbot.waitUntil(lambda: page.answer.prediction.changed)
    page.chips.changed.emit((1,))
    assert page.params.heads_off == ((2, 2),)
    assert page.params.changes() == 2
    settled(tab, qtbot)
    assert page.heads.view.off() == {1}
    page.state.reset()
    qtbot.waitUntil(lambda: not page.answer.prediction.changed)


def test_rollout_lies_over_the_patches(tab, qtbot):
    page = tab.now
    page.change(block=6, overlay=ROLLOUT)
    qtbot.waitUntil(lambda: page.answer.overlay is not None)
    assert page.photo.view.numbers()["attention"].shape == (16, 16)
    page.photo.view.clicked.emit((2, 2))
    settled(tab, qtbot)
    assert abs(page.photo.view.numbers()["attention"].sum() - 1) < 1e-3
    page.change(overlay=ATTENTION)  # back on the grid of the block
    qtbot.waitUntil(lambda: page.answer.overlay is None)
    assert page.photo.view.numbers()["attention"].shape == (4, 4)


def test_windows_are_dragged_and_a_token_is_chosen(tab, qtbot):
    page = turned(tab, qtbot, 1, WindowsFrame)
    view = page.picture
    drag(view, press(view, (5, 5)), press(view, (5, 6)))
    assert page.params.shift == 3
    qtbot.waitUntil(lambda: page.frame.shift == 3)
    page.state.undo()
    assert page.params.shift == 2  # the drag was one step
    page.state.redo()
    drag(view, press(view, (5, 5)), press(view, (5, 7)))
    assert page.params.shift == 1  # 5, and windows repeat after 4
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=press(view, (7, 8)))
    qtbot.waitUntil(lambda: page.frame.query == 7 * 12 + 8)
    page.change(window=2, shift=0)
    settled(tab, qtbot)
    assert page.frame.shift == 0
    page.change(shift=7)
    assert page.params.shift == 1


def test_a_step_of_the_proofs_is_told(tab, qtbot, monkeypatch):
    monkeypatch.setattr("engines.swin.proofs.training.BATCH", 1)
    page = turned(tab, qtbot, 2)
    told = []
    page.training.arrived.connect(told.append)
    qtbot.waitUntil(lambda: page.accuracy is not None)
    assert [verdict.findings[0].value for verdict in page.verdicts.verdicts()] == ["0.906", "0.625", "1.000", "< 0.45"]
    names = [str(verdict.findings[0].name).split(":")[0] for verdict in page.verdicts.verdicts()]
    assert names == ["Predicted"] * 3 + ["Only a bound"]
    page.training.one_step()
    qtbot.waitUntil(lambda: any(isinstance(event, ProofStep) for event in told))
    assert len(page.steps) == 1
    page.told(FieldAccuracy(400, np.stack([np.full((16, 16), v, np.float32) for v in (0.91, 0.7, 1.0, 0.3)])))
    assert [verdict.findings[1].holds for verdict in page.verdicts.verdicts()] == [True, False, True, True]


def test_the_scrubber_shows_what_the_proofs_were_at_an_earlier_step(tab, qtbot):
    page = turned(tab, qtbot, 2)
    qtbot.waitUntil(lambda: page.accuracy is not None and not tab.is_busy)
    measured = lambda: page.verdicts.verdicts()[1].findings[1].value  # noqa: E731
    bar = page.transport
    for step in range(1, 31):
        page.told(ProofStep(step, (1.0, 1.0, 1.0, 1.0)))
        if step % 10 == 0:
            page.told(FieldAccuracy(step, np.full((4, 16, 16), step / 100, np.float32)))
    bar.set_step(30)
    assert measured() == "0.300"
    bar.look(19)
    assert measured() == "0.100"
    np.testing.assert_array_equal(page.maps.maps(), np.full((4, 16, 16), 0.1, np.float32))
    assert page.maps_card.note.text() == "step 10"
    assert bar.count.text() == "Step 10"  # nothing was measured at 19
    assert page.loss.cursor_at() == 10
    page.loss.pointed.emit(25.0)
    assert page.loss.cursor_at() == 25
    page.loss.pointed.emit(None)
    assert page.loss.cursor_at() == 10
    page.told(FieldAccuracy(40, np.full((4, 16, 16), 0.4, np.float32)))
    assert measured() == "0.100"  # the run goes on, the look stays
    page.escape()
    assert measured() == "0.400"
    assert page.loss.cursor_at() is None


def test_a_cell_of_the_table_is_pulled_and_brought_back(tab, qtbot):
    page = turned(tab, qtbot, 3, Tables)
    start = press(page.table, (3, 4))
    drag(page.table, start, start - QPointF(0, 40).toPoint())
    assert page.params.cells == ((2, 1, 25, 2.0),)
    qtbot.waitUntil(lambda: (page.shown.tables - page.shown.untouched)[0, 3, 4] == pytest.approx(2.0))
    added = page.shown.tables - page.shown.untouched
    assert np.count_nonzero(added) == 1
    page.table.freed.emit((3, 4))
    assert page.params.cells == ()
    page.state.undo()
    assert page.params.cells == ((2, 1, 25, 2.0),)


def test_the_cost_is_measured_and_another_window_ends_it(tab, qtbot, monkeypatch):
    monkeypatch.setattr("engines.swin.cost.engine.TIMED", (1, 2))
    page = turned(tab, qtbot, 4)
    page.measure()
    qtbot.waitUntil(lambda: page.measured is not None and page.measured.done and not page.params.measure)
    assert (page.measured.seconds > 0).all()
    page.change(window=8)
    qtbot.waitUntil(lambda: page._formulas.window == 8)
    assert page.measured is None
    page.change(side=56, window=7)
    qtbot.waitUntil(lambda: page._formulas.window == 7)
    assert [bar.text for bar in page.bars.bars()] == ["0.145", "2.004"]


def test_patches_are_painted_away_and_a_class_is_asked_for(tab, qtbot):
    page = tab.now
    page.photo.direction.chosen.emit(2)
    assert page.photo.paint.isVisible()
    assert not page.photo.view.isVisible()
    view = page.photo.paint
    drag(view, press(view, (4, 4)), press(view, (4, 6)))
    assert page.params.removed == ((4, 4), (4, 5), (4, 6))
    assert page.params.changes() == 1
    cut = page.answer.blocks.cuts[1]  # several answers come on the way
    qtbot.waitUntil(lambda: not cut.attended_by(page.answer.weights.weights, 4 * 16 + 5).any())
    assert page.answer.prediction.changed
    page.prediction.bars.clicked.emit(2)
    qtbot.waitUntil(lambda: page.answer.overlay is not None)
    assert page.answer.overlay.label == page.info.labels[page.params.target]


def test_a_caption_says_what_was_done_to_the_model(tab, qtbot):
    page = tab.now
    page.step(heads_off=((1, 2),), removed=((0, 0),), cells=((1, 1, 4, 2.0),), pinned=(2, 4))
    settled(tab, qtbot)
    said = caption_of(page.photo.view)
    for part in ("Heads off: B1 H2", "1 patch masked", "Position bias changed in 1 place", "Pinned: patch 3, 5"):
        assert f"; {part}; " in said
    assert f"; Picture: {page.grid.name}; Model: " in said
    words.set_language("zh")
    words.forget_missing()
    assert "已关闭的头：块 1 头 2; 已掩蔽 1 个图块; 位置偏置改动了 1 处; 已固定：" in caption_of(page.photo.view)
    assert not words.missing()

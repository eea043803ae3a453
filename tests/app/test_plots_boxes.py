"""The box in hand: dragged, resized by its corners, turned by its arm, at any zoom."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPointF, Qt

from app import theme
from app.plots.boxes import TURN, BoxRegion
from app.plots.surface import Surface
from app.views.boxes import LEAST, ROTATE_ARM, Frame
from tests.app.views_help import drag, pixels, show

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
BOX = Frame(100, 80, 30, 20)


class Canvas:
    """A region over 200 × 150 photo pixels, two screen pixels each, and what it told."""

    def __init__(self, qtbot, frame=BOX, turn=True):
        theme.use("light")
        self.view = show(qtbot, Surface(), 480, 360)
        self.view.box.invertY(True)
        self.view.box.setAspectLocked(True)
        self.view.box.setRange(xRange=(0, 200), yRange=(0, 150), padding=0)
        self.region = BoxRegion(frame, (200, 150), turn=turn)
        self.view.plot.addItem(self.region)
        self.told = []
        self.region.began.connect(lambda: self.told.append("began"))
        self.region.changed.connect(self.told.append)
        self.region.finished.connect(lambda: self.told.append("finished"))
        self.view.grab()

    def drag(self, start, end, keys=Qt.KeyboardModifier.NoModifier):
        """From one photo point to another; the frame afterwards."""
        drag(self.view.viewport(), *(self.view.place_of(*at) for at in (start, end)), keys)
        return self.region.frame()


@pytest.fixture
def canvas(qtbot):
    return Canvas(qtbot)


def near(frame, x, y, half_w, half_h, angle=0.0):
    wanted = pytest.approx((x, y, half_w, half_h, angle), abs=1.0)
    assert (frame.x, frame.y, frame.half_w, frame.half_h, frame.angle) == wanted


def test_the_hand_moves_the_box_as_one_step(canvas):
    near(canvas.drag((105, 85), (125, 95)), 120, 90, 30, 20)
    assert (canvas.told[0], canvas.told[-1]) == ("began", "finished")
    assert canvas.told.count("finished") == 1
    assert canvas.told[-2] == canvas.region.frame()


def test_shift_keeps_to_one_axis_and_ctrl_to_the_grid(canvas):
    near(canvas.drag((105, 85), (125, 90), SHIFT), 120, 80, 30, 20)
    frame = canvas.drag((125, 85), (135, 96), CTRL)
    assert ((frame.x - 30) % 8, (frame.y - 20) % 8) == (pytest.approx(0), pytest.approx(0))


def test_the_center_stays_on_the_photo(canvas):
    frame = canvas.drag((105, 85), (5, 85))
    assert 0 <= frame.x < 3
    frame = canvas.drag((frame.x + 5, 85), (frame.x - 300, 85))
    assert frame.x == 0


@pytest.mark.parametrize("corner", [(-1, -1), (1, -1), (1, 1), (-1, 1)])
def test_a_corner_moves_and_the_opposite_one_stays(canvas, corner):
    u, v = corner
    stays = BOX.out(-u, -v)
    frame = canvas.drag((100 + 30 * u, 80 + 20 * v), (100 + 40 * u, 80 + 28 * v))
    near(frame, 100 + 5 * u, 80 + 4 * v, 35, 24)
    kept = frame.out(-u, -v)
    assert (kept.x(), kept.y()) == pytest.approx((stays.x(), stays.y()))
    frame = canvas.drag((100 + 40 * u, 80 + 28 * v), (100 - 90 * u, 80 - 60 * v))  # far beyond: it never turns over
    assert (2 * frame.half_w, 2 * frame.half_h) == pytest.approx((LEAST, LEAST))


def test_shift_keeps_the_ratio(canvas):
    frame = canvas.drag((130, 100), (160, 102), SHIFT)
    assert frame.half_w / frame.half_h == pytest.approx(1.5)
    near(frame, 115, 90, 45, 30)


def test_the_arm_turns_around_the_center_and_in_steps(canvas):
    (scale, _) = canvas.view.box.viewPixelSize()
    end = (100, 60 - ROTATE_ARM * scale)
    frame = canvas.drag(end, (160, 80))
    near(frame, 100, 80, 30, 20, math.pi / 2)
    corners = canvas.region.mapToParent(canvas.region.boundingRect()).boundingRect()
    assert (corners.width(), corners.height()) == pytest.approx((40, 60), abs=1)
    end = (100 + 20 + ROTATE_ARM * scale, 80)  # where the arm is now
    frame = canvas.drag(end, (150, 76 + 50), CTRL)
    assert math.degrees(frame.angle) == pytest.approx(135)


def test_put_elsewhere_it_tells_nobody_and_arrows_are_steps_of_their_own(canvas):
    canvas.region.set_frame(Frame(50, 40, 10, 10, 0.3))
    assert canvas.told == []
    canvas.region.nudge(QPointF(1, 0))
    assert canvas.told == ["began", Frame(51, 40, 10, 10, 0.3), "finished"]


def test_grips_have_one_size_at_each_zoom_and_bring_no_menus(canvas):
    def marked():
        accent = theme.color("accent")
        shot = pixels(canvas.view)
        return int((abs(shot.astype(int) - [accent.red(), accent.green(), accent.blue()]).max(2) < 40).sum())

    before = marked()
    assert before > 5 * 20
    canvas.view.box.setRange(xRange=(50, 150), yRange=(40, 115), padding=0)
    assert marked() == pytest.approx(before, rel=0.25)
    assert all(handle["item"].getMenu() is None for handle in canvas.region.handles)


def test_a_box_that_does_not_turn_has_no_arm(qtbot):
    region = Canvas(qtbot, turn=False).region
    assert [handle["item"].corner for handle in region.handles].count(TURN) == 0

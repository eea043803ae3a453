"""A box that the hand moves, resizes and turns: pyqtgraph's region with our grips and our rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from pyqtgraph.graphicsItems.ROI import Handle
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath

from app import theme
from app.plots.surface import cosmetic
from app.views.boxes import HANDLE, REACH, ROTATE_ARM, Frame, moved, resized, rotated

CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))
SAME = 1e-9  # px: what rounding makes of a place that goes to shares of the photo and back
TURN = (0, -1)  # the middle of the upper edge
ALONG = (  # cursors of a corner, by the way that it goes: 0, 45, 90 and 135 degrees
    Qt.CursorShape.SizeHorCursor,
    Qt.CursorShape.SizeFDiagCursor,
    Qt.CursorShape.SizeVerCursor,
    Qt.CursorShape.SizeBDiagCursor,
)
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class Grip(Handle):
    """A square at a corner, or a ring at the end of an arm, of the same size at each zoom."""

    def __init__(self, region: BoxRegion, corner: tuple[int, int]) -> None:
        self.corner = corner
        self._turns = corner == TURN
        self._pointer = QPointF()
        super().__init__(REACH, "r" if self._turns else "s", parent=region)

    def buildMenu(self) -> None:
        """None: pyqtgraph would make one for each grip, and a grip cannot be removed."""

    def buildPath(self) -> None:
        """What the hand can take hold of, px; more than is seen."""
        self.path = QPainterPath()
        self.path.addEllipse(QPointF(0, -ROTATE_ARM if self._turns else 0), REACH, REACH)

    def boundingRect(self) -> QRectF:
        return super().boundingRect().united(QRectF(0, 0, 1e-9, 1e-9))  # the arm too

    def mouseDragEvent(self, event: Any) -> None:
        self._pointer = event.scenePos()
        super().mouseDragEvent(event)

    def movePoint(self, pos: QPointF, modifiers: Any = None, finish: bool = True) -> None:
        """As the hand goes; the arm follows the pointer itself, for its end is not where the grip is hinged."""
        super().movePoint(self._pointer if self._turns else pos, modifiers, finish)

    def place(self) -> QPointF:
        """Where it is seen, px of the scene."""
        onto = self.sceneTransform()
        at = onto.map(QPointF())
        if not self._turns:
            return at
        up = onto.map(QPointF(0, -1)) - at
        return at + up * (ROTATE_ARM / math.hypot(up.x(), up.y()))

    def paint(self, painter: QPainter, *_rest: object) -> None:
        """On whole pixels, whatever the scale and the turn of what it belongs to."""
        painter.setWorldTransform(self.sceneTransform().inverted()[0] * painter.worldTransform())
        if self._turns:
            prepare(painter)
            end = self.place()
            painter.drawLine(self.scenePos(), end)
            painter.drawEllipse(end, HANDLE / 2 + 1, HANDLE / 2 + 1)
        else:
            squares(painter, [self.place()])

    def cursor_shape(self, angle: float) -> Qt.CursorShape:
        """What the pointer looks like on it, where the box is turned by an angle in radians."""
        if self._turns:
            return Qt.CursorShape.PointingHandCursor
        return ALONG[(1 if self.corner[0] == self.corner[1] else 3) + round(4 * angle / math.pi) & 3]


def prepare(painter: QPainter) -> None:
    """Pen and brush of grips."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    edge = cosmetic(theme.color("accent"), width=2)
    edge.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(edge)
    painter.setBrush(theme.color("surface"))


def squares(painter: QPainter, points: Sequence[QPointF]) -> None:
    """The squares of a chosen box, in pixels of the screen."""
    prepare(painter)
    for at in points:
        painter.drawRect(QRectF(round(at.x()) - HANDLE / 2, round(at.y()) - HANDLE / 2, HANDLE, HANDLE))


def apart(a: Frame, b: Frame) -> float:
    """How far two frames are from each other, in pixels and radians."""
    sizes = abs(a.half_w - b.half_w) + abs(a.half_h - b.half_h)
    return abs(a.x - b.x) + abs(a.y - b.y) + sizes + abs(a.angle - b.angle)


class BoxRegion(pg.ROI):
    """The box in hand, in pixels of the photo; its frame is drawn with all the others, the grips are drawn here.

    Shift keeps axis or ratio, Ctrl snaps; a corner moves while the opposite one stays, a turn leaves the center.

    Parameters
    ----------
    size : (float, float)
        Width and height of the photo; the center stays on it.
    turn : bool
        Offer the grip that turns (Shift or Ctrl: steps of 15 degrees).
    snap : float
        Grid of Ctrl in photo pixels.

    Attributes
    ----------
    held : (int, int) or None
        The corner in hand, or `TURN`; None: the box as a whole.
    start : Frame
        Where the box stood when the hand took it.

    Signals
    -------
    began, finished
        A drag, or a press of an arrow key, starts and ends: one undo step.
    changed : Frame
        What the hand made of the box so far.
    """

    began = Signal()
    changed = Signal(object)
    finished = Signal()

    def __init__(self, frame: Frame, size: tuple[float, float], turn: bool = True, snap: float = 8.0) -> None:
        self._frame = self.start = frame
        self._photo, self._snap = size, snap
        self.held: tuple[int, int] | None = None
        self._in_hand = False
        super().__init__((0, 0), (1, 1), pen=pg.mkPen(None), hoverPen=pg.mkPen(None), rotatable=turn)
        for corner in CORNERS:
            place = (corner[0] + 1) / 2, (corner[1] + 1) / 2
            self.addScaleHandle(place, (1 - place[0], 1 - place[1]), item=Grip(self, corner))
        if turn:
            self.addRotateHandle((0.5, 0), (0.5, 0.5), item=Grip(self, TURN))
        self._stand(frame)

    # -- content
    def frame(self) -> Frame:
        """Where the box stands."""
        return self._frame

    def set_frame(self, frame: Frame, size: tuple[float, float] | None = None) -> None:
        """Put the box elsewhere, or on a photo of another size, without telling anybody."""
        self._photo = size or self._photo
        if apart(frame, self._frame) > SAME:
            self._stand(frame)

    def _stand(self, frame: Frame) -> None:
        self._frame = frame
        self.setPos(pg.Point(frame.out(-1, -1)), update=False)
        self.setSize((2 * frame.half_w, 2 * frame.half_h), update=False)
        self.setAngle(math.degrees(frame.angle), update=False)
        self.stateChanged(finish=False)

    # -- hand
    def nudge(self, by: QPointF) -> None:
        """Move by an arrow key: an undo step of its own."""
        self.held = None
        self.began.emit()
        self._take(moved(self._frame, by, False, 0.0, self._photo))
        self.finished.emit()

    def _take(self, frame: Frame) -> None:
        if frame != self._frame:
            self.set_frame(frame)
            self.changed.emit(frame)

    def let_go(self) -> None:
        """Take the box out of the hand: it hears no more of the drag under way."""
        self._in_hand = False

    def grip_at(self, place: QPointF) -> Grip | None:
        """The grip at a place of the scene."""
        return next((each for each in self.grips() if each.contains(each.mapFromScene(place))), None)

    def rescaled(self) -> None:
        """The photo is nearer or farther than before: the grips are not."""
        for each in self.grips():
            each.viewTransformChanged()

    def grips(self) -> list[Grip]:
        """Those at the corners, and the one that turns."""
        return [handle["item"] for handle in self.handles]

    def handleMoveStarted(self) -> None:
        """A drag of a grip or of the box begins."""
        super().handleMoveStarted()
        self._in_hand, self.start = True, self._frame
        self.began.emit()

    def stateChangeFinished(self) -> None:
        """The drag of a grip or of the box ends."""
        super().stateChangeFinished()
        if self._in_hand:
            self._in_hand = False
            self.finished.emit()

    def movePoint(
        self, handle: Grip, pos: QPointF, modifiers: Any = None, finish: bool = True, coords: str = "parent"
    ) -> None:
        """A grip is wanted elsewhere."""
        if not self._in_hand:
            return
        self.held = handle.corner
        point = QPointF(self.mapSceneToParent(pos) if coords == "scene" else pos)
        keys = modifiers or Qt.KeyboardModifier.NoModifier
        if handle.corner == TURN:
            self._take(rotated(self.start, point, bool(keys & (SHIFT | CTRL))))
        else:
            self._take(resized(self.start, handle.corner, point, bool(keys & SHIFT), self._grid(keys)))

    def mouseDragEvent(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        if event.isStart():
            self.held = None
            self.handleMoveStarted()
        if not self._in_hand:
            return
        by = QPointF(self.mapToParent(event.pos()) - self.mapToParent(event.buttonDownPos()))
        keys = event.modifiers()
        self._take(moved(self.start, by, bool(keys & SHIFT), self._grid(keys), self._photo))
        if event.isFinish():
            self.stateChangeFinished()

    def _grid(self, keys: Qt.KeyboardModifier) -> float:
        return self._snap if keys & CTRL else 0.0

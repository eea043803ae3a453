"""Boxes that can be dragged, resized and turned by hand, such as the shapes of a scene."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsRectItem

from app.plots.boxes import BoxRegion, Grip
from app.plots.typed import GraphicsView
from app.views.boxes import Box, Frame, box_of
from app.views.boxview import BoxView

FAR = 3  #: px that the pointer moves before a press is a drag


class BoxEditor(BoxView):
    """A `BoxView` whose boxes follow the hand. Shift keeps axis or ratio, Ctrl snaps; Delete removes.

    The chosen box, and no other, is a region of pyqtgraph; a press chooses the box that it then drags.

    Parameters
    ----------
    turn : bool
        Offer the rotation handle (Shift or Ctrl: steps of 15 degrees).
    snap : float
        Grid of Ctrl in photo pixels.

    Signals
    -------
    began, finished : int
        A drag (or a press of an arrow key) starts and ends: one undo step.
    changed : int, Box
        What it made of the box so far.
    removed : int
        Delete was pressed.
    """

    began = Signal(int)
    changed = Signal(int, object)
    finished = Signal(int)
    removed = Signal(int)

    def __init__(self, turn: bool = True, snap: float = 8.0) -> None:
        super().__init__()
        self.export_name = "scene"
        self._dragged = False
        self._presses = False  # a press is pyqtgraph's
        self._sheet = QGraphicsRectItem()  # its unit is the photo's pixel
        self._sheet.setZValue(self.painting.zValue() + 1)
        self.scene().addItem(self._sheet)
        self.region = BoxRegion(Frame(0, 0, 1, 1), (1, 1), turn, snap)
        self.region.setParentItem(self._sheet)
        self.region.hide()
        self.region.began.connect(self._begin)
        self.region.changed.connect(self._take)
        self.region.finished.connect(self._finish)
        self.scene().setMoveDistance(FAR)  # type: ignore[attr-defined]  # pyqtgraph's
        self.scene().minDragTime = math.inf  # type: ignore[attr-defined]  # a long press is none either

    # -- content
    def set_boxes(self, boxes: Sequence[Box], links: Sequence[tuple[int, int]] = ()) -> None:
        super().set_boxes(boxes, links)
        self._stand()

    def set_at(self, index: int) -> None:
        super().set_at(index)
        self._stand()

    def _stand(self) -> None:
        """Put the region where the chosen box is."""
        on = 0 <= self._at < len(self._boxes)
        self.region.setVisible(on)
        if on:
            width, height = self.photo_size()
            self.region.set_frame(self._frame(self._at), (float(width), float(height)))

    def lay(self) -> None:
        super().lay()
        (s_x, s_y), at = self.scales(), self._origin
        onto = QTransform(s_x, 0, 0, s_y, at.x(), at.y())
        if onto != self._sheet.transform():
            self._sheet.setTransform(onto)
            self.region.rescaled()
        self._stand()

    # -- hand
    def dragging(self) -> bool:
        """Whether a drag is under way: new boxes from elsewhere had better wait."""
        return self._dragged

    def let_go(self) -> None:
        """What is in hand may be gone: hear no more of the drag."""
        self._dragged = False
        self.region.let_go()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._presses and event.button() != Qt.MouseButton.LeftButton:
            return  # another button in the middle of a drag
        super().mousePressEvent(event)
        self._dragged = False
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.lay()
        if self._grip_at(event.position()) is None:
            index = self.box_at(event.position())
            if index is None:
                return
            if index != self._at:
                self.set_at(index)
                self.clicked.emit(index)
        self._presses, self._press, self._corner = True, None, None
        self.scene().lastHoverEvent = None  # type: ignore[attr-defined]  # what was there may have moved since
        GraphicsView.mousePressEvent(self, event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._presses:
            GraphicsView.mouseMoveEvent(self, event)
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._presses:
            super().mouseReleaseEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._presses = False
            GraphicsView.mouseReleaseEvent(self, event)

    def point_at(self, point: QPointF | None) -> None:
        super().point_at(point)
        self._show_cursor(point)

    def _grip_at(self, point: QPointF) -> Grip | None:
        return self.region.grip_at(point) if self.region.isVisible() else None

    def _show_cursor(self, point: QPointF | None) -> None:
        """What a press would take."""
        grip = None if point is None else self._grip_at(point)
        if grip is not None:
            self.viewport().setCursor(grip.cursor_shape(self.region.frame().angle))
        elif self._hover is not None and point is not None:
            self.viewport().setCursor(Qt.CursorShape.SizeAllCursor)
        else:
            self.viewport().unsetCursor()

    # -- what it makes of a box
    def _begin(self) -> None:
        self._dragged = True
        self.began.emit(self._at)

    def _take(self, frame: Frame) -> None:
        self._change(frame)
        self._stand()  # there may be rules that the hand does not know

    def _finish(self) -> None:
        self._dragged = False
        self.finished.emit(self._at)

    def _change(self, frame: Frame) -> None:
        width, height = map(float, self.photo_size())
        boxes = list(self._boxes)
        boxes[self._at] = box_of(frame, boxes[self._at], width, height)
        self._boxes = tuple(boxes)
        self.update()
        self.changed.emit(self._at, boxes[self._at])

    # -- keys
    def walk(self, rows: int, cols: int) -> bool:
        if self._at < 0:
            return super().walk(rows, cols)
        self.lay()
        self.region.nudge(QPointF(cols, rows))
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        gone = Qt.Key(event.key()) in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        if gone and self._at >= 0:
            self.removed.emit(self._at)
            return
        super().keyPressEvent(event)

    # -- painting
    def draw_mark(self, painter: QPainter) -> None:
        """None: the region has grips."""

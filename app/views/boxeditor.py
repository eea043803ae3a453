"""Boxes that can be dragged, resized and turned by hand, such as the shapes of a scene."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.views.boxes import REACH, ROTATE_ARM, Frame, box_of, moved, resized, rotated
from app.views.boxview import BoxView


class BoxEditor(BoxView):
    """A `BoxView` whose boxes follow the hand. Shift keeps axis or ratio, Ctrl snaps; Delete removes.

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
        self._turn, self._snap = turn, snap
        self._drag: tuple[str, tuple[int, int], QPointF, Frame] | None = None
        self._dragged = False

    def dragging(self) -> bool:
        """Whether a drag is under way: new boxes from elsewhere had better wait."""
        return self._dragged

    def _handles(self, index: int) -> list[tuple[str, tuple[int, int], QPointF]]:
        out = super()._handles(index)
        if self._turn:
            frame = self._frame(index)
            edge, middle = self._screen(frame.out(0, -1)), self._screen(QPointF(frame.x, frame.y))
            away = edge - middle
            length = max(1.0, (away.x() ** 2 + away.y() ** 2) ** 0.5)
            out.append(("turn", (0, -1), edge + away * (ROTATE_ARM / length)))
        return out

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._dragged = False
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.arranged()
        point = event.position()
        if self._at >= 0:
            for what, corner, place in self._handles(self._at):
                if (place - point).manhattanLength() <= REACH + 3:
                    self._drag = (what, corner, self.to_photo(point), self._frame(self._at))
                    return
        index = self.box_at(point)
        if index is not None:
            if index != self._at:
                self.set_at(index)
                self.clicked.emit(index)
            self._drag = ("move", (0, 0), self.to_photo(point), self._frame(index))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or self._press is None:
            super().mouseMoveEvent(event)
            return
        if not self._dragged:
            if (event.position() - self._press).manhattanLength() < 3:
                return
            self._dragged = True
            self.began.emit(self._at)
        what, corner, start, frame = self._drag
        point = self.to_photo(event.position())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        snap = self._snap if event.modifiers() & Qt.KeyboardModifier.ControlModifier else 0.0
        size = (float(self.photo_size()[0]), float(self.photo_size()[1]))
        if what == "move":
            new = moved(frame, point - start, shift, snap, size)
        elif what == "size":
            new = resized(frame, corner, point, shift, snap)
        else:
            new = rotated(frame, point, shift or snap > 0)
        self._change(new)

    def _change(self, frame: Frame) -> None:
        width, height = map(float, self.photo_size())
        boxes = list(self._boxes)
        boxes[self._at] = box_of(frame, boxes[self._at], width, height)
        self._boxes = tuple(boxes)
        self.update()
        self.changed.emit(self._at, boxes[self._at])

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is not None and self._dragged:
            self._press, self._dragged = None, False
            self.finished.emit(self._at)
            return
        if drag is not None:
            self._press = None  # a click on a box that was selected by the press
            return
        super().mouseReleaseEvent(event)

    def walk(self, rows: int, cols: int) -> bool:
        if self._at < 0:
            return super().walk(rows, cols)
        frame = self._frame(self._at)
        size = (float(self.photo_size()[0]), float(self.photo_size()[1]))
        self.began.emit(self._at)
        self._change(moved(frame, QPointF(cols, rows), False, 0.0, size))
        self.finished.emit(self._at)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        gone = Qt.Key(event.key()) in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        if gone and self._at >= 0:
            self.removed.emit(self._at)
            return
        super().keyPressEvent(event)

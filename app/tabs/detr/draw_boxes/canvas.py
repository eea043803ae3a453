"""The photo with the boxes that are drawn on it: a drag beside them draws one more."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter

from app import theme, words
from app.views.base import outline
from app.views.boxeditor import BoxEditor
from engines.data.drawn_boxes import Box

LEAST = 0.005  #: share of the photo: a box is at least this wide


class DrawCanvas(BoxEditor):
    """Boxes follow the hand; a drag that begins on none, or in drawing mode, makes a new one.

    A press that moves no farther than the system calls a click has drawn nothing: a box of some pixels in its place
    would hardly be seen, and would be a step after which nothing that was undone comes back.

    Signals
    -------
    drawn : box
        Center x, y, width, height in shares of the photo.
    """

    drawn = Signal(object)

    def __init__(self) -> None:
        super().__init__(turn=False, snap=8)
        self.setMinimumSize(260, 180)
        self.export_name = "boxes"
        self._always = False
        self._rubber: tuple[QPointF, QPointF] | None = None

    def set_mode(self, draws: bool) -> None:
        """Let the next drag draw wherever it begins, so that a box can lie in another."""
        self._always, self._rubber = draws, None
        if draws:
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.viewport().unsetCursor()
        self.update()

    # -- hand
    def _begins(self, point: QPointF) -> bool:
        """Whether a press there begins a new box."""
        self.lay()
        if not self.photo_rect().contains(point):
            return False
        return self._always or (self._grip_at(point) is None and self.box_at(point) is None)

    def _show_cursor(self, point: QPointF | None) -> None:
        if point is not None and self._begins(point):
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        elif not self._always:
            super()._show_cursor(point)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self.dragging() and self._begins(event.position()):
            self._rubber = (event.position(), event.position())
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._rubber is None:
            super().mouseMoveEvent(event)
            return
        self._rubber = (self._rubber[0], event.position())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._rubber is None:
            super().mouseReleaseEvent(event)
            return
        first, last = self._rubber
        place = self._between(first, last)
        self.set_mode(False)
        if (first - last).manhattanLength() >= QGuiApplication.styleHints().startDragDistance():
            self.drawn.emit(place)
        else:
            self.set_at(-1)
            self.clicked.emit(None)

    def _between(self, first: QPointF, last: QPointF) -> Box:
        width, height = self.photo_size()
        (x0, y0), (x1, y1) = (
            (min(1.0, max(0.0, at.x() / width)), min(1.0, max(0.0, at.y() / height)))
            for at in map(self.to_photo, (first, last))
        )
        return (x0 + x1) / 2, (y0 + y1) / 2, max(LEAST, abs(x1 - x0)), max(LEAST, abs(y1 - y0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._rubber is not None and event.key() == Qt.Key.Key_Escape:
            self.set_mode(False)
            return
        super().keyPressEvent(event)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        if self._rubber is not None:
            place = QRectF(*self._rubber).normalized()
            outline(painter, place.toRect().toRectF(), theme.color("accent"), 2, theme.color("surface"))

    def retranslated(self) -> None:
        words.say(self, "setAccessibleName", "Photo with boxes")
        super().retranslated()

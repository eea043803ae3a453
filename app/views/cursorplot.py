"""What plots share over whose x axis the hand drags a cursor."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app import theme, words
from app.views.base import PixelView, pen
from app.words import Text


class CursorPlot(PixelView):
    """A plot with a dashed vertical line to drag. Whoever owns the number moves the line, by `set_cursor`.

    Parameters
    ----------
    low : tuple of int
        Least size.
    name : str
        What it is called where it is read aloud.

    Signals
    -------
    picked : float
        x under the hand.
    settled
        The hand let go.
    """

    picked = Signal(float)
    settled = Signal()

    def __init__(self, low: tuple[int, int], name: Text) -> None:
        super().__init__(low)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._cursor: float | None = None
        self._down = False
        words.say(self, "setAccessibleName", name)

    # -- for subclasses
    def has_curves(self) -> bool:
        """Whether there is anything to pick from."""
        raise NotImplementedError

    def x_at(self, point: QPointF) -> float:
        """x under a point of the view, within the axis."""
        raise NotImplementedError

    def set_cursor(self, x: float | None) -> None:
        """Put the dashed line at x."""
        if x != self._cursor:
            self._cursor = x
            self.tell()
            self.update()

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.has_curves():
            self._down = True
            self.picked.emit(self.x_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._down:
            self.picked.emit(self.x_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._down:
            self._down = False
            self.settled.emit()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.settled.emit()
        super().keyReleaseEvent(event)

    # -- painting
    def draw_cursor(self, painter: QPainter, x: float, top: float, bottom: float) -> None:
        """The dashed line at a place of the view, with its grip on the axis."""
        painter.setPen(pen(theme.color("accent"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.color("accent"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(x, bottom), 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

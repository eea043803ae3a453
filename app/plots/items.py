"""What pyqtgraph lacks: items that draw many things at once."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.plots.typed import GraphicsObject


class Levels(GraphicsObject):
    """Quiet lines at the ticks of the left axis.

    The axis could draw them itself, but would be painted with each curve then, words included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pen = QPen()
        self._place = QRectF()
        self._lines: list[QLineF] = []
        self._at: tuple[object, ...] = ()

    def set_pen(self, pen: QPen) -> None:
        """Another theme."""
        self._pen = pen
        self.update()

    def set_levels(self, at: tuple[float, ...], left: float, right: float, low: float, high: float) -> None:
        """Heights of the lines, and what is in sight."""
        if (at, left, right, low, high) == self._at:
            return
        self._at = at, left, right, low, high
        self.prepareGeometryChange()
        self._place = QRectF(left, low, right - left, high - low)
        self._lines = [QLineF(left, y, right, y) for y in at]
        self.update()

    def boundingRect(self) -> QRectF:
        return self._place

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setPen(self._pen)
        painter.drawLines(self._lines)

"""Bars that the hand sets: a drag along a row, or the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app import theme
from app.views.bars import Bars
from app.views.base import outline

STEP = 0.01  # share of the scale that an arrow key moves


class DragBars(Bars):
    """Plain bars (one part each) that follow the pointer while a button is down.

    Signals
    -------
    dragged : (row, value)
        The value under the pointer, within the scale.
    let_go
        The hand let go: one undo step.
    """

    is_list = True

    zooms = False  # the hand sets the bars

    dragged = Signal(int, float)
    let_go = Signal()

    def __init__(self, pitch: int = 24, least_name: int = 60, widest: str = "0.00") -> None:
        super().__init__(pitch, least_name, widest)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.export_name = "bars"
        self._held: int | None = None
        self._row = 0

    def value_at(self, point: QPointF) -> float:
        """The value of the scale at a screen point."""
        self.arranged()
        left, right = self._at.name_w, self.width() - self._at.value_w - self._at.note_w
        share = min(1.0, max(0.0, (point.x() - left) / max(1.0, right - left)))
        return self._low + share * (self._top - self._low)

    def held(self) -> bool:
        """Whether a drag is under way."""
        return self._held is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.under(event.position())
        if event.button() != Qt.MouseButton.LeftButton or row is None or not self.isEnabled():
            return
        self._held = self._row = row
        self.clicked.emit(row)
        self.dragged.emit(row, self.value_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self.dragged.emit(self._held, self.value_at(event.position()))
            return
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = None
            self.let_go.emit()

    def walk(self, rows: int, cols: int) -> bool:
        if not self._bars:
            return False
        self._row = min(len(self._bars) - 1, max(0, self._row + rows))
        if cols:
            value = self._bars[self._row].total + cols * STEP * (self._top - self._low)
            self.dragged.emit(self._row, min(self._top, max(self._low, value)))
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.isAutoRepeat():
            self.let_go.emit()
        super().keyReleaseEvent(event)

    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        if self.hasFocus() and self._keyboard and self._row < len(self._at.rows):
            outline(painter, self._at.rows[self._row].adjusted(1, 1, -2, -2), theme.color("accent"), 1)

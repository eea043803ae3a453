"""Lanes of which the first follows the hand."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.theme import S2
from app.views.lanes import Lanes

STEPS = 20  # arrow keys from one end of a lane to the other


class DrawnLanes(Lanes):
    """Lanes of which the first follows the hand: press and drag draws its values, arrow keys move the marked one.

    Signals
    -------
    drawn : ndarray (L,)
        The first lane as it is drawn now, at each move of the hand.
    settled
        The hand let go: one undo step.
    """

    drags = True

    drawn = Signal(object)
    settled = Signal()

    def __init__(self, least_name: int = 72) -> None:
        super().__init__(least_name)
        self._last: tuple[int, float] | None = None  # of the stroke in hand
        self._stroke: np.ndarray | None = None

    @property
    def drawing(self) -> bool:
        """Whether the hand draws."""
        return self._stroke is not None

    def value_at(self, point: QPointF) -> float:
        """The value of the first lane at a point."""
        low, high = self._lanes[0].ends()
        place = self.lane_rect(0)
        share = (place.bottom() - point.y()) / max(1.0, place.height())
        return low + min(1.0, max(0.0, share)) * (high - low)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        at = self.column_at(point)
        if event.button() != Qt.MouseButton.LeftButton or at is None:
            return
        if not self.lane_rect(0).adjusted(0, -S2, 0, S2).contains(point):
            self._choose(at)
            return
        self._stroke, self._last = self._lanes[0].rows[0].copy(), (at, self.value_at(point))
        self._to(at, self.value_at(point))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        point = event.position()
        self.arranged()
        drawable = bool(self._lanes) and self._places[0].adjusted(0, -S2, 0, S2).contains(point)
        self.setCursor(Qt.CursorShape.CrossCursor if drawable else Qt.CursorShape.ArrowCursor)
        if self._stroke is not None:
            at = min(self.length - 1, max(0, int((point.x() - self._left) // self._pitch)))
            self._to(at, self.value_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._stroke is not None:
            self._stroke = self._last = None
            self.settled.emit()

    def _to(self, at: int, value: float) -> None:
        """Draw from the last place to this one, so that a quick hand leaves no gaps."""
        assert self._stroke is not None
        assert self._last is not None
        start, before = self._last
        count = max(1, abs(at - start))
        for i in range(count + 1):
            self._stroke[start + round((at - start) * i / count)] = before + (value - before) * i / count
        self._last = at, value
        self.drawn.emit(self._stroke.copy())

    def walk(self, rows: int, cols: int) -> bool:
        if not rows or self._at < 0 or not self._lanes:
            return super().walk(rows, cols)
        low, high = self._lanes[0].ends()
        values = self._lanes[0].rows[0].copy()
        values[self._at] = min(high, max(low, values[self._at] - rows * (high - low) / STEPS))
        self.drawn.emit(values)
        return True

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not event.isAutoRepeat():
            self.settled.emit()
        super().keyReleaseEvent(event)

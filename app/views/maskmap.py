"""A weight map on which a mask is painted: press and drag blocks or frees pairs of query and key."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter

from app import theme, words
from app.views.base import pen
from app.views.grid import Pair
from app.views.tokenmap import TokenMap


class MaskMap(TokenMap):
    """Weights (queries, keys) with the pairs that must not attend hatched.

    Signals
    -------
    painted : tuple of (row, col)
        All blocked pairs, sorted, at each move of the hand.
    finished
        The hand let go: the end of one undo step.
    """

    drags = True

    painted = Signal(object)
    finished = Signal()

    def __init__(self) -> None:
        super().__init__(rows_only=False)
        self.export_name = "weights-of-a-head"
        self._blocked: frozenset[Pair] = frozenset()
        self._brush: bool | None = None  # True blocks, False frees
        self._last: Pair | None = None

    def set_blocked(self, cells: Sequence[Pair]) -> None:
        """The pairs that must not attend."""
        self._blocked = frozenset(cells)
        self.tell()
        self.update()

    def blocked(self) -> tuple[Pair, ...]:
        """The pairs that must not attend, sorted."""
        return tuple(sorted(self._blocked))

    def report(self) -> str:
        said, cell = super().report(), self._hover or self._at
        return f"{said}, {words.tr('blocked')}" if said and cell in self._blocked else said

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None and self._block == 1:
            self._brush = cell not in self._blocked
            self._last = cell
            self._paint((cell,))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        cell = self.under(event.position())
        if self._brush is not None and cell is not None and self._last is not None and cell != self._last:
            steps = max(abs(cell[0] - self._last[0]), abs(cell[1] - self._last[1]))
            rows, cols = cell[0] - self._last[0], cell[1] - self._last[1]
            line = [(self._last[0] + round(rows * i / steps), self._last[1] + round(cols * i / steps))
                    for i in range(1, steps + 1)]  # fmt: skip
            self._last = cell
            self._paint(line)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._brush is not None:
            self._brush = self._last = None
            self.finished.emit()

    def _paint(self, cells: Sequence[Pair]) -> None:
        new = self._blocked | set(cells) if self._brush else self._blocked - set(cells)
        if new != self._blocked:
            self._blocked = new
            self.update()
            self.painted.emit(self.blocked())

    def _choose(self, cell: Pair) -> None:
        self.set_at(cell)
        self.clicked.emit(cell)

    def enter(self) -> bool:
        """Enter or Space blocks or frees the cell that the arrows walked to."""
        if self._at is None or not self._inside(self._at, self._values.shape):
            return False
        self._brush = self._at not in self._blocked
        self._paint((self._at,))
        self._brush = None
        self.finished.emit()
        return True

    def escape(self) -> bool:
        had = self._at is not None
        self.set_at(None)
        return had

    # -- painting
    def draw_cells(self, painter: QPainter) -> None:
        """Hatch what must not attend."""
        painter.setPen(pen(theme.color("control"), 1))
        for cell in self._blocked:
            if self._inside(cell, self._values.shape):
                place = self.cell_rect(cell)
                painter.fillRect(place, theme.color("sunken"))
                painter.drawLine(place.bottomLeft(), place.topRight())

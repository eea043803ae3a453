"""A kernel as cells that the hand paints."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app import theme, words
from app.views.base import outline
from app.views.grid import GridView, Pair

LARGEST = (40, 40)  # px, a cell


class KernelGrid(GridView):
    """The weights of a kernel. Press and drag paints with the brush; begun on a cell that has its value, it wipes.

    Arrows walk, Enter or Space paints one cell.

    Signals
    -------
    painted : ndarray (k, k)
        The whole kernel, at each move of the hand.
    settled
        The hand let go: the end of one undo step.
    """

    drags = True

    painted = Signal(object)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__("diff", LARGEST, square=True)
        self.setMinimumSize(140, 140)
        self.export_name = "kernel"
        self._brush = 1.0
        self._paints: float | None = None  # the value of the stroke in hand
        self._last: Pair | None = None
        self._table = np.zeros((0, 0), np.float32)  # with the stroke in hand
        self.setCursor(Qt.CursorShape.CrossCursor)
        words.say(self, "setToolTip", "Press and drag to paint. On a cell that has the brush's value, it wipes.")

    def set_kernel(self, kernel: np.ndarray) -> None:
        """Show a kernel (k, k); while the hand paints, its own is ahead."""
        if self._paints is None:
            self._table = kernel.copy()
            end = max(1.0, float(np.abs(kernel).max(initial=0)))
            self.set_values(kernel, end, -end)

    def set_brush(self, value: float) -> None:
        """What a stroke paints."""
        self._brush = value

    def report_of(self, cell: Pair) -> str:
        if not self._inside(cell, self._values.shape):
            return ""
        half = self._values.shape[0] // 2
        return words.tr(
            "{down} down, {right} right of the middle: {value}",
            down=words.number(cell[0] - half, 0, signed=True),
            right=words.number(cell[1] - half, 0, signed=True),
            value=self.written(float(self._values[cell])),
        )

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._paints = 0.0 if abs(self._values[cell] - self._brush) < 1e-6 else self._brush
            self._last = cell
            self._stroke(cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        cell = self.under(event.position())
        if self._paints is not None and cell is not None and cell != self._last:
            self._stroke(cell)
            self._last = cell

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._paints is not None:
            self._paints = self._last = None
            self.settled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at is not None:
            self._paints = 0.0 if abs(self._values[self._at] - self._brush) < 1e-6 else self._brush
            self._last = self._at
            self._stroke(self._at)
            self._paints = self._last = None
            self.settled.emit()
        else:
            super().keyPressEvent(event)

    def _choose(self, cell: Pair) -> None:
        self.set_at(cell)

    def _stroke(self, cell: Pair) -> None:
        """Paint all cells between the last one and this one, so that a quick hand leaves no gaps."""
        assert self._paints is not None
        start = self._last or cell
        count = max(abs(cell[0] - start[0]), abs(cell[1] - start[1]), 1)
        for i in range(count + 1):
            at = (
                round(start[0] + (cell[0] - start[0]) * i / count),
                round(start[1] + (cell[1] - start[1]) * i / count),
            )
            self._table[at] = self._paints
        end = max(1.0, float(np.abs(self._table).max()))
        self.set_values(self._table.copy(), end, -end)
        self.painted.emit(self._table.copy())

    # -- painting
    def draw_cells(self, painter: QPainter) -> None:
        rows, cols = self._values.shape
        if rows and cols:
            outline(painter, self.cell_rect((-1, -1)), theme.color("control"), 1)
            outline(painter, self.cell_rect((rows // 2, cols // 2)).adjusted(0, 0, -1, -1), theme.color("text"), 1)

"""The cost matrix: numbers on tinted cells, the assignment outlined, the greedy choice in a corner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.views.base import pen, text_width, write_all
from app.views.grid import GridView, Pair

LARGEST = (84, 48)
SMALL_CELL = 9  # px

INSIDE = (((2.5, 2.5, -2.5, -2.5), "surface", 1), ((1.0, 1.0, -1.0, -1.0), "text", 2))  # lines of an outlined cell
AROUND = (((-1.0, -1.0, 0.0, 0.0), "text", 1),)  # where there is no room in it


class Matrix(GridView):
    """Predictions (rows) by objects (columns), or any table of numbers.

    Parameters
    ----------
    digits : int
        After the point; 0 for counts.
    """

    def __init__(self, digits: int = 2, ramp: str = "tide") -> None:
        super().__init__(ramp, LARGEST, square=False)
        self.export_name = "matrix"
        self._digits = digits
        self._pairs: tuple[Pair, ...] = ()
        self._corners: tuple[Pair, ...] = ()

    def set_pairs(self, pairs: Sequence[Pair], greedy: Sequence[Pair] = ()) -> None:
        """Outline an assignment; a greedy choice gets a corner where it differs."""
        self._pairs = tuple(pairs)
        self._corners = tuple(p for p in greedy if p not in self._pairs)
        self.update()

    def written(self, value: float) -> str:
        return words.number(value, self._digits)

    def numbers(self) -> dict[str, np.ndarray]:
        out = super().numbers()
        if self._pairs:
            out["assignment"] = np.array(self._pairs)
        if self._corners:
            out["greedy_where_it_differs"] = np.array(self._corners)
        return out

    def draw_cells(self, painter: QPainter) -> None:
        rows, cols = self._values.shape
        widest = max(text_width(self.written(v)) for v in (float(self._values.min()), float(self._values.max())))
        if self._block == 1 and widest + 4 <= self._cell[0] and self._cell[1] >= 13:
            inks = theme.inks_on(self._ramp)
            levels = self.levels()
            cells = np.ndindex(rows, cols)
            values = self._values.ravel().tolist()
            texts = (
                (self.cell_rect(cell), self.written(value), inks[levels[cell]])
                for cell, value in zip(cells, values, strict=True)
            )
            write_all(painter, texts)
        for cell in self._corners:
            place = self.cell_rect(cell).adjusted(1, 1, -1, -1)
            size = min(11.0, place.height() / 2)
            corner = QPolygonF(
                [place.topRight(), place.topRight() - QPointF(size, 0), place.topRight() + QPointF(0, size)]
            )
            painter.setPen(pen(theme.color("surface"), 1))
            painter.setBrush(theme.color("pred"))
            painter.drawPolygon(corner)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        places = [self.cell_rect(cell) for cell in self._pairs]
        for by, token, width in AROUND if min(self._cell) < SMALL_CELL else INSIDE:
            painter.setPen(pen(theme.color(token), width))
            painter.drawRects([place.adjusted(*by) for place in places])

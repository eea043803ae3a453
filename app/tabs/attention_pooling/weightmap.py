"""Weights of queries (rows) over keys (columns), with the numbers of both along the edges."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import words
from app.plots.axes import round_numbers
from app.views.base import CENTER, RIGHT, text_width, write
from app.views.grid import GridView

BESIDE, UNDER = 30, 18  # px for the numbers
LARGEST = (40, 24)
EXACT = 0.01  # of the span: so near to a round number a row or column is named by it


class WeightMap(GridView):
    """A heat map in the colors of attention; queries run down, keys run right, both rising."""

    def __init__(self, largest: tuple[int, int] = LARGEST) -> None:
        super().__init__("ember", largest, square=False)
        self.setMinimumSize(150, 110)
        self.export_name = "weights"
        self._queries, self._keys = np.zeros(0), np.zeros(0)

    def set_weights(self, weights: np.ndarray, queries: np.ndarray, keys: np.ndarray, top: float | None = None) -> None:
        """Show weights (Q, N) of queries (Q,) over sorted keys (N,), colored from 0 to ``top``."""
        self._queries, self._keys = queries, keys
        self.set_values(weights, top=top or max(float(weights.max(initial=0)), 1e-9), low=0.0)

    def written(self, value: float) -> str:
        return words.percent(value, 1)

    def numbers(self) -> dict[str, np.ndarray]:
        return {"weights": self._values, "queries": self._queries, "keys": self._keys}

    def report(self) -> str:
        cell = self._hover or self._at
        if cell is None or not self._values.size:
            return ""
        query = words.number(float(self._queries[cell[0]]), 2)
        if cell[1] < 0:
            return query
        key = words.number(float(self._keys[cell[1]]), 2)
        return f"{query}, {key}: {self.written(float(self._values[cell]))}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        wide = max([BESIDE, *(round(text_width(t)) + 8 for _, t in self._ticks(self._queries))])
        super().arrange(width - wide, height - UNDER)
        self._corner = (self._corner[0] + wide, self._corner[1])

    @staticmethod
    def _ticks(values: np.ndarray) -> list[tuple[int, str]]:
        """Indices next to round numbers, and the numbers; where the values are uneven, what is really there."""
        if len(values) < 2 or values[-1] <= values[0]:
            return [(0, words.number(float(values[0]), 2))] if len(values) else []
        near = max(EXACT * float(values[-1] - values[0]), 0.51 * float(np.diff(values).min()))  # half an even step
        found: dict[int, str] = {}
        for v, text in round_numbers(float(values[0]), float(values[-1])):
            at = int(np.abs(values - v).argmin())
            own = float(values[at])
            found.setdefault(at, text if abs(own - v) <= near else words.number(own, 2))
        return list(found.items())

    def draw_cells(self, painter: QPainter) -> None:
        whole = self.cell_rect((-1, -1))
        for i, text in self._ticks(self._queries):
            middle = self.cell_rect((i, 0)).center().y()
            write(painter, QRectF(0, middle - 8, whole.left() - 6, 16), text, align=RIGHT)
        last = -1e9
        for j, text in self._ticks(self._keys):
            middle, half = self.cell_rect((0, j)).center().x(), text_width(text) / 2
            if middle - half > last + 6:
                write(painter, QRectF(middle - 30, whole.bottom() + 2, 60, 16), text, align=CENTER)
                last = middle + half

"""A table of counts, such as a confusion matrix: nothing sinks into the paper, much stands out."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION
from app.views.base import CENTER, outline, text_width, write
from app.views.grid import MOST_NAMES, Pair
from app.views.matrix import Matrix
from app.views.tiling import block_max

MANY = 24  # rows; of more, counts are colors alone
LEGIBLE = 9  #: px of a cell from which on its row and column are named


class CountMatrix(Matrix):
    """Counts (rows, cols); the diagonal of the square part may be framed, since it is what is right.

    The ramp's strong end is its low one, so the cells hold the counts with their signs turned.
    """

    def __init__(self) -> None:
        super().__init__(digits=0)
        self.export_name = "confusion-matrix"
        self._diagonal = 0

    def set_counts(self, counts: np.ndarray, diagonal: int = 0) -> None:
        """Show counts; the first ``diagonal`` cells of the diagonal are framed.

        The scale ends at the largest beside it, so that mistakes can be seen where most is right; of very many rows at
        the largest in the square part.
        """
        beside = counts.copy()
        if beside.size:
            np.fill_diagonal(beside, 0)
        if len(counts) > MANY and beside[:diagonal, :diagonal].any():
            beside = beside[:diagonal, :diagonal]
        top = max(1, int(beside.max(initial=0)))
        self._diagonal = diagonal
        self.set_values(-counts.astype(np.float32), 0.0, -float(top))

    def top(self) -> tuple[int, bool]:
        """The count that the scale ends at, and whether there are larger ones."""
        low = self._ends[0]
        return round(-low), bool(self._values.min(initial=0.0) < low)

    def stretch(self, ends: tuple[float, float] | None) -> None:
        super().stretch(None if ends is None else (-ends[1], -ends[0]))

    def reduced(self) -> np.ndarray:
        """Of a block of cells the largest count: they are held with their signs turned."""
        return -block_max(-self._values[None], self._block)[0]

    def said_at(self, cell: Pair) -> str:
        """The count, with both names where they are too many to stand beside the cells."""
        if min(self._cell) >= LEGIBLE and len(self._rows) <= MOST_NAMES:
            return super().said_at(cell)
        return self.report_of(cell)

    def written(self, value: float) -> str:
        return words.number(abs(value))

    def numbers(self) -> dict[str, np.ndarray]:
        found = super().numbers()
        found["values"] = np.rint(-self._values).astype(int)
        found["scale"] = np.abs(found["scale"][::-1])
        return found

    def draw_cells(self, painter: QPainter) -> None:
        rows, cols = self._values.shape
        largest = text_width(self.written(float(self._values.min(initial=0.0))))
        fits = self._block == 1 and largest + 4 <= self._cell[0] and self._cell[1] >= 13
        inks = theme.inks_on(self._ramp)
        levels = self.levels() if fits else None
        for i, j in np.argwhere(self._values < 0).tolist() if levels is not None else ():
            assert levels is not None
            place = self.cell_rect((i, j))
            write(painter, place, self.written(float(self._values[i, j])), inks[levels[i, j]], CAPTION, align=CENTER)
        if self._block == 1 and min(self._cell) >= 8:
            for i in range(min(self._diagonal, rows, cols)):
                place = QRectF(self.cell_rect((i, i)))
                outline(painter, place.adjusted(0, 0, -1, -1), theme.color("truth"), 1)

"""A table of counts, such as a confusion matrix: nothing sinks into the paper, much stands out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.views.base import outline, text_width, write_all
from app.views.grid import Pair
from app.views.matrix import Matrix
from app.views.tiling import block_max
from app.words import Text

MANY = 24  # rows; of more, counts are colors alone
LEGIBLE = 9  #: px of a cell from which on its row and column are named


class CountMatrix(Matrix):
    """Counts (rows, cols); the diagonal of the square part may be framed, since it is what is right.

    The ramp's strong end is its low one, so the cells hold the counts with their signs turned. A class of the square
    part without any count may be left out; whoever asks or is told of a cell knows it by its classes all the same.
    """

    MOST = 1000
    FEW = True

    def __init__(self) -> None:
        super().__init__(digits=0)
        self.export_name = "confusion-matrix"
        self._diagonal = 0
        self._counts, self._framed = np.zeros((0, 0), int), 0  # of all classes
        self._named: tuple[Sequence[Text], Sequence[Text]] = ((), ())
        self._tokens: tuple[Sequence[str], Sequence[str]] = ((), ())  # colors of these names
        self._sparse = False
        self._kept = np.zeros(0, int)  # classes that stand on screen

    # -- which classes
    def hide_empty(self, on: bool) -> None:
        """Leave out the classes that were neither there nor said, or show all."""
        if on != self._sparse:
            at = self._at and self._classes_of(self._at)
            self._sparse = on
            self._fill()
            self.set_at(at)

    def empty(self) -> int:
        """How many classes of the square part have no count."""
        return int(self._framed - len(self._full(self._counts, self._framed)))

    @staticmethod
    def _full(counts: np.ndarray, square: int) -> np.ndarray:
        """The classes of the square part with a count in their row or column."""
        some = counts[:square].any(1) | counts[:, :square].any(0)
        return np.flatnonzero(some)

    def _cell_of(self, classes: Pair) -> Pair | None:
        """Where the cell of two classes stands; −1 stays; None where it is left out."""
        found = []
        for one in classes:
            at = np.flatnonzero(self._kept == one)
            if one >= 0 and not len(at):
                return None
            found.append(int(at[0]) if one >= 0 else one)
        return found[0], found[1]

    def _classes_of(self, cell: Pair) -> Pair:
        row, col = (int(self._kept[at]) if 0 <= at < len(self._kept) else at for at in cell)
        return row, col

    def _fill(self) -> None:
        counts, square = self._counts, self._framed
        apart = counts.shape[0] == counts.shape[1] and self._sparse and counts[:square, :square].any()
        full = self._full(counts, square) if apart else np.arange(square)
        self._kept = np.concatenate([full, np.arange(square, max(counts.shape))]).astype(int)
        self._diagonal = len(full)
        (rows, cols), (row_tokens, col_tokens) = self._named, self._tokens
        if apart:
            counts = counts[np.ix_(self._kept, self._kept)]
            rows, cols = ([names[i] for i in self._kept if i < len(names)] for names in self._named)
            row_tokens, col_tokens = ([colors[i] for i in self._kept if i < len(colors)] for colors in self._tokens)
        super().set_names(rows, cols, row_tokens, col_tokens)
        super().set_values(-counts.astype(np.float32), 0.0, -float(self._top_of(self._counts, square)))

    def set_at(self, cell: Pair | None) -> None:
        super().set_at(None if cell is None else self._cell_of(cell))

    def set_lit(self, cell: Pair | None) -> None:
        super().set_lit(None if cell is None else self._cell_of(cell))

    def _choose(self, cell: Pair) -> None:
        super().set_at(cell)
        self.clicked.emit(self._classes_of(cell))

    def hover_told(self) -> Pair | None:
        return None if self._hover is None else self._classes_of(self._hover)

    def set_names(
        self,
        rows: Sequence[Text],
        cols: Sequence[Text],
        row_tokens: Sequence[str] = (),
        col_tokens: Sequence[str] = (),
    ) -> None:
        """Names of all classes, whether they stand on screen or not; on request each in the color of a token."""
        self._named, self._tokens = (rows, cols), (row_tokens, col_tokens)
        self._fill()

    def set_counts(self, counts: np.ndarray, diagonal: int = 0) -> None:
        """Show counts; the first ``diagonal`` cells of the diagonal are framed.

        The scale ends at the largest beside it, so that mistakes can be seen where most is right; of very many rows at
        the largest in the square part.
        """
        self._counts, self._framed = counts, min(diagonal, *counts.shape)
        self._fill()

    @staticmethod
    def _top_of(counts: np.ndarray, diagonal: int) -> int:
        beside = counts.copy()
        if beside.size:
            np.fill_diagonal(beside, 0)
        if len(counts) > MANY and beside[:diagonal, :diagonal].any():
            beside = beside[:diagonal, :diagonal]
        return max(1, int(beside.max(initial=0)))

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
        if min(self._cell) >= LEGIBLE:
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
        if levels is not None:
            cells = [(i, j) for i, j in np.argwhere(self._values < 0).tolist()]
            write_all(
                painter,
                ((self.cell_rect(at), self.written(float(self._values[at])), inks[levels[at]]) for at in cells),
            )
        if self._block == 1 and min(self._cell) >= 8:
            for i in range(min(self._diagonal, rows, cols)):
                place = QRectF(self.cell_rect((i, i)))
                outline(painter, place.adjusted(0, 0, -1, -1), theme.color("truth"), 1)

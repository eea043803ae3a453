"""A table of the page Maths: as many numbers as can be read, or all of them as colors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app import words
from app.tabs.transformer.maths.steps import Table
from app.theme import S2
from app.views.base import text_width
from app.views.colorbar import ColorBar
from app.views.scoregrid import HEAD, READ, ScoreGrid
from app.widgets import col, quiet, row
from app.words import say

Span: TypeAlias = tuple[int, int]  # first, one past the last
Cell: TypeAlias = tuple[int, int]
LARGEST = (96, 58)  #: px, a cell
LOWEST = 19  #: px, a cell whose number can be read


class Operand(QWidget):
    """A named table with its shape and scale.

    Signals
    -------
    resized
        There is another room for numbers.
    """

    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.head, self.shape = quiet(""), quiet("")
        self.grid = ScoreGrid("diff", LARGEST)
        self.grid.setMinimumHeight(HEAD + READ * LOWEST)
        say(self.grid, "setAccessibleName", "Nothing to show yet.")
        self.bars = {ramp: ColorBar("", ramp, 60) for ramp in ("diff", "ember")}
        for bar in self.bars.values():
            bar.drive(self.grid)
        bars = row(*((bar, 1) for bar in self.bars.values()), gap=0)
        self.setLayout(col(row(self.head, 1, self.shape, gap=S2), (self.grid, 1), bars, gap=2))
        self.table: Table | None = None
        self._start: Cell = (0, 0)
        self._size: Cell = (0, 0)  # rows and columns on screen
        self._under: Cell | None = None  # which of these lies under the pointer
        self.grid.hovered.connect(self._point)

    def _point(self, cell: Cell | None) -> None:
        self._under = cell

    def room(self, table: Table) -> Cell:
        """Rows and columns of a table whose numbers can be read at once."""
        names = max((text_width(name, bold=True) for name in table.rows), default=0.0) + S2
        width, height = self.grid.width() - names - 4, self.grid.height() - 22
        ends = float(table.values.min(initial=0.0)), float(table.values.max(initial=0.0))
        heads = max((text_width(name, bold=True) for name in table.cols), default=0.0)
        least = max(*(text_width(words.number(v, 2)) for v in ends), min(heads, 40.0)) + 6
        return max(3, int(height // LOWEST)), max(3, int(width // least))

    def show_table(self, table: Table, spans: Mapping[str, Span]) -> None:
        """Draw the part of a table that the spans of its axes leave."""
        self.table = table
        rows, cols = (spans.get(axis, (0, n)) for axis, n in zip(table.axes, table.values.shape, strict=True))
        self._start = rows[0], cols[0]
        part = slice(*rows), slice(*cols)
        size = rows[1] - rows[0], cols[1] - cols[0]
        if size != self._size:  # the view lets go of what was pointed at, too
            self._size, self._under = size, None
        say(self.head, "setText", table.name if not isinstance(table.name, str) else words.plain(table.name))
        say(self.grid, "setAccessibleName", table.name)
        say(self.shape, "setText", words.plain(table.shape))
        self.grid.set_table(table.values[part], table.limit, table.ramp)
        self.grid.set_off(None if table.off is None else table.off[part], table.off_text)
        self.grid.set_names(table.rows[part[0]], table.cols[part[1]])
        for ramp, bar in self.bars.items():
            bar.setVisible(ramp == table.ramp)
            bar.set_range(0.0 if ramp == "ember" else -table.limit, table.limit)

    @property
    def pointed(self) -> Cell | None:
        """The cell of the whole table that lies under the pointer."""
        return None if self._under is None else self.inside(self._under)

    def inside(self, cell: Cell) -> Cell:
        """A cell of the whole table, from one that is shown."""
        return cell[0] + self._start[0], cell[1] + self._start[1]

    def shown(self, cell: Cell) -> Cell:
        """A cell as it is shown, from one of the whole table."""
        return cell[0] - self._start[0], cell[1] - self._start[1]

    def set_cross(self, i: int, j: int) -> None:
        """Frame what the cell (i, j) of the result is made of."""
        if self.table is None:
            return
        spots = {"ij": (i, j), "ik": (i, -1), "kj": (-1, j), "jk": (j, -1), "-j": (-1, j), "i-": (i, -1)}
        at = spots[self.table.axes]
        shown = tuple(n - start if n >= 0 else -1 for n, start in zip(at, self._start, strict=True))
        rows, cols = self.grid.numbers()["values"].shape
        fits = shown[0] < rows and shown[1] < cols and min(shown) >= -1
        self.grid.set_cross((shown[0], shown[1]) if fits else None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


def span(at: int, first: int, count: int, all_: int) -> Span:
    """A window of ``count`` of ``all_``: from ``first`` on if ``at`` is well inside, else moved as little as needed."""
    if count >= all_:
        return 0, all_
    margin = 1 if count > 2 else 0
    first = min(first, at - margin)
    first = max(first, at + margin - count + 1)
    first = min(max(0, first), all_ - count)
    return first, first + count

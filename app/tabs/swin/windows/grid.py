"""A grid of tokens whose groups are fenced off; the fences can be dragged."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter

from app import theme, words
from app.tabs.swin.photo import borders
from app.theme import CAPTION
from app.views.base import CENTER, outline, pen, write
from app.views.grid import GridView, Pair
from app.views.scoregrid import hatch
from engines.core.errors import Message

LARGEST = (56, 56)  # px, a cell
LEAST_TEXT = 14  # px, of a cell that bears a number


class WindowGrid(GridView):
    """Tokens colored by a number, with lines between groups; tokens of one region bear its number.

    Signals
    -------
    dragged : (rows, cols)
        How many cells the hand has moved since it was put down, at each whole cell.
    settled
        The hand let go.
    """

    drags = True

    dragged = Signal(object)
    settled = Signal()

    def __init__(self, name: str) -> None:
        super().__init__("tide", LARGEST, square=True)
        self.setMinimumSize(140, 140)
        self._groups = np.zeros((0, 0), int)
        self._numbers = np.zeros((0, 0), int)
        self._out = np.zeros((0, 0), bool)
        self._query: Pair | None = None
        self._lines = np.zeros((0, 4), int)
        self._press: Pair | None = None
        self._moved = (0, 0)
        words.say(self, "setAccessibleName", name)

    # -- content
    def set_tokens(
        self,
        values: np.ndarray,
        top: float,
        groups: np.ndarray,
        numbers: np.ndarray,
        out: np.ndarray,
        query: Pair | None,
    ) -> None:
        """Show a grid.

        Parameters
        ----------
        values : ndarray (rows, cols)
            0 to ``top``.
        groups, numbers : ndarray of int (rows, cols)
            Lines run between different groups; a number below 0 is not written.
        out : ndarray of bool (rows, cols)
            Struck cells, such as padding.
        query : (row, col), optional
        """
        self._groups, self._numbers, self._out, self._query = groups, numbers, out, query
        self._lines = borders(groups)
        self.set_values(values, top, 0.0)
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"values": self._values, "groups": self._groups, "regions": self._numbers}

    def report_of(self, cell: Pair) -> str:
        return words.tr("Token {row}, {col}", row=cell[0] + 1, col=cell[1] + 1)

    def said_at(self, cell: Pair) -> str:
        if self._out.shape == self._values.shape and self._out[cell]:
            return words.tr("padding")
        return words.tr(self.chip_of(cell))

    def chip_of(self, cell: Pair) -> Message:
        """What the chip at the pointer says of a token."""
        value = int(self._values[cell])
        if value == 0:
            return Message("the query")
        return Message("after {n} blocks", {"n": value}) if value < self._top else Message("not reached")

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._moved = self.under(event.position()), (0, 0)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            super().mouseMoveEvent(event)
            return
        at = self._cell_of(event.position())
        moved = at[0] - self._press[0], at[1] - self._press[1]
        if moved != self._moved:
            self._moved = moved
            self.dragged.emit(moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._press = self._press, None
        if event.button() != Qt.MouseButton.LeftButton or pressed is None:
            return
        if self._moved == (0, 0):
            self.clicked.emit(pressed)
        else:
            self.settled.emit()

    def _cell_of(self, point: QPointF) -> Pair:
        """The cell under a point, beyond the grid, too."""
        x, y = self._corner
        return int((point.y() - y) // self._cell[1]), int((point.x() - x) // self._cell[0])

    # -- painting
    def draw_cells(self, painter: QPainter) -> None:
        rows, cols = self._values.shape
        if self._numbers.shape != self._values.shape or self._block > 1:
            return
        inks = theme.inks_on(self._ramp)
        levels, roomy = self.levels(), min(self._cell) >= LEAST_TEXT
        for i, j in np.ndindex(rows, cols):
            place = self.cell_rect((i, j))
            if self._out[i, j]:
                painter.fillRect(place, theme.color("sunken"))
                hatch(painter, place)
            elif roomy and self._numbers[i, j] >= 0:
                write(painter, place, str(self._numbers[i, j]), inks[levels[i, j]], CAPTION, align=CENTER)
        x, y = self._corner
        wide, high = self._cell
        lines = [QLineF(x + a * wide, y + b * high, x + c * wide, y + d * high) for a, b, c, d in self._lines.tolist()]
        for color, width in ((theme.color("surface"), 4), (theme.color("text"), 2)):
            painter.setPen(pen(color, width))
            painter.drawLines(lines)
        outline(painter, self.cell_rect((-1, -1)), theme.color("text"), 2)
        if self._query is not None and self._inside(self._query, self._values.shape):
            outline(painter, self.cell_rect(self._query).adjusted(2, 2, -2, -2), theme.color("accent"), 2,
                    theme.color("surface"))  # fmt: skip


class MaskView(WindowGrid):
    """Who may attend to whom in one window, query by key: struck cells may not."""

    def chip_of(self, cell: Pair) -> Message:
        return Message("may attend")

    def said_at(self, cell: Pair) -> str:
        return words.tr("masked") if self._out[cell] else words.tr("may attend")

    def report_of(self, cell: Pair) -> str:
        if not self._inside(cell, self._values.shape):
            return ""
        text = "{row}, {col}: masked" if self._out[cell] else "{row}, {col}: may attend"
        return words.tr(text, row=f"q{cell[0] + 1}", col=f"k{cell[1] + 1}")

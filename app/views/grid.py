"""A table of values as colored cells with named rows and columns; base of cost matrix and token map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeAlias

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.mapimage import MapImage
from app.theme import CAPTION, S1, S2
from app.views.base import CENTER, RIGHT, chip, finite, outline, text_width, write
from app.views.pointing import HoverView
from app.views.tiling import block_max
from app.words import Text

Pair: TypeAlias = tuple[int, int]
EDGE = 3  # px that outlines reach beyond the cells
LEAST_NAMED = 9  # px, of cells that all are named
MOST_NAMES = 64  # rows or columns; beyond that names would be dust
APART = 12  # px between the names of a few of very many rows


class GridView(HoverView):
    """Cells of one size, whole pixels; a table larger than its room is reduced by block maximum.

    Signals
    -------
    clicked : (row, col)
    """

    zooms = True

    clicked = Signal(object)
    _hover: Pair | None

    ONLY_CELLS = False  #: of a subclass that draws nothing outside of the cells but names: values can't change those
    MOST: ClassVar[int] = MOST_NAMES  #: rows or columns that have names beside the cells
    FEW: ClassVar[bool] = False  #: where there is no room for all names, every so many-th row has one
    PICTURED = True  #: the cells are a picture; False of a subclass that draws them itself

    def __init__(self, ramp: str, largest: tuple[int, int], square: bool) -> None:
        super().__init__((150, 130))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._ramp, self._largest, self._square = ramp, largest, square
        self._values = np.zeros((0, 0), np.float32)
        self._low, self._top = self._ends = 0.0, 1.0
        self._hand: tuple[float, float] | None = None
        self._rows: Sequence[Text] = ()
        self._cols: Sequence[Text] = ()
        self._row_tokens: Sequence[str] = ()
        self._col_tokens: Sequence[str] = ()
        self._lit: Pair | None = None
        self._at: Pair | None = None
        self._cell, self._corner, self._block = (1, 1), (0, 0), 1
        self._upright = True
        self._image = MapImage()
        self._image.hide()
        self.put_below(self._image)

    # -- content
    def set_values(self, values: np.ndarray, top: float | None = None, low: float | None = None) -> None:
        """Show values (rows, cols); the ramp runs from ``low`` to ``top`` (least and largest if not given)."""
        values = finite(np.asarray(values, np.float32), "values")
        if values.ndim != 2:
            raise ValueError(f"values must be (rows, cols), not {values.shape}")
        if values.shape != self._values.shape:
            self._hover = self._lit = None
            fits = self._at is not None and self._at[0] < values.shape[0] and self._at[1] < values.shape[1]
            self._at = self._at if fits else None
            self._stale = True
        self._values = values
        start = float(values.min(initial=0.0) if low is None and values.size else low or 0.0)
        end = float(values.max(initial=start) if top is None else top)
        self._ends = start, end if end > start else start + 1.0
        self._low, self._top = self._hand or self._ends
        self._show()
        self._update_cells()
        self.tell()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color from the first end to the second; None: from end to end of the values."""
        self._hand = ends
        self._low, self._top = ends or self._ends
        self._show()
        self.update()

    def _show(self) -> None:
        """Hand the cells to their picture; not before it is known where they stand."""
        if not self._stale and self.PICTURED and self._values.size:
            self._image.show_values(self.reduced(), self._low, self._top, theme.ramp(self._ramp))
            self._image.stand(self.cell_rect((-1, -1)))

    def _update_cells(self) -> None:
        """Paint the cells anew; the names too, unless they are sure to be as they were."""
        if self.ONLY_CELLS and not self._stale and self._hover is None and self._values.size:
            self.update(self.cell_rect((-1, -1)).toAlignedRect())
        else:
            self.update()

    def _cells_place(self) -> QRectF:
        """All cells with the outlines around them, and what Qt paints around cells that change; names lie outside."""
        return self.cell_rect((-1, -1)).adjusted(-EDGE, -EDGE, EDGE, EDGE)

    def set_names(
        self,
        rows: Sequence[Text],
        cols: Sequence[Text],
        row_tokens: Sequence[str] = (),
        col_tokens: Sequence[str] = (),
    ) -> None:
        """Names beside rows and above columns, on request each in the color of a token."""
        self._rows, self._cols, self._row_tokens, self._col_tokens = rows, cols, row_tokens, col_tokens
        self.renew()

    def set_largest(self, wide: int, high: int) -> None:
        """Another limit to the size of a cell, such as for a table of few rows and many columns."""
        if (wide, high) != self._largest:
            self._largest = (wide, high)
            self.renew()

    def set_at(self, cell: Pair | None) -> None:
        """Mark a cell without telling anybody; −1 stands for all: (3, −1) is a whole row."""
        if cell != self._at:
            self._at = cell
            self.tell()
            self.update()

    def at(self) -> Pair | None:
        """The marked cell."""
        return self._at

    def lit(self) -> Pair | None:
        """What is lit up from elsewhere."""
        return self._lit

    def set_lit(self, cell: Pair | None) -> None:
        """Light up a cell, row or column (−1 for all) that is pointed at elsewhere."""
        if cell != self._lit:
            self._lit = cell
            self.update()

    def values(self) -> np.ndarray:
        """What is on screen, (rows, cols)."""
        return self._values

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "values": self._values,
            "scale": np.array([self._low, self._top]),
            "rows": np.array([words.drawn(t) for t in self._rows], dtype=np.str_),
            "columns": np.array([words.drawn(t) for t in self._cols], dtype=np.str_),
        }

    def written(self, value: float) -> str:
        """A value as cells and chips say it."""
        return words.number(value, 2)

    def said_at(self, cell: Pair) -> str:
        """What the chip at the pointer says."""
        return self.written(float(self._values[cell]))

    def share_at(self, cell: Pair | None) -> float | None:
        """Where a cell's value stands on the color bar, 0..1."""
        if cell is None or not self._inside(cell, self._values.shape):
            return None
        return float(np.clip((self._values[cell] - self._low) / (self._top - self._low), 0, 1))

    def report(self) -> str:
        cell = self._hover or self._at
        return "" if cell is None or not self._values.size else self.report_of(cell)

    def report_of(self, cell: Pair) -> str:
        """A cell with the names of its row and column; −1 stands for all."""
        row = words.drawn(self._rows[cell[0]]) if 0 <= cell[0] < len(self._rows) else str(cell[0] + 1)
        col = words.drawn(self._cols[cell[1]]) if 0 <= cell[1] < len(self._cols) else str(cell[1] + 1)
        if not self._inside(cell, self._values.shape):
            return row if cell[0] >= 0 else col
        return f"{row}, {col}: {self.written(float(self._values[cell]))}"

    @staticmethod
    def _inside(cell: Pair, shape: tuple[int, ...]) -> bool:
        return 0 <= cell[0] < shape[0] and 0 <= cell[1] < shape[1]

    # -- places
    def arranged(self) -> None:
        if self._stale:
            super().arranged()
            self._image.setVisible(self.PICTURED and self._values.size > 0)
            self._show()

    def arrange(self, width: int, height: int) -> None:
        rows, cols = self._values.shape
        if not rows or not cols:
            return
        named_rows, named_cols = 0 < len(self._rows) <= self.MOST, 0 < len(self._cols) <= self.MOST
        left = max((text_width(words.drawn(t), CAPTION, True) for t in self._rows), default=0) + S2 if named_rows else 2
        widest = max((text_width(words.drawn(t), CAPTION, True) for t in self._cols), default=0) if named_cols else 0
        left = int(np.ceil(min(left, 0.4 * width)))
        self._upright, over = True, 18 if named_cols else 2
        for _ in range(2):
            room_w, room_h = width - left - 4, height - over - 4
            self._block = max(1, int(np.ceil(cols / max(1, room_w))), int(np.ceil(rows / max(1, room_h))))
            shown_w, shown_h = -(-cols // self._block), -(-rows // self._block)
            cell_w = min(self._largest[0], max(1, room_w // shown_w))
            cell_h = min(self._largest[1], max(1, room_h // shown_h))
            if self._square:
                cell_w = cell_h = min(cell_w, cell_h)
            if widest <= cell_w + 2 or not self._upright:
                break
            self._upright, over = False, int(np.ceil(min(widest, 0.4 * height))) + S1  # turn the names
        self._cell = (cell_w, cell_h)
        x = left + max(0, (room_w - cell_w * shown_w) // 2)
        y = over + max(0, (room_h - cell_h * shown_h) // 2)
        self._corner = (x, y)

    def cell_rect(self, cell: Pair) -> QRectF:
        """Where a cell stands; −1 for a whole row or column."""
        if self._stale:  # a painting asks for hundreds of places
            self.arranged()
        (x, y), (w, h), block, (row, col) = self._corner, self._cell, self._block, cell
        if row >= 0 and col >= 0:
            return QRectF(x + col // block * w, y + row // block * h, w, h)
        rows, cols = (-(-n // block) for n in self._values.shape)
        left, wide = (x + col // block * w, w) if col >= 0 else (x, cols * w)
        top, high = (y + row // block * h, h) if row >= 0 else (y, rows * h)
        return QRectF(left, top, wide, high)

    def under(self, point: QPointF) -> Pair | None:
        self.arranged()
        col = int(np.floor((point.x() - self._corner[0]) / self._cell[0])) * self._block
        row = int(np.floor((point.y() - self._corner[1]) / self._cell[1])) * self._block
        return (row, col) if self._inside((row, col), self._values.shape) else None

    # -- hand
    def _choose(self, cell: Pair) -> None:
        self.set_at(cell)
        self.clicked.emit(cell)

    def walk(self, rows: int, cols: int) -> bool:
        high, wide = self._values.shape
        if not high or not wide:
            return False
        now = self._at or (0, 0)
        new = (min(high - 1, max(0, now[0] + rows)), min(wide - 1, max(0, now[1] + cols)))
        if new != self._at:
            self._choose(new)
        return True

    # -- painting
    def reduced(self) -> np.ndarray:
        """The values that are painted, (rows, cols): of each block the largest."""
        return block_max(self._values[None], self._block)[0]

    def levels(self) -> np.ndarray:
        """Indices of the painted colors, uint8 (rows, cols) after reduction: round(255 × share of the ramp)."""
        share = np.clip((self.reduced() - self._low) / (self._top - self._low), 0, 1)
        return np.rint(255 * share).astype(np.uint8)

    def is_empty(self) -> bool:
        return not self._values.size

    def draw(self, painter: QPainter) -> None:
        if self._damage is None or not self._cells_place().contains(self._damage):
            self._draw_names(painter)
        self.draw_cells(painter)
        if self._lit is not None:
            outline(painter, self.cell_rect(self._lit).adjusted(0, 0, -1, -1), theme.color("chalk"), 1)
        if self._at is not None:
            place = self.cell_rect(self._at).adjusted(-1, -1, 1, 1)
            outline(painter, place, theme.color("accent"), 2, theme.color("surface"))
        if self._hover is not None:
            place = self.cell_rect(self._hover)
            outline(painter, place.adjusted(0, 0, -1, -1), theme.color("chalk"), 1, theme.color("ink"))
            chip(painter, place, self.said_at(self._hover), QRectF(self.rect()))

    def draw_cells(self, painter: QPainter) -> None:
        """Numbers and marks of a subclass."""

    def _name_token(self, tokens: Sequence[str], index: int, chosen: bool) -> str:
        if chosen:
            return "accent"
        return tokens[index] if index < len(tokens) else "text2"

    def _to_name(self, count: int, cell: int, chosen: int) -> Iterable[int]:
        """The rows, or columns, whose names are written: all, or the one looked at, and some of the others."""
        pitch = cell / self._block
        if cell >= LEAST_NAMED:
            return range(count)
        every = range(0, count, math.ceil(APART / pitch)) if self.FEW else ()
        return [*(i for i in every if abs(i - chosen) * pitch >= APART), *([chosen] if 0 <= chosen < count else [])]

    def _draw_names(self, painter: QPainter) -> None:
        at = self._hover or self._at or (-2, -2)
        if len(self._rows) <= self.MOST:
            for i in self._to_name(min(len(self._rows), self._values.shape[0]), self._cell[1], at[0]):
                place, on, text = self.cell_rect((i, 0)), i == at[0], self._rows[i]
                color = theme.color(self._name_token(self._row_tokens, i, on))
                more = max(0.0, (APART - place.height()) / 2)
                line = QRectF(0, place.y() - more, place.x() - 6, place.height() + 2 * more)
                if self.hits(line):
                    write(painter, line, text, color, CAPTION, on or i < len(self._row_tokens), RIGHT)
        if len(self._cols) > self.MOST:
            return
        for j in self._to_name(min(len(self._cols), self._values.shape[1]), self._cell[0], at[1]):
            place, on, text = self.cell_rect((0, j)), j == at[1], self._cols[j]
            color = theme.color(self._name_token(self._col_tokens, j, on))
            bold = on or j < len(self._col_tokens)
            if self._upright:
                line = QRectF(place.x() - 20, place.y() - 18, place.width() + 40, 16)
                write(painter, line, text, color, CAPTION, bold, CENTER)
            else:
                painter.save()
                painter.translate(place.center().x(), place.y() - S1)
                painter.rotate(-90)
                write(painter, QRectF(0, -8, 400, 16), text, color, CAPTION, bold)
                painter.restore()

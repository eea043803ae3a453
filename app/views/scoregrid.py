"""Small tables of the maths pages: numbers on tinted cells with masked ones struck out, and the mask itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPaintEngine, QPainter

from app import theme, words
from app.theme import CAPTION, S2
from app.views.base import CENTER, RIGHT, chip, outline, pen, text_width, write, write_all
from app.views.grid import MOST_NAMES, GridView, Pair
from app.words import Text
from engines.core.errors import Message

DIGITS = {"ember": 3}  #: behind the point, of weights; of all else there are `FEW`
FEW = 2
READ, HEAD = 6, 22  #: rows that have the height for numbers; px above them
LOWEST_TEXT = 13  #: px, a cell that is lower holds no number
VECTORS, OVERLAP = (QPaintEngine.Type.Pdf, QPaintEngine.Type.SVG), 0.15  #: px on paper by which cells overlap
GRIP = 5  #: px on each side of the edge of the valid length that take hold of it


def hatch(painter: QPainter, place: QRectF) -> None:
    """A cell that is not there."""
    if painter.paintEngine().type() in VECTORS:  # there each edge is smooth, and a seam would show what lies below
        place = place.adjusted(-OVERLAP, -OVERLAP, OVERLAP, OVERLAP)
    painter.fillRect(place, theme.color("sunken"))
    painter.fillRect(place, QBrush(theme.color("control", 110), Qt.BrushStyle.BDiagPattern))


class ThinGrid(GridView):
    """A grid whose column names never turn: where they are too wide for their cells, some are left out."""

    def arrange(self, width: int, height: int) -> None:
        names, self._cols = self._cols, [""] * len(self._cols)
        super().arrange(width, height)
        self._cols = names

    def _draw_names(self, painter: QPainter) -> None:
        rows, cols = self._rows, self._cols
        self._rows, self._cols = every_nth(rows, 12 / self._cell[1]), ()
        super()._draw_names(painter)
        self._rows, self._cols = rows, cols
        widest = max((text_width(words.drawn(t), CAPTION, True) for t in cols), default=0.0)
        at = self._hover or self._at or (-2, -2)
        shown = every_nth(cols, (widest + 4) / self._cell[0]) if len(cols) <= MOST_NAMES else ()
        for j, text in enumerate(shown[: self._values.shape[1]]):
            if text:
                place, on = self.cell_rect((0, j)), j == at[1]
                line = QRectF(place.x() - 20, place.y() - 18, place.width() + 40, 16)
                write(painter, line, text, theme.color("accent" if on else "text2"), CAPTION, on, CENTER)


def every_nth(names: Sequence[Text], need: float) -> Sequence[Text]:
    """The first name and every 2nd, 5th, 10th, where ``need`` says how many cells one of them takes."""
    every = next((n for n in (1, 2, 5, 10, 20) if n >= need), MOST_NAMES)
    return [t if j == 0 or (j + 1) % every == 0 else "" for j, t in enumerate(names)]


class ScoreGrid(ThinGrid):
    """A table of numbers with as many digits as fit.

    Parameters
    ----------
    ramp : str
        ``diff`` for signed values, ``ember`` for weights.
    readable : bool
        It asks for the height that numbers need, of as many as `READ` rows.
    """

    def __init__(self, ramp: str = "diff", largest: tuple[int, int] = (96, 44), readable: bool = False) -> None:
        super().__init__(ramp, largest, square=False)
        self._readable = readable
        self.setMinimumSize(72, 48)
        self.export_name = "table"
        self._off = np.zeros((0, 0), bool)
        self._off_text = "−∞"
        self._cross: Pair | None = None

    # -- content
    def set_table(self, values: np.ndarray, limit: float | None = None, ramp: str | None = None) -> None:
        """Show values (rows, cols): signed ones over ± ``limit``, weights from 0 to it."""
        if ramp is not None and ramp != self._ramp:
            self._ramp = ramp
        end = limit if limit is not None else float(np.abs(values).max(initial=0.0))
        end = end if end > 0 else 1.0
        self._off = np.zeros((0, 0), bool)
        self.set_values(values, end, 0.0 if self._ramp == "ember" else -end)
        if self._readable:
            self.setMinimumHeight(max(48, HEAD + (LOWEST_TEXT + 1) * min(READ, len(values))))

    def set_off(self, off: np.ndarray | None, text: str = "−∞") -> None:
        """Strike out cells (rows, cols) and write a text into them."""
        self._off, self._off_text = (np.zeros((0, 0), bool) if off is None else off), text
        self.update()

    def set_cross(self, cell: Pair | None) -> None:
        """Frame a row, column or cell that is pointed at elsewhere; −1 for all."""
        if cell != self._cross:
            self._cross = cell
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        found = super().numbers()
        if self._off.shape == self._values.shape and self._off.any():
            found["masked"] = self._off
        return found

    def is_off(self, cell: Pair) -> bool:
        """Whether a cell is struck out."""
        return self._off.shape == self._values.shape and bool(self._off[cell])

    @property
    def most(self) -> int:
        """Digits behind the point where there is room, as everywhere else on the page."""
        return DIGITS.get(self._ramp, FEW)

    def written(self, value: float) -> str:
        return words.number(value, self.most)

    # -- painting
    def digits(self) -> int | None:
        """Digits after the point that fit into a cell; None if no number does."""
        self.arranged()
        if self._block > 1 or self._cell[1] < LOWEST_TEXT:
            return None
        ends = (float(self._values.min()), float(self._values.max()))
        for digits in range(self.most, -1, -1):
            if max(text_width(words.number(v, digits)) for v in ends) + 4 <= self._cell[0]:
                return digits if digits or self._top >= 10 else None
        return None

    def draw_cells(self, painter: QPainter) -> None:
        rows, cols = self._values.shape
        known = self._off.shape == self._values.shape
        digits, levels = self.digits(), self.levels()
        inks = theme.inks_on(self._ramp)
        painted = digits is not None or known
        struck = digits is not None or (self._cell[0] >= 22 and self._cell[1] >= LOWEST_TEXT)
        texts: list[tuple[QRectF, str, QColor]] = []
        for cell in np.ndindex(rows, cols) if painted else ():
            place = self.cell_rect((cell[0], cell[1]))
            if known and self._off[cell]:
                hatch(painter, place)
                if struck:
                    texts.append((place, self._off_text, theme.color("text2")))
            elif digits is not None:
                texts.append((place, words.number(float(self._values[cell]), digits), inks[levels[cell]]))
        write_all(painter, texts)
        if self._cross is not None and self._cross[0] < rows and self._cross[1] < cols:
            place = self.cell_rect(self._cross)
            outline(painter, place.adjusted(0.5, 0.5, -1.5, -1.5), theme.color("text"), 1, theme.color("surface"))


class MaskGrid(ThinGrid):
    """Which query may attend to which key: cells to paint, and the edge of each row's valid length to drag.

    Signals
    -------
    painted : tuple of (query, key)
        All cells that are painted out now, sorted.
    measured : tuple of int
        The valid length of each row.
    settled
        The hand let go: one undo step.
    """

    drags = True
    PICTURED = False

    painted = Signal(object)
    measured = Signal(object)
    settled = Signal()

    def __init__(self, largest: tuple[int, int] = (64, 44)) -> None:
        super().__init__("diff", largest, square=False)
        self.setMinimumSize(120, 60)
        self.export_name = "mask"
        self._lens: tuple[int, ...] = ()
        self._masked: frozenset[Pair] = frozenset()
        self._act: tuple[str, int, bool] | None = None  # what is dragged: kind, row, new state
        words.say(self, "setAccessibleName", "Mask")

    # -- content
    def set_mask(self, lens: Sequence[int], masked: Sequence[Pair], keys: int) -> None:
        """Show the valid length of each row and the cells that are painted out."""
        self._lens, self._masked = tuple(lens), frozenset(masked)
        if self._act is not None and self._act[1] >= len(self._lens):
            self._act = None  # undone in mid-drag: the row in the hand is gone
        allowed = np.zeros((len(lens), keys), np.float32)
        for i, length in enumerate(lens):
            allowed[i, :length] = 1
        for i, j in masked:
            if i < len(lens) and j < keys:
                allowed[i, j] = 0
        self.set_values(allowed, 1.0, 0.0)

    def numbers(self) -> dict[str, np.ndarray]:
        return {"may_attend": self._values.astype(bool), "valid_lens": np.array(self._lens)}

    def report(self) -> str:
        cell = self._hover or self._at
        if cell is None or not self._inside(cell, self._values.shape):
            return ""
        return words.tr(
            "{row}, {col}: may attend" if self._values[cell] else "{row}, {col}: masked",
            row=f"q{cell[0] + 1}",
            col=f"k{cell[1] + 1}",
        )

    # -- places
    def arrange(self, width: int, height: int) -> None:
        super().arrange(max(60, width - self._tail()), height)

    def _tail(self) -> int:
        keys = self._values.shape[1]
        return round(text_width(f"{keys} / {keys}", CAPTION, True)) + 2 * S2

    def edge(self, row: int) -> QPointF:
        """Middle of the edge of a row's valid length."""
        place = self.cell_rect((row, -1))
        return QPointF(place.x() + self._lens[row] * self._cell[0], place.center().y())

    def _row_at(self, point: QPointF) -> int:
        rows = self._values.shape[0]
        return min(rows - 1, max(0, int((point.y() - self._corner[1]) // self._cell[1])))

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._values.size:
            return
        point = event.position()
        self.arranged()
        inside = self.cell_rect((-1, -1)).adjusted(-GRIP, 0, self._tail(), 0)
        if not inside.contains(point):
            return
        row, cell = self._row_at(point), self.under(point)
        beyond = cell is None or cell[1] >= self._lens[row]
        if beyond or abs(point.x() - self.edge(row).x()) <= min(GRIP, self._cell[0] / 3):
            self._act = ("length", row, True)
        elif cell is not None:
            self._act = ("paint", row, cell not in self._masked)
            self._choose(cell)
        self._drag(point, False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._act is None:
            super().mouseMoveEvent(event)
            self._shape(event.position())
        else:
            self._drag(event.position(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._act is not None:
            self._act = None
            self.settled.emit()

    def _shape(self, point: QPointF) -> None:
        near = False
        if self._values.size and self.cell_rect((-1, -1)).adjusted(-GRIP, 0, GRIP, 0).contains(point):
            near = abs(point.x() - self.edge(self._row_at(point)).x()) <= min(GRIP, self._cell[0] / 3)
        self.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def _drag(self, point: QPointF, same_row: bool) -> None:
        assert self._act is not None
        kind, row, state = self._act
        if kind == "length":
            share = (point.x() - self._corner[0]) / self._cell[0]
            self._set_length(row, round(share))
            return
        cell = self.under(point)
        if cell is not None and same_row:
            cell = (row, cell[1])
        if cell is not None and cell[1] < self._lens[cell[0]]:
            self._paint(cell, state)

    def _paint(self, cell: Pair, off: bool) -> None:
        masked = self._masked | {cell} if off else self._masked - {cell}
        if masked != self._masked:
            self.painted.emit(tuple(sorted(masked)))

    def _set_length(self, row: int, length: int) -> None:
        length = min(self._values.shape[1], max(0, length))
        if length != self._lens[row]:
            self.measured.emit((*self._lens[:row], length, *self._lens[row + 1 :]))

    # -- keys
    def enter(self) -> bool:
        if self._at is None or not self._inside(self._at, self._values.shape):
            return False
        if self._at[1] < self._lens[self._at[0]]:
            self._paint(self._at, self._at not in self._masked)
        else:
            self._set_length(self._at[0], self._at[1] + 1)
        self.settled.emit()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {"+": 1, "-": -1}.get(event.text())
        if step is not None and self._at is not None and self._at[0] < len(self._lens):
            self._set_length(self._at[0], self._lens[self._at[0]] + step)
            self.settled.emit()
        else:
            super().keyPressEvent(event)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._values.size:
            return
        self._draw_names(painter)
        gap = 1 if min(self._cell) >= 6 else 0
        for i, j in np.ndindex(*self._values.shape):
            place = self.cell_rect((i, j)).adjusted(0, 0, -gap, -gap)
            if j >= self._lens[i]:
                hatch(painter, place)
            elif self._values[i, j]:
                painter.fillRect(place, theme.color("accent"))
            else:
                self._draw_out(painter, place)
        for i, length in enumerate(self._lens):
            self._draw_edge(painter, i, length)
        if self._at is not None and self._inside(self._at, self._values.shape):
            place = self.cell_rect(self._at).adjusted(0, 0, -gap, -gap)
            outline(painter, place, theme.color("text"), 2, theme.color("surface"))
        if self._hover is not None and self._act is None:
            place = self.cell_rect(self._hover)
            outline(painter, place.adjusted(0, 0, -1 - gap, -1 - gap), theme.color("chalk"), 1, theme.color("ink"))
            text = Message("may attend") if self._values[self._hover] else Message("masked")
            chip(painter, place, words.tr(text), QRectF(self.rect()))

    def _draw_out(self, painter: QPainter, place: QRectF) -> None:
        painter.fillRect(place, theme.color("accent_soft"))
        if min(place.width(), place.height()) >= 10:
            side = min(4.0, place.height() / 4)
            middle = place.center()
            painter.setPen(pen(theme.color("accent"), 1.5))
            for way in (1, -1):
                painter.drawLine(middle + QPointF(-side, -side * way), middle + QPointF(side, side * way))

    def _draw_edge(self, painter: QPainter, row: int, length: int) -> None:
        place, at = self.cell_rect((row, -1)), self.edge(row)
        painter.fillRect(QRectF(round(at.x()) - 2, place.y(), 3, place.height() - 1), theme.color("text"))
        text = f"{length} / {self._values.shape[1]}"
        line = QRectF(place.right() + S2, place.y(), self._tail() - S2, place.height())
        if self._cell[1] >= LOWEST_TEXT - 2:
            color = theme.color("text2" if length else "danger")
            write(painter, line.adjusted(0, 0, -S2, 0), text, color, CAPTION, not length, RIGHT)

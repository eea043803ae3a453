"""What only this tab draws: the matrix, a row of it on the photo, and the table of its measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import S2, SMALL
from app.views.base import LEFT, RIGHT, PixelView, outline, pen, text_width, write
from app.views.grid import GridView
from app.views.photomap import Cell, PhotoMap
from app.views.tiling import block_max
from app.words import Text
from engines.blocks.mixers import Grid
from engines.core.errors import Message
from engines.mixing.spec import Matrix

STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
ROW_H, HEAD_H = 30, 22  # px at most, of the table


def end_of(values: np.ndarray) -> float:
    """Where a color scale of values ends: the next round number, so that it rests while probes come in."""
    value = float(values.max(initial=0))
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((step * unit for step in STEPS if step * unit >= value * (1 - 1e-6)), 10 * unit)


def influence(value: float) -> str:
    """A norm in three digits: ``0``, ``0.0123``, ``1.25``."""
    if value <= 0:
        return "0"
    return words.number(value, min(6, max(0, 2 - math.floor(math.log10(value)))))


class MatrixView(GridView):
    """Who mixes with whom: tokens that leave (rows) over tokens that enter. Exact zeros have no color.

    The tokens themselves are gray where they stand apart from the color scale.
    """

    ONLY_CELLS = True

    def __init__(self) -> None:
        super().__init__("ember", (64, 64), square=False)
        self.setMinimumSize(150, 120)
        self.export_name = "mixing-matrix"
        self._own = np.zeros((0, 0), bool)

    def set_matrix(self, matrix: Matrix, apart: bool) -> float:
        """Show a matrix; returns the end of its scale."""
        square = matrix.values.shape[0] == matrix.values.shape[1]
        if square != self._square:
            self._square = square
            self.renew()
        self._own = matrix.own if apart else np.zeros_like(matrix.own)
        top = end_of(matrix.values[~self._own])
        self.set_values(matrix.values, top)
        return top

    def _show(self) -> None:
        if self._stale or not self._values.size:
            return
        colors = np.empty((*self.levels().shape, 4), np.uint8)
        colors[..., :3] = theme.ramp(self._ramp)[self.levels()]
        colors[..., 3] = 255
        nothing, gray = theme.color("border"), theme.color("control")
        colors[self.reduced() == 0, :3] = nothing.red(), nothing.green(), nothing.blue()
        own = block_max(self._own[None].astype(np.float32), self._block)[0] > 0
        colors[own] = gray.red(), gray.green(), gray.blue(), 255
        self._image.show_colors(colors)
        self._image.stand(self.cell_rect((-1, -1)))

    def reduced(self) -> np.ndarray:
        found: np.ndarray = block_max(np.where(self._own, 0, self._values)[None], self._block)[0]
        return found

    def numbers(self) -> dict[str, np.ndarray]:
        return {"influence": self._values, "apart": self._own, "scale": np.array([self._low, self._top])}

    def written(self, value: float) -> str:
        return influence(value)

    def _choose(self, cell: tuple[int, int]) -> None:
        super()._choose((cell[0], -1))

    def walk(self, rows: int, cols: int) -> bool:
        if not self._values.size:
            return False
        now = self._at[0] if self._at is not None else 0
        new = min(self._values.shape[0] - 1, max(0, now + (rows or cols)))
        if self._at is None or new != self._at[0]:
            self._choose((new, -1))
        return True

    def draw(self, painter: QPainter) -> None:
        place = self.cell_rect((-1, -1))
        outline(painter, place.adjusted(-1, -1, 0, 0), theme.color("border"), 1)
        super().draw(painter)


class RowView(PhotoMap):
    """The row of a token over the tokens that enter, with the place of the token that leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(150, 100)
        self.export_name = "row-on-photo"
        self._framed: tuple[float, float, float, float] | None = None

    def set_token(self, grid: Grid, token: int) -> None:
        """Frame a token that leaves, on its own grid; one that lies nowhere has no place."""
        place = None
        if token >= grid.prefix:
            row, col = divmod(token - grid.prefix, grid.cols)
            place = col / grid.cols, row / grid.rows, 1 / grid.cols, 1 / grid.rows
        if place != self._framed:
            self._framed = place
            self.update()

    def written(self, value: float) -> str:
        return influence(value)

    def numbers(self) -> dict[str, np.ndarray]:
        out = super().numbers()
        out["influence"] = out.pop("attention")
        return out

    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        if self._framed is not None:
            x, y, wide, high = self._framed
            width, height = self.photo_size()
            place = self.to_screen(QRectF(x * width, y * height, wide * width, high * height))
            painter.save()
            painter.setClipRect(self.seen_rect())
            outline(painter, place, theme.color("chalk"), 2, theme.color("ink"), case_by=1.5)
            painter.restore()

    def place_of(self, cell: Cell) -> tuple[float, float]:
        """The middle of a cell, down and across, in shares of the photo."""
        rows, cols = self._grid
        return (cell[0] + 0.5) / rows, (cell[1] + 0.5) / cols


class MeasureTable(PixelView):
    """Measures of both nets, a line each."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((230, 150))
        self.export_name = "measures"
        self._head: tuple[Text, Text] = ("", "")
        self._lines: tuple[tuple[Message, str, str], ...] = ()
        words.say(self, "setAccessibleName", "Measures")

    def set_lines(self, head: tuple[Text, Text], lines: Sequence[tuple[Message, str, str]]) -> None:
        """Names of the nets, then for each measure its name and both values."""
        if (head, tuple(lines)) != (self._head, self._lines):
            self._head, self._lines = head, tuple(lines)
            self.renew()
            self.tell()

    def lines(self) -> tuple[tuple[Message, str, str], ...]:
        """What is on screen."""
        return self._lines

    def numbers(self) -> dict[str, np.ndarray]:
        rows = [(words.drawn(name), left, right) for name, left, right in self._lines]
        return {"measures": np.array(rows, dtype=np.str_)}

    def report(self) -> str:
        return "; ".join(f"{words.drawn(name)}: {left}, {right}" for name, left, right in self._lines)

    def columns(self) -> tuple[float, float]:
        """Right ends of the two columns of values."""
        widest = max((text_width(line[2], SMALL, True) for line in self._lines), default=0.0)
        return self.width() - widest - 2 * S2, float(self.width())

    def draw(self, painter: QPainter) -> None:
        ends = self.columns()
        high = min(ROW_H, (self.height() - HEAD_H) / max(1, len(self._lines)))
        for token, name, x in zip(("cat0", "cat1"), self._head, (0.0, self.width() / 2), strict=True):
            painter.fillRect(QRectF(x, HEAD_H / 2 - 6, 10, 10), theme.color(token))
            write(painter, QRectF(x + 16, 0, 100, HEAD_H), name, theme.color("text2"), SMALL, align=LEFT)
        for number, (name, *values) in enumerate(self._lines):
            y = HEAD_H + number * high
            painter.setPen(pen(theme.color("border")))
            painter.drawLine(0, round(y), self.width(), round(y))
            write(painter, QRectF(0, y, ends[0], high), name, theme.color("text2"), SMALL, align=LEFT)
            for text, end in zip(values, ends, strict=True):
                write(painter, QRectF(end - 100, y, 100, high), text, theme.color("text"), SMALL, True, RIGHT)

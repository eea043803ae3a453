"""The match film: which query owns each object over the steps of a run, a row for each object.

Measurements stand side by side, one column each, so that the beginning, where most happens, has its room. A stretch
with the same owner is one block with the query's number in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter

from app import theme, words
from app.theme import CAPTION, S1, S2, SMALL
from app.views.bars import PixelBars
from app.views.base import CENTER, LEFT, RIGHT, chip, pen, text_width, write
from app.views.pointing import HoverView
from app.words import Text
from engines.core.errors import Message

HEAD_H, AXIS_H = 18, 18
TALLEST = 46  # px of a row
NAME_H = 14  # px that a name needs
LEAST_COLUMNS = 12  # until then the film grows from the left
TOKENS = ("cat0", "cat1", "cat2", "cat5")
FADED = 70  # of 255, of blocks of other queries than the chosen one


def query_color(query: int) -> QColor:
    """Color of a query: four hues, then the same four mixed with paper; the number stands beside it."""
    color = theme.color(TOKENS[query % 4])
    if query // 4 % 2 == 0:
        return color
    paper = theme.color("surface")
    return QColor(
        (color.red() + paper.red()) // 2, (color.green() + paper.green()) // 2, (color.blue() + paper.blue()) // 2
    )


def stretches(owners: np.ndarray) -> list[tuple[int, int, int]]:
    """Runs of equal owners (T,): first column, column after the last, owner."""
    if not len(owners):
        return []
    edges = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(owners)]
    return [(a, b, int(owners[a])) for a, b in pairwise(edges)]


class MatchFilm(HoverView):
    """Objects down, measurements across.

    Signals
    -------
    chosen : int
        The query whose block was clicked.
    """

    zooms = True
    keys_point = True

    chosen = Signal(int)
    _hover: tuple[int, int] | None  # object and column

    def __init__(self) -> None:
        super().__init__((240, 120))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "match-film"
        self._names: tuple[Text, ...] = ()
        self._steps: tuple[int, ...] = ()
        self._owners = np.zeros((0, 0), np.int64)  # (objects, columns)
        self._at = -1
        self._cursor: float | None = None
        self._film = QRectF()
        self._row, self._column = 20.0, 10.0
        self._blocks = PixelBars()
        self.put_below(self._blocks)

    # -- content
    def set_film(self, names: Sequence[Text], steps: Sequence[int], owners: np.ndarray) -> None:
        """Show owners (measurements, objects): the query of each object, -1 for none; ``steps`` must rise."""
        if owners.shape != (len(steps), len(names)):
            raise ValueError(f"{owners.shape} owners for {len(steps)} steps of {len(names)} objects")
        self._names, self._steps, self._owners = tuple(names), tuple(steps), owners.T
        self._hover = None
        self.renew()
        self.tell()

    def at(self) -> int:
        """The marked query; −1 for none."""
        return self._at

    def set_at(self, query: int) -> None:
        """Mark a query (-1 for none): the blocks of the others fade."""
        if query != self._at:
            self._at = query
            self.tell()
            if not self._stale:
                self._color()
            self.update()

    def set_cursor(self, step: float | None) -> None:
        """Put the dashed line at the measurement of a step; None takes it away."""
        if step != self._cursor:
            self._cursor = step
            self.update()

    def switches(self) -> np.ndarray:
        """How often each object changed its owner."""
        counts: np.ndarray = (np.diff(self._owners, axis=1) != 0).sum(1)
        return counts

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "steps": np.array(self._steps, np.int64),
            "owner_of_each_object": np.where(self._owners >= 0, self._owners + 1, 0),
            "objects": np.array([words.drawn(name) for name in self._names], dtype=np.str_),
            "switches": self.switches(),
        }

    def report(self) -> str:
        if self._hover is None:
            return ""
        row, col = self._hover
        return f"{words.drawn(self._names[row])}, {words.drawn(self._said(row, col))}"

    def _said(self, row: int, col: int) -> Message:
        owner, step = int(self._owners[row, col]), words.number(self._steps[col])
        if owner < 0:
            return Message("step {n}: no query", {"n": step})
        return Message("step {n}: query {query}", {"n": step, "query": owner + 1})

    # -- places
    def arrange(self, width: int, height: int) -> None:
        left = max((text_width(words.drawn(name), SMALL) for name in self._names), default=40.0) + S2
        right = max(text_width(words.tr("switches")), text_width("000", SMALL, True)) + S2
        left = min(left, 0.4 * width)
        count = max(1, len(self._names))
        self._row = min(TALLEST, (height - HEAD_H - AXIS_H) / count)
        top = HEAD_H
        self._film = QRectF(round(left), top, max(1, round(width - left - right)), round(self._row * count))
        self._column = self._film.width() / max(LEAST_COLUMNS, len(self._steps))
        self._color()

    def _color(self) -> None:
        """Give pyqtgraph the blocks, each in its query's color."""
        places, colors = [], []
        for row, owners in enumerate(self._owners):
            for first, last, owner in stretches(owners):
                at = self.block_rect(row, first, last)
                places.append((at.left(), at.right(), at.top(), at.bottom()))
                colors.append(self._color_of(owner))
        self._blocks.show_colored(places, colors)

    def _color_of(self, owner: int) -> QColor:
        if owner < 0:
            return theme.color("sunken")
        color = query_color(owner)
        if self._fades(owner):
            color.setAlpha(FADED)
        return color

    def _fades(self, owner: int) -> bool:
        return self._at >= 0 and owner != self._at

    def _x(self, column: float) -> float:
        return self._film.left() + column * self._column

    def block_rect(self, row: int, first: int, last: int) -> QRectF:
        """A stretch of a row on whole pixels: columns ``first`` up to before ``last``."""
        self.arranged()
        x0, x1 = round(self._x(first)), round(self._x(last))
        y0, y1 = round(self._film.top() + row * self._row), round(self._film.top() + (row + 1) * self._row)
        gap = 2 if self._row > 12 else 1
        return QRectF(x0, y0 + gap, max(1, x1 - x0 - (1 if x1 - x0 > 3 else 0)), max(1, y1 - y0 - 2 * gap))

    def under(self, point: QPointF) -> tuple[int, int] | None:
        """Object and column under a screen point."""
        self.arranged()
        if not self._film.contains(point):
            return None
        row, col = int((point.y() - self._film.top()) / self._row), int((point.x() - self._film.left()) / self._column)
        return (row, col) if row < len(self._names) and col < len(self._steps) else None

    def column_of(self, step: float) -> int:
        """The measurement that was newest at a step; -1 before the first."""
        return bisect_right(self._steps, step) - 1

    # -- hand
    def hover_told(self) -> tuple[int, int] | None:
        """Object and step."""
        return None if self._hover is None else (self._hover[0], self._steps[self._hover[1]])

    def _choose(self, place: tuple[int, int]) -> None:
        if self._owners[place] >= 0:
            self.chosen.emit(int(self._owners[place]))

    def walk(self, rows: int, cols: int) -> bool:
        if not self._steps or not self._names:
            return False
        row, col = self._hover or (0, len(self._steps) - 1 - cols)
        row = min(max(row + rows, 0), len(self._names) - 1)
        self._point((row, min(max(col + cols, 0), len(self._steps) - 1)))
        return True

    def enter(self) -> bool:
        if self._hover is None or self._owners[self._hover] < 0:
            return False
        self._choose(self._hover)
        return True

    def escape(self) -> bool:
        if self._at < 0:
            return False
        self.chosen.emit(self._at)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._names or not self._steps:
            return
        film = self._film
        right = QRectF(film.right(), 0, self.width() - film.right(), HEAD_H)
        write(painter, right, Message("switches"), theme.color("text2"), CAPTION, False, RIGHT)
        counts = self.switches()
        every = max(1, -(-NAME_H // max(1, int(self._row))))  # rows too low for their names share one
        for row, name in enumerate(self._names):
            middle = QRectF(0, round(film.top() + row * self._row), film.left() - S2, round(self._row))
            if row % every == 0:
                write(painter, middle, name, theme.color("text"), SMALL, False, LEFT)
            place = QRectF(film.right(), middle.top(), self.width() - film.right(), middle.height())
            if row % every == 0:
                write(painter, place, words.number(int(counts[row])), theme.color("text"), SMALL, True, RIGHT)
            for first, last, owner in stretches(self._owners[row]):
                self._number(painter, self.block_rect(row, first, last), owner)
        self._draw_axis(painter)
        if self._cursor is not None and (col := self.column_of(self._cursor)) >= 0:
            x = round(self._x(col + 0.5))
            painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, film.top()), QPointF(x, film.bottom()))
        if self._hover is not None:
            row, col = self._hover
            at = self.block_rect(row, col, col + 1)
            painter.setPen(pen(theme.color("text"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(at.adjusted(-1, -1, 0, 0))
            chip(painter, at, words.drawn(self._said(row, col)), QRectF(self.rect()))

    def _number(self, painter: QPainter, place: QRectF, owner: int) -> None:
        """Write a query's number on its block, where it has room."""
        if owner < 0:
            return
        ink = theme.color("text2") if self._fades(owner) else theme.ink_on(query_color(owner).name())
        text = str(owner + 1)
        if place.width() >= text_width(text, CAPTION, True) + S1 and place.height() >= 12:
            write(painter, place, text, ink, CAPTION, True, CENTER)

    def _draw_axis(self, painter: QPainter) -> None:
        film, count = self._film, len(self._steps)
        line = QRectF(film.left(), film.bottom() + 2, film.width(), AXIS_H - 2)
        painter.setPen(pen(theme.color("border"), 1))
        painter.drawLine(QPointF(film.left(), film.bottom() + 1), QPointF(film.right(), film.bottom() + 1))
        taken = -1e9
        for col in np.unique(np.linspace(0, count - 1, min(count, 6)).round().astype(int)):
            text = words.number(self._steps[int(col)])
            wide = text_width(text)
            x = min(max(self._x(int(col) + 0.5) - wide / 2, film.left()), film.right() - wide)
            if x > taken + S2:
                write(painter, QRectF(x, line.top(), wide + 1, line.height()), text, theme.color("text2"), CAPTION)
                taken = x + wide

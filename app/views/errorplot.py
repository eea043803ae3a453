"""Means with error bars over a logarithmic axis: how something changes with a number, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1
from app.views import plotpaint
from app.views.axes import Axes
from app.views.base import CENTER, PixelView, dots, finite, pen, text_width, write
from app.words import Text

HOLE = 1.6  # px, radius of what is left out of a dashed line's dots
CAP = 3.0  # px, half the width of a bar's end
APART = 3.0  # px between lines at one x, so that their bars don't hide each other
AXIS = 16  # px for the axis's name
ROOM = 1.15  # the x axis goes on beyond its ends by this ratio


@dataclass(frozen=True)
class ErrorLine:
    """One line.

    Attributes
    ----------
    name : str or Message
    token : str
        Color.
    x, mean, spread : ndarray (n,)
        Rising x, the means and the standard deviations around them (0: a single value, drawn without a bar).
    dashed : bool
    low, high : ndarray (n,), optional
        Ends of the bars, where they are not as far from the mean on both sides.
    """

    name: Text
    token: str
    x: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    dashed: bool = False
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the bars end."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        return self.mean - self.spread, self.mean + self.spread


@dataclass(frozen=True)
class Crossing:
    """A place where one line passes another, with a word beside it."""

    x: float
    y: float
    text: Text
    token: str = "text"


class ErrorPlot(PixelView):
    """Lines with error bars over log x.

    Signals
    -------
    picked : int or None
        Index of the x under the pointer, of those of `set_lines`; None when it leaves.
    """

    picked = Signal(object)

    def __init__(self, name: Text, axis: Text, y: tuple[float, float] = (0.0, 100.0)) -> None:
        super().__init__((220, 160))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "error-bars"
        self._lines: tuple[ErrorLine, ...] = ()
        self._crossings: tuple[Crossing, ...] = ()
        self._ticks: tuple[float, ...] = ()
        self._at: int | None = None
        self._axis = axis
        self._axes = Axes(log_x=True)
        self._axes.y = y
        words.say(self, "setAccessibleName", name)

    # -- content
    def set_lines(self, lines: Sequence[ErrorLine], ticks: Sequence[float]) -> None:
        """Show lines; ``ticks`` are all x there will be, whether a line reaches them yet or not."""
        for line in lines:
            finite(line.mean, "mean")
            finite(line.spread, "spread")
        self._lines, self._ticks = tuple(lines), tuple(ticks)
        if self._at is not None and self._at >= len(self._ticks):
            self._at = None
        self.renew()
        self.tell()

    def set_crossings(self, crossings: Sequence[Crossing]) -> None:
        """Mark places where lines cross."""
        self._crossings = tuple(crossings)
        self.update()

    def set_at(self, index: int | None) -> None:
        """Put the dashed line at one of the x."""
        if index != self._at:
            self._at = index
            self.tell()
            self.update()

    def at(self) -> int | None:
        """Index of the x under the dashed line."""
        return self._at

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for line in self._lines:
            name = words.drawn(line.name)
            found |= {f"{name}_x": line.x, f"{name}_mean": line.mean, f"{name}_deviation": line.spread}
        return found

    def report(self) -> str:
        if self._at is None:
            return ""
        x = self._ticks[self._at]
        said = [
            f"{words.drawn(line.name)} {words.number(float(line.mean[line.x == x][0]), 1)}"
            for line in self._lines
            if (line.x == x).any()
        ]
        return ", ".join([words.number(x), *said])

    # -- places
    def arrange(self, width: int, height: int) -> None:
        if self._ticks:
            self._axes.x = self._ticks[0] / ROOM, self._ticks[-1] * ROOM
        self._axes.arrange(width, height, AXIS)

    def _nearest(self, point: QPointF) -> int | None:
        if not self._ticks:
            return None
        return int(np.abs(self._axes.pixels_x(np.array(self._ticks)) - point.x()).argmin())

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pick(self._nearest(event.position()))

    def leaveEvent(self, _event: object) -> None:
        self._pick(None)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or not self._ticks:
            return False
        before = self._at if self._at is not None else (-1 if cols > 0 else len(self._ticks))
        self._pick(min(len(self._ticks) - 1, max(0, before + cols)))
        return True

    def escape(self) -> bool:
        had = self._at is not None
        self._pick(None)
        return had

    def _pick(self, index: int | None) -> None:
        if index != self._at:
            self.set_at(index)
            self.picked.emit(index)

    # -- painting
    def is_empty(self) -> bool:
        return not self._ticks

    def draw(self, painter: QPainter) -> None:
        place = self._axes.place
        self._axes.paint(painter, labels=False)
        self._draw_ticks(painter)
        where = QRectF(place.left(), place.bottom() + 18, place.width(), AXIS)
        write(painter, where, self._axis, None, CAPTION, align=CENTER)
        if self._at is not None:
            plotpaint.cursor(painter, self._axes, self._ticks[self._at])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, line in enumerate(self._lines):
            self._draw_line(painter, line, (index - (len(self._lines) - 1) / 2) * APART)
        for crossing in self._crossings:
            plotpaint.mark(painter, self._axes, crossing.x, crossing.y, crossing.token, crossing.text, True, True)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_ticks(self, painter: QPainter) -> None:
        """The numbers below the axis: exactly the x there are, as far as they have room."""
        y, last = self._axes.place.bottom() + S1, -1e9
        for value in self._ticks:
            text, x = words.number(value), float(self._axes.pixels_x(np.array(value)))
            half = text_width(text, CAPTION) / 2
            if x - half > last + S1:
                write(painter, QRectF(x - half, y, 2 * half, 16), text, None, CAPTION, align=CENTER)
                last = x + half

    def _draw_line(self, painter: QPainter, line: ErrorLine, aside: float) -> None:
        color = theme.color(line.token)
        xs = self._axes.pixels_x(line.x) + aside
        ys = self._axes.pixels_y(line.mean)
        ends = [self._axes.pixels_y(end) for end in line.ends]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(color, 1, square=False))
        for x, low, high, spread in zip(xs.tolist(), *(e.tolist() for e in ends), line.spread.tolist(), strict=True):
            if spread > 0:
                painter.drawLine(QPointF(x, low), QPointF(x, high))
                for y in (low, high):
                    painter.drawLine(QPointF(x - CAP, y), QPointF(x + CAP, y))
        style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
        painter.setPen(pen(color, 1.5, style, square=False))
        shown = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
        painter.drawPolyline(QPolygonF(shown))
        dots(painter, shown, color, 4.0)
        if line.dashed:  # hollow, so that single dots can be told apart, too
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("surface"))
            for point in shown:
                painter.drawEllipse(point, HOLE, HOLE)

"""Lines and dots over two logarithmic axes: how something grows, and what was measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1, S2, S3
from app.views.base import CENTER, RIGHT, finite, pen, text_width, write
from app.views.cursorplot import CursorPlot
from app.words import Text

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
STEP = 1.08  # what an arrow key multiplies the cursor with


def power(exponent: int) -> str:
    """A power of ten on an axis: ``1``, ``1,000``, ``10⁴``, ``10⁻³``."""
    return words.number(10**exponent) if 0 <= exponent <= 3 else "10" + str(exponent).translate(RAISED)


@dataclass(frozen=True)
class Growth:
    """A line and the dots that were measured; values that are not above 0 are left out.

    Attributes
    ----------
    name : str or Message
        What it is called where it is read aloud.
    token : str
        Color.
    x, y : ndarray (n,)
        The line; may be empty.
    at, measured : ndarray (m,)
        The dots.
    style : int
        0 solid, 1 dashed, 2 dotted.
    joined : bool
        A thin line runs through the dots.
    """

    name: Text
    token: str
    x: np.ndarray
    y: np.ndarray
    at: np.ndarray
    measured: np.ndarray
    style: int = 0
    joined: bool = False


class PowerPlot(CursorPlot):
    """Growth over log x and log y."""

    def __init__(self, name: Text, export_name: str) -> None:
        super().__init__((180, 130), name)
        self.export_name = export_name
        self._lines: tuple[Growth, ...] = ()
        self._x, self._y = (1.0, 10.0), (1.0, 10.0)
        self._area = QRectF(0, 0, 1, 1)

    # -- content
    def set_lines(self, lines: Sequence[Growth], x: tuple[float, float]) -> None:
        """Show lines over a range of x; y spans whole decades around them."""
        for line in lines:
            finite(line.y, "y")
            finite(line.measured, "measured")
        self._lines, self._x = tuple(lines), x
        values = np.concatenate([np.concatenate([one.y, one.measured]) for one in lines]) if lines else np.zeros(0)
        values = values[values > 0]
        low, high = (float(values.min()), float(values.max())) if values.size else (1.0, 10.0)
        bottom, top = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        self._y = (10.0**bottom, 10.0 ** max(top, bottom + 1))
        self.renew()
        self.tell()

    def value_at(self, line: Growth, x: float) -> float:
        """A line's value, straight between its points on these axes; 0 where there is no line."""
        if not len(line.x):
            return 0.0
        return float(np.exp(np.interp(math.log(x), np.log(line.x), np.log(np.maximum(line.y, 1e-12)))))

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for line in self._lines:
            name = words.drawn(line.name)
            if len(line.x):
                found[f"{name}_x"], found[f"{name}_y"] = line.x, line.y
            if len(line.at):
                found[f"{name}_at"], found[f"{name}_measured"] = line.at, line.measured
        return found

    def report(self) -> str:
        if self._cursor is None:
            return ""
        said = [
            f"{words.drawn(one.name)} {words.number(self.value_at(one, self._cursor))}"
            for one in self._lines
            if len(one.x)
        ]
        return ", ".join([words.number(self._cursor), *said])

    # -- places
    def arrange(self, width: int, height: int) -> None:
        low, high = (round(math.log10(v)) for v in self._y)
        left = max(text_width(power(e)) for e in range(low, high + 1)) + S2
        self._area = QRectF(round(left), S2, max(20, width - round(left) - S3), max(20, height - S2 - 22))

    def _place(self, x: float, y: float) -> QPointF:
        area = self._area
        across = math.log(x / self._x[0]) / math.log(self._x[1] / self._x[0])
        up = math.log(y / self._y[0]) / math.log(self._y[1] / self._y[0])
        return QPointF(area.x() + across * area.width(), area.bottom() - up * area.height())

    def x_at(self, point: QPointF) -> float:
        share = min(1.0, max(0.0, (point.x() - self._area.x()) / self._area.width()))
        return float(self._x[0] * (self._x[1] / self._x[0]) ** share)

    # -- hand
    def has_curves(self) -> bool:
        return bool(self._lines)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or self._cursor is None:
            return False
        step = max(STEP, 1 + 1 / self._cursor)
        self.picked.emit(min(self._x[1], max(self._x[0], self._cursor * step**cols)))
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._lines:
            return
        self._draw_axes(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self._lines:
            self._draw_line(painter, line)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._cursor is not None and self._x[0] <= self._cursor <= self._x[1]:
            x = round(self._place(self._cursor, self._y[0]).x()) + 0.5
            self.draw_cursor(painter, x, self._area.top(), self._area.bottom())

    def _draw_line(self, painter: QPainter, line: Growth) -> None:
        color = theme.color(line.token)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(color, 1.5, STYLES[line.style], square=False))
        shown = [self._place(float(x), float(y)) for x, y in zip(line.x, line.y, strict=True) if y > 0]
        painter.drawPolyline(QPolygonF(shown))
        dots = [self._place(float(x), float(y)) for x, y in zip(line.at, line.measured, strict=True) if y > 0]
        if line.joined:
            painter.drawPolyline(QPolygonF(dots))
        painter.setPen(pen(theme.color("surface"), 1))
        painter.setBrush(color)
        for dot in dots:
            painter.drawEllipse(dot, 3.5, 3.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_axes(self, painter: QPainter) -> None:
        area = self._area
        low, high = (round(math.log10(v)) for v in self._y)
        every = max(1, math.ceil((high - low) / max(1, area.height() / 26)))
        for exponent in range(low, high + 1, every):
            y = round(self._place(self._x[0], 10.0**exponent).y()) + 0.5
            painter.setPen(pen(theme.color("border", 160)))
            painter.drawLine(QPointF(area.x(), y), QPointF(area.right(), y))
            write(painter, QRectF(0, y - 8, area.x() - 6, 16), power(exponent), None, CAPTION, align=RIGHT)
        painter.setPen(pen(theme.color("border")))
        painter.drawLine(QPointF(area.x(), area.bottom() + 0.5), QPointF(area.right(), area.bottom() + 0.5))
        first, last = (math.log2(v) for v in self._x)
        count = math.floor(last + 1e-9) - math.ceil(first - 1e-9) + 1
        widest = text_width(words.number(self._x[1])) + S3
        every = max(1, math.ceil(count / max(2.0, area.width() / widest)))
        for exponent in range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1, every):
            x = self._place(2.0**exponent, self._y[0]).x()
            place = QRectF(x - 30, area.bottom() + S1, 60, 14)
            write(painter, place, words.number(2.0**exponent), None, CAPTION, align=CENTER)

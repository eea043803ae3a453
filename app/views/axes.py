"""Axes of the painted plots: two scales, the place between them, ticks and grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import S1, S2
from app.views.base import CENTER, RIGHT, pen, text_width, write

LEAST_LEFT, BELOW, ABOVE, BESIDE = 42, 22, 6, 14  # px around the plot
MOST_X, MOST_Y = 7, 6  # labels


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within a range, at most ``most`` steps apart."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low]
    base = 10.0 ** math.floor(math.log10(span / most))
    step = next(base * m for m in (1, 2, 5, 10) if base * m * most >= span * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [float(step * k) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """1, 2, 5 of each decade within a range, or the decades alone where that is too many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for each in ((1, 2, 5), (1, 3), (1,)):
        found = [m * 10.0**d for d in decades for m in each if low * 0.999 <= m * 10.0**d <= high * 1.001]
        if len(found) <= most:
            break
    return found


def tick_texts(ticks: list[float], log: bool = False) -> list[str]:
    """How ticks are written: all with as many digits as their step needs."""
    if log:
        return [words.number(v, max(0, math.ceil(-math.log10(v) - 1e-9))) for v in ticks]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    digits = max(0, math.ceil(-math.log10(step) - 1e-9)) if step > 0 else 0
    return [words.number(v, min(digits, 6)) for v in ticks]


def around(values: Sequence[np.ndarray], room: float, log: bool = False) -> tuple[float, float]:
    """Least and largest of all, with some room."""
    every = np.concatenate([v.ravel() for v in values]) if values else np.zeros(0)
    if not len(every):
        return (1.0, 10.0) if log else (0.0, 1.0)
    low, high = float(every.min()), float(every.max())
    if log:
        return (low, high) if high > low else (low / 2, low * 2)
    if high <= low:
        return low - 0.5, high + 0.5
    return low - room * (high - low), high + room * (high - low)


class Axes:
    """Maps numbers to pixels and back.

    Attributes
    ----------
    place : QRectF
        The plot itself, without labels.
    x, y : (float, float)
        What is in sight.
    log_x : bool
        Equal ratios of x are equally far apart.
    """

    def __init__(self, log_x: bool = False) -> None:
        self.log_x = log_x
        self.place = QRectF(0, 0, 1, 1)
        self.x, self.y = (1.0, 10.0) if log_x else (0.0, 1.0), (0.0, 1.0)
        self._x_ticks: list[tuple[float, str]] = []
        self._y_ticks: list[tuple[float, str]] = []

    def arrange(self, width: float, height: float, strip: float = 0) -> None:
        """Lay out in a widget of this size; ``strip`` px are left free between plot and lower labels."""
        high = height - ABOVE - BELOW - strip
        ticks = round_ticks(*self.y, max(2, min(MOST_Y, int(high // 34))))
        self._y_ticks = list(zip(ticks, tick_texts(ticks), strict=True))
        left = max([LEAST_LEFT, *(text_width(text) + S2 + S1 for _, text in self._y_ticks)])
        self.place = QRectF(round(left), ABOVE, max(8, width - round(left) - BESIDE), max(8, high))
        most = max(2, min(MOST_X, int(self.place.width() // 56)))
        at = log_ticks(*self.x, most) if self.log_x else round_ticks(*self.x, most)
        self._x_ticks = list(zip(at, tick_texts(at, self.log_x), strict=True))

    # -- mapping
    def _share(self, x: np.ndarray) -> np.ndarray:
        low, high = self.x
        if self.log_x:
            return np.asarray(np.log(np.maximum(x, 1e-12) / low) / math.log(high / low))
        return np.asarray((x - low) / (high - low))

    def pixels_x(self, x: np.ndarray) -> np.ndarray:
        """Screen x of values."""
        return np.asarray(self.place.left() + self._share(np.asarray(x, float)) * self.place.width())

    def pixels_y(self, y: np.ndarray) -> np.ndarray:
        """Screen y of values, kept within a screen or two: painters take no huge numbers."""
        low, high = self.y
        share = (np.asarray(y, float) - low) / (high - low)
        return np.asarray(self.place.bottom() - np.clip(share, -3, 4) * self.place.height())

    def point(self, x: float, y: float) -> QPointF:
        """Where a pair of values stands."""
        return QPointF(float(self.pixels_x(np.array(x))), float(self.pixels_y(np.array(y))))

    def polygon(self, x: np.ndarray, y: np.ndarray) -> QPolygonF:
        """A line of points on the screen."""
        both = zip(self.pixels_x(x).tolist(), self.pixels_y(y).tolist(), strict=True)
        return QPolygonF([QPointF(a, b) for a, b in both])

    def value_x(self, pixel: float) -> float:
        """x under a screen place."""
        share, (low, high) = (pixel - self.place.left()) / self.place.width(), self.x
        if self.log_x:
            return float(low * (high / low) ** share)
        return low + share * (high - low)

    def value_y(self, pixel: float) -> float:
        """y under a screen place."""
        low, high = self.y
        return low + (self.place.bottom() - pixel) / self.place.height() * (high - low)

    # -- painting
    def paint(self, painter: QPainter, floor: float | None = None, labels: bool = True) -> None:
        """Grid, both axes and their labels; the x axis at screen y ``floor`` if it is not the plot's own.

        Without ``labels`` the x axis's are left to the view.
        """
        place, border = self.place, theme.color("border")
        floor = place.bottom() if floor is None else floor
        grid = theme.color("border")
        grid.setAlpha(120)
        for value, text in self._y_ticks:
            y = round(self.point(self.x[0], value).y()) + 0.5
            painter.setPen(pen(grid))
            painter.drawLine(QPointF(place.left(), y), QPointF(place.right(), y))
            write(painter, QRectF(0, y - 8, place.left() - S2, 16), text, align=RIGHT)
        painter.setPen(pen(border))
        x = round(place.left()) + 0.5
        painter.drawLine(QPointF(x, place.top()), QPointF(x, floor))
        painter.drawLine(QPointF(x, round(floor) + 0.5), QPointF(place.right(), round(floor) + 0.5))
        for value, text in self._x_ticks if labels else ():
            middle = self.point(value, self.y[0]).x()
            write(painter, QRectF(middle - 40, floor + S1, 80, 16), text, align=CENTER)

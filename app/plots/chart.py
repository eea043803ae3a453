"""What most plots of this room are: axes that may be logarithmic, with quiet lines at the ticks of the left one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QPen

from app import theme
from app.plots.axes import DENSE, LINES
from app.plots.items import Levels
from app.plots.surface import Surface, cosmetic

HOLLOW = QBrush(Qt.BrushStyle.NoBrush)  #: of a ring; one object, so that pyqtgraph paints the same ring once
LEAST = 1e-12  #: what a logarithmic axis takes for 0


def case(token: str = "surface", width: float = 1.5, alpha: int = 255) -> QPen:
    """The pen around a dot, in the color of the paper; the same object each time, so that dots are painted once."""
    return _case(theme.color(token, alpha).rgba(), width)


@lru_cache(maxsize=256)
def _case(rgba: int, width: float) -> QPen:
    return cosmetic(QColor.fromRgba(rgba), width=width)


def ink(token: str, alpha: int = 255) -> QBrush:
    """What a dot is filled with; the same object each time."""
    return _ink(theme.color(token, alpha).rgba())


@lru_cache(maxsize=256)
def _ink(rgba: int) -> QBrush:
    return QBrush(QColor.fromRgba(rgba))


class Chart(Surface):
    """A plot with quiet lines at the ticks of its left axis.

    Parameters
    ----------
    low : (int, int)
        Least size, px.
    axes : dict, optional
        Axes by side.
    log : (bool, bool)
        Whether x and y are logarithmic. Items then stand at logarithms: see `seen`, `along` and `meant`.
    """

    def __init__(
        self, low: tuple[int, int], axes: dict[str, pg.AxisItem] | None = None, log: tuple[bool, bool] = (False, False)
    ) -> None:
        self.log = log
        self._levels = Levels()
        super().__init__(low, axes)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTickDensity(DENSE)
        if any(log):
            self.plot.setLogMode(*log)
        self._levels.setZValue(-10)
        self.plot.addItem(self._levels, ignoreBounds=True)
        self.box.sigRangeChanged.connect(self._show_levels)
        self.box.sigResized.connect(self._show_levels)

    # -- places
    def seen(self, x: float, y: float = 1.0) -> QPointF:
        """Where numbers stand on the axes: their logarithms, where an axis is logarithmic."""
        at = [math.log10(max(v, LEAST)) if log else v for v, log in zip((x, y), self.log, strict=True)]
        return QPointF(*at)

    def along(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where many numbers (n,) stand on the axes."""
        both = zip((x, y), self.log, strict=True)
        a, b = (np.log10(np.maximum(v, LEAST)) if log else np.asarray(v, float) for v, log in both)
        return a, b

    def meant(self, at: QPointF) -> QPointF:
        """The numbers at a place of the axes."""
        return QPointF(*(10.0**v if log else v for v, log in zip((at.x(), at.y()), self.log, strict=True)))

    def spot(self, x: float, y: float) -> QPointF:
        """Where a pair of numbers stands on the widget, px."""
        at = self.seen(x, y)
        return self.place_of(at.x(), at.y())

    def show_range(self, x: tuple[float, float], y: tuple[float, float], room: tuple[float, float] = (0, 0)) -> None:
        """Bring a range of numbers into sight, with a share of it left free at each end."""
        low, high = self.seen(x[0], y[0]), self.seen(x[1], y[1])
        beside, above = room[0] * (high.x() - low.x()), room[1] * (high.y() - low.y())
        shown = [[low.x() - beside, high.x() + beside], [low.y() - above, high.y() + above]]
        if self.box.viewRange() != shown:  # asking costs less than saying it again
            self.box.setRange(xRange=shown[0], yRange=shown[1], padding=0)
            self.box.updateMatrix()  # else in the middle of painting, which is done twice then

    def put(self, item: Any, height: float = 0) -> None:
        """Add an item, at a height over the others; it never decides what is in sight."""
        item.setZValue(height)
        self.plot.addItem(item, ignoreBounds=True)

    # -- theme
    def apply_theme(self) -> None:
        self._levels.set_pen(cosmetic(theme.color("border", LINES)))

    def _show_levels(self, *_: object) -> None:
        axis = self.plot.getAxis("left")
        (left, right), (low, high) = self.box.viewRange()
        ticks = axis.tickValues(low, high, max(1.0, self.box.height())) if axis.isVisible() else ()
        self._levels.set_levels(tuple(float(v) for v in ticks[0][1]) if ticks else (), left, right, low, high)


class Layer:
    """Items of one kind that a chart may show beside its own, such as curves.

    Parameters
    ----------
    chart : Chart
        Where they stand; it need not be built yet.
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart

    def put_once(self, item: pg.GraphicsObject, height: float) -> bool:
        """Put an item on the chart, which is built by now; False if it stands there already."""
        if item.getViewBox() is not None:
            return False
        self._chart.put(item, height)
        return True

    def apply_theme(self) -> None:
        """Another theme or language."""


def dashed(token: str = "control") -> QPen:
    """The pen of lines that say where, such as a cursor."""
    return cosmetic(theme.color(token), Qt.PenStyle.DashLine)


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """Refuse NaN and infinity: a plot never guesses what they should look like."""
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return values

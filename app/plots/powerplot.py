"""Lines and dots over two logarithmic axes: how something grows, and what was measured of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from app import theme, words
from app.plots.axes import LogAxis
from app.plots.chart import case, finite, ink
from app.plots.cursorplot import CursorPlot
from app.plots.surface import cosmetic
from app.theme import S4
from app.words import Text

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
STEP = 1.08  # what an arrow key multiplies the cursor with


def power(exponent: int) -> str:
    """A power of ten on an axis: ``1``, ``1,000``, ``10⁴``, ``10⁻³``."""
    return words.number(10**exponent) if 0 <= exponent <= 3 else "10" + str(exponent).translate(RAISED)


def written(value: float) -> str:
    """A number on such an axis; between powers of ten, where only these are in sight, with its factor."""
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = value / 10.0**exponent
    if math.isclose(factor, 1, rel_tol=1e-6):
        return power(exponent)
    return words.number(value) if 0 <= exponent <= 3 else f"{factor:.3g}·{power(exponent)}"


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
        self._lines: tuple[Growth, ...] = ()
        self._x, self._y = (1.0, 10.0), (1.0, 10.0)
        self.curves: list[pg.PlotCurveItem] = []  # the line, and the one through the dots
        self._made: tuple[object, ...] = ()  # what the curves were made for
        self.dots = pg.ScatterPlotItem(size=8, antialias=True)
        axes = {"left": LogAxis("left", 10, written), "bottom": LogAxis("bottom", 2)}
        super().__init__((180, 130), name, axes, (True, True))
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        self.put(self.dots, 2)
        self.export_name = export_name

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
        self.set_ends(*x)
        self._redraw()
        self.refit()
        self.tell()

    def value_of(self, line: Growth, x: float) -> float:
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
            f"{words.drawn(one.name)} {words.number(self.value_of(one, self._cursor))}"
            for one in self._lines
            if len(one.x)
        ]
        return ", ".join([words.number(self._cursor), *said])

    def whole(self) -> None:
        self.show_range(self._x, self._y, (0.015, 0.02))

    # -- hand
    def has_curves(self) -> bool:
        return bool(self._lines)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or self._cursor is None:
            return False
        step = max(STEP, 1 + 1 / self._cursor)
        self.picked.emit(min(self._x[1], max(self._x[0], self._cursor * step**cols)))
        return True

    # -- items
    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the lines; the same items, unless there are other lines or the theme is another."""
        made = tuple((line.token, line.style) for line in self._lines)
        if anew or made != self._made:
            self._made = made
            for item in self.curves:
                self.plot.removeItem(item)
            pens = [cosmetic(theme.color(line.token), STYLES[line.style], 1.5) for line in self._lines]
            self.curves = [pg.PlotCurveItem(pen=pen, antialias=True) for pen in pens for _ in range(2)]
            for item in self.curves:
                self.put(item)
        spots: list[dict[str, object]] = []
        curves = iter(self.curves)
        for line in self._lines:
            next(curves).setData(*self._above_0(line.x, line.y))
            x, y = self._above_0(line.at, line.measured)
            next(curves).setData(*((x, y) if line.joined else (x[:0], y[:0])))
            spots += [
                {"pos": at, "brush": ink(line.token), "pen": case(width=1)}
                for at in zip(x.tolist(), y.tolist(), strict=True)
            ]
        self.dots.setData(spots)

    def _above_0(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.along(x[y > 0], y[y > 0])

    def apply_theme(self) -> None:
        super().apply_theme()
        self._redraw(anew=True)

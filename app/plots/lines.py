"""Curves with gaps, in line styles, over any pair of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app import theme
from app.plots.chart import Chart, Layer, ink
from app.plots.past import dots
from app.plots.surface import cosmetic
from app.words import Text

STYLES = {
    "solid": Qt.PenStyle.SolidLine,
    "dash": Qt.PenStyle.DashLine,
    "dot": Qt.PenStyle.DotLine,
    "dashdot": Qt.PenStyle.DashDotLine,
}
PAST = "past"


@dataclass(frozen=True, eq=False)
class Line:
    """A curve.

    Attributes
    ----------
    x, y : ndarray (n,)
    filled : ndarray bool (n,), optional
        False where there is nothing to draw: a gap.
    style : str
        ``solid``, ``dash``, ``dot`` or ``dashdot``; `PAST` for what was before, with a width of its own.
    fits : bool
        Whether the curve has to be in sight.
    """

    name: Text
    x: np.ndarray
    y: np.ndarray
    token: str = "cat0"
    filled: np.ndarray | None = None
    style: str = "solid"
    width: float = 1.5
    fits: bool = True


def same(one: Line, other: Line) -> bool:
    """Whether two curves without gaps run alike."""
    return other.filled is None and np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)


def pen(line: Line) -> QPen:
    """What a curve is drawn with."""
    if line.style == PAST:
        return dots(line.token)
    return cosmetic(theme.color(line.token), STYLES[line.style], line.width)


class Lines(Layer):
    """The curves of a plot: the same items, unless there are other curves or the theme is another."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._lines: tuple[Line, ...] = ()
        self._curves: list[pg.PlotCurveItem] = []
        self._made: tuple[object, ...] = ()  # what the curves were made for
        self._single = pg.ScatterPlotItem(size=2, pen=None)  # a place alone between two gaps

    def show_lines(self, lines: Sequence[Line], anew: bool = False) -> None:
        """Show these; where one is not filled there is a gap."""
        chart, before, self._lines = self._chart, self._lines, tuple(lines)
        made = tuple((line.token, line.style, line.width) for line in lines)
        if anew or made != self._made:
            self._made, before = made, ()
            self._make()
        alone: list[dict[str, object]] = []
        for index, (line, item) in enumerate(zip(lines, self._curves, strict=True)):
            if index < len(before) and line.filled is None and same(line, before[index]):
                continue  # nothing to paint anew
            x, y = chart.along(line.x, line.y)
            if line.filled is None or line.filled.all():
                item.setData(x, y, connect="all")
                continue
            joined = np.append(line.filled[:-1] & line.filled[1:], False)
            item.setData(x, y, connect=joined)
            single = line.filled & ~joined & ~np.append(False, joined[:-1])
            alone += [{"pos": (x[i], y[i]), "brush": ink(line.token)} for i in np.flatnonzero(single).tolist()]
        self._single.setVisible(bool(alone))
        if alone:
            self._single.setData(alone)

    def _make(self) -> None:
        self.put_once(self._single, 1)
        for item in self._curves:
            self._chart.plot.removeItem(item)
        self._curves = [pg.PlotCurveItem(pen=pen(line), antialias=True) for line in self._lines]
        for item in self._curves:
            self._chart.put(item)

    def apply_theme(self) -> None:
        if self._lines:
            self.show_lines(self._lines, anew=True)

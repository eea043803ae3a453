"""Curves over a logarithmic axis with a cursor to drag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from app import theme, words
from app.legend import Key
from app.plots.axes import Axis, LogAxis
from app.plots.chart import case, dashed, finite, ink
from app.plots.cursorplot import CursorPlot
from app.plots.items import Caption
from app.plots.surface import cosmetic
from app.theme import S4
from app.words import Text


@dataclass(frozen=True)
class Trace:
    """One curve over positive x.

    Attributes
    ----------
    name : str or Message
        Stands in the key.
    x, y : ndarray (n,)
    token : str
        Color.
    dashed : bool
    low, high : ndarray (n,), optional
        A band around it, drawn at 20 %.
    """

    name: Text
    x: np.ndarray
    y: np.ndarray
    token: str = "cat0"
    dashed: bool = False
    low: np.ndarray | None = None
    high: np.ndarray | None = None


class LogPlot(CursorPlot):
    """Curves over log x; y is linear from 0 or logarithmic."""

    def __init__(self, name: Text, log_y: bool = False, digits: int = 2) -> None:
        self._digits = digits
        self._traces: tuple[Trace, ...] = ()
        self._y = (0.5, 1.0)
        self._level: tuple[float, Text] | None = None
        self._axis: Text = ""
        self._said: tuple[object, ...] = ()
        self.curves: list[pg.PlotCurveItem] = []  # with the edges of the bands
        self._bands: list[pg.FillBetweenItem] = []
        self._made: tuple[object, ...] = ()  # what the items were made for
        self._top = pg.InfiniteLine(angle=0)
        self.top_name = Caption((1, 1))
        self.dots = pg.ScatterPlotItem(size=10, antialias=True)
        self.key = Key((), "")
        axes = {"left": LogAxis("left", 2) if log_y else Axis("left"), "bottom": LogAxis("bottom", 2)}
        super().__init__((200, 120), name, axes, (True, log_y))
        self.export_name = "curves"
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        for item, height in ((self._top, 3), (self.top_name, 4), (self.dots, 6)):
            item.hide()
            self.put(item, height)
        self.destroyed.connect(self.key.deleteLater)  # a card may give it a place or not

    # -- content
    def set_traces(self, traces: Sequence[Trace], y: tuple[float, float], axis: Text = "") -> None:
        """Show curves; y runs between two values; ``axis`` names x."""
        for trace in traces:
            finite(trace.y, "y")
        self._traces, self._y, self._axis = tuple(traces), y, axis
        self.plot.getAxis("bottom").set_title(axis)
        said = tuple((t.token, str(t.name)) for t in traces)
        if said != self._said:
            self._said = said
            named = [(t.token, words.plain(t.name) if isinstance(t.name, str) else t.name) for t in traces]
            self.key.set_items(named, words.number(max(y), self._digits))
        if traces:
            self.set_ends(*self._ends())
        self._redraw()
        self.refit()

    def set_line(self, y: float | None, name: Text = "") -> None:
        """A dashed horizontal line with its name, such as the largest value there can be."""
        self._level = None if y is None else (y, name)
        self._place_level()

    def set_cursor(self, x: float | None) -> None:
        super().set_cursor(x)
        self._place_dots()

    def value_of(self, trace: Trace, x: float) -> float:
        """A curve's value, straight between its points on this plot's axes."""
        if self.log[1]:
            return float(np.exp(np.interp(np.log(x), np.log(trace.x), np.log(np.maximum(trace.y, 1e-9)))))
        return float(np.interp(np.log(x), np.log(trace.x), trace.y))

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for trace in self._traces:
            name = words.drawn(trace.name)
            found[f"{name}_x"], found[f"{name}_y"] = trace.x, trace.y
            if trace.low is not None and trace.high is not None:
                found[f"{name}_low"], found[f"{name}_high"] = trace.low, trace.high
        return found

    def report(self) -> str:
        if self._cursor is None:
            return ""
        x = self._cursor
        said = [f"{words.drawn(t.name)} {words.number(self.value_of(t, x), self._digits)}" for t in self._traces]
        return ", ".join([words.number(x), *said])

    def whole(self) -> None:
        if self._traces:
            self.show_range(self._ends(), self._y, (0.01, 0.01))

    def _ends(self) -> tuple[float, float]:
        return min(float(t.x[0]) for t in self._traces), max(float(t.x[-1]) for t in self._traces)

    # -- hand
    def has_curves(self) -> bool:
        return bool(self._traces)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or not self._traces or self._cursor is None:
            return False
        x = self._traces[0].x
        beyond = x[x > self._cursor * 1.0001] if cols > 0 else x[x < self._cursor * 0.9999]
        if len(beyond):
            self.picked.emit(float(beyond[0] if cols > 0 else beyond[-1]))
        return True

    # -- items
    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the curves; the same items, unless there are other curves or the theme is another."""
        made = tuple((t.token, t.dashed, t.low is None) for t in self._traces)
        if anew or made != self._made:
            self._made = made
            self._make()
        curves = iter(self.curves)
        for trace in self._traces:
            if trace.low is not None and trace.high is not None:
                next(curves).setData(*self.along(trace.x, trace.low))
                next(curves).setData(*self.along(trace.x, trace.high))
            next(curves).setData(*self.along(trace.x, trace.y))
        self._place_dots()
        self.tell()

    def _make(self) -> None:
        for item in (*self.curves, *self._bands):
            self.plot.removeItem(item)
        self.curves, self._bands = [], []
        for trace in self._traces:
            if trace.low is not None and trace.high is not None:
                edges = [pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)]
                self._bands.append(pg.FillBetweenItem(*edges, brush=theme.color(trace.token, 51)))
                self.curves += edges
            style = Qt.PenStyle.DashLine if trace.dashed else Qt.PenStyle.SolidLine
            self.curves.append(pg.PlotCurveItem(pen=cosmetic(theme.color(trace.token), style, 1.5), antialias=True))
        for item in (*self._bands, *self.curves):
            self.put(item)

    def _place_dots(self) -> None:
        x = self._cursor
        self.dots.setVisible(x is not None and bool(self._traces))
        if x is None or not self._traces:
            return
        values = [self.value_of(t, x) for t in self._traces]
        self.key.set_values([words.number(v, self._digits) for v in values])
        pen = case()
        self.dots.setData(
            [
                {"pos": self.seen(x, v), "brush": ink(t.token), "pen": pen}
                for t, v in zip(self._traces, values, strict=True)
            ]
        )

    def _place_level(self) -> None:
        for item in (self._top, self.top_name):
            item.setVisible(self._level is not None)
        if self._level is not None:
            y, name = self._level
            self._top.setValue(self.seen(1, y).y())
            self.top_name.say(name)
            self.top_name.setPos(self.seen(self._ends()[1] if self._traces else 1, y))

    def apply_theme(self) -> None:
        super().apply_theme()
        self._top.setPen(dashed())
        self.top_name.dress()
        self._place_level()
        self._redraw(anew=True)

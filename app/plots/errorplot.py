"""Means with error bars: how something changes with a number, mostly over a logarithmic axis, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal

from app import theme, words
from app.plots.axes import Axis, LogAxis
from app.plots.chart import Chart, case, dashed, finite, ink
from app.plots.marks import Mark, Marks
from app.plots.surface import cosmetic
from app.theme import CAPTION, S1, S4
from app.words import Text

HOLE = 3  # px, what is left out of a dashed line's dots
DOT = 9  # px
CAP = 6  # px, the width of a bar's end
APART = 3  # px between lines at one x, so that their bars don't hide each other
ROOM = 1.15  # a logarithmic x axis goes on beyond its ends by this ratio
BESIDE = 0.06  # any other by this share


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


class ErrorPlot(Chart):
    """Lines with error bars over x.

    Parameters
    ----------
    name, axis : str or Message
        What it is called, and what stands below it.
    y : (float, float)
        From where to where.
    log : bool
        Whether x is logarithmic.

    Signals
    -------
    picked : int or None
        Index of the x under the pointer, of those of `set_lines`; None when it leaves.
    """

    keys_point = True

    picked = Signal(object)

    def __init__(self, name: Text, axis: Text, y: tuple[float, float] = (0.0, 100.0), log: bool = True) -> None:
        self._lines: tuple[ErrorLine, ...] = ()
        self._ticks: tuple[float, ...] = ()
        self._at: int | None = None
        self._y = y
        self.curves: list[pg.PlotCurveItem] = []
        self.bars: list[pg.ErrorBarItem] = []
        self.dots = pg.ScatterPlotItem(antialias=True)
        self._made: tuple[object, ...] = ()  # what the items were made for
        self.line = pg.InfiniteLine(angle=90)
        self.marks = Marks(self)
        below = LogAxis("bottom") if log else Axis("bottom")
        super().__init__((220, 160), {"left": Axis("left"), "bottom": below}, (log, False))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "error-bars"
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        self.plot.getAxis("bottom").set_title(axis)
        self.line.hide()
        self.put(self.line, 1)
        self.put(self.dots, 4)
        self.box.sigRangeChanged.connect(self._place)
        self.box.sigResized.connect(self._place)
        self.pointed_at.connect(self._point)
        words.say(self, "setAccessibleName", name)
        self.whole()

    # -- content
    def set_lines(self, lines: Sequence[ErrorLine], ticks: Sequence[float]) -> None:
        """Show lines; ``ticks`` are all x there will be, whether a line reaches them yet or not."""
        for line in lines:
            finite(line.mean, "mean")
            finite(line.spread, "spread")
        self._lines, self._ticks = tuple(lines), tuple(ticks)
        if self._at is not None and self._at >= len(self._ticks):
            self._at = None
        self._redraw()
        self.refit()
        self.tell()

    def set_crossings(self, crossings: Sequence[Crossing]) -> None:
        """Mark places where lines cross."""
        self.marks.show_marks([Mark(c.x, c.y, c.token, c.text, foot=True, ring=True) for c in crossings])

    def set_at(self, index: int | None) -> None:
        """Put the dashed line at one of the x."""
        if index != self._at:
            self._at = index
            self.line.setVisible(index is not None)
            if index is not None:
                self.line.setValue(self.seen(self._ticks[index]).x())
            self.tell()

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
        return ", ".join([self.named(self._at), *said])

    def named(self, index: int) -> str:
        """One of the x, as it is written."""
        return words.number(self._ticks[index])

    def is_empty(self) -> bool:
        return not self._ticks

    def whole(self) -> None:
        ticks = self._ticks or (1.0, 10.0)  # numbers beside an empty plot are of its scale, too
        if self.log[0]:
            self.show_range((ticks[0] / ROOM, ticks[-1] * ROOM), self._y, (0, 0.025))
        else:
            beside = BESIDE * (ticks[-1] - ticks[0]) or 1.0
            self.show_range((ticks[0] - beside, ticks[-1] + beside), self._y, (0, 0.025))

    # -- hand
    def _point(self, at: QPointF | None) -> None:
        """The pointer is at a place of the axes, or none."""
        if at is None or not self._ticks:
            self._pick(None)
        else:
            ticks, _ = self.along(np.array(self._ticks), np.ones(len(self._ticks)))
            self._pick(int(np.abs(ticks - at.x()).argmin()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
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

    # -- items
    def _redraw(self, anew: bool = False) -> None:
        """The same items, unless there are other lines or the theme is another."""
        made = tuple((line.token, line.dashed) for line in self._lines)
        if anew or made != self._made:
            self._made = made
            for item in (*self.curves, *self.bars):
                self.plot.removeItem(item)
            self.curves, self.bars = [], []
            for line in self._lines:
                style = Qt.PenStyle.DashLine if line.dashed else Qt.PenStyle.SolidLine
                self.curves.append(pg.PlotCurveItem(pen=cosmetic(theme.color(line.token), style, 1.5), antialias=True))
                self.bars.append(pg.ErrorBarItem(pen=cosmetic(theme.color(line.token))))
            for height, items in ((2, self.bars), (3, self.curves)):
                for item in items:
                    self.put(item, height)
        self._place()

    def _place(self, *_: object) -> None:
        """Bring the items to the lines, some px apart, whatever is in sight."""
        wide, _ = self.box.viewPixelSize()
        spots: list[dict[str, object]] = []
        for index, (line, curve, bars) in enumerate(zip(self._lines, self.curves, self.bars, strict=True)):
            x, y = self.along(line.x, line.mean)
            x = x + (index - (len(self._lines) - 1) / 2) * APART * wide
            curve.setData(x, y)
            sure = line.spread > 0
            low, top = line.ends
            bars.setData(x=x[sure], y=y[sure], top=(top - y)[sure], bottom=(y - low)[sure], beam=CAP * wide)
            for at in zip(x.tolist(), y.tolist(), strict=True):
                spots.append({"pos": at, "size": DOT, "brush": ink(line.token), "pen": case()})
                if line.dashed:  # hollow, so that single dots can be told apart, too
                    spots.append({"pos": at, "size": HOLE, "brush": ink("surface"), "pen": None})
        self.dots.setData(spots)
        self.plot.getAxis("bottom").setTicks([self._written(wide)])

    def _written(self, wide: float) -> list[tuple[float, str]]:
        """The numbers below the axis: exactly the x there are, as far as they have room."""
        written: list[tuple[float, str]] = []
        last = -np.inf
        for index, value in enumerate(self._ticks):
            text, x = self.named(index), self.seen(value).x()
            half = theme.text_width(text, CAPTION) / 2 * wide
            if x - half > last + S1 * wide:
                written.append((x, text))
                last = x + half
        return written

    def apply_theme(self) -> None:
        super().apply_theme()
        self.line.setPen(dashed())
        self.marks.apply_theme()
        self._redraw(anew=True)

"""Something over the layers of a net, on a logarithmic axis: rank collapse, over-smoothing, variance, gradients."""

from __future__ import annotations

import math
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
from app.plots.powerplot import RAISED, written
from app.plots.surface import cosmetic
from app.theme import S4
from app.words import Text
from engines.core.errors import Message

LOWEST = 1e-12  #: what lies below, and 0, is drawn here
WIDEST = "0.0·10⁻⁰⁰"


def share(value: float) -> str:
    """A value of many sizes: ``0.64``, ``1.5·10⁻⁷``, ``0``."""
    if value == 0:
        return "0"
    if 1e-2 <= abs(value) < 1e4:
        return words.number(value, 2 if abs(value) < 100 else 0)
    exponent = math.floor(math.log10(abs(value)))
    return f"{words.number(value / 10.0**exponent, 1)}·10{str(exponent).translate(RAISED)}"


@dataclass(frozen=True, eq=False)
class Depth:
    """One curve.

    Attributes
    ----------
    name : str or Message
        Stands in the key.
    y : ndarray (n,)
        One value a layer, not negative.
    token : str
        Color.
    dashed : bool
        Line style that goes with the color.
    x : ndarray (n,), optional
        The layers; 0, 1, 2 and so on if not given.
    """

    name: Text
    y: np.ndarray
    token: str = "cat0"
    dashed: bool = False
    x: np.ndarray | None = None

    @property
    def layers(self) -> np.ndarray:
        """Where the values stand."""
        return np.arange(len(self.y), dtype=float) if self.x is None else np.asarray(self.x, float)


class DepthPlot(CursorPlot):
    """Curves over layers, with a dot at each layer while there is room, and a cursor that reads them.

    Give `key` a place beside the card's title. Without a cursor the key says the values of the last layer.

    Parameters
    ----------
    name : str or Message
        What it is called where it is read aloud.
    export_name : str
    least : float
        Where the axis ends at the latest, below; see `LOWEST`.
    a_line : int
        Curves in a line of the key; 0 for all of them.
    """

    def __init__(self, name: Text, export_name: str, least: float = LOWEST, a_line: int = 0) -> None:
        self._lines: tuple[Depth, ...] = ()
        self._least = least
        self._level: float | None = None
        self._said: tuple[bool, list[tuple[str, Message]]] = (True, [])
        self.curves: list[pg.PlotCurveItem] = []
        self._made: tuple[object, ...] = ()
        self.dots = pg.ScatterPlotItem(size=6, antialias=True)
        self._marks = pg.ScatterPlotItem(size=10, antialias=True)
        self._at = pg.InfiniteLine(angle=0)
        self.key = Key((), "", a_line)
        axes = {"left": LogAxis("left", 10, written), "bottom": Axis("bottom")}
        super().__init__((200, 120), name, axes, (False, True))
        self.export_name = export_name
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        for item, height in ((self.dots, 2), (self._at, 3), (self._marks, 6)):
            self.put(item, height)
        self._at.hide()
        self.destroyed.connect(self.key.deleteLater)  # a card may give it a place or not

    # -- content
    def set_lines(self, lines: Sequence[Depth], axis: Text = "Layer", valued: bool = True) -> None:
        """Show curves; ``axis`` names what is counted below, and the key says values too unless not ``valued``."""
        for line in lines:
            finite(line.y, "y")
            if (line.y < 0).any():
                raise ValueError(f"{line.name!r} is negative")
        named = [(one.token, words.plain(one.name) if isinstance(one.name, str) else one.name) for one in lines]
        said = valued, named
        if said != self._said:
            self._said = said
            self.key.set_items(named, WIDEST if valued else "")
        self._lines = tuple(lines)
        self.plot.getAxis("bottom").set_title(axis)
        if lines:
            self.set_ends(*self._ends())
        self._redraw()
        self.refit()

    def lines(self) -> tuple[Depth, ...]:
        """What is drawn."""
        return self._lines

    def set_level(self, y: float | None) -> None:
        """A dashed horizontal line, such as where a bound lies."""
        self._level = y
        self._at.setVisible(y is not None)
        if y is not None:
            self._at.setValue(self.seen(0, y).y())

    def set_cursor(self, x: float | None) -> None:
        super().set_cursor(x)
        self._place_marks()

    def values_at(self, x: float | None) -> list[float | None]:
        """Value of each curve at the layer nearest to x; the last one for None, and none beyond a curve's end."""
        found: list[float | None] = []
        for line in self._lines:
            if x is None:
                found.append(float(line.y[-1]) if len(line.y) else None)
                continue
            near = np.abs(line.layers - round(x)) < 0.5
            found.append(float(line.y[near.argmax()]) if near.any() else None)
        return found

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for line in self._lines:
            name = words.drawn(line.name)
            found[f"{name}_x"], found[f"{name}_y"] = line.layers, line.y
        return found

    def report(self) -> str:
        both = zip(self._lines, self.values_at(self._cursor), strict=True)
        said = [f"{words.drawn(one.name)} {share(value)}" for one, value in both if value is not None]
        return ", ".join(([] if self._cursor is None else [words.number(round(self._cursor))]) + said)

    def whole(self) -> None:
        if self._lines:
            self.show_range(self._ends(), self._reach(), (0.02, 0.05))

    def _ends(self) -> tuple[float, float]:
        first = min(float(one.layers[0]) for one in self._lines)
        last = max(float(one.layers[-1]) for one in self._lines)
        return first, max(last, first + 1)

    def _reach(self) -> tuple[float, float]:
        """Whole decades around all that is above 0."""
        values = np.concatenate([one.y for one in self._lines])
        values = np.maximum(values[values > 0], self._least)
        low, high = (float(values.min()), float(values.max())) if values.size else (0.1, 1.0)
        bottom, top = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
        return 10.0**bottom, 10.0 ** max(top, bottom + 1)

    # -- hand
    def has_curves(self) -> bool:
        return bool(self._lines)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or not self._lines:
            return False
        first, last = self._ends()
        now = last if self._cursor is None else round(self._cursor)
        self.picked.emit(min(last, max(first, now + cols)))
        return True

    # -- items
    def _seen(self, line: Depth) -> tuple[np.ndarray, np.ndarray]:
        return self.along(line.layers, np.maximum(line.y, self._least))

    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the curves; the same items, unless there are other curves or the theme is another."""
        made = tuple((one.token, one.dashed) for one in self._lines)
        if anew or made != self._made:
            self._made = made
            for item in self.curves:
                self.plot.removeItem(item)
            styles = [Qt.PenStyle.DashLine if one.dashed else Qt.PenStyle.SolidLine for one in self._lines]
            pens = [cosmetic(theme.color(o.token), s, 1.5) for o, s in zip(self._lines, styles, strict=True)]
            self.curves = [pg.PlotCurveItem(pen=pen, antialias=True) for pen in pens]
            for item in self.curves:
                self.put(item)
        spots: list[dict[str, object]] = []
        for item, line in zip(self.curves, self._lines, strict=True):
            x, y = self._seen(line)
            item.setData(x, y)
            if len(x) <= 24:
                brush, pen = ink(line.token), case(width=1)
                spots += [{"pos": at, "brush": brush, "pen": pen} for at in zip(x.tolist(), y.tolist(), strict=True)]
        self.dots.setData(spots)
        self._place_marks()
        self.tell()

    def _place_marks(self) -> None:
        values = self.values_at(self._cursor)
        if self._said[0]:
            self.key.set_values(["" if value is None else share(value) for value in values])
        self._marks.setVisible(self._cursor is not None)
        if self._cursor is None:
            return
        pen, at = case(), round(self._cursor)
        both = zip(self._lines, values, strict=True)
        self._marks.setData(
            [
                {"pos": self.seen(at, max(value, self._least)), "brush": ink(line.token), "pen": pen}
                for line, value in both
                if value is not None
            ]
        )

    def apply_theme(self) -> None:
        super().apply_theme()
        self._at.setPen(dashed())
        self._redraw(anew=True)

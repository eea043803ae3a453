"""Curves over steps: one dashed cursor linked over all plots of a page, values in a key beside the title."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal

from app import theme, words
from app.legend import Key
from app.plots.axes import LINES
from app.plots.items import Levels, Stroke
from app.plots.past import PastNote, covers, dots
from app.plots.surface import Surface, cosmetic
from app.session.trace import Trace, as_traces, thin
from app.theme import S4
from app.words import Text

SMOOTH_POINTS = 400  #: longest curve that may be drawn with antialiasing
WIDEST = "−0.00"  #: what the key holds room for at first
BINS = 800  #: pieces of a longer one, of which the least and the largest value are drawn


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes
    ----------
    name : str or Message
        Stands in the key.
    x, y : ndarray (n,)
        x must not fall.
    token : str
        Color.
    raw : ndarray (n,), optional
        Unsmoothed values, drawn behind at 35 %.
    low, high : ndarray (n,), optional
        Error band, drawn at 20 %.
    dashed : bool
        Line style that goes with the color.
    digits : int
        Of the value in the key.
    """

    name: Text
    x: np.ndarray
    y: np.ndarray
    token: str = "cat0"
    raw: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    dashed: bool = False
    digits: int = 2


class Curves(Surface):
    """A plot of curves over steps.

    Parameters
    ----------
    y_range : (float, float), optional
        Fixed, such as (0, 100) for accuracy; else from the data, from 0 with ``zero``.
    y_ticks : sequence of float
        Of a fixed range, evenly spaced; else as pyqtgraph finds them.
    zero : bool
    widest : str
        The longest value that will stand in the key.
    empty_top : float
        Where the axis ends while there is no curve: 100 where percents will come.

    Signals
    -------
    pointed : float or None
        x under the pointer, or under the arrow keys; give it to `set_cursor` of every plot of the page.
    """

    keys_point = is_history = True

    pointed = Signal(object)

    def __init__(
        self,
        y_range: tuple[float, float] | None = None,
        y_ticks: Sequence[float] = (),
        zero: bool = True,
        widest: str = "00.00",
        empty_top: float = 1.0,
    ) -> None:
        self._y_range, self._zero, self._widest, self._empty_top = y_range, zero, widest, empty_top
        self._curves: tuple[Curve, ...] = ()
        self._past: tuple[Curve, ...] = ()
        self._x_end: float | None = None
        self._cursor: float | None = None
        self._lines: list[Stroke] = []
        self._edges: list[Stroke] = []  # of the bands
        self._faint: list[Stroke] = []  # of the past
        self._bands: list[pg.FillBetweenItem] = []
        self._made: tuple[object, ...] = ()  # what the items were made for
        self._levels = Levels()
        self._line, self._note = pg.InfiniteLine(angle=90), PastNote()
        self.dots = pg.ScatterPlotItem(size=9, antialias=True)
        self._single = pg.ScatterPlotItem(size=4, pen=None, symbol="s")  # a line of one point has no length
        super().__init__((200, 130))
        self.export_name = "curves"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        above = (self._single, 4), (self._line, 5), (self.dots, 6), (self._note, 7)
        for item, height in ((self._levels, -10), *above):
            item.setZValue(height)
            self.plot.addItem(item, ignoreBounds=True)
        self._note.stand_in(self.box)
        self._line.hide()
        self.dots.hide()
        if y_ticks:
            self.plot.getAxis("left").setTickSpacing(levels=[(y_ticks[1] - y_ticks[0], 0)])
        self.box.sigRangeChanged.connect(self._show_levels)
        self.pointed_at.connect(lambda at: self.pointed.emit(None if at is None else at.x()))
        self.whole()

    @cached_property
    def key(self) -> Key:
        """Names and values of the curves; made when it is asked for, since many plots are told of by another one."""
        made = Key(self._names(), WIDEST)
        made.set_values(self._values())
        self.destroyed.connect(made.deleteLater)
        return made

    # -- content
    def set_curves(self, curves: Sequence[Curve], x_end: float | None = None) -> None:
        """Show curves; x runs to ``x_end`` or to the last point."""
        for curve in curves:
            if len(curve.x) != len(curve.y):
                raise ValueError(f"{curve.name!r}: {len(curve.x)} x and {len(curve.y)} y")
            if not np.isfinite(curve.y).all():
                raise ValueError(f"{curve.name!r} holds NaN or infinity")
        same = [(c.token, c.name) for c in curves] == [(c.token, c.name) for c in self._curves]
        self._curves, self._x_end = tuple(curves), x_end
        if not same:
            self._tell_key(lambda key: key.set_items(self._names(), WIDEST))
        self._redraw()
        self.refit()

    def _names(self) -> list[tuple[str, Text]]:
        named = self._curves
        return [(c.token, words.plain(c.name) if isinstance(c.name, str) else c.name) for c in named]

    def _values(self) -> list[str]:
        """What stands in the key."""
        values = zip(self._curves, self.values_at(self._cursor), strict=True)
        return ["" if v is None else words.number(v, c.digits) for c, v in values]

    def _tell_key(self, tell: Callable[[Key], object]) -> None:
        """Tell the key, where there is one."""
        if "key" in vars(self):
            tell(self.key)

    def keep_past(self, named: Text) -> None:
        """Leave what is drawn now, dotted, behind what comes, and say so; or, without a name, forget what was left."""
        self._past = tuple(c for c in self._curves if len(c.x)) if named else ()
        self._note.tell(named if self._past else "", [(c.x, c.y) for c in self._past])
        self._redraw(anew=True)

    def traces(self) -> tuple[Trace, ...]:
        """What is drawn now, as a session keeps it."""
        return as_traces([(words.drawn(c.name), c.token, c.x, c.y) for c in self._curves])

    def show_past(self, traces: Sequence[Trace], named: Text) -> None:
        """Draw curves of a session, dotted, behind what comes, and say so."""
        self._past = tuple(Curve(words.plain(one.name), one.x, one.y, theme.known(one.token)) for one in traces)
        self._note.tell(named if self._past else "", [(c.x, c.y) for c in self._past])
        self._redraw(anew=True)
        self.refit()

    def past(self) -> tuple[Curve, ...]:
        """What was left."""
        return self._past

    def past_named(self) -> Text:
        """What is said of it."""
        return self._note.said

    def curves(self) -> tuple[Curve, ...]:
        """What is drawn."""
        return self._curves

    def cursor_at(self) -> float | None:
        """Where the cursor stands; None for nowhere."""
        return self._cursor

    def set_cursor(self, x: float | None) -> None:
        """Put the dashed line at x, dots on the curves, values into the key; None shows the last values."""
        if x != self._cursor:
            self._cursor = x
            self._place_cursor()

    def values_at(self, x: float | None) -> list[float | None]:
        """Value of each curve at the step next below x; the last one for None."""
        out: list[float | None] = []
        for curve in self._curves:
            at = len(curve.x) - 1 if x is None else int(np.searchsorted(curve.x, x, side="right")) - 1
            out.append(float(curve.y[at]) if 0 <= at < len(curve.y) else None)
        return out

    def numbers(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for i, curve in enumerate(self._curves):
            name = words.drawn(curve.name) or str(i + 1)
            out[f"{name}_x"], out[f"{name}_y"] = curve.x, curve.y
            if curve.raw is not None:
                out[f"{name}_raw"] = curve.raw
            if curve.low is not None and curve.high is not None:
                out[f"{name}_low"], out[f"{name}_high"] = curve.low, curve.high
        for curve in self._past:
            name = words.drawn(curve.name)
            out[f"{name}_before_x"], out[f"{name}_before_y"] = curve.x, curve.y
        return out

    def report(self) -> str:
        values = zip(self._curves, self.values_at(self._cursor), strict=True)
        said = [f"{words.drawn(c.name)} {words.number(v, c.digits)}" for c, v in values if v is not None]
        where = [] if self._cursor is None else [words.number(self._cursor)]
        return ", ".join(where + said)

    def whole(self) -> None:
        lines = [c for c in (*self._past, *self._curves) if len(c.x)]
        first = min((float(c.x[0]) for c in lines), default=0.0)
        end = self._x_end if self._x_end is not None else max((float(c.x[-1]) for c in lines), default=1.0)
        end = end if end > first else first + 1
        low, high = self._y_range or self._y_reach(lines)
        beside, above = 0.02 * (end - first), 0.06 * (high - low)
        shown = [[first - beside, end + beside], [low - above, high + above]]
        if self.box.viewRange() != shown:  # asking costs less than saying it again
            self.box.setRange(xRange=shown[0], yRange=shown[1], padding=0)
            self.box.updateMatrix()  # else in the middle of painting, which is done twice then

    def _y_reach(self, lines: Sequence[Curve]) -> tuple[float, float]:
        parts = [v for c in lines for v in (c.y, c.raw, c.low, c.high) if v is not None and len(v)]
        low = min((float(v.min()) for v in parts), default=0.0)
        high = max((float(v.max()) for v in parts), default=self._empty_top)
        low = min(0.0, low) if self._zero else low
        return low, high if high > low else low + 1.0

    # -- items
    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the curves; the same items, unless there are other curves or the theme is another."""
        made = tuple((c.token, c.dashed, c.raw is None, c.low is None, len(c.x) <= SMOOTH_POINTS) for c in self._curves)
        if anew or made != self._made:
            self._made = made
            self._make()
        edges, lines = iter(self._edges), iter(self._lines)
        for curve in self._curves:
            if curve.low is not None and curve.high is not None:
                next(edges).show_line(*thin(curve.x, curve.low, BINS))
                next(edges).show_line(*thin(curve.x, curve.high, BINS))
            if curve.raw is not None:
                next(lines).show_line(*thin(curve.x, curve.raw, BINS))
            next(lines).show_line(*thin(curve.x, curve.y, BINS))
        for curve, item in zip(self._past, self._faint, strict=True):
            item.show_line(*thin(curve.x, curve.y, BINS))
            item.setVisible(not any(covers((now.x, now.y), (curve.x, curve.y)) for now in self._curves))
        self._note.show_while(any(item.isVisible() for item in self._faint))
        alone = [c for c in self._curves if len(c.x) == 1]
        self._single.setVisible(bool(alone))  # one without points is painted, too
        if alone:
            self._single.setData([{"pos": (c.x[0], c.y[0]), "brush": pg.mkBrush(theme.color(c.token))} for c in alone])
        self._place_cursor()

    def _make(self) -> None:
        """Make the items of all curves, without their points."""
        for item in (*self._lines, *self._edges, *self._bands, *self._faint):
            self.plot.removeItem(item)
        self._faint = [Stroke(pen=dots(curve.token), antialias=True) for curve in self._past]
        self._lines, self._edges, self._bands = [], [], []
        for curve in self._curves:
            if curve.low is not None and curve.high is not None:
                edges = [Stroke(pen=None), Stroke(pen=None)]
                band = pg.FillBetweenItem(*edges, brush=theme.color(curve.token, 51))
                self._bands.append(band)
                self._edges += edges
            if curve.raw is not None:
                self._lines.append(Stroke(pen=cosmetic(theme.color(curve.token, 90)), antialias=False))
            style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
            drawn = cosmetic(theme.color(curve.token), style)
            self._lines.append(Stroke(pen=drawn, antialias=len(curve.x) <= SMOOTH_POINTS))
        for item in (*self._faint, *self._edges, *self._bands, *self._lines):
            self.plot.addItem(item, ignoreBounds=True)

    def _place_cursor(self) -> None:
        self._tell_key(lambda key: key.set_values(self._values()))
        self._line.setVisible(self._cursor is not None)
        spots = []
        if self._cursor is not None:
            self._line.setValue(self._cursor)
            case = cosmetic(theme.color("surface"), width=2)
            spots = [
                {"pos": (self._cursor, v), "brush": pg.mkBrush(theme.color(c.token)), "pen": case}
                for c, v in zip(self._curves, self.values_at(self._cursor), strict=True)
                if v is not None
            ]
        self.dots.setVisible(bool(spots))
        if spots:
            self.dots.setData(spots)
        self.tell()

    def _show_levels(self, *_: object) -> None:
        axis = self.plot.getAxis("left")
        (left, right), (low, high) = self.box.viewRange()
        ticks = axis.tickValues(low, high, max(1.0, self.box.height()))
        self._levels.set_levels(tuple(float(v) for v in ticks[0][1]) if ticks else (), left, right, low, high)

    def resized(self) -> None:
        self._show_levels()

    # -- theme and hand
    def apply_theme(self) -> None:
        self._levels.set_pen(cosmetic(theme.color("border", LINES)))
        self._line.setPen(cosmetic(theme.color("control"), Qt.PenStyle.DashLine))
        self._note.renew()
        self._redraw(anew=True)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or not self._curves or not len(self._curves[0].x):
            return False
        x = self._curves[0].x
        now = len(x) - 1 if self._cursor is None else int(np.searchsorted(x, self._cursor))
        self.pointed.emit(float(x[min(len(x) - 1, max(0, now + cols))]))
        return True

    def escape(self) -> bool:
        if self._cursor is None:
            return False
        self.pointed.emit(None)
        return True

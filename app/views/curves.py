"""Curves over steps: quiet axes, 1-px pens, one dashed cursor linked over all plots of a tab, values in a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from app import export, theme, words
from app.theme import CAPTION, S4
from app.views.base import pen
from app.views.line import Levels, Line, cosmetic, thin
from app.widgets import Key
from app.words import Text

SMOOTH_POINTS = 400  # longest curve that may be drawn with antialiasing


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


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Three to seven round numbers within a range."""
    span = high - low
    if not np.isfinite(span) or span <= 0:
        return [low]
    rough = span / most
    base = 10.0 ** np.floor(np.log10(rough))
    step = next(base * m for m in (1, 2, 2.5, 5, 10) if base * m >= rough * (1 - 1e-9))
    first = np.ceil(low / step - 1e-9) * step
    return [float(v) for v in np.arange(first, high + step * 1e-6, step)]


class Curves(pg.PlotWidget):
    """A plot of curves over steps.

    Signals
    -------
    pointed : float or None
        x under the pointer, or under the arrow keys; give it to `set_cursor` of every plot of the tab.
    """

    pointed = Signal(object)

    def __init__(
        self,
        y_range: tuple[float, float] | None = None,
        y_ticks: Sequence[float] = (),
        zero: bool = True,
        widest: str = "00.00",
    ) -> None:
        """``y_range``: fixed, such as (0, 100) for accuracy; else from the data, from 0 with ``zero``.

        ``widest``: the longest value that will stand in the key.
        """
        super().__init__()
        self.settings: dict[str, object] = {}
        self.export_name = "curves"
        self._y_range, self._y_ticks, self._zero = y_range, tuple(y_ticks), zero
        self._curves: tuple[Curve, ...] = ()
        self._x_end: float | None = None
        self._widest = widest
        self._cursor: float | None = None
        self._keyboard = False
        self.setMinimumSize(200, 130)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.hideButtons()
        self.setMenuEnabled(False)
        plot = self.getPlotItem()
        plot.layout.setContentsMargins(0, 2, S4, 0)
        self._line = pg.InfiniteLine(angle=90)
        self._line.hide()
        self._dots = pg.ScatterPlotItem(size=9, antialias=True)
        self._dots.hide()
        self._lines: list[Line] = []
        self._place = QRectF()  # of the lines
        self._edges: list[pg.PlotCurveItem] = []  # of the bands
        self._made: tuple[object, ...] = ()  # what the items were made for
        self._ticks: dict[str, list[tuple[float, str]]] = {}
        self._bands: list[pg.FillBetweenItem] = []
        self._levels = Levels()
        self._levels.setZValue(-10)  # behind the curves
        plot.addItem(self._levels, ignoreBounds=True)
        plot.addItem(self._line, ignoreBounds=True)
        plot.addItem(self._dots, ignoreBounds=True)
        self._line.setZValue(5)
        self._dots.setZValue(6)
        self.key = Key(())
        self.destroyed.connect(self.key.deleteLater)  # a card may give it a place or not
        plot.getViewBox().sigRangeChanged.connect(self._tick)
        self.restyled()

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
            self.key.set_items(
                [(c.token, c.name if not isinstance(c.name, str) else words.plain(c.name)) for c in curves], "−0.00"
            )
        self._redraw()
        self.fit()

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
        return out

    def report(self) -> str:
        """What a screen reader says."""
        values = self.values_at(self._cursor)
        said = [
            f"{words.drawn(c.name)} {words.number(v, c.digits)}"
            for c, v in zip(self._curves, values, strict=True)
            if v is not None
        ]
        where = [] if self._cursor is None else [words.number(self._cursor)]
        return ", ".join(where + said)

    def fit(self) -> None:
        """Everything in sight."""
        lines = [c for c in self._curves if len(c.x)]
        last = max((float(c.x[-1]) for c in lines), default=1.0)
        first = min((float(c.x[0]) for c in lines), default=0.0)
        end = self._x_end if self._x_end is not None else last
        end = end if end > first else first + 1
        if self._y_range is not None:
            low, high = self._y_range
        else:
            parts = [v for c in lines for v in (c.y, c.raw, c.low, c.high) if v is not None and len(v)]
            low = min((float(v.min()) for v in parts), default=0.0)
            high = max((float(v.max()) for v in parts), default=1.0)
            low = min(0.0, low) if self._zero else low
            if high <= low:
                high = low + 1.0
        beside, above = 0.02 * (end - first), 0.06 * (high - low)
        shown = (first - beside, end + beside), (low - above, high + above)
        box = self.getPlotItem().getViewBox()
        if box.viewRange() != [list(shown[0]), list(shown[1])]:  # asking costs less than saying it again
            box.setRange(xRange=shown[0], yRange=shown[1], padding=0)
        self._place = QRectF(QPointF(shown[0][0], shown[1][0]), QPointF(shown[0][1], shown[1][1]))
        for part in (self._levels, *self._lines):
            part.set_place(self._place)
        self._tick()

    # -- painting
    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the curves; the same items, unless there are other curves or the theme is another."""
        made = tuple((c.token, c.dashed, c.raw is None, c.low is None, len(c.x) <= SMOOTH_POINTS) for c in self._curves)
        if anew or made != self._made:
            self._made = made
            self._make()
        edges, lines = iter(self._edges), iter(self._lines)
        for curve in self._curves:
            if curve.low is not None and curve.high is not None:
                next(edges).setData(*thin(curve.x, curve.low))
                next(edges).setData(*thin(curve.x, curve.high))
            if curve.raw is not None:
                next(lines).set_points(*thin(curve.x, curve.raw))
            next(lines).set_points(*thin(curve.x, curve.y))
        self._place_cursor()

    def _make(self) -> None:
        """Make the items of all curves, without their points."""
        for item in (*self._lines, *self._edges, *self._bands):
            self.removeItem(item)
        self._lines, self._edges, self._bands = [], [], []
        for curve in self._curves:
            if curve.low is not None and curve.high is not None:
                edges = [pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)]
                band = pg.FillBetweenItem(*edges, brush=theme.color(curve.token, 51))
                self._bands.append(band)
                for item in (*edges, band):
                    self.addItem(item)
                self._edges += edges
            if curve.raw is not None:
                self._lines.append(Line(cosmetic(theme.color(curve.token, 90)), False))
            style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
            self._lines.append(Line(cosmetic(theme.color(curve.token), style), len(curve.x) <= SMOOTH_POINTS))
        for line in self._lines:
            line.set_place(self._place)
            self.addItem(line, ignoreBounds=True)

    def _place_cursor(self) -> None:
        values = self.values_at(self._cursor)
        self.key.set_values(
            ["" if v is None else words.number(v, c.digits) for c, v in zip(self._curves, values, strict=True)]
        )
        self._line.setVisible(self._cursor is not None)
        spots = []
        case = cosmetic(theme.color("surface"), width=2)
        if self._cursor is not None:
            self._line.setValue(self._cursor)
            for curve, value in zip(self._curves, values, strict=True):
                if value is not None:
                    brush = pg.mkBrush(theme.color(curve.token))
                    spots.append({"pos": (self._cursor, value), "brush": brush, "pen": case})
        self._dots.setVisible(bool(spots))
        if spots:
            self._dots.setData(spots)
        self.setAccessibleDescription(self.report())

    def _tick(self, *_: object) -> None:
        (x_low, x_high), (y_low, y_high) = self.getPlotItem().getViewBox().viewRange()
        wide, high = self.width(), self.height()
        for side, low, top, most, fixed in (
            ("bottom", x_low, x_high, max(2, min(6, wide // 80)), ()),
            ("left", y_low, y_high, max(2, min(6, high // 36)), self._y_ticks),
        ):
            at = [v for v in fixed if low <= v <= top] or nice_ticks(low, top, most)
            step = at[1] - at[0] if len(at) > 1 else 1.0
            digits = max(0, int(np.ceil(-np.log10(step) - 1e-9))) if step > 0 else 0
            if digits and not np.isclose(step * 10**digits, round(step * 10**digits)):
                digits += 1  # 0.25
            ticks = [(v, words.number(v, digits)) for v in at]
            if ticks != self._ticks.get(side):  # else the axis may keep its picture
                self._ticks[side] = ticks
                self.getAxis(side).setTicks([ticks])
                if side == "left":
                    self._levels.set_levels(tuple(at))

    # -- looks
    def restyled(self) -> None:
        """Theme or fonts changed."""
        self.setBackground(theme.color("surface"))
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(theme.color("border"))
            axis.setTextPen(theme.color("text2"))
            axis.setStyle(tickLength=0, tickFont=theme.font(CAPTION), tickTextOffset=6, hideOverlappingLabels=False)
        self.getAxis("left").setWidth(40)
        self.getAxis("bottom").setHeight(24)
        self._levels.set_color(theme.color("border", 70))
        self._line.setPen(cosmetic(theme.color("control"), Qt.PenStyle.DashLine))
        self._redraw(anew=True)

    def retranslated(self) -> None:
        """Language changed."""
        self.restyled()

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        box = self.getPlotItem().getViewBox()
        inside = box.sceneBoundingRect().contains(self.mapToScene(event.position().toPoint()))
        self.pointed.emit(float(self._x_at(event.position())) if inside else None)

    def _x_at(self, point: QPointF) -> float:
        box = self.getPlotItem().getViewBox()
        return float(box.mapSceneToView(self.mapToScene(point.toPoint())).x())

    def leaveEvent(self, event: object) -> None:
        super().leaveEvent(event)
        self.pointed.emit(None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._curves and len(self._curves[0].x):
            x = self._curves[0].x
            now = len(x) - 1 if self._cursor is None else int(np.searchsorted(x, self._cursor))
            self._keyboard = True
            self.pointed.emit(float(x[min(len(x) - 1, max(0, now + step))]))
        elif event.key() == Qt.Key.Key_Escape and self._cursor is not None:
            self.pointed.emit(None)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            event.ignore()  # pyqtgraph would scroll the scene

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        export.open_menu(self, event.globalPos())

    # -- Qt
    def close(self) -> bool:
        """Close like any widget; pyqtgraph's own would take the plot apart while it may still be resized."""
        return QWidget.close(self)

    def sizeHint(self) -> QSize:
        """pyqtgraph's own hint is odd."""
        return self.minimumSize()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is not None:  # pyqtgraph calls this from its constructor, with None
            self._tick()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._keyboard and self.hasFocus():
            with QPainter(self.viewport()) as painter:
                painter.setPen(pen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
                painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

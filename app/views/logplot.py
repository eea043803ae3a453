"""Curves over a logarithmic axis with a cursor to drag, and heaps: histograms one above the other on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1, S2, S4, SMALL
from app.views.base import CENTER, LEFT, RIGHT, PixelView, dots, finite, pen, text_width, write
from app.views.cursorplot import CursorPlot
from app.widgets import Key
from app.words import Text

SHORT = 4  #: px from axis to text


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


def decades(low: float, high: float, base: float = 2.0, most: int = 8) -> list[float]:
    """Powers of ``base`` within a range, at most so many."""
    first, last = int(np.ceil(np.log(low) / np.log(base) - 1e-9)), int(np.floor(np.log(high) / np.log(base) + 1e-9))
    step = max(1, -(-(last - first + 1) // most))
    return [base**n for n in range(first, last + 1, step)]


class LogPlot(CursorPlot):
    """Curves over log x; y is linear from 0 or logarithmic."""

    def __init__(self, name: Text, log_y: bool = False, digits: int = 2) -> None:
        super().__init__((200, 120), name)
        self.export_name = "curves"
        self._log_y, self._digits = log_y, digits
        self._traces: tuple[Trace, ...] = ()
        self._x, self._y = (1.0, 2.0), (0.0, 1.0)
        self._line: tuple[float, Text] | None = None
        self._axis: Text = ""
        self.key = Key((), "")
        self.destroyed.connect(self.key.deleteLater)  # a card may give it a place or not
        self._said: tuple[object, ...] = ()

    # -- content
    def set_traces(self, traces: Sequence[Trace], y: tuple[float, float], axis: Text = "") -> None:
        """Show curves; y runs between two values; ``axis`` names x."""
        for trace in traces:
            finite(trace.y, "y")
        self._traces, self._y, self._axis = tuple(traces), y, axis
        self._x = (min(float(t.x[0]) for t in traces), max(float(t.x[-1]) for t in traces)) if traces else (1.0, 2.0)
        said = tuple((t.token, str(t.name)) for t in traces)
        if said != self._said:
            self._said = said
            named = [(t.token, words.plain(t.name) if isinstance(t.name, str) else t.name) for t in traces]
            self.key.set_items(named, words.number(max(y), self._digits))
        self._write_key()
        self.renew()
        self.tell()

    def set_line(self, y: float | None, name: Text = "") -> None:
        """A dashed horizontal line with its name, such as the largest value there can be."""
        self._line = None if y is None else (y, name)
        self.update()

    def set_cursor(self, x: float | None) -> None:
        super().set_cursor(x)
        self._write_key()

    def value_at(self, trace: Trace, x: float) -> float:
        """A curve's value, straight between its points on this plot's axes."""
        if self._log_y:
            return float(np.exp(np.interp(np.log(x), np.log(trace.x), np.log(np.maximum(trace.y, 1e-9)))))
        return float(np.interp(np.log(x), np.log(trace.x), trace.y))

    def _write_key(self) -> None:
        if self._cursor is not None:
            x = self._cursor
            self.key.set_values([words.number(self.value_at(t, x), self._digits) for t in self._traces])

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
        said = [f"{words.drawn(t.name)} {words.number(self.value_at(t, x), self._digits)}" for t in self._traces]
        return ", ".join([words.number(x), *said])

    # -- places
    def _area(self) -> QRectF:
        return QRectF(36, S2, max(20, self.width() - 36 - S4), max(20, self.height() - S2 - 34))

    def _share_x(self, x: float) -> float:
        low, high = self._x
        return float(np.log(x / low) / np.log(high / low)) if high > low else 0.5

    def _place(self, x: float, y: float) -> QPointF:
        area, (low, high) = self._area(), self._y
        share = np.log(max(y, 1e-9) / low) / np.log(high / low) if self._log_y else (y - low) / (high - low)
        return QPointF(area.x() + area.width() * self._share_x(x), area.bottom() - area.height() * float(share))

    def x_at(self, point: QPointF) -> float:
        area, (low, high) = self._area(), self._x
        share = min(1.0, max(0.0, (point.x() - area.x()) / area.width()))
        return low * (high / low) ** share

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

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._traces:
            return
        area = self._area()
        self._draw_axes(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for trace in self._traces:
            self._draw_trace(painter, trace)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._line is not None:
            y, name = self._line
            at = round(self._place(self._x[0], y).y())
            painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(area.x(), at), QPointF(area.right(), at))
            write(painter, QRectF(area.x(), at - 17, area.width() - S1, 16), name, None, CAPTION, align=RIGHT)
        if self._cursor is not None:
            x = round(self._place(self._cursor, self._y[1]).x())
            self.draw_cursor(painter, x, area.y(), area.bottom())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for trace in self._traces:
                spot = self._place(self._cursor, self.value_at(trace, self._cursor))
                dots(painter, [QPointF(x, spot.y())], theme.color(trace.token))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_trace(self, painter: QPainter, trace: Trace) -> None:
        points = [self._place(float(x), float(y)) for x, y in zip(trace.x, trace.y, strict=True)]
        if trace.low is not None and trace.high is not None:
            edge = [self._place(float(x), float(y)) for x, y in zip(trace.x, trace.high, strict=True)]
            back = [self._place(float(x), float(y)) for x, y in zip(trace.x, trace.low, strict=True)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(trace.token, 51))
            painter.drawPolygon(QPolygonF([*edge, *reversed(back)]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        style = Qt.PenStyle.DashLine if trace.dashed else Qt.PenStyle.SolidLine
        painter.setPen(pen(theme.color(trace.token), 1.5, style, square=False))
        painter.drawPolyline(QPolygonF(points))

    def _draw_axes(self, painter: QPainter, area: QRectF) -> None:
        low, high = self._y
        if self._log_y:
            y_ticks = decades(low, high, 2, max(3, int(area.height() // 30)))
        else:
            step = next(s for s in (0.25, 0.5, 1, 2, 5, 10, 20) if (high - low) / s <= max(2, area.height() / 30))
            y_ticks = [low + step * n for n in range(int((high - low) / step + 1e-9) + 1)]
        for value in y_ticks:
            at = round(self._place(self._x[0], value).y())
            painter.setPen(pen(theme.color("border", 160)))
            painter.drawLine(QPointF(area.x(), at), QPointF(area.right(), at))
            text = f"{value:g}"
            write(painter, QRectF(0, at - 8, area.x() - SHORT - 2, 16), text, None, CAPTION, align=RIGHT)
        painter.setPen(pen(theme.color("border")))
        painter.drawLine(QPointF(area.x(), area.bottom()), QPointF(area.right(), area.bottom()))
        for value in decades(*self._x, 2, max(3, int(area.width() // 48))):
            x = self._place(value, self._y[0]).x()
            place = QRectF(x - 24, area.bottom() + SHORT, 48, 14)
            write(painter, place, words.number(value), None, CAPTION, align=CENTER)
        if self._axis:
            place = QRectF(area.x(), area.bottom() + SHORT + 14, area.width(), 14)
            write(painter, place, self._axis, None, CAPTION, align=CENTER)


# ------------------------------------------------------------------ histograms
@dataclass(frozen=True)
class Heap:
    """One histogram.

    Attributes
    ----------
    name : str or Message
    edges : ndarray (M + 1,), counts : ndarray (M,)
    std : float
        Drawn as a bracket around 0.
    token : str
        Color.
    """

    name: Text
    edges: np.ndarray
    counts: np.ndarray
    std: float
    token: str


class Heaps(PixelView):
    """Histograms one above the other over one axis, each scaled to its own peak."""

    def __init__(self, name: Text) -> None:
        super().__init__((200, 140))
        self.export_name = "histograms"
        self._heaps: tuple[Heap, ...] = ()
        self._reach = 1.0
        words.say(self, "setAccessibleName", name)

    def set_heaps(self, heaps: Sequence[Heap], reach: float) -> None:
        """Show histograms over ± ``reach``."""
        self._heaps, self._reach = tuple(heaps), reach
        self.renew()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for heap in self._heaps:
            name = words.drawn(heap.name)
            found[f"{name}_edges"], found[f"{name}_counts"] = heap.edges, heap.counts
            found[f"{name}_std"] = np.array(heap.std)
        return found

    def report(self) -> str:
        return ", ".join(f"{words.drawn(h.name)} {words.number(h.std, 2)}" for h in self._heaps)

    def draw(self, painter: QPainter) -> None:
        if not self._heaps:
            return
        left, right, foot = S2, self.width() - S2, self.height() - 22
        middle, half = (left + right) / 2, (right - left) / 2
        tall = foot / len(self._heaps)
        for i, heap in enumerate(self._heaps):
            base, room = round((i + 1) * tall), tall - 26
            peak = max(1, int(heap.counts.max()))
            xs = middle + half * heap.edges / self._reach
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(heap.token))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for a, b, count in zip(xs[:-1], xs[1:], heap.counts, strict=True):
                if count:
                    high = max(1.0, room * count / peak)
                    seam = 1.0 if b - a >= 4 else 0.0
                    painter.drawRect(QRectF(a, base - high, max(0.5, b - a - seam), high))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(pen(theme.color("border")))
            painter.drawLine(QPointF(left, base), QPointF(right, base))
            self._draw_std(painter, heap, middle, half, base - room / 2)
            name = QRectF(left, base - tall + 4, half, 18)
            write(painter, name, heap.name, theme.color("text"), SMALL, True, LEFT)
        step = next(s * 10.0**p for p in range(-2, 5) for s in (1, 2, 5) if self._reach / (s * 10.0**p) <= 4)
        for n in range(-int(self._reach / step), int(self._reach / step) + 1):
            at = middle + half * n * step / self._reach
            place = QRectF(min(right - 24, max(left, at - 24)), foot + SHORT, 48, 14)
            align = CENTER if left + 24 < at < right - 24 else RIGHT if at > middle else LEFT
            place = place if align == CENTER else QRectF(right - 48 if align == RIGHT else left, foot + SHORT, 48, 14)
            digits = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
            write(painter, place, words.number(n * step, digits), None, CAPTION, align=align)

    def _draw_std(self, painter: QPainter, heap: Heap, middle: float, half: float, y: float) -> None:
        wide = half * heap.std / self._reach
        line = round(y)
        painter.setPen(pen(theme.color("text"), 1.5))
        ends = (QPointF(round(middle - wide), line), QPointF(round(middle + wide), line))
        painter.drawLine(*ends)
        for end in ends:
            painter.drawLine(end + QPointF(0, -5), end + QPointF(0, 5))
        text = "± " + words.number(heap.std, 2)
        size = text_width(text, SMALL, True) + 2 * S1
        place = QRectF(round(min(middle + wide + S2, self.width() - S2 - size)), line - 10, size, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(place, theme.color("surface", 225))
        write(painter, place.adjusted(S1, 0, 0, 0), text, theme.color("text"), SMALL, True)

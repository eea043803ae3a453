"""Rows of bars: probabilities with the untouched model as a dashed outline, or stacked parts of a sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter

from app import theme, words
from app.theme import BODY, S2, S3, SMALL
from app.views.base import RIGHT, pen, text_width, write
from app.views.pointing import HoverView
from app.words import Text

TRACK = "sunken"  #: color of what a bar runs in
TWO_LINES = 28  #: px, a row in which a name may take two lines
LEAST_TRACK = 32  #: px that a long name leaves to its bar
Sides: TypeAlias = tuple[float, float, float, float]  #: left, right, top and bottom, px


@dataclass(frozen=True)
class Bar:
    """One row.

    Attributes
    ----------
    name : str or Message
        Drawn as it is, or said in the language in use.
    parts : tuple of (value, token)
        Stacked from the zero line on; one part for a plain bar.
    text, note : str
        The value and the change, in their own right-aligned columns.
    ghost : float, optional
        The untouched model's value.
    """

    name: Text
    parts: tuple[tuple[float, str], ...]
    text: str
    note: str = ""
    ghost: float | None = None

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(value for value, _ in self.parts)


def probability(name: Text, value: float, ghost: float | None = None, token: str = "accent") -> Bar:
    """A probability bar: ``52.2 %`` and, against the untouched model, ``+8.1`` points."""
    note = "" if ghost is None else words.number(100 * (value - ghost), 1, signed=True)
    return Bar(name, ((value, token),), words.percent(value), note, ghost)


class PixelBars(pg.BarGraphItem):
    """Bars in a view whose unit is the pixel, all of one color or each of its own."""

    def __init__(self) -> None:
        self._at: tuple[list[Sides], int] = ([], 0)
        self._each: tuple[list[Sides], list[int]] = ([], [])
        super().__init__(x0=[], x1=[], y0=[], y1=[], pen=pg.mkPen(None))

    def show_bars(self, places: list[Sides], token: str) -> None:
        """Bars in the color of a token; the same as before cost nothing."""
        color = theme.color(token)
        before, self._at = self._at, (places, color.rgba())
        if before == self._at:
            return
        x0, x1, y0, y1 = np.array(places, float).reshape(-1, 4).T
        brush = {"brush": color} if before[1] != color.rgba() else {}
        self.setOpts(x0=x0, x1=x1, y0=y0, y1=y1, **brush)

    def show_colored(self, places: list[Sides], colors: list[QColor]) -> None:
        """Bars, each in a color of its own; the same as before cost nothing."""
        now = places, [color.rgba() for color in colors]
        before, self._each = self._each, now
        if before != now:
            x0, x1, y0, y1 = np.array(places, float).reshape(-1, 4).T
            self.setOpts(x0=x0, x1=x1, y0=y0, y1=y1, brushes=colors)

    def pixelPadding(self) -> float:
        """Nothing is drawn around them; pyqtgraph would ask for the size of a pixel a dozen times a painting."""
        return 0.0


@dataclass
class _Places:
    name_w: float = 0.0
    value_w: float = 0.0
    note_w: float = 0.0
    pitch: float = 30.0
    tall: int = 14
    rows: list[QRectF] = field(default_factory=list)


class Bars(HoverView):
    """Rows of bars over one scale.

    Signals
    -------
    clicked : int
    """

    zooms = True

    clicked = Signal(int)
    _hover: int | None

    def __init__(
        self,
        pitch: int = 44,
        least_name: int = 60,
        widest: str = "100.0 %",
        widest_note: str = "",
        least: int | None = None,
    ) -> None:
        """``widest``, ``widest_note``: the longest texts that will stand there, so that columns never move.

        ``least``: the height that any number of rows may share, px; without it each row keeps 22.
        """
        super().__init__((200, 48))
        self.export_name = "bars"
        self._bars: tuple[Bar, ...] = ()
        self._low, self._top = 0.0, 1.0
        self._pitch, self._least, self._widest, self._widest_note = pitch, least_name, widest, widest_note
        self._names: tuple[Text, ...] = ()
        self._least_high = least
        self._at = _Places()
        self._drawn: dict[str, PixelBars] = {}  # tracks and bars, by the token of their color

    def set_bars(
        self, bars: Sequence[Bar], top: float | None = None, low: float = 0.0, names: Sequence[Text] = ()
    ) -> None:
        """Show rows; the scale runs from ``low`` to ``top`` (a little over the largest if not given).

        ``names``: all names that may come, so that the column keeps its width while rows change places.
        """
        for bar in bars:
            if not math.isfinite(bar.total + (bar.ghost or 0.0)):
                raise ValueError(f"bar {bar.name!r} holds NaN or infinity")
        reach = [v for bar in bars for v in (bar.total, bar.ghost or 0.0)]
        if len(bars) != len(self._bars):
            self._hover = None  # other rows; the same ones with new values stay under the pointer
        self._bars, self._low = tuple(bars), low
        self._top = top if top is not None else 1.02 * max(reach, default=1.0)
        if self._top <= self._low:
            self._top = self._low + 1.0
        self._names = tuple(names)
        if self._hover is not None:
            self.tell()
        self.setMinimumHeight(max(48, 22 * len(bars)) if self._least_high is None else self._least_high)
        self.renew()
        self.arranged()  # bars that move while they are painted are painted twice

    def bars(self) -> tuple[Bar, ...]:
        """What is on screen."""
        return self._bars

    def numbers(self) -> dict[str, np.ndarray]:
        names = np.array([words.drawn(bar.name) for bar in self._bars])
        depth = max((len(bar.parts) for bar in self._bars), default=1)
        parts = np.zeros((len(self._bars), depth))
        for i, bar in enumerate(self._bars):
            parts[i, : len(bar.parts)] = [value for value, _ in bar.parts]
        out = {"names": names, "values": parts[:, 0] if depth == 1 else parts}
        if any(bar.ghost is not None for bar in self._bars):
            out["untouched"] = np.array([np.nan if bar.ghost is None else bar.ghost for bar in self._bars])
        return out

    def report(self) -> str:
        if self._hover is None:
            return "; ".join(f"{words.drawn(bar.name)} {bar.text}" for bar in self._bars)
        bar = self._bars[self._hover]
        return f"{words.drawn(bar.name)}, {bar.text} {bar.note}".strip()

    # -- places
    def arrange(self, width: int, height: int) -> None:
        at, bars = self._at, self._bars
        names = [words.drawn(t) for t in (*self._names, *(bar.name for bar in bars))]
        at.value_w = max(text_width(t, BODY, True) for t in (self._widest, *(bar.text for bar in bars))) + S3
        notes = [self._widest_note, *(bar.note for bar in bars)]
        widest = max(text_width(t, SMALL) for t in notes)
        at.note_w = widest + S3 if widest else 0
        at.pitch = min(self._pitch, height / max(1, len(bars)))
        most = 0.42 * width
        if at.pitch < TWO_LINES:  # a second line would stand in the next row: names get what they need
            needed = max((text_width(t, SMALL - 1) for t in names), default=0.0) + S3
            most = max(most, min(needed, width - at.value_w - at.note_w - LEAST_TRACK))
        at.name_w = min(max([text_width(t, BODY) for t in names] + [self._least]) + S3, most)
        at.tall = 18 if at.pitch >= 40 else 14 if at.pitch >= 22 else 10
        at.rows = [QRectF(0, round(i * at.pitch), width, round(at.pitch)) for i in range(len(bars))]
        self._lay()

    def _lay(self) -> None:
        """Give pyqtgraph the bars, all of a color at once."""
        places: dict[str, list[Sides]] = {TRACK: []}
        left, right, tall = (
            round(self._at.name_w),
            round(self.width() - self._at.value_w - self._at.note_w),
            self._at.tall,
        )
        base = self._base()
        begin = self._x(base)
        for bar, row in zip(self._bars, self._at.rows, strict=True):
            top = self._bar_top(row)
            places[TRACK].append((left, right, top, top + tall))
            running, at, seam = base, begin, 1 if len(bar.parts) > 1 else 0
            for value, token in bar.parts:
                running += value
                before, at = at, self._x(running)
                start, end = (before, at) if before <= at else (at, before)
                if end > left or value:
                    places.setdefault(token, []).append((start, max(start + 1, end - seam), top, top + tall))
        for token in {*places, *self._drawn}:
            if token not in self._drawn:
                self._drawn[token] = PixelBars()
                self.put_below(self._drawn[token])
                self._drawn[token].setZValue(self.painting.zValue() - (2 if token == TRACK else 1))
            self._drawn[token].show_bars(places.get(token, []), token)

    def _base(self) -> float:
        """Where bars begin."""
        return min(max(0.0, self._low), self._top)

    def _bar_top(self, row: QRectF) -> float:
        return row.y() + (int(row.height()) - self._at.tall) // 2

    def _x(self, value: float) -> float:
        left, right = self._at.name_w, self.width() - self._at.value_w - self._at.note_w
        share = (value - self._low) / (self._top - self._low)
        return round(left + (right - left) * min(1.0, max(0.0, share)))

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        return next((i for i, place in enumerate(self._at.rows) if place.contains(point)), None)

    # -- hand
    def _choose(self, row: int) -> None:
        self.clicked.emit(row)

    # -- painting
    def is_empty(self) -> bool:
        return not self._bars

    def draw(self, painter: QPainter) -> None:
        for bar, place in zip(self._bars, self._at.rows, strict=True):
            if self.hits(place):
                self._draw_row(painter, bar, place)

    def _draw_row(self, painter: QPainter, bar: Bar, place: QRectF) -> None:
        at = self._at
        name = words.drawn(bar.name)
        small = text_width(name, BODY) > at.name_w - S3
        column = QRectF(0, place.y(), at.name_w - S2, place.height())
        wrap = small and text_width(name, SMALL - 1) > column.width()
        write(painter, column, name, theme.color("text"), SMALL - 1 if small else BODY, wrap=wrap)
        right, top = round(self.width() - at.value_w - at.note_w), self._bar_top(place)
        if self._low < 0:
            painter.fillRect(QRectF(self._x(0.0), top - 2, 1, at.tall + 4), theme.color("control"))
        if bar.ghost is not None:
            start, end = sorted((self._x(self._base()), self._x(bar.ghost)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(theme.color("text"), 1, Qt.PenStyle.DashLine))
            painter.drawRect(QRectF(start + 0.5, top - 2.5, max(1.0, end - start), at.tall + 4))
        value_place = QRectF(right, place.y(), at.value_w, place.height())
        write(painter, value_place, bar.text, theme.color("text"), BODY, True, RIGHT)
        if bar.note:
            note_place = QRectF(right + at.value_w, place.y(), at.note_w, place.height())
            write(painter, note_place, bar.note, None, SMALL, align=RIGHT)

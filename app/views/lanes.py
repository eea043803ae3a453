"""Lanes: aligned rows of values over one axis of tokens, each a curve, bars or a map; one token lights up in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1, S2, SMALL
from app.views.base import CENTER, LEFT, RIGHT, finite, indexed_image, pen, text_width, write
from app.views.pointing import MarkView
from app.views.scoregrid import every_nth
from app.words import Text

LINE, BARS, HEAT = "line", "bars", "heat"
AXIS_H = 18  # px
LINE_H = 14  # px of a caption
DOTTED = 7.0  # px of a column from which each value of a curve is a dot, too
STRIP = 6  # px, the thickness of a map's color bar
Pixel = QPointF


@dataclass(frozen=True)
class Lane:
    """One row.

    Attributes
    ----------
    name : str or Message
    values : ndarray (L,) or (K, L)
        A curve or bars; K of them share the lane, or are the lines of a map.
    kind : str
        `LINE`, `BARS` or `HEAT`.
    low, high : float, optional
        The ends of its scale; those of the values, and 0, if not given.
    tokens : tuple of str
        Colors of the curves, one after the other and again.
    weight : int
        How high it is beside the others.
    digits : int
        After the point of a value.
    ramp : str
        Of a map.
    key : str
        Its name among the numbers that are exported.
    note : str or Message
        Stands below the name where there is room.
    """

    name: Text
    values: np.ndarray = field(repr=False)
    kind: str = LINE
    low: float | None = None
    high: float | None = None
    tokens: tuple[str, ...] = ("cat0",)
    weight: int = 1
    digits: int = 2
    ramp: str = "diff"
    key: str = ""
    note: Text = ""

    @property
    def rows(self) -> np.ndarray:
        """The values as (K, L)."""
        return self.values if self.values.ndim == 2 else self.values[None]

    def ends(self) -> tuple[float, float]:
        """The ends of its scale; 0 lies in the middle of a map of signed values."""
        low, high = min(float(self.values.min(initial=0)), 0.0), max(float(self.values.max(initial=0)), 0.0)
        if self.kind == HEAT and self.ramp == "diff":
            high = max(high, -low)
            low = -high
        low, high = low if self.low is None else self.low, high if self.high is None else self.high
        return (low, high) if high > low else (low, low + 1.0)


class Lanes(MarkView):
    """Rows over one axis. What lies under the pointer is a token, and so is what a click marks.

    Parameters
    ----------
    least_name : int
        px that the names have at least.
    """

    zooms = True
    keys_point = False

    def __init__(self, least_name: int = 72) -> None:
        super().__init__((240, 120))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "lanes"
        self._least = least_name
        self._lanes: tuple[Lane, ...] = ()
        self._names: tuple[Text, ...] = ()
        self._bold: frozenset[int] = frozenset()
        self._lit: int | None = None  # what is pointed at elsewhere
        self._left, self._right, self._pitch = 0.0, 0.0, 1.0
        self._places: list[QRectF] = []

    # -- content
    def set_lanes(self, lanes: Sequence[Lane], names: Sequence[Text] = (), bold: Sequence[int] = ()) -> None:
        """Show lanes of the same length L; names of the tokens, some of them in bold."""
        lengths = {lane.rows.shape[1] for lane in lanes}
        if len(lengths) > 1:
            raise ValueError(f"lanes of different lengths: {sorted(lengths)}")
        for lane in lanes:
            finite(lane.values, "a lane")
        self._lanes, self._names, self._bold = tuple(lanes), tuple(names), frozenset(bold)
        self.renew()
        self.tell()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """What is shown."""
        return self._lanes

    @property
    def length(self) -> int:
        """L, how many tokens there are."""
        return self._lanes[0].rows.shape[1] if self._lanes else 0

    def is_empty(self) -> bool:
        return self.length == 0

    def numbers(self) -> dict[str, np.ndarray]:
        found = {lane.key or f"lane_{i + 1}": lane.values for i, lane in enumerate(self._lanes)}
        if self._names:
            found["tokens"] = np.array([words.drawn(name) for name in self._names], dtype=np.str_)
        return found

    @property
    def looked_at(self) -> int:
        """The token under the pointer, here or elsewhere, else the marked one; −1 for none."""
        at = next((one for one in (self._hover, self._lit) if one is not None), self._at)
        return at if 0 <= at < self.length else -1

    def set_lit(self, at: int | None) -> None:
        """Light up a token that is pointed at elsewhere; None for none."""
        if at != self._lit:
            self._lit = at
            self.update()

    def report(self) -> str:
        at = self.looked_at
        if at < 0:
            return ""
        said = [f"{words.drawn(lane.name)} {self._value(lane, at)}" for lane in self._lanes]
        return f"{self._name_of(at)}: {', '.join(said)}"

    def _name_of(self, at: int) -> str:
        return words.drawn(self._names[at]) if at < len(self._names) else words.number(at + 1)

    @staticmethod
    def _value(lane: Lane, at: int) -> str:
        """What stands at the right of a lane: its value, of several curves the first, of a map the largest."""
        column = lane.rows[:, at]
        value = column[int(np.abs(column).argmax())] if lane.kind == HEAT else column[0]
        return words.number(float(value), lane.digits)

    # -- places
    def arrange(self, width: int, height: int) -> None:
        if not self._lanes:
            return
        left = max(text_width(words.drawn(lane.name), SMALL, True) for lane in self._lanes) + S2
        notes = max((text_width(words.drawn(lane.note), CAPTION) for lane in self._lanes), default=0.0) + S2
        self._left = float(round(min(max(self._least, left, notes, 2.0), 0.34 * width)))
        widest = (words.number(-abs(v), lane.digits) for lane in self._lanes for v in lane.ends())
        self._right = float(round(max(text_width(text, CAPTION, True) for text in widest) + S2 + S1))
        self._pitch = max(1.0, width - self._left - self._right) / max(1, self.length)
        room = height - AXIS_H - S2 * (len(self._lanes) - 1)
        unit = max(1.0, room) / sum(lane.weight for lane in self._lanes)
        y, self._places = 1.0, []
        for lane in self._lanes:
            tall = unit * lane.weight
            self._places.append(
                QRectF(self._left, round(y), self._pitch * self.length, max(2.0, round(y + tall) - round(y) - 2))
            )
            y += tall + S2

    def lane_rect(self, index: int) -> QRectF:
        """Where a lane stands."""
        self.arranged()
        return self._places[index]

    def column_at(self, point: QPointF) -> int | None:
        """The token whose column holds a point, wherever it is high or low."""
        self.arranged()
        at = int((point.x() - self._left) // self._pitch)
        return at if 0 <= at < self.length else None

    def under(self, point: QPointF) -> int | None:
        return self.column_at(point)

    def height_of(self, index: int, value: float) -> float:
        """Where a value of a lane stands, px from above."""
        low, high = self._lanes[index].ends()
        place = self.lane_rect(index)
        return place.bottom() - (min(max(value, low), high) - low) / (high - low) * place.height()

    # -- hand
    def _choose(self, index: int) -> None:
        self.set_at(-1 if index == self._at else index)
        self.chosen.emit(self._at)

    def walk(self, rows: int, cols: int) -> bool:
        if not cols or not self.length:
            return False
        new = min(self.length - 1, max(0, max(self._at, 0) + cols)) if self._at >= 0 else 0
        if new != self._at:
            self.set_at(new)
            self.chosen.emit(new)
        return True

    def escape(self) -> bool:
        if self._at < 0:
            return False
        self.set_at(-1)
        self.chosen.emit(-1)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        at = self.looked_at
        if at >= 0:
            whole = QRectF(self._left + at * self._pitch, 0, self._pitch, self.height() - AXIS_H)
            painter.fillRect(whole, theme.color("accent_soft"))
        for index, lane in enumerate(self._lanes):
            self._draw_head(painter, index, lane, at)
            if lane.kind == HEAT:
                self._draw_map(painter, index, lane)
            elif lane.kind == BARS:
                self._draw_bars(painter, index, lane)
            else:
                self._draw_curves(painter, index, lane)
        if at >= 0:
            painter.setPen(pen(theme.color("accent" if at == self._at else "control"), 1))
            for edge in (at, at + 1):
                x = round(self._left + edge * self._pitch) + 0.5
                painter.drawLine(QPointF(x, 0), QPointF(x, self.height() - AXIS_H))
        self._draw_axis(painter, at)

    def _draw_head(self, painter: QPainter, index: int, lane: Lane, at: int) -> None:
        """Name, ends of the scale, and the value at the token looked at."""
        place = self._places[index]
        lines = int(place.height() // LINE_H)
        heat = lane.kind == HEAT
        tall = LINE_H * (1 + (lines > 1 and bool(lane.note)) + 2 * (heat and lines > 3))
        y = place.center().y() - min(tall, place.height()) / 2
        line = QRectF(0, y, self._left - S2, LINE_H)
        write(painter, line, lane.name, theme.color("text"), SMALL, True, LEFT)
        if lines > 1 and lane.note:
            line = line.translated(0, LINE_H)
            write(painter, line, lane.note, theme.color("text2"), CAPTION, False, LEFT)
        if heat and lines > 3:
            line = line.translated(0, LINE_H)
            strip = QRectF(0, line.y() + 4, self._left - S2, STRIP)
            painter.drawImage(strip, indexed_image(np.arange(256, dtype=np.uint8)[None], theme.ramp_table(lane.ramp)))
            ends, line = lane.ends(), line.translated(0, LINE_H - 2)
            for value, side in zip(ends, (LEFT, RIGHT), strict=True):
                write(painter, line, words.number(value, lane.digits), theme.color("text2"), CAPTION, False, side)
        beside = QRectF(place.right() + S1, place.y(), self._right - S1 - 2, place.height())
        if at >= 0:
            write(painter, beside, self._value(lane, at), theme.color("text"), CAPTION, True, RIGHT)
        elif not heat and lines > 1:
            low, high = lane.ends()
            top = QRectF(beside.x(), place.y(), beside.width(), LINE_H)
            write(painter, top, words.number(high, lane.digits), theme.color("text2"), CAPTION, False, RIGHT)
            bottom = QRectF(beside.x(), place.bottom() - LINE_H, beside.width(), LINE_H)
            write(painter, bottom, words.number(low, lane.digits), theme.color("text2"), CAPTION, False, RIGHT)

    def _draw_zero(self, painter: QPainter, index: int) -> None:
        place = self._places[index]
        painter.setPen(pen(theme.color("border"), 1))
        y = round(self.height_of(index, 0.0)) + 0.5
        painter.drawLine(QPointF(place.left(), y), QPointF(place.right(), y))

    def _draw_map(self, painter: QPainter, index: int, lane: Lane) -> None:
        low, high = lane.ends()
        share = np.clip((lane.rows - low) / (high - low), 0, 1)
        levels = np.rint(255 * share).astype(np.uint8)
        painter.drawImage(self._places[index], indexed_image(levels, theme.ramp_table(lane.ramp)))

    def _draw_bars(self, painter: QPainter, index: int, lane: Lane) -> None:
        self._draw_zero(painter, index)
        zero, gap = self.height_of(index, 0.0), 1.0 if self._pitch >= 4 else 0.0
        color = theme.color(lane.tokens[0])
        for j, value in enumerate(lane.rows[0].tolist()):
            top = self.height_of(index, value)
            bar = QRectF(self._left + j * self._pitch, min(top, zero), self._pitch - gap, max(abs(top - zero), 1.0))
            painter.fillRect(bar, color)

    def _draw_curves(self, painter: QPainter, index: int, lane: Lane) -> None:
        self._draw_zero(painter, index)
        middles = self._left + (np.arange(self.length) + 0.5) * self._pitch
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for k, row in enumerate(lane.rows[::-1]):
            k = len(lane.rows) - 1 - k  # the first is on top
            color = theme.color(lane.tokens[k % len(lane.tokens)])
            points = [Pixel(x, self.height_of(index, v)) for x, v in zip(middles.tolist(), row.tolist(), strict=True)]
            painter.setPen(pen(color, 1.5, square=False))
            painter.drawPolyline(QPolygonF(points))
            if self._pitch >= DOTTED and k == 0:
                painter.setBrush(color)
                for point in points:
                    painter.drawEllipse(point, 2.0, 2.0)
                painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_axis(self, painter: QPainter, at: int) -> None:
        names: Sequence[Text] = self._names or [words.number(j + 1) for j in range(self.length)]
        widest = max((text_width(words.drawn(name), CAPTION, True) for name in names), default=0.0)
        shown = every_nth(names, (widest + 4) / self._pitch) if (widest + 4) / self._pitch <= 20 else ()
        y = self.height() - AXIS_H
        last = -np.inf  # where the name before ends; the first one and the marked one are written whatever stands there
        for j, name in enumerate(shown):
            x = self._left + (j + 0.5) * self._pitch
            half = text_width(words.drawn(name), CAPTION, True) / 2 if name else 0.0
            near = at >= 0 and abs(j - at) * self._pitch < half + text_width(self._name_of(at), CAPTION, True) / 2 + S1
            if not name or near or x - half < last + S2:
                continue
            bold, last = j in self._bold, x + half
            line = QRectF(x - 30, y, 60, AXIS_H)
            write(painter, line, name, theme.color("text" if bold else "text2"), CAPTION, bold, CENTER)
        if at >= 0:
            line = QRectF(self._left + (at + 0.5) * self._pitch - 40, y, 80, AXIS_H)
            write(painter, line, self._name_of(at), theme.color("accent"), CAPTION, True, CENTER)

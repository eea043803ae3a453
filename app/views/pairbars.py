"""Two positive numbers a row on one logarithmic axis, before and after, with their ratio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.axes import powers
from app.theme import BODY, CAPTION, S2, S3, SMALL
from app.views.bars import PixelBars, Sides
from app.views.base import RIGHT, outline, pen, text_width, write
from app.views.colorbar import scale_end
from app.views.pointing import HoverView
from app.words import Text

HEAD_H = 20  #: px, names of the columns
WIDEST = "0.00e−00"
DEEP = 1e-9  #: of the largest value: the axis goes no deeper


@dataclass(frozen=True)
class PairRow:
    """One row.

    Attributes
    ----------
    name : str or Message
    before, after : float
        Both not negative; 0 has no place on the axis and is written only.
    off : bool
        What the row stands for is switched off.
    """

    name: Text
    before: float
    after: float
    off: bool = False


def figure(value: float) -> str:
    """Three digits: ``0.0123``, ``12.3``, ``1.2e−5``."""
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    return words.number(value, int(np.clip(2 - np.floor(np.log10(size)), 0, 5)))


class PairBars(HoverView):
    """Rows with a bar each for after, a dashed outline for before, both numbers and their ratio.

    Signals
    -------
    clicked : int
    """

    zooms = True

    clicked = Signal(int)
    _hover: int | None

    def __init__(self, columns: tuple[Text, Text, Text], off: Text) -> None:
        """``columns``: heads of before, after and ratio; ``off``: what a row that is off says of itself."""
        super().__init__((340, 120))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "before-and-after"
        self._columns, self._off = columns, off
        self._rows: tuple[PairRow, ...] = ()
        self._ends = (0.01, 1.0)
        self._at = 0
        self._name_w = self._off_w = self._value_w = self._pitch = 0.0
        self._lit, self._bars = PixelBars(), PixelBars()  # the row that is pointed at; after
        self._decades = pg.PlotCurveItem(connect="pairs")
        for depth, item in ((3, self._lit), (2, self._decades), (1, self._bars)):
            self.put_below(item)
            item.setZValue(self.painting.zValue() - depth)

    # -- content
    def set_rows(self, rows: Sequence[PairRow]) -> None:
        """Show rows; the axis runs over whole decades around all of them."""
        sizes = [v for r in rows for v in (r.before, r.after)]
        if not np.isfinite(sizes).all() or min(sizes, default=0) < 0:
            raise ValueError("rows hold a number that is not finite or negative")
        top = max(sizes, default=1.0)
        positive = [v for v in sizes if v > DEEP * top] or [1.0]  # what is nothing but rounding gets no bar
        low, high = np.floor(np.log10(min(positive)) + 1e-9), np.ceil(np.log10(max(positive)) - 1e-9)
        self._ends = (10.0**low, 10.0 ** max(high, low + 1))
        if len(rows) != len(self._rows):
            self._hover = None  # rows stand elsewhere
        self._rows = tuple(rows)
        self._at = min(self._at, max(0, len(rows) - 1))
        self.renew()
        self.tell()

    def rows(self) -> tuple[PairRow, ...]:
        """What is on screen."""
        return self._rows

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "names": np.array([words.drawn(r.name) for r in self._rows], dtype=np.str_),
            "before": np.array([r.before for r in self._rows]),
            "after": np.array([r.after for r in self._rows]),
            "off": np.array([r.off for r in self._rows]),
        }

    def report(self) -> str:
        if not self._rows:
            return ""
        row = self._rows[self._at if self._hover is None else self._hover]
        off = f", {words.drawn(self._off)}" if row.off else ""
        return f"{words.drawn(row.name)}{off}: {figure(row.before)}, {figure(row.after)}, {ratio(row)}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        names = [text_width(words.drawn(r.name), BODY, r.off) for r in self._rows]
        self._name_w = max([*names, 60.0]) + S2
        self._off_w = text_width(words.drawn(self._off), CAPTION, True) + S3
        heads = max(text_width(words.drawn(t), SMALL) for t in self._columns)
        self._value_w = max(text_width(WIDEST, SMALL, True), heads) + S3
        self._pitch = min(52.0, (height - HEAD_H) / max(1, len(self._rows)))
        self._bars.show_bars([at for i, row in enumerate(self._rows) if (at := self._bar(i, row))[0] < at[1]], "cat0")
        self._light()
        x = np.repeat([at + 0.5 for at, _text in self._ticks()], 2)
        y = np.tile([HEAD_H, self.row_rect(len(self._rows) - 1).bottom()], len(x) // 2)
        self._decades.setData(*((x, y) if self._rows else ([], [])), pen=pen(theme.color("border"), 1))

    def _ticks(self) -> list[tuple[float, str]]:
        """Where the decades stand, px, and what is written above them."""
        left, right = self._name_w + self._off_w, self.width() - 3 * self._value_w
        low, high = (float(np.log10(end)) for end in self._ends)
        return [(self._x(10.0**at), text) for at, text in powers(low, high, right - left, tick)]

    def _bar(self, index: int, row: PairRow) -> Sides:
        """Left, right, top and bottom of the bar for after."""
        place = self.row_rect(index)
        tall = int(min(18, max(4, place.height() - 6)))
        top = place.y() + (int(place.height()) - tall) // 2
        return round(self._name_w + self._off_w), self._x(row.after), top, top + tall

    def _light(self) -> None:
        place = None if self._hover is None else self.row_rect(self._hover)
        self._lit.show_bars([] if place is None else [(0, place.right(), place.top(), place.bottom())], "sunken")

    def row_rect(self, index: int) -> QRectF:
        """Where a row stands."""
        self.arranged()
        return QRectF(0, HEAD_H + round(index * self._pitch), self.width(), round(self._pitch))

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        at = int((point.y() - HEAD_H) // max(1.0, self._pitch))
        return at if point.y() >= HEAD_H and at < len(self._rows) else None

    def _x(self, value: float) -> float:
        left, right = self._name_w + self._off_w, self.width() - 3 * self._value_w
        low, high = (np.log10(end) for end in self._ends)
        share = (np.log10(value) - low) / (high - low) if value > 0 else 0.0
        return float(round(left + (right - left) * min(1.0, max(0.0, share))))

    # -- hand
    def _point(self, thing: int | None) -> None:
        super()._point(thing)
        if not self._stale:
            self._light()

    def _choose(self, row: int) -> None:
        self._at = row
        self.clicked.emit(row)

    def walk(self, rows: int, _cols: int) -> bool:
        if not self._rows or not rows:
            return False
        self._at = min(len(self._rows) - 1, max(0, self._at + rows))
        self.update()
        return True

    def enter(self) -> bool:
        if not self._rows:
            return False
        self.clicked.emit(self._at)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._rows:
            return
        self._draw_heads(painter)
        for i, row in enumerate(self._rows):
            place = self.row_rect(i)
            self._draw_row(painter, row, place, self._bar(i, row))
            if self._keyboard and self.hasFocus() and i == self._at:
                outline(painter, place.adjusted(1, 1, -2, -2), theme.color("accent"), 1)

    def _draw_heads(self, painter: QPainter) -> None:
        left, right = self._name_w + self._off_w, self.width() - 3 * self._value_w
        for n, text in enumerate(self._columns):
            place = QRectF(right + n * self._value_w, 0, self._value_w, HEAD_H - 2)
            write(painter, place, text, None, SMALL, align=RIGHT)
        for x, text in self._ticks():
            wide = text_width(text)
            x = min(max(x - wide / 2, left), right - wide)
            write(painter, QRectF(x, 0, wide, HEAD_H - 2), text)

    def _draw_row(self, painter: QPainter, row: PairRow, place: QRectF, bar: Sides) -> None:
        small = place.height() < 17
        px = CAPTION if small else BODY
        color = theme.color("accent" if row.off else "text")
        write(painter, QRectF(0, place.y(), self._name_w, place.height()), row.name, color, px, row.off)
        if row.off:
            at = QRectF(self._name_w, place.y(), self._off_w, place.height())
            write(painter, at, self._off, color, CAPTION, True)
        right = self.width() - 3 * self._value_w
        left, _end, top, low = bar
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.color("text"), 1, Qt.PenStyle.DashLine))
        by = 2 if place.height() >= 14 else 1
        wide, tall = max(1.0, self._x(row.before) - left), low - top + 2 * by - 1
        painter.drawRect(QRectF(left + 0.5, top - by + 0.5, wide, tall))
        for n, text in enumerate((figure(row.before), figure(row.after), ratio(row))):
            at = QRectF(right + n * self._value_w, place.y(), self._value_w, place.height())
            write(painter, at, text, theme.color("text"), CAPTION if small else SMALL, n == 2, RIGHT)


def ratio(row: PairRow) -> str:
    """After ÷ before."""
    return f"× {figure(row.after / row.before)}" if row.before > 0 else "–"


def tick(value: float) -> str:
    """A decade: ``0.01``, ``1``, ``100``, ``1e−6``."""
    exponent = round(float(np.log10(value)))
    return scale_end(10.0**exponent) if -3 <= exponent <= 3 else f"1e{exponent}".replace("-", "−")

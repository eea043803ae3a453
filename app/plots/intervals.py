"""Shares with their intervals, one row each: how sure a measured accuracy is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QBrush

from app import theme, words
from app.plots.chart import case, ink
from app.plots.items import Caption
from app.plots.surface import Surface
from app.theme import CAPTION, S2, S3, SMALL
from app.words import Text

ROW = 24  # px
SWATCH, TRACK, CAP, DOT = 10, 4, 11, 9  # px
LEAST = 40  # px, a shorter axis is not drawn
WIDEST = "100.0 %  (100.0 – 100.0)"  # so that the column keeps its width


@dataclass(frozen=True)
class Interval:
    """One row: a share 0..1 within its interval; no numbers where it is not known yet."""

    name: Text
    token: str
    value: float | None = None
    low: float = 0.0
    high: float = 1.0

    @property
    def written(self) -> str:
        """Value and interval as a person reads them."""
        if self.value is None:
            return "–"
        return f"{words.percent(self.value)}  ({words.number(100 * self.low, 1)} – {words.number(100 * self.high, 1)})"


class Intervals(Surface):
    """Rows over one axis from 0 to 100 %, named at the left and written at the right."""

    is_list = True

    def __init__(self, rows: int) -> None:
        self._rows: tuple[Interval, ...] = ()
        self._shown: tuple[object, ...] = ()  # what is in sight, and which rows are known
        nothing = {name: np.zeros(0) for name in ("x0", "x1", "y0", "height")}
        self.bars = pg.BarGraphItem(**nothing, pen=None)  # swatches, tracks, what is known, its ends
        self.dots = pg.ScatterPlotItem(size=DOT, antialias=True)
        self.names = [Caption((0, 0.5)) for _ in range(rows)]
        self.written = [Caption((1, 0.5)) for _ in range(rows)]
        super().__init__((200, rows * ROW), {})
        self.setFixedHeight(rows * ROW)
        self.export_name = "intervals"
        self.plot.layout.setContentsMargins(0, 0, 0, 0)
        self.box.invertY(True)
        self.box.setMouseEnabled(x=False, y=False)  # all of it is always in sight
        for item in (self.bars, self.dots, *self.names, *self.written):
            self.plot.addItem(item)

    def set_rows(self, rows: Sequence[Interval]) -> None:
        """Show these."""
        self._rows = tuple(rows)
        self._redraw()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        known = [row for row in self._rows if row.value is not None]
        return {
            "names": np.array([words.drawn(row.name) for row in known], np.str_),
            "share_low_high": np.array([(row.value, row.low, row.high) for row in known], float).reshape(-1, 3),
        }

    def report(self) -> str:
        return ", ".join(f"{words.drawn(row.name)} {row.written}" for row in self._rows)

    def whole(self) -> None:
        self._redraw()

    def resized(self) -> None:
        self._redraw()

    # -- items
    def _redraw(self) -> None:
        """Names, axis and numbers side by side, as wide as the texts say; a unit of y is a row."""
        rows = self._rows
        if not rows:
            return
        named = max(theme.text_width(words.drawn(row.name), SMALL) for row in rows) + 16 + 2 * S2
        widest = max(theme.text_width(text, CAPTION) for text in (WIDEST, *(row.written for row in rows))) + S3 + S2
        wide = max(1.0, self.width() - named - widest)
        left, right = -named / wide, 1 + widest / wide
        shown = left, right, tuple(row.value is None for row in rows)
        if shown != self._shown:
            self._shown = shown
            self.box.setRange(xRange=(left, right), yRange=(0, len(rows)), padding=0)
            self.box.updateMatrix()  # else in the middle of painting, which is done twice then
            for row, said in zip(rows, self.written, strict=False):
                said.dress("text" if row.value is not None else "text2")
        for y, row, name, said in zip(range(len(rows)), rows, self.names, self.written, strict=False):
            name.say(row.name)
            name.setPos(left + (SWATCH + 4) / wide, y + 0.5)
            said.say(row.written)
            said.setPos(right, y + 0.5)
        self._draw_bars(left, wide)

    def _draw_bars(self, left: float, wide: float) -> None:
        """All that is flat, as (x0, x1, y, height in px, brush)."""
        pixel = 1 / wide
        bars: list[tuple[float, float, float, int, QBrush]] = []
        spots: list[dict[str, object]] = []
        for y, row in enumerate(self._rows, 1):
            middle = y - 0.5
            bars.append((left, left + SWATCH * pixel, middle, SWATCH, ink(row.token)))
            if wide < LEAST:
                continue
            bars.append((0.0, 1.0, middle, TRACK, ink("sunken")))
            if row.value is None:
                continue
            bars.append((row.low, max(row.high, row.low + pixel), middle, TRACK, ink(row.token, 110)))
            bars += [(end, end + pixel, middle, CAP, ink(row.token)) for end in (row.low, row.high)]
            spots.append({"pos": (row.value, middle), "pen": case(), "brush": ink(row.token)})
        x0, x1, at, high, brushes = zip(*bars, strict=True)
        height = np.array(high) / ROW
        self.bars.setOpts(
            x0=np.array(x0), x1=np.array(x1), y0=np.array(at) - height / 2, height=height, brushes=list(brushes)
        )
        self.dots.setData(spots)

    def apply_theme(self) -> None:
        for name in self.names:
            name.dress("text", SMALL)
        self._shown = ()
        self._redraw()

"""Shares with their intervals, one row each: how sure a measured accuracy is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION, S2, S3, SMALL
from app.views.base import LEFT, RIGHT, PixelView, dots, pen, text_width, write
from app.words import Text

ROW = 24  # px
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


class Intervals(PixelView):
    """Rows over one axis from 0 to 100 %."""

    def __init__(self, rows: int) -> None:
        super().__init__((200, rows * ROW))
        self.setFixedHeight(rows * ROW)
        self.export_name = "intervals"
        self._rows: tuple[Interval, ...] = ()

    def set_rows(self, rows: Sequence[Interval]) -> None:
        """Show these."""
        self._rows = tuple(rows)
        self.tell()
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        known = [row for row in self._rows if row.value is not None]
        return {
            "names": np.array([words.drawn(row.name) for row in known], np.str_),
            "share_low_high": np.array([(row.value, row.low, row.high) for row in known], float).reshape(-1, 3),
        }

    def report(self) -> str:
        return ", ".join(f"{words.drawn(row.name)} {row.written}" for row in self._rows)

    def draw(self, painter: QPainter) -> None:
        if not self._rows:
            return
        named = max(text_width(words.drawn(row.name), SMALL) for row in self._rows) + 16 + S2
        written = [WIDEST, *(row.written for row in self._rows)]
        widest = max(text_width(text, CAPTION) for text in written)
        start, end = named, self.width() - widest - S3
        for index, row in enumerate(self._rows):
            y = index * ROW + ROW / 2
            painter.fillRect(QRectF(0, round(y - 5), 10, 10), theme.color(row.token))
            write(painter, QRectF(16, y - ROW / 2, named, ROW), row.name, theme.color("text"), SMALL, align=LEFT)
            ink = theme.color("text" if row.value is not None else "text2")
            write(painter, QRectF(end, y - ROW / 2, self.width() - end, ROW), row.written, ink, CAPTION, align=RIGHT)
            if end - start < 40:
                continue
            track = QRectF(start, round(y - 2), end - start, 4)
            painter.fillRect(track, theme.color("sunken"))
            if row.value is None:
                continue
            wide = track.width()
            painter.fillRect(
                QRectF(start + row.low * wide, track.top(), max(1.0, (row.high - row.low) * wide), 4),
                theme.color(row.token, 110),
            )
            painter.setPen(pen(theme.color(row.token), 1))
            for share in (row.low, row.high):
                x = round(start + share * wide)
                painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            dots(painter, [QPointF(start + row.value * wide, y)], theme.color(row.token), 4.5)
            painter.restore()

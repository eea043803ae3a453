"""How the boxes settle: the picture once per decoder layer, each with the boxes of that layer."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy

from app import theme, words
from app.theme import CAPTION, S2
from app.views.base import LEFT, RIGHT, text_width, write
from app.views.filmstrip import CAPTION_H, FilmStrip

EDGE = 3  #: px around the pictures, for the mark of the chosen one


class LayerGrid(FilmStrip):
    """A film strip that breaks into as many lines as make its pictures largest."""

    is_list = False
    zooms = True

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(120, 90)
        self.setMaximumHeight(16777215)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.export_name = "boxes-by-layer"
        words.say(self, "setAccessibleName", "Boxes by decoder layer")

    def arrange(self, width: int, height: int) -> None:
        count = len(self._images)
        self._places, self._total, self._scroll = [], 0.0, 0.0
        if not count:
            return
        shape = self._images[0].width() / max(1, self._images[0].height())
        need = max(self._need(i) for i in range(count))
        best = (0.0, 1)
        for cols in range(1, count + 1):
            lines = -(-count // cols)
            wide = (width - 2 * EDGE - S2 * (cols - 1)) / cols
            high = (height - 2 * EDGE - S2 * (lines - 1)) / lines - CAPTION_H
            fits = min(wide, high * shape) if wide >= need else 0.0
            best = max(best, (fits, cols))
        wide, cols = int(max(best[0], 16)), best[1]
        high, lines = max(8, int(wide / shape)), -(-count // cols)
        slot = max(wide, round(need))
        gap_x = min(3 * S2, (width - 2 * EDGE - cols * slot) / max(1, cols - 1))
        spare = height - 2 * EDGE - lines * (high + CAPTION_H)
        gap_y = min(3 * S2, spare / lines)
        left = (width - cols * slot - (cols - 1) * gap_x) / 2
        top = (height - lines * (high + CAPTION_H) - (lines - 1) * gap_y) / 2
        for i in range(count):
            line, col = divmod(i, cols)
            short = cols - (count - line * cols) if line == lines - 1 else 0  # the last line stands in the middle
            x = left + short * (slot + gap_x) / 2 + col * (slot + gap_x) + (slot - wide) / 2
            y = top + line * (high + CAPTION_H + gap_y)
            self._places.append(QRectF(round(x), round(y), wide, high))

    def _need(self, index: int) -> float:
        """Width of the words under a picture."""
        caption = words.drawn(self._captions[index]) if index < len(self._captions) else ""
        note = words.drawn(self._notes[index]) if index < len(self._notes) else ""
        return text_width(caption, CAPTION, True) + (text_width(note) + S2 if note else 0)

    def under(self, point: QPointF) -> int | None:
        """Captions belong to their pictures."""
        self.arranged()
        inside = (i for i, r in enumerate(self._places) if r.adjusted(0, 0, 0, CAPTION_H).contains(point))
        return next(inside, None)

    def walk(self, rows: int, cols: int) -> bool:
        return super().walk(0, cols or rows)

    def _draw_words(self, painter: QPainter, index: int, place: QRectF) -> None:
        if index >= len(self._captions):
            return
        on = index == self._at
        line = QRectF(place.x(), place.bottom() + 2, max(place.width(), self._need(index)), CAPTION_H - 2)
        note = self._notes[index] if index < len(self._notes) else ""
        write(painter, line, self._captions[index], theme.color("accent" if on else "text"), CAPTION, on, LEFT)
        write(painter, line, note, None, CAPTION, align=RIGHT)

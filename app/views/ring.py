"""A queue as a ring: one cell a key, colored by age, with what just came in and what goes out next."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.mapimage import MapImage
from app.theme import BODY, SMALL, TITLE
from app.views.base import CENTER, chip, pen, text_width, write
from app.views.pointing import HoverView
from app.words import Text
from engines.core.errors import Message

INNER = 0.62  # radius of the hole, of the ring's
LABELS = 34  # px around the ring for arcs and words
NOISE, NONE = 254, 255  # levels of the image beside the ages' 0..253
AGES = 253


class QueueRing(HoverView):
    """Clockwise from the top; the newest batch and the next to go are marked by arcs outside.

    What lies under the pointer is a place of the queue.
    """

    zooms = True

    _hover: int | None

    def __init__(self) -> None:
        super().__init__((220, 220))
        self.export_name = "queue"
        self._ages = np.zeros(0, int)
        self._pointer, self._batch, self._moves = 0, 0, True
        self._lines: tuple[tuple[Text, bool], ...] = ()
        self._place, self._side = QRectF(), 0
        self._cells = np.zeros((0, 0), int)  # of each pixel the place in the queue, −1 outside the ring
        self._hand: tuple[float, float] | None = None  # ends of the color scale
        self._canvas = np.zeros((0, 0), np.uint8)
        self._image = MapImage(self._fill)
        self._image.hide()
        self.put_below(self._image)

    def set_queue(self, ages: np.ndarray, pointer: int, batch: int, moves: bool = True) -> None:
        """Show a queue.

        Parameters
        ----------
        ages : ndarray of int (K,)
            −1 for the noise it began with.
        pointer : int
            The place that is filled next.
        batch : int
            Keys that come in at once.
        moves : bool
            Whether keys come in in turn; otherwise no arcs are drawn.
        """
        if len(ages) != len(self._ages):
            self._stale = True
        self._ages, self._pointer, self._batch, self._moves = ages, pointer, batch, moves
        self._image.renew()
        self.tell()
        self.update()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color ages from the first to the second; None: from 0 to the oldest."""
        self._hand = ends
        self._image.renew()

    def set_lines(self, lines: tuple[tuple[Text, bool], ...]) -> None:
        """Words in the middle: text, and whether it is a headline."""
        self._lines = lines
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"ages": self._ages, "pointer": np.array(self._pointer)}

    def report(self) -> str:
        return ". ".join(words.drawn(text) for text, _ in self._lines)

    @property
    def oldest(self) -> int:
        """The largest age; 0 if there is none."""
        return max(0, int(self._ages.max(initial=0)))

    def arrange(self, width: int, height: int) -> None:
        self._side = max(40, int(min(width, height) - 2 * LABELS))
        self._place = QRectF(round((width - self._side) / 2), round((height - self._side) / 2), self._side, self._side)
        axis = (np.arange(self._side) + 0.5) / self._side * 2 - 1
        x, y = axis[None, :], axis[:, None]
        radius = np.hypot(x, y)
        turn = (np.arctan2(x, -y) / (2 * math.pi)) % 1.0  # 0 at the top, clockwise
        cells = np.minimum((turn * len(self._ages)).astype(int), max(0, len(self._ages) - 1))
        self._cells = np.where((radius <= 1) & (radius >= INNER), cells, -1)
        table = theme.ramp("tide").copy()
        for index, token in ((NOISE, "sunken"), (NONE, "surface")):
            color = theme.color(token)
            table[index] = color.red(), color.green(), color.blue()
        self._canvas = np.full(self._cells.shape, NONE, np.uint8)
        self._image.setVisible(len(self._ages) > 0)
        self._image.setImage(self._canvas, autoLevels=False, lut=table)
        self._image.stand(self._place)

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        x, y = int(point.x() - self._place.x()), int(point.y() - self._place.y())
        if not len(self._ages) or not (0 <= x < self._side and 0 <= y < self._side):
            return None
        return int(self._cells[y, x]) if self._cells[y, x] >= 0 else None

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not len(self._ages):
            return
        self._edges(painter)
        if self._moves and self._batch < len(self._ages):
            self._arc(painter, self._pointer - self._batch, "accent", Message("newest"), False)
            self._arc(painter, self._pointer, "text2", Message("oldest"), True)
        self._words(painter)
        if self._hover is not None and self._hover < len(self._ages):
            age = int(self._ages[self._hover])
            text = words.tr("{n} {n:step|steps} old", n=age) if age >= 0 else words.tr("initial noise")
            chip(painter, QRectF(self._spot(self._hover + 0.5, 0.8), QPointF(0, 0)), text, QRectF(self.rect()))

    def _fill(self) -> None:
        """Write into the picture which color each of its pixels has."""
        low, top = self._hand or (0.0, float(max(1, self.oldest)))
        shares = np.clip((self._ages - low) / (top - low), 0, 1)
        levels = np.where(self._ages >= 0, np.rint(AGES * shares), NOISE).astype(np.uint8)
        self._canvas[:] = np.where(self._cells >= 0, levels[np.maximum(self._cells, 0)], NONE)

    def _edges(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen(theme.color("control"), 1))
        painter.drawEllipse(self._place)
        inset = self._side * (1 - INNER) / 2
        painter.drawEllipse(self._place.adjusted(inset, inset, -inset, -inset))
        count = len(self._ages)
        if count <= 256:
            painter.setPen(pen(theme.color("surface"), 1))
            for i in range(count):
                painter.drawLine(self._spot(i, INNER), self._spot(i, 1.0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _spot(self, cell: float, radius: float) -> QPointF:
        """A point at a place of the queue, at a share of the ring's radius."""
        turn = 2 * math.pi * cell / len(self._ages)
        reach = radius * self._side / 2
        middle = self._place.center()
        return QPointF(middle.x() + reach * math.sin(turn), middle.y() - reach * math.cos(turn))

    def _arc(self, painter: QPainter, first: float, token: str, name: Message, dashed: bool) -> None:
        count = len(self._ages)
        out = self._place.adjusted(-6, -6, 6, 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        painter.setPen(pen(theme.color(token), 3, style, square=False))
        start, span = 90 - 360 * first / count, -360 * self._batch / count
        painter.drawArc(out, round(16 * start), round(16 * span))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        text = words.drawn(name)
        spot = self._spot(first + self._batch / 2, 1 + 2 * 18 / self._side)
        wide = text_width(text, SMALL, True)
        turn = math.sin(2 * math.pi * (first + self._batch / 2) / count)
        x = spot.x() + turn * wide / 2
        x = min(max(x, wide / 2 + 2), self.width() - wide / 2 - 2)
        y = min(max(spot.y(), 9), self.height() - 9)
        write(painter, QRectF(x - wide / 2, y - 9, wide, 18), text, theme.color(token), SMALL, True, CENTER)

    def _words(self, painter: QPainter) -> None:
        height = sum(26 if head else 20 for _, head in self._lines)
        y = self._place.center().y() - height / 2
        for text, head in self._lines:
            tall = 26 if head else 20
            place = QRectF(self._place.x(), y, self._place.width(), tall)
            write(painter, place, text, theme.color("text" if head else "text2"), TITLE if head else BODY, head, CENTER)
            y += tall

"""One query against its key and all negatives: the logits as a row of bars, and below them what the softmax makes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION, S2
from app.views.base import RIGHT, chip, finite, text_width, write
from app.views.pointing import HoverView
from engines.core.errors import Message

OWN = 26  # px, width of the positive's bar
APART = 14  # px between it and the negatives
HEAD = 18  # px, a panel's line of words
LABEL = 6  # px, half the height of a number
SHARE = 0.56  # of the height that the logits take


class ContrastBars(HoverView):
    """Logits above, softmax below, the positive first and wide, then the negatives from the hardest on.

    What lies under the pointer is the rank of a negative, or −1, the positive.
    """

    zooms = True

    _hover: int | None

    def __init__(self) -> None:
        super().__init__((320, 150))
        self.export_name = "logits"
        self._logits = np.zeros(0)
        self._weights = np.zeros(0)
        self._ages = np.zeros(0, int)
        self._temperature = 1.0
        self._hand: tuple[float, float] | None = None  # ends of the color scale
        self._upper, self._lower = QRectF(), QRectF()
        self._left = 0.0

    def set_contrast(self, logits: np.ndarray, weights: np.ndarray, ages: np.ndarray, temperature: float) -> None:
        """The positive first.

        Parameters
        ----------
        logits : ndarray (1 + K,)
            Cosines over the temperature; the negatives falling.
        weights : ndarray (1 + K,)
            Softmax of the logits.
        ages : ndarray of int (K,)
        temperature : float
        """
        self._logits, self._weights = finite(logits, "logits"), finite(weights, "weights")
        self._ages, self._temperature = ages, temperature
        self.renew()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color the negatives from the first weight to the second; None: from 0 to the largest."""
        self._hand = ends
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"logits": self._logits, "weights": self._weights, "ages": self._ages}

    def report(self) -> str:
        if not len(self._logits):
            return ""
        return words.tr("positive {l}, probability {p}", l=words.number(self._logits[0], 2, True),
                        p=words.percent(self._weights[0]))  # fmt: skip

    def arrange(self, width: int, height: int) -> None:
        limit = words.number(-1 / self._temperature, 0 if self._temperature < 0.1 else 1)
        self._left = max(text_width(limit), text_width("100 %")) + S2
        room = height - 2 * HEAD - S2
        tall = round(SHARE * room)
        self._upper = QRectF(self._left, HEAD, width - self._left, tall)
        self._lower = QRectF(self._left, HEAD + tall + S2 + HEAD, width - self._left, room - tall)

    # -- places
    def _columns(self) -> np.ndarray:
        """For each pixel column of the negatives, the rank of the hardest negative that stands there."""
        room = max(1, int(self._upper.width() - OWN - APART))
        return (np.arange(room) * (len(self._logits) - 1) // room).astype(int)

    def under(self, point: QPointF) -> int | None:
        """−1 for the positive, the rank of a negative, or None."""
        self.arranged()
        at = point.x() - self._upper.x()
        if not len(self._logits) or at < 0:
            return None
        if at < OWN:
            return -1
        columns = self._columns()
        index = int(at - OWN - APART)
        return int(columns[index]) if 0 <= index < len(columns) and len(self._logits) > 1 else None

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not len(self._logits):
            return
        limit, top = 1 / self._temperature, float(self._weights.max())
        low = -limit if self._logits.min() < -0.25 * limit else -0.25 * limit
        tau = words.number(self._temperature, 2)
        head = QRectF(self._left, 0, self._upper.width(), HEAD)
        write(painter, head.translated(OWN + APART, 0), Message("logits l = cosine / {t}", {"t": tau}))
        write(painter, head, "k⁺", theme.color("accent"), CAPTION, True)
        self._panel(painter, self._upper, self._logits, low, limit, 1)
        lower = head.translated(OWN + APART, self._lower.y() - HEAD)
        write(painter, lower, Message("softmax of the logits"))
        self._panel(painter, self._lower, self._weights, 0.0, top, None)
        self._chip(painter)

    @staticmethod
    def ends(place: QRectF) -> tuple[float, float]:
        """Where the lowest and the highest value of a panel stand, px; the numbers beside them have room there."""
        return place.bottom() - LABEL, place.y() + LABEL

    def _panel(self, painter: QPainter, place: QRectF, values: np.ndarray, low: float, top: float,
               digits: int | None) -> None:  # fmt: skip
        floor, roof = self.ends(place)

        def y(value: float) -> float:
            return float(round(floor - (value - low) / (top - low) * (floor - roof)))

        zero = y(0.0)
        painter.fillRect(QRectF(place.x(), zero, place.width(), 1), theme.color("border"))
        for value in (low, 0.0, top) if digits is not None else (0.0, top):
            text = words.percent(value, 0 if value > 0.1 or not value else 1) if digits is None else (
                words.number(value, 0 if float(value).is_integer() else digits))  # fmt: skip
            write(painter, QRectF(0, y(value) - 8, self._left - S2, 16), text, align=RIGHT)
        mine = QRectF(place.x(), min(zero, y(values[0])), OWN, max(1.0, abs(y(values[0]) - zero)))
        painter.fillRect(mine, theme.color("accent"))
        if len(values) == 1:
            return
        columns = self._columns()
        low, top = self._hand or (0.0, max(float(self._weights.max()), 1e-12))
        shares = (self._weights[1:][columns] - low) / (top - low)
        colors = theme.ramp("ember")[np.clip(np.rint(255 * shares), 0, 255).astype(int)]
        start = place.x() + OWN + APART
        edges = np.flatnonzero(np.diff(columns, prepend=-1, append=len(values)))
        gap = 1 if len(columns) / (len(values) - 1) >= 4 else 0
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            at = y(float(values[1 + columns[first]]))
            color = theme.from_rgb(*colors[first].tolist())
            painter.fillRect(QRectF(start + first, min(zero, at), last - first - gap, max(1.0, abs(at - zero))), color)
        if self._hover is not None and self._hover >= 0:
            where = int(np.searchsorted(columns, self._hover))
            painter.fillRect(QRectF(start + where, place.y(), 1, place.height()), theme.color("control"))

    def _chip(self, painter: QPainter) -> None:
        rank = self._hover
        if rank is None or rank + 1 >= len(self._logits):
            return
        values: dict[str, object] = {
            "l": words.number(self._logits[rank + 1], 2, True),
            "p": words.percent(self._weights[rank + 1], 2),
        }
        if rank < 0:
            text = words.tr("positive {l}, probability {p}", **values)
        else:
            age = int(self._ages[rank])
            key = "negative {n}: {l}, {p}, {age} {age:step|steps} old" if age >= 0 else "negative {n}: {l}, {p}, noise"
            text = words.tr(key, n=rank + 1, age=age, **values)
        x = self._upper.x() + (0 if rank < 0 else OWN + APART + float(np.searchsorted(self._columns(), rank)))
        chip(painter, QRectF(x, self._upper.y(), OWN if rank < 0 else 1, 24), text, QRectF(self.rect()))

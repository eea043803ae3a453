"""Vectors on a plane: dots colored and shaped by class, keys of a dictionary as small squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import S1
from app.views.base import chip, finite, pen
from app.views.pointing import HoverView
from app.words import Text

HUES = 6  # categories that are told apart by color; further ones take another shape
REACH = 8.0  # px around a dot that counts as on it
DOT, KEY = 3.6, 2.0  # px, half sizes
STEP = 0.1  # the range grows by this, so that it does not tremble


class EmbeddingMap(HoverView):
    """A plane with the origin in the middle and the same scale on both axes."""

    _hover: int | None

    def __init__(self) -> None:
        super().__init__((200, 160))
        self.export_name = "map"
        self._points, self._keys = np.zeros((0, 2)), np.zeros((0, 2))
        self._labels = np.zeros(0, int)
        self._names: tuple[Text, ...] = ()
        self._limit = 1.0
        self._scale, self._middle = 1.0, QPointF()

    def set_map(self, points: np.ndarray, labels: np.ndarray, keys: np.ndarray, names: Sequence[Text]) -> None:
        """Show points.

        Parameters
        ----------
        points : ndarray (n, 2)
        labels : ndarray of int (n,)
            −1 where there is none.
        keys : ndarray (k, 2)
        names : sequence of str or Message
            Of the classes.
        """
        self._points, self._keys = finite(points, "points"), finite(keys, "keys")
        self._labels, self._names = labels, tuple(names)
        reach = np.abs(self._points).max(initial=0.05)
        need = float(np.ceil(1.02 * reach / STEP) * STEP)
        if need > self._limit or need < 0.7 * self._limit:
            self._limit = need
        self._hover = None
        self.renew()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"points": self._points, "labels": self._labels, "keys": self._keys}

    def report(self) -> str:
        if self._hover is None:
            return ""
        label = int(self._labels[self._hover])
        return words.drawn(self._names[label]) if 0 <= label < len(self._names) else ""

    def arrange(self, width: int, height: int) -> None:
        self._scale = (min(width, height) / 2 - S1) / self._limit
        self._middle = QPointF(round(width / 2), round(height / 2))

    def _pixels(self, values: np.ndarray) -> np.ndarray:
        """(n, 2) on the screen."""
        return np.stack(
            [self._middle.x() + self._scale * values[:, 0], self._middle.y() - self._scale * values[:, 1]], 1
        )

    def under(self, point: QPointF) -> int | None:
        """The nearest dot, if it is near enough."""
        self.arranged()
        if not len(self._points):
            return None
        away = np.hypot(*(self._pixels(self._points) - [point.x(), point.y()]).T)
        return int(away.argmin()) if away.min() <= REACH else None

    def draw(self, painter: QPainter) -> None:
        if not len(self._points):
            return
        line = theme.color("border")
        painter.fillRect(QRectF(0, self._middle.y(), self.width(), 1), line)
        painter.fillRect(QRectF(self._middle.x(), 0, 1, self.height()), line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("control", 150))
        for x, y in self._pixels(self._keys).tolist():
            painter.drawRect(QRectF(x - KEY, y - KEY, 2 * KEY, 2 * KEY))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self._pixels(self._points)
        for label in np.unique(self._labels).tolist():
            painter.setPen(pen(theme.color("surface"), 0.8))
            painter.setBrush(theme.color(f"cat{label % HUES}") if label >= 0 else theme.color("accent"))
            for x, y in places[self._labels == label].tolist():
                self._mark(painter, x, y, label // HUES if label >= 0 else 0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._hover is not None and self.report():
            x, y = places[self._hover].tolist()
            chip(painter, QRectF(x - 4, y - 4, 8, 8), self.report(), QRectF(self.rect()))

    def _mark(self, painter: QPainter, x: float, y: float, shape: int) -> None:
        if shape % 2 == 0:
            painter.drawEllipse(QPointF(x, y), DOT, DOT)
            return
        painter.drawPolygon(
            QPolygonF([QPointF(x, y - DOT - 1), QPointF(x + DOT + 1, y + DOT), QPointF(x - DOT - 1, y + DOT)])
        )

"""A picture under the map of a level's scores, with the chosen locations marked."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath

from app import theme, words
from app.views.base import pen
from app.views.boxview import BoxView


class ScoredPhoto(BoxView):
    """Rings mark the chosen locations of the level; hatched are those that have no anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "scores-of-locations"
        self._chosen = np.zeros((0, 2), np.float32)
        self._struck = np.zeros((0, 2), np.float32)
        self._shape = (1, 1)
        words.say(self, "setAccessibleName", "Score of every location")

    def set_marks(self, chosen: np.ndarray, struck: np.ndarray, shape: tuple[int, int]) -> None:
        """Centers (n, 2) of chosen locations and of those without an anchor, in shares of the picture, and the grid."""
        self._chosen, self._struck, self._shape = chosen, struck, shape
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return super().numbers() | {"chosen_x_y": self._chosen, "without_anchor_x_y": self._struck}

    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        painter.save()
        painter.setClipRect(self.shown_rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        wide, high = self.photo_size()
        self._hatch(painter, wide, high)
        for token, width in (("ink", 3.0), ("chalk", 1.0)):
            painter.setPen(pen(theme.color(token), width))
            for x, y in self._chosen.tolist():
                painter.drawEllipse(self.on_screen(QPointF(x * wide, y * high)), 4.0, 4.0)
        painter.restore()

    def _hatch(self, painter: QPainter, wide: int, high: int) -> None:
        """One shape of all such cells, so that the lines run on from one to the next."""
        down, across = high / self._shape[0], wide / self._shape[1]
        ring = QPainterPath()
        for x, y in self._struck.tolist():
            corner = QPointF(x * wide - across / 2, y * high - down / 2)
            ring.addRect(QRectF(self.on_screen(corner), self.on_screen(corner + QPointF(across, down))))
        for token, style in (("ink", Qt.BrushStyle.Dense6Pattern), ("chalk", Qt.BrushStyle.BDiagPattern)):
            painter.fillPath(ring, QBrush(theme.color(token), style))

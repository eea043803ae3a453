"""A picture under the map of a level's scores, with the chosen locations marked."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app import theme, words
from app.views.base import pen
from app.views.boxview import BoxView


class ScoredPhoto(BoxView):
    """Rings mark the chosen locations of the level; crossed out are those that have no anchor."""

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "scores-of-locations"
        self._chosen = np.zeros((0, 2), np.float32)
        self._struck = np.zeros((0, 2), np.float32)
        words.say(self, "setAccessibleName", "Score of every location")

    def set_marks(self, chosen: np.ndarray, struck: np.ndarray) -> None:
        """Centers (n, 2) of chosen locations and of those without an anchor, as shares of the picture."""
        self._chosen, self._struck = chosen, struck
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return super().numbers() | {"chosen_x_y": self._chosen}

    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        painter.save()
        painter.setClipRect(self.shown_rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        wide, high = self.photo_size()
        for token, width in (("ink", 3.0), ("chalk", 1.0)):
            painter.setPen(pen(theme.color(token), width))
            for x, y in self._chosen.tolist():
                painter.drawEllipse(self.on_screen(QPointF(x * wide, y * high)), 4.0, 4.0)
            for x, y in self._struck.tolist():
                at = self.on_screen(QPointF(x * wide, y * high))
                place = QRectF(at.x() - 2, at.y() - 2, 4, 4)
                painter.drawLine(place.topLeft(), place.bottomRight())
                painter.drawLine(place.topRight(), place.bottomLeft())
        painter.restore()

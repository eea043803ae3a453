"""The view of the photo as this tab needs it: grid on or off, cosines beside percentages, a height that rests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter

from app import theme, words
from app.views.base import chip, outline, pen
from app.views.photomap import CLASS_TOKEN, PhotoMap, weight_percent

BESIDE, ALONE = 0.6, 0.35  # least share of the room for the picture that is taken, with the heads beside it or not
TOKEN_BAND = 28  # px over the photo, for the class token


def cosine(value: float) -> str:
    """A similarity as the photo says it."""
    return words.number(value, 2)


class Photo(PhotoMap):
    """The height it asks for depends on the photo alone, so that no card moves while a resolution is dragged."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = True
        self.least = BESIDE
        self._written: Callable[[float], str] = weight_percent

    def set_lines(self, on: bool) -> None:
        """Lines between the patches; the contour stays."""
        if on != self._lines:
            self._lines = on
            self.update()

    def set_map(
        self,
        values: np.ndarray,
        top: float | None = None,
        low: float = 0.0,
        class_value: float | None = None,
        ramp: str = "ember",
    ) -> None:
        self._written = cosine if ramp == "diff" else weight_percent
        super().set_map(values, top, low, class_value, ramp)

    def set_colors(self, colors: np.ndarray) -> None:
        self._class_value = None
        super().set_colors(colors)

    def report(self) -> str:
        cell = self._hover or self._pin
        text = super().report()
        value = self.value_at(cell) if cell is not None and self._has(cell) and self._colors is None else None
        return text if value is None else text.replace(weight_percent(value), self._written(value))

    def heightForWidth(self, width: int) -> int:
        wide, high = self.photo_size()
        room = max(self.minimumHeight(), self.window().height() - self.reserve)
        return max(round(self.least * room), min(room, round(width * high / wide) + TOKEN_BAND))

    # -- painting
    def _token_text(self, widest: bool = False) -> str:
        if self._written is weight_percent or self._class_value is None:
            return super()._token_text(widest)
        return f"{words.tr('class token')}  {self._written(-0.88 if widest else self._class_value)}"

    def _draw_lines(self, painter: QPainter) -> None:
        if self._lines:
            super()._draw_lines(painter)
            return
        rows, cols = self._grid
        area = self.to_screen(self._area)
        wide, high = area.width() / cols, area.height() / rows
        border = [
            QLineF(
                round(area.x() + a * wide),
                round(area.y() + b * high),
                round(area.x() + c * wide),
                round(area.y() + d * high),
            )
            for a, b, c, d in self._contour.tolist()
        ]
        for color, width in ((theme.color("ink", 153), 3), (theme.color("chalk", 235), 1)):
            painter.setPen(pen(color, width))
            painter.drawLines(border)

    def draw(self, painter: QPainter) -> None:
        hover = self._hover
        if self._written is weight_percent or hover is None or hover == CLASS_TOKEN or self._colors is not None:
            super().draw(painter)
            return
        self._hover = None  # its chip is written below
        super().draw(painter)
        self._hover = hover
        if self._has(hover):
            place = self.cell_rect(hover)
            outline(painter, place, theme.color("chalk"), 1)
            chip(painter, place, self._written(float(self._values[hover])), self.shown_rect())

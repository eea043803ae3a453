"""The view of the photo as this tab needs it: grid on or off, cosines beside percentages, a height that rests."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QPainter

from app import words
from app.tabs.vit.shown import Shown
from app.views.photomap import CLASS_TOKEN as TOKEN_CELL
from app.views.photomap import Cell, PhotoMap

BESIDE, ALONE = 0.6, 0.35  # least share of the room for the picture that is taken, with the heads beside it or not
TOKEN_BAND = 28  # px over the photo, for the class token


def cosine(value: float) -> str:
    """A similarity as the photo says it."""
    return words.number(value, 2)


def cell_of(shown: Shown, token: int | None) -> Cell | None:
    """Where a token stands in the view of the photo."""
    if token is None:
        return None
    return shown.patch_of(token) or TOKEN_CELL


class Photo(PhotoMap):
    """The height it asks for depends on the photo alone, so that no card moves while a resolution is dragged."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = True
        self.least = BESIDE

    def set_lines(self, on: bool) -> None:
        """Lines between the patches; the contour stays."""
        if on != self._lines:
            self._lines = on
            self.update()

    def set_colors(self, colors: np.ndarray) -> None:
        self._class_value = None
        super().set_colors(colors)

    def written(self, value: float) -> str:
        return cosine(value) if self._ramp == "diff" else super().written(value)

    def heightForWidth(self, width: int) -> int:
        wide, high = self.photo_size()
        room = max(self.minimumHeight(), self.window_height() - self.reserve)
        return max(round(self.least * room), min(room, round(width * high / wide) + TOKEN_BAND))

    # -- painting
    def _draw_lines(self, painter: QPainter) -> None:
        if self._lines:
            super()._draw_lines(painter)

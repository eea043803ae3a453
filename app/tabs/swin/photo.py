"""The view of the photo as this tab needs it: tokens of the chosen block, and lines between its windows."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter

from app import theme
from app.views.base import pen
from app.views.paintmap import PaintMap
from app.views.photomap import PhotoMap
from engines.swin.events import Cut

LEAST = 0.5  # least share of the room for the picture


def groups(cut: Cut) -> np.ndarray:
    """Numbers (rows, cols), equal where tokens attend to each other: in a window, or in a region where it is masked."""
    number = np.zeros(cut.tokens + 1, int)
    each = np.arange(len(cut.place))[:, None] * 16 + (cut.region if cut.masked else 0)
    number[cut.place] = each
    return number[:-1].reshape(cut.rows, cut.cols)


def borders(number: np.ndarray) -> np.ndarray:
    """Lines between cells of different numbers, int (n, 4): x1, y1, x2, y2 in cells."""
    down = np.argwhere(number[:, 1:] != number[:, :-1])  # (row, col): a line at the right of the cell
    across = np.argwhere(number[1:] != number[:-1])
    return np.concatenate(
        [
            np.stack([down[:, 1] + 1, down[:, 0], down[:, 1] + 1, down[:, 0] + 1], 1),
            np.stack([across[:, 1], across[:, 0] + 1, across[:, 1] + 1, across[:, 0] + 1], 1),
        ]
    )


def high_of(view: PhotoMap, width: int) -> int:
    """The height a photo asks for: of its own aspect, within what the window has."""
    wide, high = view.photo_size()
    room = max(view.minimumHeight(), view.window().height() - view.reserve)
    return max(round(LEAST * room), min(room, round(width * high / wide)))


class Paint(PaintMap):
    """The same photo to paint patches away."""

    def heightForWidth(self, width: int) -> int:
        return high_of(self, width)


class Photo(PhotoMap):
    """A photo under the grid of a block, with lines between its windows."""

    def __init__(self) -> None:
        super().__init__()
        self._borders = np.zeros((0, 4), int)
        self._cut: Cut | None = None
        self._windows = True

    def set_cut(self, cut: Cut) -> None:
        """The block's grid and windows."""
        self.set_grid(cut.rows, cut.cols, class_token=False)  # rollout and relevance have had that of the patches
        if cut is not self._cut:
            self._cut = cut
            self._borders = borders(groups(cut))
            self.update()

    def set_windows(self, on: bool) -> None:
        """Lines between the windows."""
        if on != self._windows:
            self._windows = on
            self.update()

    def heightForWidth(self, width: int) -> int:
        return high_of(self, width)

    def _draw_lines(self, painter: QPainter) -> None:
        super()._draw_lines(painter)
        rows, cols = self._grid
        if not self._windows or self._cut is None or (rows, cols) != (self._cut.rows, self._cut.cols):
            return
        area = self.to_screen(self._area)
        wide, high = area.width() / cols, area.height() / rows
        x, y = area.x(), area.y()
        lines = [
            QLineF(round(x + a * wide), round(y + b * high), round(x + c * wide), round(y + d * high))
            for a, b, c, d in self._borders.tolist()
        ]
        for color, width in ((theme.color("ink", 120), 3), (theme.color("chalk", 200), 1)):
            painter.setPen(pen(color, width))
            painter.drawLines(lines)

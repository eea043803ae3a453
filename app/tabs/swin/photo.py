"""The view of the photo as this tab needs it: tokens of the chosen block, and lines between its windows."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from app import theme
from app.views.base import pen
from app.views.paintmap import PaintMap
from app.views.photomap import Cell, PhotoMap
from engines.swin.events import Cut

LEAST = 0.5  # least share of the room for the picture
ON_PICTURE, LIFTED, ROLLED, WINDOWED = range(4)  #: the cyclic shift, drawn as four states


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


def plain_borders(rows: int, cols: int, window: int) -> np.ndarray:
    """Lines (n, 4) in cells between windows that begin at the corner; none for a window of 0."""
    steps = [range(window, length, window) if window else () for length in (cols, rows)]
    lines = [(x, 0, x, rows) for x in steps[0]] + [(0, y, cols, y) for y in steps[1]]
    return np.array(lines, int).reshape(-1, 4)


def high_of(view: PhotoMap, width: int) -> int:
    """The height a photo asks for: of its own aspect, within what the window has."""
    wide, high = view.photo_size()
    room = max(view.minimumHeight(), view.window_height() - view.reserve)
    return max(round(LEAST * room), min(room, round(width * high / wide)))


def wrapped(image: QImage, across: int, down: int) -> QImage:
    """A picture moved left and up by pixels; what leaves it there comes in at the other end."""
    wide, high = image.width(), image.height()
    out = QImage(image.size(), image.format())
    with QPainter(out) as painter:
        for x in (-across, wide - across):
            for y in (-down, high - down):
                painter.drawImage(x, y, image)
    return out


class Paint(PaintMap):
    """The same photo to paint patches away."""

    def heightForWidth(self, width: int) -> int:
        return high_of(self, width)


class Photo(PhotoMap):
    """A photo under the grid of a block, with lines between its windows.

    It can be drawn as the block itself sees it, as a torus: first what the cyclic shift is going to move, then moved,
    then cut into windows. Cells keep their numbers, wherever they stand.
    """

    def __init__(self) -> None:
        super().__init__()
        self._borders = np.zeros((0, 4), int)
        self._cut: Cut | None = None
        self._windows = True
        self._state = ON_PICTURE
        self._wrapped: tuple[object, QImage] | None = None

    def set_cut(self, cut: Cut) -> None:
        """The block's grid and windows."""
        self.set_grid(cut.rows, cut.cols, class_token=False)  # rollout and relevance have had that of the patches
        if cut is not self._cut:
            self._cut = cut
            self._borders = borders(groups(cut))
            self._show()
            self.update()

    def set_state(self, state: int) -> None:
        """How far the cyclic shift is drawn: one of `ON_PICTURE`, `LIFTED`, `ROLLED`, `WINDOWED`."""
        if state != self._state:
            self._state = state
            self._show()
            self.update()

    def drawn_state(self) -> int:
        """The state that was set."""
        return self._state

    def state(self) -> int:
        """The state that is seen: nothing is moved where the block moves nothing."""
        return self._state if self._moves() else ON_PICTURE

    def _moves(self) -> int:
        """Tokens that the block moves its grid by, 0 where that grid, without padding, isn't the one on the photo."""
        cut = self._cut
        return cut.shift if cut is not None and self._grid == (cut.rows, cut.cols) and not cut.padded else 0

    def _shift(self) -> int:
        """Tokens that the picture is moved by now, left and up."""
        return self._moves() if self._state >= ROLLED else 0

    # -- places
    def placed(self, values: np.ndarray) -> np.ndarray:
        return np.roll(values, (-self._shift(), -self._shift()), (0, 1))

    def cell_rect(self, cell: Cell) -> QRectF:
        return super().cell_rect(self._moved(cell, -self._shift()))

    def cell_at(self, point: QPointF) -> Cell | None:
        cell = super().cell_at(point)
        return None if cell is None else self._moved(cell, self._shift())

    def _moved(self, cell: Cell, by: int) -> Cell:
        return ((cell[0] + by) % self._grid[0], (cell[1] + by) % self._grid[1]) if by else cell

    def _fitted(self, image: QImage, place: QRectF) -> QImage:
        fitted, shift = super()._fitted(image, place), self._shift()
        if not shift:
            return fitted
        rows, cols = self._grid
        across, down = round(fitted.width() * shift / cols), round(fitted.height() * shift / rows)
        key = fitted.cacheKey(), across, down
        if self._wrapped is None or self._wrapped[0] != key:
            self._wrapped = key, wrapped(fitted, across, down)
        return self._wrapped[1]

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
        state, moves = self.state(), self._moves()
        if state == LIFTED:
            for place in (QRectF(0, 0, cols, moves), QRectF(0, moves, moves, rows - moves)):
                at = QRectF(x + place.x() * wide, y + place.y() * high, place.width() * wide, place.height() * high)
                painter.fillRect(at, theme.color("accent", 110))
        window = self._cut.window if state == WINDOWED else 0
        drawn = self._borders if state < ROLLED else plain_borders(rows, cols, window)
        self._draw_segments(painter, drawn, Qt.PenStyle.SolidLine)
        if state >= ROLLED:  # where the ends of the picture meet
            seams = np.array([[cols - moves, 0, cols - moves, rows], [0, rows - moves, cols, rows - moves]])
            self._draw_segments(painter, seams, Qt.PenStyle.DashLine)

    def _draw_segments(self, painter: QPainter, lines: np.ndarray, style: Qt.PenStyle) -> None:
        """Lines (n, 4) in cells, light on dark."""
        rows, cols = self._grid
        area = self.to_screen(self._area)
        x, y, wide, high = area.x(), area.y(), area.width() / cols, area.height() / rows
        drawn = [
            QLineF(round(x + a * wide), round(y + b * high), round(x + c * wide), round(y + d * high))
            for a, b, c, d in lines.tolist()
        ]
        for color, width in ((theme.color("ink", 120), 3), (theme.color("chalk", 200), 1)):
            painter.setPen(pen(color, width, style=style) if width == 1 else pen(color, width))
            painter.drawLines(drawn)

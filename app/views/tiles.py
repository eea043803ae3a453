"""Small pictures in a row, enlarged with crisp pixels, each with a caption and a number below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from app import theme, words
from app.theme import BODY, CAPTION, S1, SMALL
from app.views.base import CENTER, outline, rgb_image, write
from app.views.pointing import PickView
from app.words import Text

LINE = 18


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture.

    Attributes
    ----------
    rgb : ndarray uint8 (h, w, 3)
    caption : str or Message
    value : str or Message
        A number, drawn bold.
    token : str
        Color of its frame; empty for none.
    """

    rgb: np.ndarray = field(repr=False)
    caption: Text = ""
    value: Text = ""
    token: str = ""


class Tiles(PickView):
    """Pictures side by side, as large as fits.

    Parameters
    ----------
    low : tuple of int
        Least size.
    lines : int
        Lines of text below each picture.
    """

    zooms = True

    def __init__(self, low: tuple[int, int] = (200, 80), lines: int = 2, gap: int = 12, across: int = 0) -> None:
        """``across``: pictures in a row; all without it."""
        super().__init__(low)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._tiles: tuple[Tile, ...] = ()
        self._images: list[QImage] = []
        self._lines, self._gap, self._across = lines, gap, across
        self.export_name = "pictures"

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show pictures."""
        self._tiles = tuple(tiles)
        self._images = [rgb_image(tile.rgb) for tile in self._tiles]
        self.renew()

    def set_at(self, index: int) -> None:
        super().set_at(index)
        if index >= 0:  # only now there is something to walk from
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def tiles(self) -> tuple[Tile, ...]:
        """What is on screen."""
        return self._tiles

    def numbers(self) -> dict[str, np.ndarray]:
        return {f"picture_{i + 1}": tile.rgb for i, tile in enumerate(self._tiles)}

    def report(self) -> str:
        chosen = [self._tiles[self._at]] if 0 <= self._at < len(self._tiles) else self._tiles
        return ", ".join(f"{words.drawn(tile.caption)} {words.drawn(tile.value)}".strip() for tile in chosen)

    def arrange(self, width: int, height: int) -> None:
        count = len(self._tiles)
        if not count:
            self._places = []
            return
        across = min(count, self._across or count)
        rows = -(-count // across)
        below = LINE * self._lines
        room = (width - self._gap * (across - 1)) / across, (height - self._gap * (rows - 1)) / rows - below
        side = max(8, int(min(room)))
        gap = min(4 * self._gap, (width - side * across) / max(1, across - 1)) if across > 1 else 0
        gap = max(self._gap, gap) if room[0] >= side else self._gap
        left = (width - side * across - gap * (across - 1)) / 2
        pitch = side + below + self._gap
        top = max(0.0, (height - pitch * rows + self._gap) / 2)
        self._places = [
            QRectF(round(left + (i % across) * (side + gap)), round(top + (i // across) * pitch), side, side)
            for i in range(count)
        ]

    # -- hand
    def _choose(self, index: int) -> None:
        self.chosen.emit(index)  # whoever shows the pictures marks what comes of it

    def walk(self, rows: int, cols: int) -> bool:
        if self._at < 0 or not self._tiles:
            return False
        step = cols + rows * (self._across or len(self._tiles))
        if 0 <= self._at + step < len(self._tiles):
            self.chosen.emit(self._at + step)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._tiles:
            return
        for i, (tile, image, place) in enumerate(zip(self._tiles, self._images, self._places, strict=True)):
            painter.drawImage(place, image)
            if i == self._at:
                outline(painter, place.adjusted(1, 1, -1, -1), theme.color("accent"), 3, theme.color("surface"))
            elif i == self._hover and self._at >= 0:
                outline(painter, place.adjusted(0, 0, -1, -1), theme.color("text"), 1)
            elif tile.token:
                outline(painter, place.adjusted(1, 1, -1, -1), theme.color(tile.token), 2)
            wide = QRectF(place.x() - self._gap / 2, place.bottom() + S1 - 2, place.width() + self._gap, LINE)
            if self._lines and tile.caption:
                write(painter, wide, tile.caption, px=SMALL if place.width() > 90 else CAPTION, align=CENTER)
            if self._lines > 1 and tile.value:
                px = BODY if place.width() > 90 else CAPTION
                write(painter, wide.translated(0, LINE - 2), tile.value, theme.color("text"), px, True, CENTER)

"""Values and photos as pictures in a view whose unit is the pixel: pyqtgraph's, with the ramps of the theme."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

FEW = 4096  #: values up to which pyqtgraph colors them quicker than it makes a palette; more than 256 colors have none
Scale: TypeAlias = tuple[float, float, np.ndarray]  #: what stands at both ends, and the colors between them


@lru_cache(maxsize=16)  # pyqtgraph makes it anew for each picture, which takes as long as painting a small one
def color_table(lut: bytes) -> list[int]:
    """256 colors of three bytes each as Qt's numbers."""
    red, green, blue = np.frombuffer(lut, np.uint8).reshape(-1, 3).astype(np.uint32).T
    found: list[int] = (0xFF000000 | red << 16 | green << 8 | blue).tolist()
    return found


class MapImage(pg.ImageItem):
    """Values (rows, cols), each one flat rectangle of its color, never smoothed.

    Parameters
    ----------
    fill : callable, optional
        Called before the picture is made anew for painting, to write into the array that `setImage` was given: so
        that values which come faster than they are painted cost nothing.
    """

    qimage: QImage | None

    def __init__(self, fill: Callable[[], None] | None = None) -> None:
        super().__init__(axisOrder="row-major")
        self._fill = fill
        self._at: tuple[object, ...] = ()
        self._scale: Scale | None = None  # of values that come with a table of 256 colors that cover all

    def show_values(self, values: np.ndarray, low: float, top: float, table: np.ndarray) -> None:
        """Show values; the table of 256 colors, RGB or RGBA, runs from ``low`` to ``top``."""
        self._scale = (low, top, table) if table.shape == (256, 3) else None
        half = (top - low) / 510  # each color is that of the nearest values, those of the ends too
        if values.size < FEW:
            table = table.repeat(2, 0)
        self.setImage(values, levels=(low - half, top + half), lut=table)

    def show_colors(self, colors: np.ndarray) -> None:
        """Show colors, uint8 (rows, cols, 3), or 4 with how much each covers what lies below."""
        self._scale = None
        self.setImage(colors, autoLevels=False, levels=None, lut=None)

    def stand(self, place: QRectF) -> None:
        """Let what is shown lie over a place, px."""
        at = (place.getRect(), self.image.shape[:2])
        if at != self._at:
            self._at = at
            self.setRect(place)

    def renew(self) -> None:
        """Other values are to be filled in."""
        self.updateImage()

    def render(self) -> None:
        if self._fill is not None:
            self._fill()
        values, lut = self.image, self.lut
        if self._scale is not None:
            self._index(*self._scale)
            return
        if isinstance(lut, np.ndarray) and lut.shape == (256, 3) and values.dtype == np.uint8 and self.levels is None:
            self._paint(values, lut)
            return
        super().render()
        if self.qimage is not None:
            clear = self.qimage.hasAlphaChannel()
            own = QImage.Format.Format_ARGB32_Premultiplied if clear else QImage.Format.Format_RGB32
            self.qimage = self.qimage.convertToFormat(own)  # as the window has it: a fifth of the time to paint

    def _index(self, low: float, top: float, table: np.ndarray) -> None:
        """Color values as pyqtgraph does, by fewer steps: a run that trains shows new ones many times a second."""
        places = np.subtract(self.image, low, dtype=np.float32)
        places *= 255 / (top - low)
        places += 0.5
        self._paint(np.clip(places, 0, 255.49, out=places).astype(np.uint8), table)

    def _paint(self, levels: np.ndarray, table: np.ndarray) -> None:
        """Make the picture of indices uint8 (rows, cols) into a table (256, 3)."""
        high, wide = levels.shape
        indexed = QImage(np.ascontiguousarray(levels).data, wide, high, wide, QImage.Format.Format_Indexed8)
        indexed.setColorTable(color_table(table.tobytes()))
        self.qimage = indexed.convertToFormat(QImage.Format.Format_RGB32)
        self._renderRequired = self._unrenderable = False


class PhotoImage(pg.ImageItem):
    """A photo that fills a place, px, whatever its own size."""

    qimage: QImage | None

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self._place = QRectF()

    def show_photo(self, photo: QImage, place: QRectF) -> None:
        """Show a photo over a place; the same as before costs nothing."""
        if self.qimage is not None and (photo.cacheKey(), place) == (self.qimage.cacheKey(), self._place):
            return
        self.prepareGeometryChange()
        self._place = place
        self.setImage(pg.functions.ndarray_from_qimage(photo), autoLevels=False)
        self.qimage = photo

    def boundingRect(self) -> QRectF:
        return self._place

    def paint(self, painter: QPainter, *_rest: object) -> None:
        if self.qimage is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self._place, self.qimage, QRectF(self.qimage.rect()))

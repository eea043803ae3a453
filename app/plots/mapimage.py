"""Values as a picture in a view whose unit is the pixel: pyqtgraph's, with the ramps of the theme."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from app import theme


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

    def show_values(self, values: np.ndarray, place: QRectF, low: float, top: float, ramp: str) -> None:
        """Show values over a place, px; the ramp runs from ``low`` to ``top``."""
        half = (top - low) / 510  # each color is that of the nearest values, those of the ends too
        self.setImage(values, levels=(low - half, top + half), lut=theme.ramp(ramp))
        self.stand(place)

    def stand(self, place: QRectF) -> None:
        """Lie over a place, px."""
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
        super().render()
        if self.qimage is not None and self.qimage.format() == QImage.Format.Format_Indexed8:
            self.qimage = self.qimage.convertToFormat(QImage.Format.Format_RGB32)  # a fifth of the time to paint

"""Views that several pages of this tab show: a map of pixels over a photo, and maps of numbers that are no shares."""

from __future__ import annotations

import numpy as np

from app import words
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap

DECADES = 6  #: powers of ten below the strongest that a logarithmic scale shows


def decades(field: np.ndarray) -> np.ndarray:
    """Powers of ten below the strongest pixel, −`DECADES` to 0; the least also where the field is 0."""
    top = max(float(field.max(initial=0)), 1e-30)
    return np.asarray(np.maximum(np.log10(np.maximum(field / top, 1e-30)), -DECADES), np.float32)


class PixelMap(PhotoMap):
    """A map so fine that its cells need no whole pixels of the screen: the photo keeps its own aspect."""

    def _scales(self, width: float, height: float) -> tuple[float, float]:
        wide, high = self.photo_size()
        scale = min(width / wide, height / high)
        return scale, scale


class NumberMosaic(Mosaic):
    """Maps of numbers, such as weights of either sign.

    Parameters
    ----------
    digits : int
        Behind the point.
    signed : bool
    columns : int
        As of a `Mosaic`.
    """

    def __init__(self, digits: int = 3, signed: bool = True, columns: int = 0) -> None:
        super().__init__(columns)
        self._digits, self._signed = digits, signed

    def written(self, value: float) -> str:
        """A number."""
        return words.number(value, self._digits, self._signed)

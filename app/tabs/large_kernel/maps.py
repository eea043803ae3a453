"""Views that several pages of this tab show: a map of pixels over a photo, and maps of numbers that are no shares."""

from __future__ import annotations

from app import words
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap


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

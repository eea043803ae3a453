"""What stands between the header of a tab and its page: the bar that says something, and the film strip."""

from __future__ import annotations

from PySide6.QtWidgets import QBoxLayout

from app.cards import ErrorBar
from app.strip import PictureStrip

LOW = 900  #: px, height of a tab below which there is none to give away


class Above(QBoxLayout):
    """One below the other; in a low window side by side, with small thumbnails, so that the cards keep their height.

    Parameters
    ----------
    bar : ErrorBar
    """

    def __init__(self, bar: ErrorBar) -> None:
        super().__init__(QBoxLayout.Direction.TopToBottom)
        self.setSpacing(0)
        self.setContentsMargins(0, 0, 0, 0)
        self._strips: list[PictureStrip] = []
        self._low = False
        self.addWidget(bar, 3)

    def add(self, strip: PictureStrip) -> None:
        """Put a film strip in."""
        self._strips.append(strip)
        strip.set_small(self._low)
        self.addWidget(strip, 1)

    def fit(self, height: int) -> None:
        """The tab has this height, in px."""
        self._low = height < LOW
        self.setDirection(QBoxLayout.Direction.LeftToRight if self._low else QBoxLayout.Direction.TopToBottom)
        for strip in self._strips:
            strip.set_small(self._low)

"""What stands between the header of a tab and its page: the bar that says something, and the film strip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QBoxLayout, QWidget

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
        self._bar = bar
        self.addWidget(bar, 3)

    def add(self, strip: PictureStrip) -> None:
        """Put a film strip in."""
        self._strips.append(strip)
        strip.set_small(self._low)
        self.addWidget(strip, 1)

    def keep_still(self, page: QWidget) -> None:
        """Nothing moves under a pointer that is on the page: until it leaves, the bar lies over its upper edge."""
        page.installEventFilter(self)
        self._bar.opening.connect(lambda: self._open_over(page))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.settle()
        return super().eventFilter(watched, event)

    def _open_over(self, page: QWidget) -> None:
        self.settle()
        around = page.parentWidget()
        if around is None or not page.underMouse():
            return
        self._bar.floats = True
        self.removeWidget(self._bar)
        self._bar.setParent(around)
        self._bar.setGeometry(page.x(), page.y(), page.width(), max(40, self._bar.sizeHint().height()))
        self._bar.raise_()

    def settle(self) -> None:
        """Give the bar its own room again."""
        if self._bar.floats:
            self._bar.floats = False
            self.insertWidget(0, self._bar, 3)

    def fit(self, height: int) -> None:
        """The tab has this height, in px."""
        self._low = height < LOW
        self.setDirection(QBoxLayout.Direction.LeftToRight if self._low else QBoxLayout.Direction.TopToBottom)
        for strip in self._strips:
            strip.set_small(self._low)

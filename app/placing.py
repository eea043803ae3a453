"""Where the window stands: as it was the last time, within the screen it opens on, its frame included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QSize, QTimer
from PySide6.QtGui import QGuiApplication, QScreen, QWindow

if TYPE_CHECKING:
    from app.window import Window

SMALLEST = QSize(960, 600)
FIRST = QSize(1440, 900)
FRAME = QSize(16, 40)  #: that a desktop puts around a window, at most; what it really puts is known once it is shown
OPENING = 2000  #: ms in which a desktop puts its frame around; then the hand may move the window where it likes


class Placing(QObject):
    """Places a window before it is shown, and pulls it in once its frame is known.

    Parameters
    ----------
    window : Window
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._handle: QWindow | None = None
        self.framed = QGuiApplication.platformName() != "offscreen"  # there is no desktop there, and no real screen
        self._opening = QTimer(self, singleShot=True, interval=OPENING)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.pull_in)
        first = QGuiApplication.primaryScreen()
        self.demand(first)
        window.resize(FIRST)
        if not window.settings.place(window):
            window.resize(FIRST.boundedTo(self._room_on(first)))

    def shown(self) -> None:
        """The window was shown: from now on follow it from screen to screen."""
        handle = self._window.windowHandle()
        if handle is None or self._handle is not None:
            return
        self._handle = handle
        handle.screenChanged.connect(self.demand)
        for moved in (handle.xChanged, handle.yChanged, handle.widthChanged, handle.heightChanged):
            moved.connect(self._moved)  # a frame that is put around moves what is in it
        self.demand(handle.screen())
        self._opening.start()
        self._moved()

    def demand(self, screen: QScreen | None) -> None:
        """Never to be larger than the screen: the status bar would be out of sight."""
        self._window.setMinimumSize(SMALLEST.boundedTo(self._room_on(screen)))

    def pull_in(self) -> None:
        """Bring the window with its frame back within its screen, smaller if it must be."""
        window, handle = self._window, self._handle
        if handle is None or window.isMaximized() or window.isFullScreen():
            return
        room, framed = handle.screen().availableGeometry(), window.frameGeometry()
        if room.contains(framed):
            return
        frame = framed.size() - window.size()
        self.demand(handle.screen())
        window.resize(window.size().boundedTo(room.size() - frame))
        last = room.bottomRight() - QPoint(*(window.size() + frame).toTuple()) + QPoint(1, 1)
        window.move(
            max(room.left(), min(framed.left(), last.x())),
            max(room.top(), min(framed.top(), last.y())),
        )

    def _moved(self, _to: int = 0) -> None:
        if self.framed and self._opening.isActive():
            self._soon.start()

    def _room_on(self, screen: QScreen | None) -> QSize:
        """What a screen leaves to a window within its frame."""
        if screen is None:
            return FIRST
        frame = FRAME if self._handle is None else self._window.frameGeometry().size() - self._window.size()
        return screen.availableGeometry().size() - frame

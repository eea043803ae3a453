"""Closes the window when somebody else ends the program: Ctrl+C, kill, a closed terminal, the end of the session."""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtGui import QSessionManager
from PySide6.QtWidgets import QApplication

from app.window import Window

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class Leaving(QObject):
    """Lives until `close`; a signal is heard at once, for it wakes the event loop through a socket.

    Parameters
    ----------
    app : QApplication
    window : Window
    """

    def __init__(self, app: QApplication, window: Window) -> None:
        super().__init__()
        self._app, self._window = app, window
        self._ear, self._mouth = socket.socketpair()
        for end in (self._ear, self._mouth):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ear.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda *_: self._heard())
        # Python's handlers may run in the middle of a painting, where no window must be closed.
        self._before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        self._woken = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        app.commitDataRequest.connect(self._session_ends)
        app.saveStateRequest.connect(self._session_ends)
        app.aboutToQuit.connect(self._over)

    def leave(self) -> None:
        """Close the window cleanly, and with it the program."""
        self._window.close()
        self._app.quit()

    def _heard(self) -> None:
        if any(number in SIGNALS for number in self._ear.recv(64)):
            self.leave()

    def _session_ends(self, _manager: QSessionManager) -> None:
        """Everything goes to the disk now; whether the session really ends is not known yet, so the window stays."""
        self._window.keep_everything()

    def _over(self) -> None:
        """The end of a session quits the loop without closing any window."""
        self.close()
        if self._window.isVisible():
            self._window.close()

    def close(self) -> None:
        """Give the signals back; a second time is none."""
        if self._ear.fileno() < 0:
            return
        self._app.aboutToQuit.disconnect(self._over)
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._woken)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in (self._ear, self._mouth):
            end.close()

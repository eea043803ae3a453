"""Changes theme and language when a hand asks for it: says so first, and does what was asked for last.

A change holds the window up for a moment. What is pressed meanwhile waits in the queue of the window system and is
heard all at once afterwards: so a press only notes what is wanted, and the change comes when no press is left.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app import theme, words

QUEUE = 30  #: ms that a press waits for another: those in the queue come one after the other


class Dressing(QObject):
    """Theme and language of a window, as asked for last.

    Parameters
    ----------
    window : QWidget
    busy : callable
        Told True before a change, and False after it; what it shows must be painted when it returns.
    """

    def __init__(self, window: QWidget, busy: Callable[[bool], None]) -> None:
        super().__init__(window)
        self._window, self._busy = window, busy
        self._theme: str | None = None
        self._language: str | None = None
        self._soon = QTimer(self, singleShot=True, interval=QUEUE)
        self._soon.timeout.connect(self._change)

    @property
    def theme(self) -> str:
        """The theme asked for last, else the one in use."""
        return self._theme or theme.name()

    @property
    def language(self) -> str:
        """The language asked for last, else the one in use."""
        return self._language or words.language()

    def ask(self, theme: str | None = None, language: str | None = None) -> None:
        """Change one or the other soon; None leaves it."""
        self._theme, self._language = theme or self._theme, language or self._language
        if not self._soon.isActive():
            self._busy(True)
        self._soon.start()

    def _change(self) -> None:
        wanted = self._theme if self._theme != theme.name() else None
        spoken = self._language if self._language != words.language() else None
        self._theme = self._language = None
        if wanted or spoken:  # two presses of one button have brought nothing
            theme.switch(self._window, wanted, spoken)
        self._busy(False)

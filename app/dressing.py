"""Changes theme and language when a hand asks for it: says so first, and does what was asked for last.

A change holds the window up for a moment. What is pressed meanwhile waits in the queue of the window system and is
heard all at once afterwards: so a press only notes what is wanted, and the change comes when no press is left. It is
done in steps, between which everything else has its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app import theme, words

OVER = object()  # told by no step
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
        self._steps: Iterator[None] | None = None  # of the change in hand
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
        if not self._soon.isActive() and self._steps is None:
            self._busy(True)
        self._soon.start()

    def _change(self) -> None:
        if self._steps is not None:
            return  # what is asked for now is done after it
        wanted = self._theme if self._theme != theme.name() else None
        spoken = self._language if self._language != words.language() else None
        self._theme = self._language = None
        if not (wanted or spoken):  # two presses of one button have brought nothing
            self._busy(False)
            return
        self._window.setUpdatesEnabled(False)  # half of a look is not shown
        self._steps = theme.steps(self._window, wanted, spoken)
        self._go_on()

    def _go_on(self) -> None:
        """One step of the change, then a turn for everything else."""
        more = False
        try:
            more = self._steps is not None and next(self._steps, OVER) is not OVER
        finally:
            if not more:
                self._over()
        if more:
            QTimer.singleShot(0, self, self._go_on)

    def _over(self) -> None:
        self._steps = None
        self._window.setUpdatesEnabled(True)
        if self._theme or self._language:
            self._soon.start()
        else:
            self._busy(False)

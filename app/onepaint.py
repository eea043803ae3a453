"""A window that is painted once for all that has changed in it, and not once for each of its views.

The scene of a graphics view asks for its paint at once, ahead of what other scenes have to say
(`QGraphicsScenePrivate::_q_processDirtyItems` sends the window's posted update request). For ten views at work the way
from the window to the screen is gone ten times then, which takes as long as painting what they show. So here a request
waits until nothing else does; and where the hand has moved something and the engine answers within a moment, as it has
done before, both are painted together.

A method of Python that Qt calls and that calls Qt in turn keeps the interpreter until it is back: an ``event`` of the
window's own would keep it for the whole paint, and a run that trains would stand still meanwhile. So the window's
events are looked at by a filter, which is through with them before Qt paints.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QMainWindow, QWidget
from shiboken6 import isValid

_windows: weakref.WeakSet[PaintedOnce] = weakref.WeakSet()
_unlaid: weakref.WeakSet[Laid] = weakref.WeakSet()


class Laid(Protocol):
    """A view that places what it shows when it is told."""

    def arranged(self) -> None:
        """Place everything, if that is not done."""

    def isVisible(self) -> bool:
        """Qt's."""


def lay_before(view: Laid) -> None:
    """Have a view place what it shows before the next paint: what an item moves in a paint asks for another one."""
    _unlaid.add(view)


def lay_all() -> bool:
    """Let views on screen place what they show; whether there were any."""
    found = [view for view in _unlaid if isValid(view) and view.isVisible()]
    _unlaid.clear()
    for view in found:
        view.arranged()
    return bool(found)


def paint_at_once(widget: QWidget) -> None:
    """Have a widget on screen when this returns; ``repaint`` of Qt only asks the window, which would put it off."""
    window = widget.window()
    if isinstance(window, PaintedOnce):
        window.waits = False
    try:
        widget.repaint()
    finally:
        if isinstance(window, PaintedOnce):
            window.waits = True


def put_off(seconds: float) -> None:
    """Keep what changes from now on off the screen for so long at most, since an answer to it is as good as there."""
    for window in filter(isValid, _windows):  # the Python half of one that is gone may live on
        window.put_off(seconds)


def come() -> None:
    """Paint what was put off: the answer is there."""
    for window in filter(isValid, _windows):
        window.come()


class _Gate(QObject):
    """Sees each event of the window before the window does."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whether a request for a paint waits."""
        return event.type() == QEvent.Type.UpdateRequest and isinstance(watched, PaintedOnce) and watched.holds()


class PaintedOnce(QMainWindow):
    """Base of the window.

    Attributes
    ----------
    waits : bool
        A request for a paint waits; off inside of `paint_at_once` alone.
    """

    waits = True

    def __init__(self) -> None:
        super().__init__()
        self._until = 0.0  # paints are put off until then
        self._laid = False  # views have placed what they show since the last paint
        self._lets = False  # the paint has come
        self._gate = _Gate(self)
        self.installEventFilter(self._gate)
        # A timer and no posted event: what other timers have to do comes between hearing an answer and painting it.
        self._soon, self._later = QTimer(self), QTimer(self)
        for timer, then in ((self._soon, self._paint), (self._later, self._soon.start)):
            timer.setSingleShot(True)
            timer.setTimerType(Qt.TimerType.PreciseTimer)
            timer.timeout.connect(then)
        _windows.add(self)

    def put_off(self, seconds: float) -> None:
        """Let paints wait so long; one that waits already waits no longer."""
        if not self._later.isActive():
            self._until = time.monotonic() + seconds

    def come(self) -> None:
        """Paint what was put off."""
        self._until = 0.0
        if self._later.isActive():
            self._later.stop()
            self._soon.start()

    def painted(self, seconds: float) -> None:
        """What has changed was painted, in so many seconds."""

    def holds(self) -> bool:
        """Whether a request for a paint is put off until all that waits now has been heard; else it is let through."""
        if self._lets:
            return False
        if not self.waits:
            self._paint_now()
            return True
        left = self._until - time.monotonic()
        if left <= 0:
            self._soon.start()
        elif not self._later.isActive():
            self._later.start(math.ceil(1000 * left))
        return True

    def _paint(self) -> None:
        if not self._laid and lay_all():
            self._laid = True  # one that wants it again and again keeps nothing from the screen
            self._soon.start()  # scenes have to hear of it
            return
        self._laid = False
        self._paint_now()

    def _paint_now(self) -> None:
        began, self._lets = time.monotonic(), True
        try:
            QCoreApplication.sendEvent(self, QEvent(QEvent.Type.UpdateRequest))
        finally:
            self._lets = False
        self.painted(time.monotonic() - began)

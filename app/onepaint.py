"""A window that is painted once for all that has changed in it, and not once for each of its views.

The scene of a graphics view asks for its paint at once, ahead of what other scenes have to say
(`QGraphicsScenePrivate::_q_processDirtyItems` sends the window's posted update request). For ten views at work the way
from the window to the screen is gone ten times then, which takes as long as painting what they show. So here a request
waits until nothing else does; and where the hand has moved something and the engine answers within a moment, as it has
done before, both are painted together.
"""

from __future__ import annotations

import math
import time
import weakref
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QMainWindow, QWidget
from shiboken6 import isValid

TOGETHER = QEvent.Type(QEvent.registerEventType())  #: asks for one paint of all that has changed
AT_LAST = Qt.EventPriority.LowEventPriority.value  #: after all that waits now

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
        self._asked = False  # a paint for all is on its way
        self._laid = False  # views have placed what they show since the last paint
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setTimerType(Qt.TimerType.PreciseTimer)
        self._later.timeout.connect(self._ask)
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
            self._ask()

    def _ask(self) -> None:
        if self._asked:
            return
        self._asked = True
        QCoreApplication.postEvent(self, QEvent(TOGETHER), AT_LAST)

    def painted(self, seconds: float) -> None:
        """What has changed was painted, in so many seconds."""

    def event(self, event: QEvent) -> bool:
        """Put a paint off until all that waits now has been heard."""
        kind = event.type()
        if kind == QEvent.Type.UpdateRequest and self.waits:
            left = self._until - time.monotonic()
            if left <= 0:
                self._ask()
            elif not self._later.isActive():
                self._later.start(math.ceil(1000 * left))
            return True
        if kind not in (QEvent.Type.UpdateRequest, TOGETHER):
            return super().event(event)
        if kind == TOGETHER:
            self._asked = False
        if kind == TOGETHER and not self._laid and lay_all():
            self._laid = True  # one that wants it again and again keeps nothing from the screen
            self._ask()  # scenes have to hear of it
            return True
        self._laid = False
        began = time.monotonic()
        done = super().event(QEvent(QEvent.Type.UpdateRequest))
        self.painted(time.monotonic() - began)
        return done

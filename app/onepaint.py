"""A window that is painted once for all that has changed in it, and not once for each of its views.

The scene of a graphics view asks for its paint at once, ahead of what other scenes have to say
(`QGraphicsScenePrivate::_q_processDirtyItems` sends the window's posted update request). For ten views at work the way
from the window to the screen is gone ten times then, which takes as long as painting what they show. So here a request
waits until nothing else does.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QMainWindow, QWidget

TOGETHER = QEvent.Type(QEvent.registerEventType())  #: asks for one paint of all that has changed
AT_LAST = Qt.EventPriority.LowEventPriority.value  #: after all that waits now


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


class PaintedOnce(QMainWindow):
    """Base of the window.

    Attributes
    ----------
    waits : bool
        A request for a paint waits; off inside of `paint_at_once` alone.
    """

    waits = True

    def painted(self, seconds: float) -> None:
        """What has changed was painted, in so many seconds."""

    def event(self, event: QEvent) -> bool:
        """Put a paint off until all that waits now has been heard."""
        kind = event.type()
        if kind == QEvent.Type.UpdateRequest and self.waits:
            QCoreApplication.postEvent(self, QEvent(TOGETHER), AT_LAST)
            return True
        if kind not in (QEvent.Type.UpdateRequest, TOGETHER):
            return super().event(event)
        began = time.monotonic()
        done = super().event(QEvent(QEvent.Type.UpdateRequest))
        self.painted(time.monotonic() - began)
        return done

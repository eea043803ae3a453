"""Python's full collections, made in turns of the event loop of their own and not in the middle of a painting."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

OLDEST = 2  # generation
PAUSE = 1000  #: ms between two looks whether a full collection is due
DUE, AT_LAST = 40, 1000  # collections of the middle generation after which one is due, and after which Python makes it


class FullCollections(QObject):
    """Full collections, made between two events; Python itself makes one in the middle of anything.

    Parameters
    ----------
    parent : QObject
        The application.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, AT_LAST)
        self._timer = QTimer(self, interval=PAUSE)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect if it is due."""
        if gc.isenabled() and gc.get_count()[OLDEST] >= DUE:
            gc.collect()

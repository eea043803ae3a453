"""Python's collections of garbage, made in turns of the window's event loop and by no other thread.

Python itself makes one wherever something is allocated: a full one in the middle of a painting, and any of them on the
compute thread while a run trains. Garbage may hold what Qt has given (a view in a circle with its own callback), and
Qt's things must end on the thread that paints with them. Pages stay, as modules do: once built, they are left out of
collections, a full one of which took 0.3 s with all pages in it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

from app.collecting import has_built

YOUNG, MIDDLE, OLDEST = range(3)  # generations
BEAT = 500  #: ms between two looks whether a collection is due
DUE = 40  # collections of the middle generation after which a full one is due


class Collections(QObject):
    """Collections between two events; while an import has switched them off there are none.

    Parameters
    ----------
    parent : QObject
        The application.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        young, middle, oldest = gc.get_threshold()
        self.due = young or 700, middle
        gc.set_threshold(0, middle, oldest)  # 0: none by itself; what is allocated is counted as ever
        self._timer = QTimer(self, interval=BEAT)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect what is due."""
        if not gc.isenabled():
            return
        if has_built():
            gc.collect(MIDDLE)
            gc.freeze()
            return
        count = gc.get_count()
        if count[OLDEST] >= DUE:
            gc.collect(OLDEST)
        elif count[MIDDLE] > self.due[MIDDLE]:
            gc.collect(MIDDLE)
        elif count[YOUNG] > self.due[YOUNG]:
            gc.collect(YOUNG)

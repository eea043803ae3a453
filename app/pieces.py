"""Work on very many objects of the window, done in pieces so that everything else has its turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import shiboken6
from PySide6.QtCore import QObject

PIECE = 0.05  #: s after which the event loop has a turn


def pieces(objects: Iterable[QObject], act: Callable[[QObject], object]) -> Iterator[None]:
    """Do something to each object that is still there; each ``yield`` is a place to stop for a moment."""
    began = time.perf_counter()
    for one in objects:
        if shiboken6.isValid(one):
            act(one)
        if time.perf_counter() - began > PIECE:
            yield
            began = time.perf_counter()

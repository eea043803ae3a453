"""Python's garbage collector, kept from stopping the window: a full collection holds every thread up.

With torch, Qt and pyqtgraph loaded it looks through 430,000 objects, for 0.3 s each time; and of the 1.35 s that
importing torch takes, 0.5 s go into looking through what has just been made. What modules consist of is never garbage;
and what else lives is looked through in a turn of its own (`app.garbage`).
"""

from __future__ import annotations

import builtins
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_importing = 0  # imports in hand, on whichever thread
_built = False  # since the last collection something that stays
PLAIN = "__orig_import__"  #: under this name PySide keeps the import that it put its own in the place of


@contextmanager
def importing() -> Iterator[None]:
    """Import without collecting; afterwards all that lives is left out of collections for good.

    Where nothing new was imported, nothing changes: what is made later, and may become garbage, is looked at as ever.
    """
    global _importing
    with _lock:
        _importing += 1
        gc.disable()
    before = len(sys.modules)
    try:
        yield
    finally:
        if len(sys.modules) > before:
            gc.freeze()
        with _lock:
            _importing -= 1
            if not _importing:
                gc.enable()


def stays() -> None:
    """Say that what was just built lasts as long as the window: after the next collection none looks through it."""
    global _built
    _built = True


def has_built() -> bool:
    """Whether something that stays was built since this was asked last."""
    global _built
    was, _built = _built, False
    return was


@contextmanager
def unread() -> Iterator[None]:
    """Import what has nothing to do with Qt as Python does by itself.

    PySide's own import reads the source of every module, to see whether it wants Qt's functions under other names. Of
    torch's thousand modules that takes a tenth of the time of their import, and none of them does.
    """
    watching, plain = builtins.__import__, getattr(builtins, PLAIN, None)
    if plain is None or watching is plain:
        yield
        return
    builtins.__import__ = plain
    try:
        yield
    finally:
        builtins.__import__ = watching

"""Python's garbage collector, kept from stopping the window: a full collection holds every thread up.

With torch, Qt and pyqtgraph loaded it looks through 430,000 objects, for 0.3 s each time; and of the 1.35 s that
importing torch takes, 0.5 s go into looking through what has just been made. What modules consist of is never garbage;
and what else lives is looked through in a turn of its own (`app.fullcollections`).
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_importing = 0  # imports in hand, on whichever thread


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

"""Brings torch's shared libraries into the process while the interpreter does something else.

Importing torch takes more than a second, and a quarter of that is the loading of libraries of 250 MB. Python's import
holds the interpreter meanwhile, and the window with it; a call of the system's own ``dlopen`` lets go of it.
(``man dlopen``)
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import threading
from pathlib import Path

#: In the order and the manner in which torch itself loads them (``torch/__init__.py``, `_load_global_deps`).
LIBRARIES = (
    ("libtorch_global_deps.so", ctypes.RTLD_GLOBAL),
    ("libtorch_python.so", 0),
)


def preload() -> threading.Thread | None:
    """Begin to load them, on a thread of its own; None where that is not done: on other systems, without torch."""
    spec = importlib.util.find_spec("torch") if sys.platform.startswith("linux") else None
    if spec is None or spec.origin is None or "torch" in sys.modules:
        return None
    thread = threading.Thread(target=_load, args=(Path(spec.origin).parent / "lib",), name="libraries", daemon=True)
    thread.start()
    return thread


def _load(folder: Path) -> None:
    """What can't be loaded is left to the import, which says why."""
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    for name, flags in LIBRARIES:
        if not dlopen(os.fsencode(folder / name), flags | os.RTLD_NOW):
            return

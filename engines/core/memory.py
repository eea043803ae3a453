"""Gives memory that is free back to the system. Imports no torch."""

from __future__ import annotations

import ctypes
import sys

MUCH = 32 * 2**20  #: bytes from which on what was let go is worth it: a trim holds other threads up for some 20 ms


def give_back() -> None:
    """Return the pages that the C library keeps for later; where it is another than glibc, it does so by itself.

    glibc keeps freed blocks of up to 32 MB in the heaps of the threads that asked for them. After a run with a large
    model, which is made of such blocks, that was more than half a gigabyte.
    (``man malloc_trim``, ``man mallopt``: M_MMAP_THRESHOLD)
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)

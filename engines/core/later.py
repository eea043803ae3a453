"""What may be done later, on a thread of its own: what a person waits for goes first."""

from __future__ import annotations

import threading
from collections.abc import Callable


class _Timers(threading.local):
    """Those of the thread that asks: two lanes of one process neither wait for each other's nor end them."""

    def __init__(self) -> None:
        self.all: list[threading.Timer] = []


_timers = _Timers()


def later(seconds: float, act: Callable[[], object]) -> None:
    """Do something in so many seconds, unless this thread calls `give_up` before. It catches what it may raise."""
    timer = threading.Timer(seconds, act)
    timer.name = "later"
    timer.start()
    _timers.all = [*(one for one in _timers.all if one.is_alive()), timer]


def give_up() -> None:
    """Do nothing that this thread has not begun, and wait for the rest."""
    for timer in _timers.all:
        timer.cancel()
    wait()


def wait() -> None:
    """Return when all that this thread asked for is done."""
    while _timers.all:
        _timers.all.pop().join()

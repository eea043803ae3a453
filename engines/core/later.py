"""What may be done later, on a thread of its own: what a person waits for goes first."""

from __future__ import annotations

import threading
from collections.abc import Callable

_timers: list[threading.Timer] = []


def later(seconds: float, act: Callable[[], object]) -> None:
    """Do something in so many seconds, unless `give_up` is called before. It catches what it may raise."""
    timer = threading.Timer(seconds, act)
    timer.name = "later"
    _timers[:] = [one for one in _timers if one.is_alive()]
    _timers.append(timer)
    timer.start()


def give_up() -> None:
    """Do nothing that was not begun, and wait for the rest."""
    for timer in _timers:
        timer.cancel()
    wait()


def wait() -> None:
    """Return when all of it is done."""
    while _timers:
        _timers.pop().join()

"""How many threads torch computes with: as many as were asked for, or as many as the window leaves it.

Measured on two cores: with both given to torch while the window paints, its throughput collapses in 11 of 18 runs, for
all of its threads wait for the one that the painting holds up. While nothing paints there is nothing to wait for, but
for what other programs do; and how it is waited matters more than for whom. GNU's OpenMP spins: on two busy cores a
forward pass with two threads took 7.8 s of the processors' time in place of 1.25 s. Told to sleep it takes 1.35 s.
(OpenMP 5.2, 21.6: OMP_WAIT_POLICY)
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

TAU = 0.25  #: seconds after which a painting counts for a third of what it did
SHARE = 0.1  #: of its time that the window may paint and still leave all cores to torch; a bar that moves takes 0.04
POLICY = "OMP_WAIT_POLICY", "PASSIVE"  #: set before torch's libraries are loaded, unless it is set already
ASKED = "OMP_NUM_THREADS"  #: the variable in which the environment says how many threads a program may have


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 2


def steady(count: int | None = None) -> int:
    """Threads that leave the window a core of its own; no more than the environment allows."""
    return _allowed(max(1, (cores() if count is None else count) - 1))


def _allowed(threads: int) -> int:
    text = os.environ.get(ASKED, "").split(",")[0].strip()  # a list is for nested regions
    return min(threads, int(text)) if text.isdecimal() and int(text) else threads


class Threads:
    """The number, kept by the window and put into use on the compute thread, where torch counts it.

    Parameters
    ----------
    count : int, optional
        Cores of the machine.
    clock : callable
        Seconds.

    Attributes
    ----------
    wanted : int
        Asked for by hand; 0: all cores but one, and for an answer all of them while the window hardly paints. A
        training keeps to one number, since another one shares its sums out otherwise, and its curve would depend on
        what was looked at meanwhile.
    """

    def __init__(self, count: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = cores() if count is None else count
        self.wanted = 0
        self._clock = clock
        self._painting = 0.0, -math.inf  # seconds of late, and when that was said; one object, so no lock
        self._used = 0

    def painted(self, seconds: float) -> None:
        """The window has painted so long."""
        now = self._clock()
        self._painting = self._faded(now) + seconds, now

    def _faded(self, now: float) -> float:
        seconds, at = self._painting
        return seconds * math.exp((at - now) / TAU)

    @property
    def paints(self) -> bool:
        """Whether the window is being painted, more than a little."""
        return self._faded(self._clock()) / TAU > SHARE

    def number(self, training: bool = False) -> int:
        """How many there should be now."""
        if self.wanted:
            return min(self.wanted, self.count)
        return steady(self.count) if training or self.paints else self.most()

    def most(self) -> int:
        """How many there may be while nothing paints."""
        return min(self.wanted, self.count) if self.wanted else _allowed(self.count)

    def use(self, training: bool = False) -> None:
        """Let torch have that many from now on, once it is imported; for the compute thread alone."""
        torch: Any = sys.modules.get("torch")
        number = self.number(training)
        if number != self._used and torch is not None and hasattr(torch, "set_num_threads"):
            torch.set_num_threads(number)
            self._used = number

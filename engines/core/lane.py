"""The compute lane: the one thread on which every engine runs.

Interactive jobs: the newest request wins, once the run in hand has shown one frame (that is what makes a slider
drag smooth). Training runs are guests: suspended at a ``yield`` while an interactive job is served, resumed after,
ended only by `Lane.withdraw`. One thread in turn means that no stale answer can follow a newer `Started`, so there
are no request ids and nothing to disconnect.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from engines.core import memory
from engines.core.errors import LabError, Message
from engines.core.later import give_up
from engines.core.params import Params
from engines.core.protocol import Ended, EndedError, Event, Frame, Job, Progress, Started
from engines.core.threads import Threads

QUIET = 1.5  #: seconds without anything to do after which memory that earlier jobs let go is given back
GRACE = 0.2  #: seconds that a displaced run may still use to show its first frame
GPU_FULL = "The device ran out of memory."
CPU_FULL = "There is not enough main memory. Close other programs, or choose something smaller."
#: what torch says where it raises a plain RuntimeError: from a stream, cuBLAS, and on Apple's GPUs
GPU_SAYS = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)
CPU_SAYS = "DefaultCPUAllocator"  #: the same of main memory
SLICE = 0.05  #: seconds that one of several training runs keeps the lane before the next has its turn


class _Idle:
    """The engine of a job that is over once its engine is made."""

    def run(self, _job: Job[Any]) -> Iterator[Event]:
        return iter(())


class Guest:
    """A training run that the lane keeps suspended at a ``yield``."""

    def __init__(self, job: Job[Any], threads: Threads) -> None:
        self.job, self._threads = job, threads
        self.steps: Iterator[Event] | None = None

    def advance(self) -> Ended | None:
        """Run to the next ``yield``; the ending if there was none."""
        job = self.job
        try:
            if self.steps is None:
                job.deliver(Started(job.params))
                self.steps = iter(job.engine().run(job))
            if job.cancelled.is_set():
                return self._finish(cancelled=True)
            self._threads.use(training=True)
            job.deliver(next(self.steps))
        except StopIteration:
            return Ended(job.seen)
        except BaseException as error:  # noqa: BLE001 - the thread must outlive any engine bug: it goes to the window as text
            return ended_by(job, error)
        return self._finish(cancelled=True) if job.cancelled.is_set() else None

    def _finish(self, cancelled: bool) -> Ended:
        if self.steps is not None:
            close(self.steps)
        return Ended(self.job.seen, cancelled=cancelled)


class Lane:
    """The single compute thread.

    Parameters
    ----------
    grace : float
        Seconds that a displaced run may still use to show its first frame.

    Attributes
    ----------
    threads : Threads
        How many of them torch computes with.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self.threads = Threads()
        self._wake = threading.Condition()
        self._waiting: Job[Any] | None = None
        self._running: Job[Any] | None = None
        self._guests: deque[Guest] = deque()
        self._prepared: deque[Callable[[], object]] = deque()
        self._closing = False
        self._held = False
        self._farewells: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._loop, name="compute", daemon=True)
        self._thread.start()

    def submit(self, job: Job[Any]) -> None:
        """Make an interactive ``job`` the next one, or let a training job in as a guest."""
        if job.training:
            with self._wake:
                self._guests.append(Guest(job, self.threads))
                self._wake.notify()
        else:
            self._replace(job)

    def prepare(self, make: Callable[[], object]) -> None:
        """Have something made while no job waits, an engine say; if that fails, whoever needs it will hear."""
        with self._wake:
            self._prepared.append(make)
            self._wake.notify()

    def withdraw(self, job: Job[Any]) -> None:
        """Stop ``job`` if it still waits or runs; every other job is left alone."""
        job.cancelled.set()
        with self._wake:
            was_waiting = self._waiting is job
            if was_waiting:
                self._waiting = None
            self._wake.notify()
        if was_waiting:
            job.deliver(Ended(job.seen, cancelled=True))

    def hold(self, on: bool) -> None:
        """Let training runs rest at their next ``yield``, or go on; other jobs are served as ever.

        For what the window has to do in one go: each of its thousand steps would wait for the interpreter.
        """
        with self._wake:
            self._held = on
            self._wake.notify()

    def close(self, timeout: float = 3.0) -> bool:
        """Stop everything and join; True when the thread ended within ``timeout`` seconds."""
        self._closing = True
        self._replace(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def at_close(self, act: Callable[[], None]) -> None:
        """Have something done on the compute thread when all jobs have ended for good."""
        self._farewells.append(act)

    @property
    def alive(self) -> bool:
        """Whether the compute thread runs."""
        return self._thread.is_alive()

    def _replace(self, job: Job[Any] | None) -> None:
        with self._wake:
            displaced, self._waiting = self._waiting, job
            if self._running is not None:
                self._running.cancelled.set()
            self._wake.notify()
        if displaced is not None:
            displaced.deliver(Ended(displaced.seen, cancelled=True))

    def _is_wanted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._waiting is not None or self._prepared or (self._guests and not self._held) or self._closing)

    def _loop(self) -> None:
        used = False
        while True:
            with self._wake:
                self._running = None
                wanted = self._wake.wait_for(self._is_wanted, QUIET if used else None)
            if not wanted:  # each model that another took the place of leaves a hundred megabytes in free blocks
                memory.give_back()
            used = wanted
            with self._wake:
                if not self._is_wanted():
                    continue
                if self._closing:
                    break
                self._running, self._waiting = self._waiting, None
                job = self._running
                make = self._prepared.popleft() if job is None and self._prepared else None
            if job is not None:
                job.deliver(self._run(job))
            elif make is not None:
                self._run(_making(make))
            else:
                self._entertain()
        for guest in self._guests:
            if guest.steps is not None:
                close(guest.steps)
        for act in self._farewells:
            act()
        give_up()

    def _entertain(self) -> None:
        """Give the first guest one slice, then send it to the end of the row."""
        guest = self._guests[0]
        until = time.monotonic() + SLICE
        ended = None
        while ended is None and self._waiting is None and not self._closing and not self._held:
            ended = guest.advance()
            if len(self._guests) > 1 and time.monotonic() > until:
                break
        with self._wake:
            self._guests.remove(guest)
            if ended is None:
                self._guests.append(guest)
        if ended is not None:
            guest.job.deliver(ended)

    def _run(self, job: Job[Any]) -> Ended:
        try:
            job.deliver(Started(job.params))
            steps, shown, began = iter(job.engine().run(job)), False, time.monotonic()
            self.threads.use()
            try:
                for event in steps:
                    job.deliver(event)
                    self.threads.use()
                    shown |= isinstance(event, Frame) and not isinstance(event, Progress)
                    late = time.monotonic() - began > self._grace
                    if job.cancelled.is_set() and (shown or late or self._closing):
                        return Ended(job.seen, cancelled=True)
            finally:
                close(steps)
        except BaseException as error:  # noqa: BLE001 - the thread must outlive any engine bug: it goes to the window as text
            return ended_by(job, error)
        return Ended(job.seen)


def _making(make: Callable[[], object]) -> Job[Params]:
    """A job that only makes something, and tells nobody."""

    def made() -> _Idle:
        make()
        return _Idle()

    return Job(Params(), made, lambda _event: None)


def close(steps: Iterator[Event]) -> None:
    """End a suspended generator, so that its ``finally`` blocks run on this thread."""
    end = getattr(steps, "close", None)  # a plain iterator has nothing to end
    if end is not None:
        end()


def gpu_is_full(error: BaseException) -> bool:
    """Whether an exception says that a GPU has no memory left: torch has a class for it, which not all of it uses."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in GPU_SAYS)


def ended_by(job: Job[Any], error: BaseException) -> Ended:
    """Put an exception into words; the traceback crosses as text only, so that no tensor stays alive."""
    if isinstance(error, LabError):
        return Ended(job.seen, error=error.message)
    if isinstance(error, EndedError):
        return replace(error.ended, params=job.seen)
    details = "".join(traceback.format_exception(error))
    if gpu_is_full(error):
        return Ended(job.seen, error=Message(GPU_FULL), details=details, memory=True)
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and CPU_SAYS in str(error)):
        return Ended(job.seen, error=Message(CPU_FULL), details=details)
    words = Message("Unexpected {kind}: {text}", {"kind": type(error).__name__, "text": str(error)})
    return Ended(job.seen, error=words, details=details)

"""The only Qt in the event path: a timer that looks into one tab's mailbox and drains it at most 60 times a second."""

from __future__ import annotations

import math
import sys
import time
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.onepaint import come, put_off
from engines.core.lane import Lane
from engines.core.params import Params, needs_restart
from engines.core.protocol import Ended, Engine, Event, Frame, Job, Mailbox, Progress, Started

TICK = 16  #: ms between two deliveries of something to draw, so that repaints stay bounded
#: Of the time of the window's thread, what drawing a run may take: the run waits for the interpreter meanwhile, though
#: no more while Qt paints. On two quiet cores 0.06 leaves the Transformer 0.93 of its steps with eight drawings a
#: second, and 0.1 as much with ten, but DETR 0.917 and 0.91.
SHARE = 0.04
OFTEN, SELDOM = 50, 400  #: ms between two deliveries of a run that trains, at least and at most
#: Turns of the event loop from a delivery until what it changed is painted: a scene hears in one what its items have
#: said, asks in the next for the paint, before which views place what they show in the third.
TURNS = 4
SLACK = 4  #: ms that a delivery may be late without those after it being late, too
#: Seconds that a thread may keep the interpreter while the other waits: the window gets its turn five times as soon as
#: by default, and still draws an answer in one go.
PATIENCE = 0.001
#: The same while a run trains. Its thread lets go at each small operation of torch and asks again a moment later; with
#: so little patience both go on side by side while the window paints, and the run loses a third less.
HASTE = 0.00005
#: Seconds within which an answer counts as coming with the hand: what the hand moved is painted with it, not before.
QUICK = 0.012
NEWEST = 0.3  #: weight of the last answer in how long answers take
LOOK = 4  #: ms between two looks into the mailbox, so that an answer to a slider doesn't lie there for a whole tick
SOON = 1  #: the same while an answer is as good as there


_training: weakref.WeakSet[QObject] = weakref.WeakSet()  # streams whose run goes on


class Cadence:
    """When something to draw may be delivered: every `TICK` at most, on average.

    A look into the mailbox comes a moment late, and where the next delivery is counted from there, 60 answers a second
    become 50. So it is counted from when the one before was due.
    """

    def __init__(self) -> None:
        self._due = 0.0

    def early(self, now: float) -> float:
        """Seconds from ``now`` to the next delivery; 0 where it may be made."""
        return max(0.0, self._due - now)

    def delivered(self, now: float) -> None:
        """One was made."""
        self._due = max(self._due, now - SLACK / 1000) + TICK / 1000


class Allowance:
    """How long a run's next drawing waits, so that all of them take `SHARE` of the time.

    A cheap page follows its run twenty times a second, a dear one on a large screen some four times.
    """

    def __init__(self) -> None:
        self.wait = OFTEN

    def spent(self, seconds: float) -> int:
        """A drawing took so long; returns the ms to the next one."""
        wanted = min(max(1000 * seconds / SHARE, OFTEN), SELDOM)
        self.wait = round((self.wait + wanted) / 2)  # one dear drawing, as of an epoch's end, is not the rule
        return self.wait


class Stream(QObject):
    """Takes one tab's requests to the lane and brings its events back into the GUI thread.

    Parameters
    ----------
    lane : Lane
        The one compute lane, shared by all tabs.
    engine : callable
        Makes the engine; called once, on the compute thread.
    training : bool
        Requests are guests of the lane: suspended while other tabs compute, ended only by `stop`.

    Attributes
    ----------
    frames : int
        Frames delivered so far, for the display of frames per second.
    """

    arrived = Signal(object)
    busy = Signal(bool)

    def __init__(
        self, lane: Lane, engine: Callable[[], Engine[Any]], training: bool = False, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._lane, self._engine, self._training = lane, cache(engine), training
        self._mailbox = Mailbox()
        self._job: Job[Any] | None = None
        self._wanted: Params | None = None
        self._open = 0  # jobs submitted whose Ended has not come yet
        self.device = "auto"
        self.frames = 0
        self._timer = QTimer(self)
        self._cadence, self._allowance = Cadence(), Allowance()
        self._asked: float | None = None  # when what is not answered yet was asked, of a lane at rest
        self._came: float | None = None  # when the first of its answer did
        self._usual = 1.0  # seconds from a question to its answer
        self._often = LOOK  # ms between two looks until the answer is there
        self._turns = 0  # until the paint
        self._began: float | None = None  # the thread's own time when the delivery that is not painted yet began
        self._timer.setInterval(OFTEN if training else LOOK)  # each look stops a run for a moment
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._drain)
        self._painted = QTimer(self)
        self._painted.setInterval(0)
        self._painted.timeout.connect(self._turn)

    @property
    def is_busy(self) -> bool:
        """Whether a job is open."""
        return self._open > 0

    @property
    def undelivered(self) -> tuple[Event, ...]:
        """What the engine has told and the window has not heard of yet."""
        return self._mailbox.waiting()

    @property
    def engine(self) -> Callable[[], Engine[Any]]:
        """Gives the engine, made at the first call; for the compute thread alone."""
        return self._engine

    def use(self, engine: Callable[[], Engine[Any]]) -> None:
        """Ask another engine from the next job on; it is made as the first was."""
        self._engine = engine if engine is self._engine else cache(engine)

    def prepare(self) -> None:
        """Make the engine as soon as the lane has nothing else to do."""
        self._lane.prepare(self._engine)

    def request(self, params: Params, again: bool = False) -> None:
        """Show ``params``: hand them to the running job if it can take them, else start anew.

        ``again`` starts anew in any case (another device, another try after an error).
        """
        self._wanted = params
        job = self._job
        takes = job is not None and not job.cancelled.is_set() and not again
        if job is not None and takes and not needs_restart(job.newest, params):
            job.update(params)
            return
        if job is not None and self._training:
            self._lane.withdraw(job)
        self._job = Job(params, self._engine, self._put, training=self._training, device=self.device)
        self._open += 1
        self._lane.submit(self._job)
        if self._open == 1:
            if self._training:
                self._timer.setInterval(OFTEN)  # a single step is not made to wait
            else:
                self._expect()
            self._timer.start()
            self._take_turns()
            self.busy.emit(True)

    def stop(self) -> None:
        """End the job in hand (Cancel, or the tab is hidden)."""
        if self._job is not None:
            self._lane.withdraw(self._job)

    def _drain(self) -> None:
        now = time.monotonic()
        if not self._training:
            early = self._cadence.early(now)
            self._look_each(math.ceil(1000 * early) if early else LOOK if self._asked is None else self._often)
            if early:
                return
        elif self._began is None:
            self._began, self._turns = time.thread_time(), TURNS
            self._painted.start()
        drew = False
        ended: Ended | None = None
        for event in self._mailbox.drain():
            if not isinstance(event, Started | Progress):
                drew = True
            if isinstance(event, Ended):
                self._open, ended = self._open - 1, event
            self.frames += isinstance(event, Frame) and not isinstance(event, Progress)
            self.arrived.emit(event)
        if drew:
            self._cadence.delivered(now)
            self._answered()
        if self._open or ended is None:
            return
        self._job = None
        if ended.params != self._wanted and not ended.cancelled and ended.error is None and self._wanted is not None:
            self.request(self._wanted)  # a live value came after the engine's last look at the params
        else:
            self._timer.stop()
            self._take_turns()
            self.busy.emit(False)

    def _expect(self) -> None:
        """A lane at rest was asked: what the hand changed may wait for an answer that comes at once."""
        self._asked, self._came = time.monotonic(), None
        quick = self._usual < QUICK
        self._often = SOON if quick else LOOK
        self._look_each(self._often)
        if quick:
            put_off(self._cadence.early(self._asked) + QUICK)

    def _put(self, event: Event) -> None:
        """Note on the lane's thread when the first of an answer came."""
        if self._came is None and not isinstance(event, Started | Progress):
            self._came = time.monotonic()
        self._mailbox.put(event)

    def _answered(self) -> None:
        if self._asked is None or self._came is None:
            return
        self._usual += NEWEST * (self._came - self._asked - self._usual)
        self._asked = None
        self._look_each(LOOK)
        come()

    def _look_each(self, wait: int) -> None:
        """Look into the mailbox so often, ms; a timer that is told again what it does begins anew."""
        if wait != self._timer.interval():
            self._timer.setInterval(wait)

    def _turn(self) -> None:
        """Say the pace of a run's drawings anew: one has been delivered and painted."""
        self._turns -= 1
        if self._began is not None and self._turns <= 0:
            self._painted.stop()
            self._timer.setInterval(self._allowance.spent(time.thread_time() - self._began))
            self._began = None

    def _take_turns(self) -> None:
        """Let both threads change places as often as what is computed now asks for."""
        if self._training:
            (_training.add if self._open else _training.discard)(self)
            sys.setswitchinterval(HASTE if _training else PATIENCE)

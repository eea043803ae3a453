"""What every training run shares: its settings, what it tells, and the states kept of it. Imports no torch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Params, Range, setting
from engines.core.protocol import Event, Job, Record

MOST_STEPS = 1_000_000
OF_A_STUDY = -1  #: number of a run among many that nobody watches: it keeps nothing but what it finds
MEMORY = 96 * 2**20  #: bytes that the kept states of one run may fill


@dataclass(frozen=True, eq=False)
class Weights:
    """A model's numbers at one step of a run, compared and hashed by identity like a picture.

    Attributes
    ----------
    step : int
        Steps made when they were taken; −1 for weights that came from a file.
    arrays : dict of str to ndarray
        Parameters and buffers by name. Nobody writes into them.
    made_of : object
        The settings that the model was built with, so that it can be built again.
    """

    step: int
    arrays: dict[str, npt.NDArray[Any]] = field(repr=False)
    made_of: Any = field(default=None, repr=False)

    @cached_property
    def nbytes(self) -> int:
        """Bytes that the arrays fill."""
        return sum(a.nbytes for a in self.arrays.values())


@dataclass(frozen=True)
class TrainingParams(Params):
    """Base of the settings of a training run.

    Attributes
    ----------
    run : int
        Number of the run: another one starts from the beginning.
    start : Weights, optional
        Where it starts from; without it from random numbers of its seed.
    keep : str
        The file that the run is kept in; empty for none.
    resume : bool
        Go on with the run in that file instead of beginning one.
    branches : bool
        It leaves the run before at a step of the past: that one stays on the disk.
    until : int
        The step to go on to: raising it goes on, lowering it pauses.

    Class attributes
    ----------------
    SEED : str
        The field that its random numbers come from, where the name does not say so.
    """

    SEED: ClassVar[str] = ""
    run: int = setting(0, passing=True)
    start: Weights | None = setting(None, passing=True)
    keep: str = setting("", passing=True)
    resume: bool = setting(False, passing=True)
    branches: bool = setting(False, passing=True)
    until: int = setting(0, Range(0, MOST_STEPS, 1, "Steps", live=True), passing=True)


@dataclass(frozen=True)
class Stepped(Record):
    """One step more was made. Topics add their figures in a subclass.

    Attributes
    ----------
    step : int
        Steps made so far.
    """

    step: int


@dataclass(frozen=True)
class Kept(Record):
    """A state to keep for looking back.

    Attributes
    ----------
    weights : Weights
        The state.
    """

    weights: Weights


@dataclass(frozen=True)
class Stopped(Record):
    """The run can't go on (its numbers left the finite, say). The state kept last stays.

    Attributes
    ----------
    step : int
        The last good step.
    reason : Message
        Why, in words.
    """

    step: int
    reason: Message


@dataclass(frozen=True)
class NotSaved(Record):
    """Something of the run could not be written to the disk; it goes on.

    Attributes
    ----------
    step : int
        Steps made so far.
    reason : Message
        What and why, in words.
    """

    step: int
    reason: Message


@dataclass(frozen=True)
class Finished(Record):
    """The run has nothing left to do.

    Attributes
    ----------
    step : int
        Its last step.
    """

    step: int


@runtime_checkable
class Resumable(Protocol):
    """A training engine whose runs can be kept."""

    told: ClassVar[tuple[type, ...]]
    """Dataclasses in what its runs tell, but for those of `engines.core`."""
    last: ClassVar[int]
    """The step at which a run is at its end."""
    waiting: dict[str, Any] | None
    """A `state` that the next run is to go on from. It tells what it is, as each run does, but nothing that its history
    holds."""

    def run(self, job: Job[Any]) -> Iterator[Event]:
        """See `engines.core.protocol.Engine`."""

    def state(self) -> dict[str, Any] | None:
        """All that a run needs to go on, as copies; None without a run.

        Asked for between two steps, and where ``run`` was left.
        """


@runtime_checkable
class Closes(Protocol):
    """An engine that has something to put down or to give back when its window closes."""

    def close(self) -> None:
        """All jobs have ended for good; on the compute thread."""


def finite(*values: float) -> bool:
    """Whether all numbers are finite."""
    return bool(np.isfinite(values).all())


class Timeline:
    """The kept states of one run, first to last, in bounded memory.

    When it is full, the state whose absence leaves the smallest gap, measured as a ratio of steps, is given up: the
    beginning, where most happens, stays dense. The first and the newest state always stay.

    Parameters
    ----------
    memory : int, optional
        Bytes the states may fill together; `MEMORY` if not given.
    count : int
        States at most.
    """

    def __init__(self, memory: int | None = None, count: int = 400) -> None:
        self._memory, self._count = MEMORY if memory is None else memory, count
        self._states: list[Weights] = []

    def __len__(self) -> int:
        return len(self._states)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the kept states, rising."""
        return tuple(state.step for state in self._states)

    @property
    def nbytes(self) -> int:
        """Bytes the states fill."""
        return sum(state.nbytes for state in self._states)

    @property
    def newest(self) -> Weights | None:
        """The state kept last."""
        return self._states[-1] if self._states else None

    def clear(self) -> None:
        """Forget all states: a new run begins."""
        self._states = []

    def add(self, state: Weights) -> None:
        """Keep a state; one of the same or a later step gives way to it."""
        self._states = [s for s in self._states if s.step < state.step] + [state]
        while len(self._states) > 2 and (len(self._states) > self._count or self.nbytes > self._memory):
            steps = self.steps
            gaps = [(steps[i + 1] + 10) / (steps[i - 1] + 10) for i in range(1, len(steps) - 1)]
            del self._states[1 + int(np.argmin(gaps))]

    def at(self, step: int) -> Weights | None:
        """The newest state that is not later than ``step``; the first one if all are; None when nothing is kept."""
        if not self._states:
            return None
        return self._states[max(0, bisect_right(self.steps, step) - 1)]

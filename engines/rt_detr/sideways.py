"""Detectors that are trained side by side on the same scenes: what a run of them tells, and the run itself.

Shapes: A arms (kinds of training), S seeds of each, K looks.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Finished, Stopped
from engines.data.learners import Learner, Seen
from engines.rt_detr.compared import FIGURES, ArmsBegan, ArmsLook, ArmsStep, Beforehand


class Sideways(ABC):
    """One step of every learner after the other; looked at every so many steps. The run is a guest of the lane."""

    last: ClassVar[int]
    look_every: ClassVar[int]

    told: ClassVar = (ArmsStep, ArmsLook, Seen)

    def __init__(self) -> None:
        self._number = 0
        self._step = 0
        self._looked = 0  # the step of the newest look that was told
        self._learners: list[list[Learner]] = []  # arm by seed
        self._spent: list[float] = []  # seconds of each arm's steps
        self.waiting: dict[str, Any] | None = None

    @abstractmethod
    def arms(self, params: Any) -> list[list[Learner]]:
        """The learners of a run, arm by seed."""

    @abstractmethod
    def begun(self, params: Any, learners: Sequence[Sequence[Learner]]) -> ArmsBegan:
        """What the run is."""

    def beforehand(self, params: Any) -> Beforehand | None:
        """What was run beforehand."""
        return None

    def run(self, job: Job[Any]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self._learners or self._number != params.run:
            yield Progress(0, 0, Message("Drawing scenes"))
            self._learners = []  # its memory is gone before the next one's is needed
            learners = self.arms(params)
            stood = self._stood(learners)
            yield self.begun(params, learners)
            before = self.beforehand(params)
            if before is not None:
                yield before
            self._number, self._learners = params.run, learners
            self._step, self._looked, self._spent = stood
        yield from self._look()  # at what was left in the middle
        while self._step < min(job.params.until, self.last):
            for arm, row in enumerate(self._learners):
                for learner in row:
                    if learner.made <= self._step:  # else the step was left after it
                        yield from self._advance(arm, learner)
                    if learner.stopped:
                        yield Stopped(self._step, Message("The loss of {name} became NaN.", {"name": learner.title}))
                        return
            self._step += 1
            yield ArmsStep(self._step)
            yield from self._look()
        if self._step >= self.last:
            yield Finished(self._step)

    def _advance(self, arm: int, learner: Learner) -> Iterator[Event]:
        spent, began = 0.0, time.process_time()
        for _ in learner.step():
            spent += time.process_time() - began
            yield Progress(0, 0, Message("Training"))
            began = time.process_time()
        self._spent[arm] += spent + time.process_time() - began

    def _look(self) -> Iterator[Event]:
        """Look at all learners if that is due, and tell it."""
        if self._step % self.look_every or self._looked >= self._step:
            return
        for learner in (each for row in self._learners for each in row):
            if learner.looked < self._step:
                for _ in learner.look():
                    yield Progress(0, 0, Message("Validating"))
        self._looked = self._step
        yield self._found()

    def _found(self) -> ArmsLook:
        seen = [[each.seen for each in learners] for learners in self._learners]
        figures = np.array([[[getattr(one, name) for one in row] for row in seen] for name in FIGURES], np.float32)
        firsts = [row[0] for row in seen if isinstance(row[0], Seen)]
        return ArmsLook(
            self._step,
            figures,
            tuple(spent / len(learners) for spent, learners in zip(self._spent, seen, strict=True)),
            tuple(one.owners for one in firsts),
            tuple(np.stack([one.scores, one.ious]) for one in firsts),
        )

    # -- on disk
    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on; None for one that can't."""
        if not self._learners or any(each.stopped for row in self._learners for each in row):
            return None
        return {
            "step": self._step,
            "looked": self._looked,
            "spent": tuple(self._spent),
            "learners": tuple(tuple(each.state() for each in row) for row in self._learners),
        }

    def _stood(self, learners: Sequence[Sequence[Learner]]) -> tuple[int, int, list[float]]:
        """Where a run stands that begins: at its beginning, or where the state that waits was taken."""
        state, self.waiting = self.waiting, None
        if state is None:
            return 0, 0, [0.0 for _ in learners]
        for row, states in zip(learners, state["learners"], strict=True):
            for learner, each in zip(row, states, strict=True):
                learner.load(each)
        return state["step"], state["looked"], list(state["spent"])

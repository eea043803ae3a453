"""Trains a detector while it is watched, as a guest of the lane: what the trainers of all detectors share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engines.core.aside import aside
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job, Progress
from engines.core.reading import mapped
from engines.core.training import Kept, Stopped, TrainingParams, Weights
from engines.data.detector_pictures import MOST_PICTURES, Asked, Data, Drawn, Own, own_data

SHOW_EVERY = 0.15  #: seconds at least between two looks at the watched picture
SHOWING = 0.02  #: share of the time at most that these looks may take


class DetectorRun(Protocol):
    """One training run: model, optimizer, pictures to come, and where all of them stand."""

    params: Any
    due: int
    losses: Any
    measured: Any

    @property
    def step(self) -> int:
        """Steps made."""

    @property
    def stopped(self) -> bool:
        """The numbers left the finite: the run can't go on."""

    def parts(self, params: Any) -> Iterator[None]:
        """One step, with places to stop in it."""

    def measuring(self) -> Iterator[None]:
        """Measure on the validation pictures if that is due, with places to stop in it."""

    def now(self, scene: int) -> Event:
        """The present answer on one of the examples."""

    def began(self) -> Event:
        """What the run is."""

    def kept(self) -> Weights:
        """A copy of the present state."""

    def why_stopped(self) -> Message:
        """What happened, in words."""

    def state(self) -> dict[str, Any]:
        """All that is not made of the settings and the pictures alone, as copies."""

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""


class Settings(Asked, Protocol):
    """Settings of a run that says which scenes it draws."""

    @property
    def scenes(self) -> str:
        """One of the options of `engines.data.detector_training.SCENES`."""


class DetectorTrainer(ABC):
    """Yields what the run is, each step, on a schedule a measurement with its state, and now and then an answer.

    A subclass says ``told`` and ``last``, as `engines.core.training.Resumable` wants them.
    """

    def __init__(self) -> None:
        self.current: DetectorRun | None = None
        self._next_look = 0.0
        self.waiting: dict[str, Any] | None = None

    @abstractmethod
    def begin(self, job: Job[Any]) -> Iterator[Event]:
        """Make the run of a job and hand it to `enter`."""

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on; None for one that can't."""
        return None if self.current is None or self.current.stopped else self.current.state()

    def run(self, job: Job[Any]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params: TrainingParams = job.params
        run = self.current
        if run is None or run.params.run != params.run:
            self.current = run = None  # its memory is gone before the next one's is needed
            yield from self.begin(job)
            run = self.current
        assert run is not None
        if run.stopped:
            yield Stopped(run.step, run.why_stopped())
            return
        training = Message("Training")
        while run.step < job.params.until:
            for _ in run.parts(job.params):
                yield Progress(0, 0, training)
            if run.stopped:
                yield Stopped(run.step, run.why_stopped())
                return
            yield run.losses
            if run.step >= run.due:
                yield from self._measure(run)
            began = time.monotonic()
            if began >= self._next_look or run.step >= job.params.until:
                shown = run.now(job.params.scene)
                done = time.monotonic()
                self._next_look = done + max(SHOW_EVERY, (done - began) / SHOWING)
                yield shown

    def enter(self, run: DetectorRun, scene: int) -> Iterator[Event]:
        """Tell what a run is, and how it stands; from now on it is the one in hand."""
        state, self.waiting = self.waiting, None
        if state is not None:
            run.load(state)
        yield run.began()
        if run.step >= run.due:  # else its history holds the measurement
            yield from self._measure(run)
        yield run.now(scene)
        self.current = run

    @staticmethod
    def _measure(run: DetectorRun) -> Iterator[Event]:
        for _ in run.measuring():
            yield Progress(0, 0, Message("Validating"))
        if run.measured is None:
            raise LabError("Nothing to show yet.")
        yield run.measured
        yield Kept(run.kept())


def own_pictures(
    params: Asked, rng: np.random.Generator, side: int = 0, most: int = MOST_PICTURES
) -> Generator[Event, None, Own]:
    """Read a folder on a thread of its own; see `engines.data.detector_pictures.own_data`."""
    begun = Message("Reading annotations in {name}", {"name": Path(params.folder).name})
    reading = mapped(own_data(params, rng, side, most), lambda place: Progress(*place))
    own: Own = yield from aside(reading, Progress(0, 0, begun))
    return own


def drawn_scenes(params: Settings, rng: np.random.Generator) -> Generator[Event, None, Data]:
    """Scenes drawn as it goes."""
    yield Progress(0, 0, Message("Drawing scenes"))
    data = Drawn(params.scenes, params.size, rng)
    yield Progress(0, 0, Message("Drawing scenes"))
    return data


def fullest(own: Own) -> int:
    """Objects in the fullest picture."""
    return max(len(sample.labels) for sample in (*own.training, *own.validation))

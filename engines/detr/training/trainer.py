"""Trains a DETR while it is watched, as a guest of the lane: streams an `engines.detr.training.run.Run`."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engines.core.aside import aside
from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job, Progress
from engines.core.reading import mapped
from engines.core.training import Kept, Stopped
from engines.data.detector_pictures import MOST_PICTURES, Data, Drawn, own_data
from engines.detr.config import BackboneConfig, DetrConfig
from engines.detr.training.featured import MOST_PHOTOS, Features
from engines.detr.training.run import Run, bring
from engines.detr.training.spec import (
    MOST_TRAINING_STEPS,
    ON_VIT,
    DetrTraining,
    Found,
    Made,
    Measured,
    TrainStep,
)

SHOW_EVERY = 0.15  #: seconds at least between two looks at the watched picture
SHOWING = 0.02  #: share of the time at most that these looks may take

__all__ = ["Run", "Trainer", "bring"]


class Trainer:
    """See `engines.detr.training.spec` for what it takes and what it yields."""

    told: ClassVar = (TrainStep, Measured, Found, Made, DetrConfig, BackboneConfig)
    last: ClassVar[int] = MOST_TRAINING_STEPS

    def __init__(self) -> None:
        self.current: Run | None = None
        self._next_look = 0.0
        self._vit: Features | None = None
        self._asked = ""  # the source that it was asked for by: empty stands for the best
        self.waiting: dict[str, Any] | None = None

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on; None for one that can't."""
        return None if self.current is None or self.current.stopped else self.current.state()

    def run(self, job: Job[DetrTraining]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        run = self.current
        if run is None or run.params.run != job.params.run:
            self.current = run = None  # its memory is gone before the next one's is needed
            yield from self._begin(job)
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

    def _begin(self, job: Job[DetrTraining]) -> Iterator[Event]:
        params = job.params
        data: Data
        rng = np.random.default_rng((0, params.seed))
        device = resolve(job.device)
        vit: Features | None = None
        if params.model == ON_VIT:
            vit = yield from self._load(params)
        if params.folder:
            begun = Message("Reading annotations in {name}", {"name": Path(params.folder).name})
            size, most = (0, MOST_PICTURES) if vit is None else (vit.side, MOST_PHOTOS)
            reading = mapped(own_data(params, rng, size, most), lambda place: Progress(*place))
            own: Any = yield from aside(reading, Progress(0, 0, begun))
            data = own
            params = params.fitted(max(len(sample.labels) for sample in (*own.training, *own.validation)))
            if vit is not None:
                for done, total in vit.fill(own, device):
                    yield Progress(done, total, Message("Features by {name}", {"name": vit.title}))
        else:
            yield Progress(0, 0, Message("Drawing scenes"))
            data = Drawn(params.scenes, params.size, rng)
            yield Progress(0, 0, Message("Drawing scenes"))
        run = Run(params, data, device, vit)
        state, self.waiting = self.waiting, None
        if state is not None:
            run.load(state)
        yield run.began()
        if run.step >= run.due:  # else its history holds the measurement
            yield from self._measure(run)
        yield run.now(params.scene)
        self.current = run

    def _load(self, params: DetrTraining) -> Generator[Event, None, Features]:
        """The ViT; the one before is kept, with what it made of its photos."""
        if not params.folder:
            raise LabError("A DETR on a ViT learns on photos. Open a folder of pictures with boxes first.")
        if self._vit is None or params.vit not in (self._vit.source, self._asked):
            yield Progress(0, 0, Message("Loading the model"))
            self._vit, self._asked = None, params.vit  # gone before the next one comes
            self._vit = Features(params.vit)
        return self._vit

    @staticmethod
    def _measure(run: Run) -> Iterator[Event]:
        for _ in run.measuring():
            yield Progress(0, 0, Message("Validating"))
        if run.measured is None:
            raise LabError("Nothing to show yet.")
        yield run.measured
        yield Kept(run.kept())

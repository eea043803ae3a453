"""Trains a DETR while it is watched, as a guest of the lane: streams an `engines.detr.training.run.Run`."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import ClassVar

import numpy as np

from engines.core.device import resolve
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job, Progress
from engines.data.detector_pictures import MOST_PICTURES, Data
from engines.data.detector_trainer import DetectorTrainer, drawn_scenes, fullest, own_pictures
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

__all__ = ["Run", "Trainer", "bring"]


class Trainer(DetectorTrainer):
    """See `engines.detr.training.spec` for what it takes and what it yields."""

    told: ClassVar = (TrainStep, Measured, Found, Made, DetrConfig, BackboneConfig)
    last: ClassVar[int] = MOST_TRAINING_STEPS

    def __init__(self) -> None:
        super().__init__()
        self._vit: Features | None = None
        self._asked = ""  # the source that it was asked for by: empty stands for the best

    def begin(self, job: Job[DetrTraining]) -> Iterator[Event]:
        """Make the run that the settings ask for."""
        params = job.params
        data: Data
        rng = np.random.default_rng((0, params.seed))
        device = resolve(job.device)
        vit: Features | None = None
        if params.model == ON_VIT:
            vit = yield from self._load(params)
        if params.folder:
            size, most = (0, MOST_PICTURES) if vit is None else (vit.side, MOST_PHOTOS)
            data = own = yield from own_pictures(params, rng, size, most)
            params = params.fitted(fullest(own))
            if vit is not None:
                for done, total in vit.fill(own, device):
                    yield Progress(done, total, Message("Features by {name}", {"name": vit.title}))
        else:
            data = yield from drawn_scenes(params, rng)
        yield from self.enter(Run(params, data, device, vit), params.scene)

    def _load(self, params: DetrTraining) -> Generator[Event, None, Features]:
        """The ViT; the one before is kept, with what it made of its photos."""
        if not params.folder:
            raise LabError("A DETR on a ViT learns on photos. Open a folder of pictures with boxes first.")
        if self._vit is None or params.vit not in (self._vit.source, self._asked):
            yield Progress(0, 0, Message("Loading the model"))
            self._vit, self._asked = None, params.vit  # gone before the next one comes
            self._vit = Features(params.vit)
        return self._vit

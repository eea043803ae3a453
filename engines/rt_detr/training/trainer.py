"""Trains an RT-DETR while it is watched, as a guest of the lane: streams an `engines.rt_detr.training.run.Run`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from engines.core.device import resolve
from engines.core.protocol import Event, Job
from engines.data.detector_pictures import Data
from engines.data.detector_trainer import DetectorTrainer, drawn_scenes, fullest, own_pictures
from engines.rt_detr.config import BackboneConfig, RtDetrConfig
from engines.rt_detr.training.run import Run
from engines.rt_detr.training.spec import MOST_TRAINING_STEPS, Found, Made, Measured, RtDetrTraining, TrainStep

__all__ = ["Run", "Trainer"]


class Trainer(DetectorTrainer):
    """See `engines.rt_detr.training.spec` for what it takes and what it yields."""

    told: ClassVar = (TrainStep, Measured, Found, Made, RtDetrConfig, BackboneConfig)
    last: ClassVar[int] = MOST_TRAINING_STEPS

    def begin(self, job: Job[RtDetrTraining]) -> Iterator[Event]:
        """Make the run that the settings ask for."""
        params = job.params
        data: Data
        rng = np.random.default_rng((0, params.seed))
        if params.folder:
            data = own = yield from own_pictures(params, rng)
            params = params.fitted(fullest(own))
        else:
            data = yield from drawn_scenes(params, rng)
        yield from self.enter(Run(params, data, resolve(job.device)), params.scene)

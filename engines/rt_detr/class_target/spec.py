"""What the page "Class target" can set. Imports no torch; what its run tells stands in `engines.rt_detr.compared`."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Range, setting
from engines.core.training import TrainingParams
from engines.data.detector_training import NEW_RUN, SCENES, UP_TO_3
from engines.rt_detr.training.spec import MOST_GROUPS

STEPS, LOOK_EVERY = 1000, 25
IOU_ARM, ONE_ARM = "Target IoU", "Target 1"
ARMS = (IOU_ARM, ONE_ARM)


@dataclass(frozen=True)
class TargetParams(TrainingParams):
    """Settings of the page."""

    scenes: str = setting(UP_TO_3, SCENES)
    seeds: int = setting(
        1,
        Range(1, 4, 1, "Seeds", group=NEW_RUN,
              tip="Detectors with each target, trained side by side. Error bars are over them."),
    )  # fmt: skip
    groups: int = setting(
        2,
        Range(0, MOST_GROUPS, 1, "Denoising groups", group=NEW_RUN,
              tip="Each holds two noised copies of every object; 0: no denoising queries."),
    )  # fmt: skip
    learning_rate: float = setting(
        1e-3, Range(1e-5, 1e-2, 1e-5, "Learning rate", log=True, group=NEW_RUN, tip="Of all of them.")
    )
    seed: int = setting(0, Range(0, 990, 1, "Seed", group=NEW_RUN, tip="The first of the seeds."))

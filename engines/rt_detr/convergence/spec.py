"""What the page "Convergence" can set. Imports no torch; what its run tells stands in `engines.rt_detr.compared`."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Choice, Range, Switch, setting
from engines.core.training import TrainingParams
from engines.data.detector_training import NEW_RUN, SCENES, UP_TO_3, WATCHED_SCENE
from engines.rt_detr.training.spec import BACKBONE, MOST_GROUPS, RANDOM

STEPS, LOOK_EVERY = 1500, 20
WITH, WITHOUT = "RT-DETR", "without"
GOAL = 0.5  #: AP50 that the steps to it are counted


@dataclass(frozen=True)
class ConvergenceParams(TrainingParams):
    """Settings of the page."""

    scene: int = setting(0, WATCHED_SCENE)
    begin: str = setting(
        BACKBONE,
        Choice((BACKBONE, RANDOM), "Initialization", group=NEW_RUN,
               tip="Pretrained backbone: bundled and frozen stages for all, everything else is random. Random weights: "
                   "nothing has learned anything, which takes many times as long."),
    )  # fmt: skip
    scenes: str = setting(UP_TO_3, SCENES)
    groups: int = setting(
        2,
        Range(1, MOST_GROUPS, 1, "Denoising groups", group=NEW_RUN,
              tip="Of the RT-DETR with denoising; each holds two noised copies of every object."),
    )  # fmt: skip
    beside: bool = setting(
        True,
        Switch("DETR beside", group=NEW_RUN,
               tip="The small DETR of its own tab learns on the same scenes, with the same batch and learning rate."),
    )  # fmt: skip
    learning_rate: float = setting(
        1e-3, Range(1e-5, 1e-2, 1e-5, "Learning rate", log=True, group=NEW_RUN, tip="Of all of them.")
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=NEW_RUN))

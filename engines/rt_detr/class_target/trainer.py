"""Trains RT-DETRs side by side: the class target is the IoU for one, 1 for the other, all else is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from engines.data import detector_pictures
from engines.data.learners import Learner, Lesson
from engines.rt_detr.class_target.bundled import read
from engines.rt_detr.class_target.spec import ARMS, LOOK_EVERY, STEPS, TargetParams
from engines.rt_detr.compared import ArmsBegan, Beforehand
from engines.rt_detr.sideways import Sideways
from engines.rt_detr.training.learner import RtDetrLearner
from engines.rt_detr.training.spec import IOU, ONE


class Trainer(Sideways):
    """See `engines.rt_detr.compared` for what it yields."""

    last: ClassVar[int] = STEPS
    look_every: ClassVar[int] = LOOK_EVERY

    def arms(self, params: TargetParams) -> list[list[Learner]]:
        """From each seed, so from the same weights and scenes, one of each."""
        return [
            [
                RtDetrLearner(
                    Lesson(params.scenes, True, 16, params.learning_rate, seed), target=target, groups=params.groups
                )
                for seed in range(params.seed, params.seed + params.seeds)
            ]
            for target in (IOU, ONE)
        ]

    def begun(self, params: Any, learners: Sequence[Sequence[Learner]]) -> ArmsBegan:
        """What the run is."""
        first = cast(RtDetrLearner, learners[0][0])
        parameters = tuple(row[0].parameters for row in learners)
        return ArmsBegan(ARMS, params.seeds, parameters, first.examples, first.classes, detector_pictures.VALIDATION)

    def beforehand(self, params: TargetParams) -> Beforehand | None:
        """The runs that come along."""
        return read()

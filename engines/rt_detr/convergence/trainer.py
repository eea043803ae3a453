"""Trains an RT-DETR with and one without denoising queries, and detectors of other topics, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from engines.data import detector_pictures
from engines.data.learners import Learner, Lesson, others
from engines.rt_detr.compared import ArmsBegan, Beforehand
from engines.rt_detr.convergence.beforehand import read
from engines.rt_detr.convergence.spec import LOOK_EVERY, STEPS, WITH, WITHOUT, ConvergenceParams
from engines.rt_detr.sideways import Sideways
from engines.rt_detr.training.learner import RtDetrLearner
from engines.rt_detr.training.spec import BACKBONE

TOPIC = "rt_detr"


def learners(params: ConvergenceParams) -> list[Learner]:
    """One of each arm: with denoising, without, and those of other topics."""
    lesson = Lesson(params.scenes, params.begin == BACKBONE, 16, params.learning_rate, params.seed)
    mine: list[Learner] = [RtDetrLearner(lesson, groups=params.groups), RtDetrLearner(lesson, groups=0)]
    return mine + ([offer.load()(lesson) for offer in others(TOPIC)] if params.beside else [])


class Trainer(Sideways):
    """See `engines.rt_detr.compared` for what it yields."""

    last: ClassVar[int] = STEPS
    look_every: ClassVar[int] = LOOK_EVERY

    def arms(self, params: ConvergenceParams) -> list[list[Learner]]:
        """One seed of each."""
        return [[one] for one in learners(params)]

    def begun(self, params: Any, learners: Sequence[Sequence[Learner]]) -> ArmsBegan:
        """What the run is."""
        first = cast(RtDetrLearner, learners[0][0])
        names = (WITH, WITHOUT, *(row[0].title for row in learners[2:]))
        parameters = tuple(row[0].parameters for row in learners)
        return ArmsBegan(names, 1, parameters, first.examples, first.classes, detector_pictures.VALIDATION)

    def beforehand(self, params: ConvergenceParams) -> Beforehand | None:
        """The runs that come along, with the same initialization."""
        return read(params.begin)

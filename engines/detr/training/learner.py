"""A small DETR that learns beside another detector; see `engines.data.learners`."""

from __future__ import annotations

from engines.data.learners import Lesson, RunLearner, Seen
from engines.detr.training.run import Run
from engines.detr.training.spec import BACKBONE, RANDOM, DetrTraining, Measured


class DetrLearner(RunLearner):
    """The model "Small" of the page Training, with the losses of the paper and nothing that helps it.

    Parameters
    ----------
    lesson : Lesson
    """

    title = "DETR"

    def __init__(self, lesson: Lesson) -> None:
        run = Run(DetrTraining(
            scenes=lesson.scenes, begin=BACKBONE if lesson.pretrained else RANDOM, batch=lesson.batch,
            learning_rate=lesson.learning_rate, seed=lesson.seed, queries=12,
        ))  # fmt: skip
        super().__init__(run, (run.parameters, run.learned))

    def seen_of(self, measured: Measured) -> Seen:
        """What a measurement of the run says."""
        return Seen(measured.ap, measured.ap50, measured.switched, tuple(one.owners for one in measured.found))

"""A small RT-DETR that learns beside others; see `engines.data.learners`."""

from __future__ import annotations

from dataclasses import replace

from engines.data.learners import Lesson, RunLearner, Seen
from engines.rt_detr.training.run import Run
from engines.rt_detr.training.spec import BACKBONE, RANDOM, Measured, RtDetrTraining


class RtDetrLearner(RunLearner):
    """The model "Small" of the page Training, measured with its weights as they are, as the others are.

    Parameters
    ----------
    lesson : Lesson
    changes : mapping
        What of its settings is other than by default.
    """

    title = "RT-DETR"

    def __init__(self, lesson: Lesson, **changes: object) -> None:
        params = RtDetrTraining(
            scenes=lesson.scenes, begin=BACKBONE if lesson.pretrained else RANDOM, batch=lesson.batch,
            learning_rate=lesson.learning_rate, seed=lesson.seed, averaged=False,
        )  # fmt: skip
        run = Run(replace(params, **changes))  # type: ignore[arg-type]
        super().__init__(run, (run.parameters, run.learned))
        self.examples = run.data.examples
        self.classes = run.data.classes

    def seen_of(self, measured: Measured) -> Seen:
        """What a measurement of the run says."""
        owners = tuple(each.owned_places for each in measured.found)
        return Seen(
            measured.ap, measured.ap50, measured.switched, owners, measured.ap50_encoder, measured.correlation,
            measured.both, measured.scores, measured.ious,
        )  # fmt: skip

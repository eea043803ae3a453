"""A small RT-DETR that learns beside others; see `engines.data.learners`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engines.data.learners import Lesson, Seen
from engines.rt_detr.training.run import Run
from engines.rt_detr.training.spec import BACKBONE, RANDOM, RtDetrTraining


class RtDetrLearner:
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
        self._run = Run(replace(params, **changes))  # type: ignore[arg-type]
        self.parameters = self._run.parameters, self._run.learned
        self.examples = self._run.data.examples
        self.classes = self._run.data.classes
        self.seen: Seen | None = None

    @property
    def stopped(self) -> bool:
        """Its numbers left the finite."""
        return self._run.stopped

    def step(self) -> Iterator[None]:
        """One step."""
        yield from self._run.parts(self._run.params)

    def look(self) -> Iterator[None]:
        """Measure it."""
        self._run.due = self._run.step
        yield from self._run.measuring()
        one = self._run.measured
        if one is not None:
            owners = tuple(each.owned_places for each in one.found)
            self.seen = Seen(
                one.ap, one.ap50, one.switched, owners, one.ap50_encoder, one.correlation, one.both, one.scores,
                one.ious,
            )  # fmt: skip

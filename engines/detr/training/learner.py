"""A small DETR that learns beside another detector; see `engines.data.learners`."""

from __future__ import annotations

from collections.abc import Iterator

from engines.data.learners import Lesson, Seen
from engines.detr.training.run import Run
from engines.detr.training.spec import BACKBONE, RANDOM, DetrTraining


class DetrLearner:
    """The model "Small" of the page Training, with the losses of the paper and nothing that helps it.

    Parameters
    ----------
    lesson : Lesson
    """

    title = "DETR"

    def __init__(self, lesson: Lesson) -> None:
        self._run = Run(DetrTraining(
            scenes=lesson.scenes, begin=BACKBONE if lesson.pretrained else RANDOM, batch=lesson.batch,
            learning_rate=lesson.learning_rate, seed=lesson.seed, queries=12,
        ))  # fmt: skip
        self.parameters = self._run.parameters, self._run.learned
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
        found = self._run.measured
        if found is not None:
            self.seen = Seen(found.ap, found.ap50, found.switched, tuple(one.owners for one in found.found))

"""The figures of a run so far: losses of each step in a table that grows, measurements in a list."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from engines.detr.training.spec import Measured, TrainStep

SMOOTH = 0.9  # of the curves' moving mean
TERMS = 3


class TrainHistory:
    """Curves of one run.

    Attributes
    ----------
    measured : list of Measured
        First to last.
    """

    def __init__(self) -> None:
        self._rows = np.zeros((256, 1 + 2 * TERMS))
        self._count = 0
        self.measured: list[Measured] = []
        self._steps: list[int] = []

    def add_step(self, losses: TrainStep) -> None:
        """One step's losses, and their mean over the last steps."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        new = np.array([losses.ce, losses.l1, losses.giou])
        calm = new
        if self._count:
            before = self._rows[self._count - 1, 1 + TERMS :]
            weight = (1 - SMOOTH) / (1 - SMOOTH ** (self._count + 1))  # unbiased from the first value on
            calm = before + weight * (new - before)
        self._rows[self._count] = (losses.step, *new, *calm)
        self._count += 1

    def add_measured(self, measured: Measured) -> None:
        """A measurement."""
        self.measured.append(measured)
        self._steps.append(measured.step)

    @property
    def rows(self) -> np.ndarray:
        """(n, 7): step, then cross-entropy, L1 and GIoU, then the same smoothed."""
        return self._rows[: self._count]

    @property
    def steps(self) -> list[int]:
        """The steps of the measurements."""
        return self._steps

    @property
    def newest(self) -> Measured | None:
        """The measurement made last."""
        return self.measured[-1] if self.measured else None

    def at(self, step: int | None) -> Measured | None:
        """The newest measurement that is not later than ``step``; the newest of all for None."""
        if step is None or not self.measured:
            return self.newest
        return self.measured[max(0, bisect_right(self._steps, step) - 1)]

    def column(self, name: str) -> np.ndarray:
        """One figure of all measurements."""
        return np.array([getattr(one, name) for one in self.measured], float)

    def owners(self, scene: int) -> np.ndarray:
        """Owners of the objects of an example: (measurements, objects)."""
        if not self.measured:
            return np.zeros((0, 0), np.int64)
        return np.stack([one.found[scene].owners for one in self.measured])

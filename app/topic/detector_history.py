"""The figures of a run so far: losses of each step in a table that grows, measurements in a list."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SMOOTH = 0.9  # of the curves' moving mean


class TrainHistory:
    """Curves of one run.

    Parameters
    ----------
    terms : sequence of str
        What of a step's figures is drawn.

    Attributes
    ----------
    measured : list
        Its measurements, first to last: each has a ``step``, and ``found`` of each example.
    """

    def __init__(self, terms: Sequence[str] = ("ce", "l1", "giou")) -> None:
        self._terms = tuple(terms)
        self._rows = np.zeros((256, 1 + 2 * len(terms)))
        self._count = 0
        self.measured: list[Any] = []
        self._steps: list[int] = []

    def add_step(self, losses: Any) -> None:
        """One step's losses, and their mean over the last steps."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        new = np.array([getattr(losses, name) for name in self._terms])
        calm = new
        if self._count:
            before = self._rows[self._count - 1, 1 + len(new) :]
            weight = (1 - SMOOTH) / (1 - SMOOTH ** (self._count + 1))  # unbiased from the first value on
            calm = before + weight * (new - before)
        self._rows[self._count] = (losses.step, *new, *calm)
        self._count += 1

    def add_measured(self, measured: Any) -> None:
        """A measurement."""
        self.measured.append(measured)
        self._steps.append(measured.step)

    @property
    def rows(self) -> np.ndarray:
        """(n, 1 + 2 terms): step, then the terms, then the same smoothed."""
        return self._rows[: self._count]

    @property
    def steps(self) -> list[int]:
        """The steps of the measurements."""
        return self._steps

    @property
    def newest(self) -> Any:
        """The measurement made last."""
        return self.measured[-1] if self.measured else None

    def at(self, step: int | None) -> Any:
        """The newest measurement that is not later than ``step``; the newest of all for None."""
        if step is None or not self.measured:
            return self.newest
        return self.measured[max(0, bisect_right(self._steps, step) - 1)]

    def column(self, name: str) -> np.ndarray:
        """One figure of all measurements."""
        return np.array([getattr(one, name) for one in self.measured], float)

    def upto(self, name: str, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Steps and one figure of the measurements up to a step, where there is one: it is not below 0."""
        steps, values = np.array(self._steps, float), self.column(name)
        fits = (steps <= end) & (values >= 0)
        return steps[fits], values[fits]

    def owners(self, scene: int, of: Callable[[Any], np.ndarray] = lambda found: found.owners) -> np.ndarray:
        """Owners of the objects of an example: (measurements, objects)."""
        if not self.measured:
            return np.zeros((0, 0), np.int64)
        return np.stack([of(one.found[scene]) for one in self.measured])

"""What a run has told so far, kept so that it stays small however long the run goes on."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right

import numpy as np

from engines.moco.spec import KeptRun, MapFrame, Measured, MocoStep, QueueFrame, RunBegan

MOST = 6000  # steps that are kept; then every second one is given up
SMOOTH = 0.9  # of the moving mean of the loss
FIELDS = tuple(f.name for f in dataclasses.fields(MocoStep))


class RunHistory:
    """Losses, measurements and frames of one run.

    Attributes
    ----------
    began : RunBegan or None
    last : MocoStep or None
    measured : list of Measured
    queue, map : QueueFrame or None, MapFrame or None
        The newest.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """A new run begins."""
        self.began: RunBegan | None = None
        self.last: MocoStep | None = None
        self.measured: list[Measured] = []
        self.queue: QueueFrame | None = None
        self.map: MapFrame | None = None
        self._rows: list[tuple[float, ...]] = []
        self._kept: list[KeptRun] = []
        self._smoothed: float | None = None

    def add_step(self, made: MocoStep) -> None:
        """One step."""
        self.last = made
        count = len(self._rows) + 1
        weight = max(1 - SMOOTH, 1 / count)  # a plain mean at first
        self._smoothed = made.loss if self._smoothed is None else self._smoothed + weight * (made.loss - self._smoothed)
        self._rows.append((*(float(getattr(made, name)) for name in FIELDS), self._smoothed))
        if len(self._rows) > MOST:
            self._rows = self._rows[::2]

    def add_measurement(self, found: Measured) -> None:
        """One measurement."""
        if not self.measured or found.step > self.measured[-1].step:
            self.measured.append(found)

    def keep(self, kept: KeptRun, steps: tuple[int, ...]) -> None:
        """A state to look back at; those whose step is in none of ``steps`` are given up."""
        self._kept = [k for k in self._kept if k.weights.step in steps and k.weights.step < kept.weights.step]
        self._kept.append(kept)

    def at(self, step: int | None) -> tuple[QueueFrame | None, MapFrame | None]:
        """What is drawn at a step looked back at; None is the newest."""
        if step is None or not self._kept:
            return self.queue, self.map
        index = bisect_right([k.weights.step for k in self._kept], step) - 1
        found = self._kept[max(0, index)]
        return found.queue, found.map

    def curve(self, name: str) -> np.ndarray:
        """All values of a field of `MocoStep`, or of ``smoothed``, the mean of the loss."""
        column = len(FIELDS) if name == "smoothed" else FIELDS.index(name)
        return np.array([row[column] for row in self._rows])

    def accuracy(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Steps and values in % of a field of `Measured`; those that are not there are left out."""
        rows = [(m.step, 100 * getattr(m, name)) for m in self.measured if getattr(m, name) >= 0]
        found = np.array(rows, float).reshape(-1, 2)
        return found[:, 0], found[:, 1]

"""Metrics of a training run of each step in arrays that grow, ready to be drawn."""

from __future__ import annotations

import numpy as np

SMOOTH = 0.9  #: of the curves' moving mean
MEAN = 50  #: steps over which gradient norms are averaged


class Table:
    """Rows of numbers; adding one is cheap, and so is reading all of them."""

    def __init__(self, columns: int) -> None:
        self._rows = np.zeros((256, columns))
        self._count = 0

    def add(self, *values: float) -> None:
        """One row more."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count] = values
        self._count += 1

    @property
    def rows(self) -> np.ndarray:
        """All rows (n, columns); a view that later rows don't change."""
        return self._rows[: self._count]

    def __len__(self) -> int:
        return self._count


class Metrics:
    """Curves of a run.

    Attributes
    ----------
    steps : Table
        Step; loss, token and sequence accuracy; the same three smoothed.
    held : Table
        Step; loss, token and sequence accuracy on held-out examples.
    gradients : Table or None
        Norm of each part, a row a step.
    learning_rates : Table
        A row a step; empty for bundled curves.
    """

    def __init__(self, parts: int = 0) -> None:
        self.steps, self.held, self.learning_rates = Table(7), Table(4), Table(1)
        self.gradients = Table(parts) if parts else None

    def step(
        self,
        step: int,
        values: tuple[float, float, float],
        gradients: tuple[float, ...] = (),
        learning_rate: float = 0.0,
    ) -> None:
        """Figures of one step."""
        self.learning_rates.add(learning_rate)
        new = np.array(values)
        if len(self.steps):
            weight = (1 - SMOOTH) / (1 - SMOOTH ** (len(self.steps) + 1))  # unbiased from the first value on
            before = self.steps.rows[-1, 4:]
            calm = before + weight * (new - before)
        else:
            calm = new
        self.steps.add(step, *new, *calm)
        if self.gradients is not None and gradients:
            self.gradients.add(*gradients)

    def held_out(self, step: int, values: tuple[float, float, float]) -> None:
        """Figures on held-out examples."""
        self.held.add(step, *values)

    def learning_rate(self, step: float | None = None) -> float | None:
        """Learning rate of the newest step up to ``step`` (of all for None); None where none was told."""
        end = len(self.learning_rates)
        if step is not None:
            end = min(end, int(np.searchsorted(self.steps.rows[:, 0], step, side="right")))
        return float(self.learning_rates.rows[end - 1, 0]) if end > 0 else None

    def norms(self, step: int | None = None) -> np.ndarray | None:
        """Mean gradient norm of each part over the last steps up to ``step`` (the newest for None)."""
        if self.gradients is None or not len(self.gradients):
            return None
        end = len(self.gradients)
        if step is not None:
            end = int(np.searchsorted(self.steps.rows[:, 0], step, side="right"))
        rows = self.gradients.rows[max(0, end - MEAN) : end]
        mean: np.ndarray = rows.mean(0) if len(rows) else self.gradients.rows[0]
        return mean


def bundled(curves: np.ndarray) -> Metrics:
    """The curves that a bundled model's card keeps: means over some steps each, drawn as they are."""
    metrics = Metrics()
    for row in curves:
        metrics.steps.add(row[0], *row[1:4], *row[1:4])
        metrics.held_out(int(row[0]), (float(row[4]), float(row[5]), float(row[6])))
    return metrics

"""The tokens that a sampling point is read from, and what all points together lay on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Corner:
    """One of the four tokens around a point.

    Attributes
    ----------
    row, column : int
        Outside of the map where they are -1 or as many as there are: what lies there counts 0.
    share : float
        Of the point's weight.
    """

    row: int
    column: int
    share: float


def corners(x: float, y: float, shape: tuple[int, int]) -> tuple[Corner, ...]:
    """Four tokens of a map (rows, columns) around a point in shares of the picture, with their bilinear shares."""
    rows, columns = shape
    across, down = x * columns - 0.5, y * rows - 0.5
    left, top = int(np.floor(across)), int(np.floor(down))
    right, below = across - left, down - top
    return (
        Corner(top, left, (1 - below) * (1 - right)),
        Corner(top, left + 1, (1 - below) * right),
        Corner(top + 1, left, below * (1 - right)),
        Corner(top + 1, left + 1, below * right),
    )


def summed(
    points: np.ndarray, weights: np.ndarray, levels: np.ndarray, shapes: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Weights (n,) of points (n, 2) on levels (n,), laid on their tokens: a map as fine as the finest level.

    A token of a coarser level spreads over the finer ones that it covers. What falls outside is lost, so that the map
    sums to the weight inside.
    """
    fine = shapes[0]
    found = np.zeros(fine, np.float64)
    for level, (rows, columns) in enumerate(shapes):
        own = np.zeros((rows, columns), np.float64)
        for at in np.flatnonzero(levels == level).tolist():
            for corner in corners(float(points[at, 0]), float(points[at, 1]), (rows, columns)):
                if 0 <= corner.row < rows and 0 <= corner.column < columns:
                    own[corner.row, corner.column] += corner.share * float(weights[at])
        times = fine[0] // rows, fine[1] // columns
        found += np.kron(own, np.full(times, 1 / (times[0] * times[1])))
    return found.astype(np.float32)

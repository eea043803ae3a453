"""The patches of a photo as a graph: each is joined to those around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def grid_edges(rows: int, cols: int, around: int = 8) -> Ints:
    """Edges (2, E), both ways, between cells of a grid that touch at a side (``around`` 4) or at a corner, too (8)."""
    number = np.arange(rows * cols).reshape(rows, cols)
    ways = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if around == 8 else [])
    made = []
    for down, right in ways:
        first = number[: rows - down, max(0, -right) : cols - max(0, right)]
        last = number[down:, max(0, right) : cols + min(0, right)]
        made.append(np.stack([first.ravel(), last.ravel()]))
    pairs = np.concatenate(made, 1) if made else np.zeros((2, 0), np.int64)
    return np.concatenate([pairs, pairs[::-1]], 1).astype(np.int64)

"""The outline around the cells that hold most of a map."""

from __future__ import annotations

import numpy as np


def top_share(values: np.ndarray, share: float) -> np.ndarray:
    """The fewest cells whose weights sum to at least ``share`` of all, bool, same shape; none for an empty map."""
    total = float(values.sum())
    if total <= 0 or share <= 0:
        return np.zeros(values.shape, bool)
    order = np.argsort(values, axis=None)[::-1]
    count = int(np.searchsorted(np.cumsum(values.ravel()[order]), share * total * (1 - 1e-9))) + 1
    on = np.zeros(values.size, bool)
    on[order[:count]] = True
    return on.reshape(values.shape)


def edges(on: np.ndarray) -> np.ndarray:
    """Border of a set of cells as unit lines, int (n, 4): x1, y1, x2, y2 in cells."""
    padded = np.pad(on, 1)
    across = np.argwhere(padded[:-1, 1:-1] != padded[1:, 1:-1])  # (row, col): line along the top of the cell
    down = np.argwhere(padded[1:-1, :-1] != padded[1:-1, 1:])
    flat = np.concatenate(
        [
            np.stack([across[:, 1], across[:, 0], across[:, 1] + 1, across[:, 0]], 1),
            np.stack([down[:, 1], down[:, 0], down[:, 1], down[:, 0] + 1], 1),
        ]
    )
    return flat.astype(int)

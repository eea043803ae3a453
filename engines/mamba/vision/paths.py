"""Ways through the patches of a photo, one after the other. No torch.

Source: Zhu et al. 2024, "Vision Mamba" (two directions); Liu et al. 2024, "VMamba" (four).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DIRECTIONS = (1, 2, 4)


def orders(rows: int, cols: int, directions: int) -> npt.NDArray[np.int64]:
    """In which order each direction visits the patches, (directions, rows · cols): patches by their numbers.

    Along the rows, the same backwards, down the columns, the same backwards; patches are numbered row by row.

    Raises
    ------
    ValueError
        For a number of directions that is none of `DIRECTIONS`.
    """
    if directions not in DIRECTIONS:
        raise ValueError(f"{directions} directions")
    along = np.arange(rows * cols)
    down = along.reshape(rows, cols).T.ravel()
    return np.stack([along, along[::-1], down, down[::-1]][:directions])


def reaches(rows: int, cols: int, directions: int, layers: int) -> npt.NDArray[np.bool_]:
    """Which patch (column) can reach which (row) through so many layers, (rows · cols, rows · cols)."""
    count = rows * cols
    once = np.zeros((count, count), bool)
    for order in orders(rows, cols, directions):
        when = np.argsort(order)
        once |= when[None] <= when[:, None]
    found = once
    for _ in range(layers - 1):
        found = (found.astype(int) @ once.astype(int)) > 0
    return found

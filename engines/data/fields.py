"""Fields of random symbols, and the task to say for each place what stands a few places further on.

How well that can be done is known before anything is trained: a place that sees its answer can always say it, one that
does not can only guess. The accuracy of a trained net, drawn over the field, shows what its places see.

Shapes: B fields, (rows, cols) of a field.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

SYMBOLS = 4


def draw(count: int, side: int, generator: torch.Generator, symbols: int = SYMBOLS) -> Tensor:
    """Fields of symbols 0, 1, …, int64 (B, side, side)."""
    return torch.randint(symbols, (count, side, side), generator=generator)


def answers(fields: Tensor, offset: tuple[int, int]) -> Tensor:
    """What stands ``offset`` = (rows, cols) further on, int64 (B, rows, cols); over the edge one begins again."""
    return fields.roll((-offset[0], -offset[1]), (1, 2))


def sees_answer(sees: npt.NDArray[np.bool_], side: int, offset: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which places see their answer, bool (side, side), given which place (row) sees which one (column), (N, N)."""
    at = np.arange(side * side)
    row, col = (at // side + offset[0]) % side, (at % side + offset[1]) % side
    found: npt.NDArray[np.bool_] = sees[at, row * side + col].reshape(side, side)
    return found


def expected(visible: npt.NDArray[np.bool_], symbols: int = SYMBOLS) -> float:
    """The accuracy of a net that says what it sees, ``visible`` (N,), and guesses the rest."""
    share = float(visible.mean())
    return share + (1 - share) / symbols

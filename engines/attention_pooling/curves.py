"""Points as tensors, and places along them; in double precision on the CPU whatever the device.

A few thousand numbers are not worth the way to another one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engines.attention_pooling.points import Points
from engines.core.errors import LabError

GRID = 241  # places of a fitted curve


def columns(points: Points) -> tuple[Tensor, Tensor]:
    """Points as keys and values, float64 (N,) each.

    Raises
    ------
    LabError
        There is no point, or one is not a finite number.
    """
    if not points:
        raise LabError("There is no point to attend to.")
    x, y = torch.tensor(points, dtype=torch.float64).unbind(1)
    if not bool(torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise LabError("A point has a coordinate that is not finite.")
    return x, y


def span(x: Tensor, count: int) -> Tensor:
    """Evenly spaced queries (count,) from the first to the last key of x (N,); around it if all are in one place."""
    low, high = float(x.min()), float(x.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return torch.linspace(low, high, count, dtype=torch.float64)

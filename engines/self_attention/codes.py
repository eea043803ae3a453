"""What both pages take from the kinds of positions, and numbers as events hold them."""

from __future__ import annotations

from torch import Tensor

from engines.self_attention.model import learned, sines
from engines.self_attention.spec import SINUSOIDAL, Floats


def added_code(kind: str, length: int, dim: int, seed: int) -> Tensor:
    """What sine-and-cosine or learned positions add to X, (length, d)."""
    return sines(length, dim) if kind == SINUSOIDAL else learned(length, dim, seed)


def array_of(values: Tensor) -> Floats:
    """A contiguous copy, of the same shape."""
    return values.contiguous().numpy().copy()

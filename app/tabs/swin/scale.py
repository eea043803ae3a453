"""Where the ends of color scales lie. Numpy only, no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engines.swin.events import Floats
from engines.swin.spec import PER_HEAD, SHARED

STEPS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def nice_end(value: float) -> float:
    """The next round number, so that a scale rests while what it measures trembles."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return next((step * unit for step in STEPS if step * unit >= value * (1 - 1e-6)), 10 * unit)


def ends_of(maps: Sequence[Floats] | Floats, scale: str) -> Floats:
    """Upper ends (n,) of scales that start at 0, for maps of weights; see `engines.swin.spec`."""
    largest = np.array([float(one.max(initial=0)) for one in maps], np.float32)
    if scale == PER_HEAD:
        return np.where(largest > 0, largest, 1).astype(np.float32)
    end = nice_end(float(largest.max(initial=0))) if scale == SHARED else 1.0
    return np.full(len(largest), end, np.float32)

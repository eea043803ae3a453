"""Sizes that divide each other: powers of two. Imports no torch."""

from __future__ import annotations

import numpy as np


def nearest_power(value: float) -> int:
    """The power of two that is next in ratio."""
    return int(2 ** round(float(np.log2(max(1.0, value)))))

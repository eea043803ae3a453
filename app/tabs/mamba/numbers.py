"""How this tab writes numbers."""

from __future__ import annotations

import math

import numpy as np

from app import words


def small(value: float) -> str:
    """A number that may be very small: ``2.26``, ``0``, ``5.96e−06``."""
    return words.number(value, 2) if value >= 0.01 or not value else f"{value:.1e}".replace("-", "\u2212")


def digits(values: np.ndarray) -> int:
    """Digits after the point with which the largest of some values, of any shape, has two that are not 0; 2 to 5."""
    top = float(np.abs(values).max(initial=0))
    return 2 if top >= 0.1 or not top else min(5, 1 - math.floor(math.log10(top)))


def duration(seconds: float) -> str:
    """``12 µs``, ``3.4 ms``, ``1.20 s``."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            value = seconds * factor
            return f"{words.number(value, 1 if value < 10 else 0)} {unit}"
    return f"{words.number(seconds, 2)} s"


def size(count: float) -> str:
    """Bytes: ``512 B``, ``8.0 kB``, ``2.1 MB``."""
    for limit, factor, unit in ((1e3, 1.0, "B"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB")):
        if count < limit:
            return f"{words.number(count / factor, 0 if factor == 1 else 1)} {unit}"
    return f"{words.number(count / 1e9, 2)} GB"

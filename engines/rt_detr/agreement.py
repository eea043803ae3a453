"""What is said of the chosen locations of many pictures: do their scores tell how good their boxes are? No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST = 3  #: values that a correlation takes: two are always on a line
HIGH = 0.5  #: a score or an IoU above it is high


@dataclass(frozen=True)
class Agreement:
    """How scores and IoUs of the same locations go together.

    Attributes
    ----------
    correlation : float
        Pearson's; 0 where one of them is the same everywhere.
    high : float
        Share of the locations with a high score.
    both : float
        Share with a high score and a high IoU. (Zhao et al. 2024, table 4: Prop_cls and Prop_both)
    kept : float
        Share with a high IoU among those with a high score; 0 where there is none.
    """

    correlation: float
    high: float
    both: float
    kept: float


def agreement(scores: npt.NDArray[np.float32], ious: npt.NDArray[np.float32]) -> Agreement:
    """Scores (N,) and IoUs (N,) of locations -> what is said of them."""
    if not len(scores):
        return Agreement(0.0, 0.0, 0.0, 0.0)
    high = scores > HIGH
    good = ious > HIGH
    both = high & good
    return Agreement(
        pearson(scores, ious),
        float(high.mean()),
        float(both.mean()),
        float(both.sum() / high.sum()) if high.any() else 0.0,
    )


def pearson(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    """Correlation of two arrays (N,); 0 for fewer than `LEAST` values, and where one of them is the same everywhere."""
    if len(a) < LEAST:
        return 0.0
    one, other = np.asarray(a, float) - np.mean(a, dtype=float), np.asarray(b, float) - np.mean(b, dtype=float)
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / size) if size > 1e-12 else 0.0

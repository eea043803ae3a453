"""Whether two kinds of training differ, by pairs of the same seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: 97.5 % quantile of Student's t for 1, 2, ... degrees of freedom: 95 % of a mean lie within so many standard errors.
QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


@dataclass(frozen=True)
class Difference:
    """Mean of the differences seed by seed, and how far from it the true one may lie.

    Attributes
    ----------
    mean, half : float
        95 % of such intervals, mean ± half, hold the true difference.
    """

    mean: float
    half: float

    @property
    def sign(self) -> int:
        """1 or −1 where the interval lies on one side of 0; 0 where the seeds alone may have made the difference."""
        return 0 if abs(self.mean) <= self.half else 1 if self.mean > 0 else -1


def difference(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> Difference:
    """One kind against another, (seeds,) each: trained on the same batches, so seed by seed."""
    apart = np.asarray(one, float) - np.asarray(other, float)
    error = apart.std(ddof=1) / np.sqrt(len(apart))
    return Difference(float(apart.mean()), float(QUANTILES[len(apart) - 2] * error))

"""What a race says: means with deviations, the accuracy at equal time, and whether a difference is one. No torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.blocks.differences import difference
from engines.resnest.race.spec import Floats, Standing


def standing(steps: npt.NDArray[np.int64], accuracy: Floats, seconds: tuple[float, ...]) -> Standing:
    """All that is said of accuracies (looks, kinds, seeds); see `engines.resnest.race.spec.Standing`."""
    time, at_time = equal_time(steps, accuracy, seconds)
    after_steps, after_time = (
        tuple(difference(each, found[0]) for each in found[1:]) for found in (accuracy[-1], at_time)
    )
    return Standing(steps, accuracy, seconds, time, at_time, after_steps, after_time)


def equal_time(steps: npt.NDArray[np.int64], accuracy: Floats, seconds: tuple[float, ...]) -> tuple[float, Floats]:
    """Accuracy when the quickest kind has made all its steps.

    Parameters
    ----------
    steps : ndarray (looks,)
    accuracy : ndarray (looks, kinds, seeds)
    seconds : tuple of float
        That a step of each kind takes.

    Returns
    -------
    time : float
        Seconds that each kind has had.
    found : ndarray (kinds, seeds)
        At the time, by straight lines between two looks.
    """
    time = float(steps[-1]) * min(seconds)
    found = np.empty(accuracy.shape[1:], np.float32)
    for kind, each in enumerate(seconds):
        for seed in range(accuracy.shape[2]):
            found[kind, seed] = np.interp(time, steps * each, accuracy[:, kind, seed])
    return time, found

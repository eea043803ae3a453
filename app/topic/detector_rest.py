"""When more steps of a training will not help, as far as its own measurements tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST = 400  #: steps before which nothing is said
BETTER = 0.01  #: of AP: less is within what measurements of the same model differ by
SOME = 0.02  #: AP from which on it has learned something
FALLS = 0.01  #: of the loss, as a share


def best_before(steps: Sequence[int], ap: Sequence[float], loss: np.ndarray) -> int | None:
    """The step with the best AP, where going on will hardly better it; None while it may.

    Two things are asked. The AP on the validation pictures is not better by a hundredth, at any measurement in the
    later half of the steps, than the best of the earlier half: the run has been as long again for nothing. And where
    it has found next to nothing at all (AP below 0.02, when it may yet have to begin), the mean loss of the last
    quarter of the steps is not lower by a hundredth of itself than that of the quarter before.

    Parameters
    ----------
    steps, ap : sequence
        Of all measurements, rising.
    loss : ndarray (N,)
        Of all steps.
    """
    if len(steps) < 4 or steps[-1] < LEAST:
        return None
    half = steps[-1] / 2
    early = [value for step, value in zip(steps, ap, strict=True) if step <= half]
    late = [value for step, value in zip(steps, ap, strict=True) if step > half]
    if not early or max(late) > max(early) + BETTER:
        return None
    if max(ap) < SOME:
        quarter = len(loss) // 4
        before, now = loss[-2 * quarter : -quarter].mean(), loss[-quarter:].mean()
        if now < (1 - FALLS) * before:
            return None
    return steps[int(np.argmax(ap))]

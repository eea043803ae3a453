"""When a training page says that more steps will hardly help."""

from __future__ import annotations

import numpy as np
import pytest

from app.topic.detector_rest import LEAST, best_before

STEPS = list(range(0, 2001, 100))


def said(ap, loss, steps=STEPS):
    return best_before(steps, [ap(step) for step in steps], np.array([loss(step) for step in range(steps[-1])]))


@pytest.mark.parametrize(
    ("ap", "loss", "best"),
    [
        (lambda s: s / 4000, lambda s: 5 - s / 1000, None),  # it learns
        (lambda s: min(0.3, s / 3000), lambda s: 5 - s / 1000, 900),  # it overfits: the loss alone falls
        (lambda s: 0.0, lambda s: 5 - s / 1000, None),  # it has not begun, but may
        (lambda s: 0.001 * (s == 300), lambda s: 5.0, 300),  # nothing learned, and nothing falls
        (lambda s: 0.3 + 0.004 * (s > 1000), lambda s: 1.0, 1100),  # no more than it sways by
    ],
)
def test_it_is_said_where_half_of_the_run_was_for_nothing(ap, loss, best):
    assert said(ap, loss) == best


def test_nothing_is_said_of_a_short_run():
    short = [step for step in STEPS if step < LEAST]
    assert said(lambda s: 0.2, lambda s: 1.0, short) is None
    assert best_before([], [], np.zeros(0)) is None

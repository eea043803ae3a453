"""The states kept of a run."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.training import Timeline, TrainingParams, Weights, finite


def state(step, size=1):
    return Weights(step, {"w": np.zeros(size, np.float32)})


def filled(steps, **limits):
    timeline = Timeline(**limits)
    for step in steps:
        timeline.add(state(step))
    return timeline


def test_all_states_stay_while_there_is_room():
    timeline = filled(range(0, 100, 5))
    assert timeline.steps == tuple(range(0, 100, 5))
    assert len(timeline) == 20


@pytest.mark.parametrize("limits", [{"count": 12}, {"memory": 12 * 4}])
def test_memory_is_bounded_and_the_beginning_stays_dense(limits):
    timeline = filled(range(2001), **limits)
    steps = timeline.steps
    assert len(steps) == 12
    assert (steps[0], steps[-1]) == (0, 2000)
    assert timeline.nbytes <= 12 * 4
    gaps = np.diff(steps)
    assert gaps[:3].sum() < gaps[-3:].sum()
    ratios = (np.array(steps[1:]) + 10) / (np.array(steps[:-1]) + 10)
    assert ratios[:-1].max() < 4  # no hole in the middle


def test_two_states_stay_even_where_there_is_room_for_none():
    assert filled(range(10), memory=0).steps == (0, 9)


def test_the_state_looked_at_is_never_later_than_the_step():
    timeline = filled([0, 10, 20])
    assert [timeline.at(step).step for step in (0, 9, 10, 19, 500)] == [0, 0, 10, 10, 20]
    assert filled([5, 10]).at(0).step == 5
    assert Timeline().at(3) is None
    assert Timeline().newest is None


def test_a_state_told_again_takes_the_place_of_the_old_one():
    timeline = filled([0, 10, 20])
    again = state(10)
    timeline.add(again)
    assert timeline.steps == (0, 10)
    assert timeline.newest is again
    timeline.clear()
    assert len(timeline) == 0


def test_weights_are_themselves_and_nothing_else():
    one, two = state(3), state(3)
    assert one != two
    assert TrainingParams(start=one) != TrainingParams(start=two)
    assert TrainingParams(start=one) == TrainingParams(start=one)
    assert state(0, 25).nbytes == 100


def test_finite():
    assert finite(1.0, -2.5)
    assert not finite(1.0, float("nan"))
    assert not finite(float("inf"))

"""Steps of the hand hold no states of a run: 200 of them, each another one, would fill gigabytes."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np

from app.history import History
from engines.core.training import Weights
from engines.moco.spec import MocoParams


def state(step: int) -> Weights:
    return Weights(step, {"w": np.zeros(3)})


def test_a_state_is_let_go_when_another_is_looked_at(qapp):
    history, params, states = History(), MocoParams(weights=state(0)), []
    for step in range(1, 6):
        states.append(weakref.ref(params.weights))
        history.record(params, "")
        params = replace(params, temperature=step / 10, weights=state(step))
    states.append(weakref.ref(params.weights))
    back = history.undo(params)
    del params
    gc.collect()
    assert [one() is not None for one in states] == [False] * 5 + [True]
    assert back.temperature == 0.4
    assert back.weights.step == 5


def test_going_back_and_forth_looks_at_what_is_looked_at_now(qapp):
    history, first, now = History(), state(1), state(9)
    history.record(MocoParams(anchor=1, weights=first), "")
    back = history.undo(MocoParams(anchor=2, weights=now))
    assert (back.anchor, back.weights) == (1, now)
    again = history.redo(replace(back, weights=first))
    assert (again.anchor, again.weights) == (2, first)
    history.record(MocoParams(anchor=3), "")
    assert history.undo(MocoParams(anchor=4)) == MocoParams(anchor=3)

"""MoCo: what streaming its run costs, what a view's slider costs, how far the shapes get in two minutes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

from engines.core.device import leave_a_core
from engines.core.protocol import Job
from engines.moco.spec import MocoParams, RunParams
from tests.benchmarks.table import Measured, Row, quantile
from tests.benchmarks.training_cost import Cost, Watched, streaming_cost

MINUTES = 2.0  #: that the shapes are learned for
ROUNDS = 60  #: of a slider


def _shapes() -> object:
    from engines.core.memo import Memo
    from engines.moco.pictures import Wanted, kept
    from engines.moco.settings import SHAPES

    sets: Memo[Any] = Memo()
    for _ in kept(sets, Wanted(SHAPES)):
        pass
    return sets.get(Wanted(SHAPES), object)


@cache
def _cost() -> Cost:
    from engines.moco.run import Run

    params = RunParams(run=1)

    def bare() -> Callable[[], object]:
        run = Run(params, _shapes())  # type: ignore[arg-type]  # a PictureSet; torch is not imported here
        return lambda: run.advance(params)

    place = "engines.moco.training:Trainer"
    return streaming_cost(Watched("moco", bare, place, params, page=1))


def two_minutes() -> Measured:
    """Points of linear-probe accuracy that the shapes gain over random weights in two minutes, without any window."""
    from engines.moco.run import Run
    from engines.moco.snapshots import measured
    from engines.moco.spec import Measured as Probed

    leave_a_core()
    params = RunParams(run=1)
    run = Run(params, _shapes())  # type: ignore[arg-type]  # a PictureSet; torch is not imported here

    def probe() -> float:
        return 100 * next(event.probe for event in measured(run) if isinstance(event, Probed))

    first, began = probe(), time.perf_counter()
    while time.perf_counter() - began < 60 * MINUTES:
        run.advance(params)
    last = probe()
    return Measured(last - first, "points", sound=last - first >= 10,
                    note=f"{first:.1f} % -> {last:.1f} % of test shapes, {run.step} steps")  # fmt: skip


def slider() -> Measured:
    """p99 of the engine's answer to a slider of a view, with 256 keys."""
    from engines.moco.two_views.engine import Engine

    leave_a_core()
    engine, spent = Engine(), []
    for turn in range(ROUNDS):
        params = MocoParams(color_1=turn / ROUNDS)
        began = time.perf_counter()
        for _ in engine.run(Job(params, lambda: engine, lambda event: None)):
            pass
        spent.append(1000 * (time.perf_counter() - began))
    return Measured(quantile(spent[3:], 0.99), "ms", note="two views, two encoders, 256 keys")


def rows() -> list[Row]:
    """The rows of this topic."""
    return [
        Row("moco-lane", "MoCo training through the lane", lambda: _cost().through_lane(), least=0.95),
        Row("moco-window", "MoCo training, window painting", lambda: _cost().with_window(), least=0.92),
        Row("moco-shapes", "linear probe on the shapes, gained in 2 minutes", two_minutes, least=10),
        Row("moco-slider", "a slider of a view, p99", slider, most=16),
    ]

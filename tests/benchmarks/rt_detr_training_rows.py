"""Live training of RT-DETR: what streaming it costs, and how soon learning is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from engines.core.device import leave_a_core
from engines.rt_detr.training.spec import RtDetrTraining
from tests.benchmarks.table import Measured, Row
from tests.benchmarks.training_cost import Cost, Watched, streaming_cost

TRAINER = "engines.rt_detr.training.trainer:Trainer"
PAGE = "training"
GOAL = 0.5  #: AP50 on the validation scenes
PATIENCE = 300.0  #: seconds


def _page() -> int:
    """Where the page stands among those of its tab."""
    from app.topics import topic

    found = topic("rt_detr")
    assert found is not None
    return [kind.name() for kind in found.page_classes()].index(PAGE)


@cache
def _cost() -> Cost:
    from engines.rt_detr.training.run import Run

    params = RtDetrTraining()

    def bare() -> Callable[[], object]:
        return Run(params).advance

    return streaming_cost(Watched("rt_detr", bare, TRAINER, params, _page()), seconds=4.0)


def learned() -> Measured:
    """Seconds of the processor until AP50 on the validation scenes reaches the goal, measuring included."""
    from engines.rt_detr.training.run import Run

    leave_a_core()
    run, began = Run(RtDetrTraining()), time.process_time()
    reached, spent = 0.0, 0.0
    while reached < GOAL and spent < PATIENCE:
        run.advance()
        spent = time.process_time() - began
        reached = run.measured.ap50 if run.measured is not None else 0.0
    return Measured(spent, "s", sound=reached >= GOAL, note=f"{run.step} steps to AP50 {reached:.1%}")


def rows() -> list[Row]:
    """The topic's rows."""
    return [
        Row("rt-detr-lane", "RT-DETR training through the lane, share of the bare loop",
            lambda: _cost().through_lane(), least=0.95),
        Row("rt-detr-learned", "RT-DETR on a trained backbone, from random numbers to AP50 50 %", learned, most=60),
    ]  # fmt: skip

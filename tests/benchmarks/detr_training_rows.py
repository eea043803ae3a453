"""Live training of DETR: what streaming it costs, how soon learning is seen, how long it goes without a stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from engines.core.device import leave_a_core
from engines.detr.training.spec import BUNDLED, UP_TO_8, DetrTraining
from tests.benchmarks.table import Measured, Row
from tests.benchmarks.training_cost import Cost, Watched, streaming_cost

TRAINER = "engines.detr.training.trainer:Trainer"
PAGE = 3  #: "Training"
GOAL = 0.3  #: AP50 on the validation scenes
PATIENCE = 300.0  #: seconds


@cache
def _cost() -> Cost:
    from engines.detr.training.run import Run

    params = DetrTraining()

    def bare() -> Callable[[], object]:
        return Run(params).advance

    return streaming_cost(Watched("detr", bare, TRAINER, params, PAGE), seconds=4.0)


def learned() -> Measured:
    """Seconds of training until AP50 on the validation scenes reaches the goal, measuring included."""
    from engines.detr.training.run import Run

    leave_a_core()
    run, began = Run(DetrTraining()), time.perf_counter()
    reached, spent = 0.0, 0.0
    while reached < GOAL and spent < PATIENCE:
        run.advance()
        spent = time.perf_counter() - began
        reached = run.measured.ap50 if run.measured is not None else 0.0
    return Measured(spent, "s", sound=reached >= GOAL, note=f"{run.step} steps to AP50 {reached:.1%}")


def longest_piece() -> Measured:
    """Longest time between two places to stop, the toy DETR on its own kind of scenes."""
    from engines.detr.training.run import Run

    leave_a_core()
    params = DetrTraining(begin=BUNDLED, scenes=UP_TO_8, backbone=True).following(DetrTraining())
    run, longest = Run(params), 0.0
    for step in range(6):
        for work in (run.parts(params), run.measuring()):
            began = time.perf_counter()
            for _ in work:
                now = time.perf_counter()
                longest = max(longest, now - began) if step else longest
                began = now
            longest = max(longest, time.perf_counter() - began) if step else longest
    return Measured(1e3 * longest, "ms", note="bundled weights, backbone learning, batches of 16")


def rows() -> list[Row]:
    """The topic's rows."""
    return [
        Row("detr-lane", "DETR training through the lane, share of the bare loop", lambda: _cost().through_lane(),
            least=0.95),
        Row("detr-window", "DETR training with its page open, share of the bare loop", lambda: _cost().with_window(),
            least=0.92),
        Row("detr-learned", "DETR on a trained backbone, from random numbers to AP50 30 %", learned, most=60),
        Row("detr-stop", "DETR training, longest time between two places to stop", longest_piece, most=300),
    ]  # fmt: skip

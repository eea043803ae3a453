"""The Transformer: what streaming its training costs, how soon Reverse is learned, what a typed letter costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from engines.core.device import leave_a_core
from engines.core.protocol import Job
from engines.transformer.training.spec import Now, TrainingSettings
from tests.benchmarks.table import Measured, Row, quantile
from tests.benchmarks.training_cost import Cost, Watched, streaming_cost

GOAL = 0.95  #: token accuracy on held-out examples
LOOK = 10  #: steps between two measurements
PATIENCE = 300.0  #: seconds
WORDS = "reversing", "letters", "one by one", "takes", "a dozen", "steps"


@cache
def _cost() -> Cost:
    from engines.transformer.training.trainer import Run

    settings = TrainingSettings()

    def bare() -> Callable[[], object]:
        return Run(settings).advance

    trainer = "engines.transformer.training.trainer:Trainer"
    return streaming_cost(Watched("transformer", bare, trainer, settings, look=Now))


def reverse_learned() -> Measured:
    """Seconds until Reverse is learned from scratch with the tab's default settings, without any window."""
    from engines.transformer.training.trainer import Run

    leave_a_core()
    run, began = Run(TrainingSettings()), time.perf_counter()
    reached, spent = 0.0, 0.0
    while reached < GOAL and spent < PATIENCE:
        run.advance()
        spent = time.perf_counter() - began
        if run.step % LOOK == 0:
            reached = run.measured().token_accuracy
    return Measured(spent, "s", sound=reached >= GOAL, note=f"{run.step} steps to {reached:.1%} of held-out tokens")


def answering(rounds: int = 8) -> Measured:
    """p99 of the engine's answer to a typed input, greedy."""
    from engines.transformer.decode.engine import Engine
    from engines.transformer.decode.spec import DecodingParams

    leave_a_core()
    engine, spent = Engine(), []
    for turn in range(rounds):
        for text in WORDS:
            job = Job(DecodingParams(read=text), lambda: engine, lambda event: None)
            began = time.perf_counter()
            for _ in engine.run(job):
                pass
            if turn:
                spent.append(1e3 * (time.perf_counter() - began))
    return Measured(quantile(spent, 0.99), "ms", note=f"p50 {quantile(spent, 0.5):.0f} ms, up to 10 letters")


def rows() -> list[Row]:
    """The topic's rows."""
    return [
        Row("transformer-lane", "Transformer training through the lane", lambda: _cost().through_lane(), least=0.95),
        Row("transformer-window", "Transformer training, window painting", lambda: _cost().with_window(), least=0.92),
        Row("transformer-looks", "Transformer training, curves and maps drawn", lambda: _cost().painted(), least=10),
        Row("transformer-reverse", "Reverse from scratch to 95 % of tokens", reverse_learned, most=90),
        Row("transformer-answer", "typed input decoded, maps included, p99", answering, most=100),
    ]

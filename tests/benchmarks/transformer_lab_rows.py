"""The pages that take the Transformer apart: a slider's answer, the longest wait for a cancel, the whole ablation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from engines.core.device import leave_a_core
from engines.core.params import Params
from engines.core.protocol import Job
from engines.transformer.experiments.spec import NORMS, Ablated, AblationParams, LabParams, Normalized
from engines.transformer.switches import CROSS
from tests.benchmarks.table import Measured, Row, quantile

BATCHES = range(2, 32)


def norm_slider() -> Measured:
    """p99 of the engine's answer to another batch size."""
    from engines.transformer.experiments.engine import Engine

    leave_a_core()
    engine, plain, spent = Engine(), LabParams(experiment=NORMS), []
    list(engine.run(Job(plain, lambda: engine, lambda event: None)))
    for batch in BATCHES:
        began = time.perf_counter()
        for event in engine.run(Job(replace(plain, lab_batch=batch), lambda: engine, lambda event: None)):
            if isinstance(event, Normalized):
                break
        spent.append(1e3 * (time.perf_counter() - began))
    return Measured(quantile(spent, 0.99), "ms", note=f"p50 {quantile(spent, 0.5):.0f} ms, batches of 2 to 31")


def longest_pause() -> Measured:
    """The longest time between two yields of all experiments, from nothing: how long a cancel may have to wait."""
    from engines.transformer.experiments.ablation import Ablation
    from engines.transformer.experiments.engine import Engine
    from engines.transformer.maths.engine import Engine as Walker
    from engines.transformer.maths.spec import WalkParams

    leave_a_core()
    longest, where = 0.0, ""
    asked: tuple[tuple[Any, Params], ...] = (
        (Engine(), LabParams(lab_depth=8, lab_batch=32, lab_padding=12)),
        (Ablation(), AblationParams(lab_examples=512)),
        (Walker(), WalkParams(walk_at=(CROSS, 1))),
    )
    for made, params in asked:
        began = time.perf_counter()
        for event in made.run(Job(params, lambda one=made: one, lambda event: None)):
            spent, began = 1e3 * (time.perf_counter() - began), time.perf_counter()
            if spent > longest:
                longest, where = spent, f"{type(params).__name__}, {type(event).__name__}"
    return Measured(longest, "ms", note=where)


def ablation() -> Measured:
    """Seconds for the map of all heads, attentions, FFNs and layers."""
    from engines.transformer.experiments.ablation import Ablation

    leave_a_core()
    engine = Ablation()
    began = time.perf_counter()
    *_, last = engine.run(Job(AblationParams(), lambda: engine, lambda event: None))
    assert isinstance(last, Ablated)
    return Measured(time.perf_counter() - began, "s", sound=last.done == last.total, note=f"{last.total} measurements")


def rows() -> list[Row]:
    """The pages' rows."""
    return [
        Row("transformer-norms", "Transformer, batch size slider of the normalization, p99", norm_slider, most=33),
        Row("transformer-pause", "Transformer, longest wait for a cancel", longest_pause, most=300),
        Row("transformer-ablation", "Transformer, map of all heads and layers", ablation, most=10),
    ]

"""The small topics: what one change of a slider costs their engines at default size."""

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from typing import Any

import numpy as np

from engines.core.device import leave_a_core
from engines.core.protocol import Job
from tests.benchmarks.table import Measured, quantile

#: topic -> class of its settings, the slider that is dragged, from where to where
DRAGS: dict[str, tuple[str, str, float, float]] = {
    "attention_pooling": ("PoolingParams", "bandwidth", 0.3, 3.0),
    "scoring": ("ScoringParams", "temperature", 0.5, 2.0),
    "multi_head": ("MultiHeadParams", "temperature", 0.4, 2.0),
    "self_attention": ("SelfAttentionParams", "temperature", 0.5, 2.0),
}

ENGINES = {
    "attention_pooling": "engines.attention_pooling.kernel_regression.engine",
    "scoring": "engines.scoring.compare.engine",
}  #: where a page has its own


def slider_work(changes: int = 120, warm_up: int = 5) -> Measured:
    """The slowest topic's p99 of one slider change, engine alone, ``cores - 1`` threads."""
    leave_a_core()
    found: dict[str, dict[str, float]] = {}
    for topic in DRAGS:
        spent = drag(topic, changes, warm_up)
        found[topic] = {"p50_ms": quantile(spent, 0.5), "p99_ms": quantile(spent, 0.99)}
    slowest = max(found, key=lambda name: found[name]["p99_ms"])
    return Measured(found[slowest]["p99_ms"], "ms", note=f"slowest: {slowest}", details=found)


def drag(topic: str, changes: int, warm_up: int) -> list[float]:
    """Milliseconds that the engine takes for each change of a drag."""
    kind, field, low, high = DRAGS[topic]
    plain: Any = getattr(importlib.import_module(f"engines.{topic}.spec"), kind)()
    if hasattr(plain, "page"):
        plain = replace(plain, page=0)  # as the tab asks: the page on screen, not all of them
    engine = importlib.import_module(ENGINES.get(topic, f"engines.{topic}.engine")).Engine()
    spent = []
    for value in np.linspace(low, high, changes + warm_up):
        job = Job(replace(plain, **{field: float(value)}), lambda: engine, lambda event: None)
        began = time.perf_counter()
        for _ in engine.run(job):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return spent[warm_up:]

"""The small topics: what one change of a slider costs their engines at default size."""

from __future__ import annotations

import importlib
import time
import typing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engines.core.device import leave_a_core
from engines.core.protocol import Job
from tests.benchmarks.brought import modules
from tests.benchmarks.table import Measured, quantile


@dataclass(frozen=True)
class Drag:
    """A slider and how far it is dragged; a small topic brings one in its module ``<topic>_rows`` as ``DRAGGED``.

    Attributes
    ----------
    engine : str
        Module of the engine that answers.
    field : str
        Of its settings.
    low, high : float
        Where the drag begins and ends.
    """

    engine: str
    field: str
    low: float
    high: float


def slider_work(changes: int = 120, warm_up: int = 5) -> Measured:
    """The slowest topic's p99 of one slider change, engine alone, ``cores - 1`` threads."""
    leave_a_core()
    found: dict[str, dict[str, float]] = {}
    drags = {module.__name__.split(".")[-1].removesuffix("_rows"): module.DRAGGED for module in modules("DRAGGED")}
    for topic, one in drags.items():
        spent = drag(one, changes, warm_up)
        found[topic] = {"p50_ms": quantile(spent, 0.5), "p99_ms": quantile(spent, 0.99)}
    slowest = max(found, key=lambda name: found[name]["p99_ms"])
    return Measured(found[slowest]["p99_ms"], "ms", note=f"slowest: {slowest}", details=found)


def drag(one: Drag, changes: int, warm_up: int) -> list[float]:
    """Milliseconds that the engine takes for each change of a drag."""
    engine = importlib.import_module(one.engine).Engine()
    (params,) = typing.get_args(typing.get_type_hints(engine.run)["job"])
    plain: Any = params()
    if hasattr(plain, "page"):
        plain = replace(plain, page=0)  # as the tab asks: the page on screen, not all of them
    spent = []
    for value in np.linspace(one.low, one.high, changes + warm_up):
        job = Job(replace(plain, **{one.field: float(value)}), lambda: engine, lambda event: None)
        began = time.perf_counter()
        for _ in engine.run(job):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return spent[warm_up:]

"""Rows of the RT-DETR tab: the reference box under the hand."""

from __future__ import annotations

import time

import numpy as np

from tests.benchmarks.table import Measured, Row, quantile

CHANGES, WARM_UP = 120, 5


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [Row("rt-detr-box", "toy RT-DETR: reference box dragged, p99", dragged, most=16)]


def dragged() -> Measured:
    """p99 of one move of a query's reference box, after which all decoder layers are computed; engine alone."""
    from engines.core.device import leave_a_core
    from engines.core.protocol import Job
    from engines.rt_detr.detect.engine import Engine
    from engines.rt_detr.detect.spec import DetectParams

    leave_a_core()
    engine, spent = Engine(), []
    for x in np.linspace(0.2, 0.8, CHANGES + WARM_UP):
        params = DetectParams(query=2, moved=(0, 2, (float(x), 0.5, 0.3, 0.3)))
        began = time.perf_counter()
        for _ in engine.run(Job(params, lambda: engine, lambda event: None)):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return Measured(quantile(spent[WARM_UP:], 0.99), "ms")

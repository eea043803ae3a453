"""Rows of the ResNeSt tab: one weight under the hand."""

from __future__ import annotations

import time

import numpy as np

from tests.benchmarks.table import Measured, Row, quantile

CHANGES, WARM_UP = 120, 5


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [Row("resnest-slider", "mini-resnest: a weight by hand, p99", slider, most=16)]


def slider() -> Measured:
    """p99 of one change of all weights of the first block, after which everything is computed; engine alone."""
    from engines.core.device import leave_a_core
    from engines.core.protocol import Job
    from engines.resnest.watch.engine import Engine
    from engines.resnest.watch.spec import WatchParams

    leave_a_core()
    engine, spent = Engine(), []
    for share in np.linspace(0.1, 0.9, CHANGES + WARM_UP):
        params = WatchParams(block=1, held=((1, 0, 1, float(share)),))
        began = time.perf_counter()
        for _ in engine.run(Job(params, lambda: engine, lambda event: None)):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return Measured(quantile(spent[WARM_UP:], 0.99), "ms")

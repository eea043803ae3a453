"""What a change of the toy's slider costs."""

from __future__ import annotations

from tests.benchmarks.foundation_rows import Drag, drag
from tests.benchmarks.table import Measured, Row, quantile


def slider() -> Measured:
    """p99 of one slider change, engine alone."""
    return Measured(quantile(drag(Drag("engines.toy.engine", "temperature", 0.1, 3.0), 120, 5), 0.99), "ms")


def rows() -> list[Row]:
    """The topic's rows."""
    return [Row("toy", "toy, one slider change, p99", slider, most=16)]

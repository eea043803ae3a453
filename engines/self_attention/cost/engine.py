"""Answers the page "Cost". Only what is timed runs on the chosen device."""

from __future__ import annotations

from collections.abc import Iterator

from engines.core.protocol import Event, Job
from engines.self_attention.cost.measure import by_formula, measured
from engines.self_attention.cost.spec import CostParams


class Engine:
    """Yields a `CostFrame`, then what is measured."""

    def run(self, job: Job[CostParams]) -> Iterator[Event]:
        """Compute, and measure if ``job.params`` ask for it."""
        yield by_formula(job.params)
        if job.params.measure:
            yield from measured(job.params, job)

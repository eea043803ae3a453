"""Two trainings side by side, with warm-up and without: a guest of the lane."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from engines.core.protocol import Event, Job
from engines.data.sequences import task
from engines.transformer.checkpoint import build
from engines.transformer.one_step.spec import RACE, Raced, RaceParams
from engines.transformer.one_step.stepping import Stepper, rate_at
from engines.transformer.recipe import Shape
from engines.transformer.switches import UNTOUCHED

BATCH = 32
TOLD = 3  #: steps between two answers


class Race:
    """Takes `RaceParams` and yields `Raced` as far as both are."""

    def run(self, job: Job[RaceParams]) -> Iterator[Event]:
        """A step of each in turn."""
        params, kind = job.params, task(job.params.task)
        shape = Shape(params.task, layers=params.race_layers, norm_first=params.race_pre, final_norm=params.race_pre)
        runs = [Stepper(kind, build(shape, torch.Generator().manual_seed(0)), UNTOUCHED, BATCH) for _ in range(2)]
        losses: tuple[list[float], list[float]] = ([], [])
        guessing = math.log(len(kind.target))

        def so_far(done: int) -> Raced:
            warm, cold = (np.array(one, np.float32) for one in losses)
            return Raced(warm, cold, guessing, done, RACE, params.race_layers, params.race_pre, params.step_rate)

        yield so_far(0)
        for step in range(1, RACE + 1):
            for run, told, warm in zip(runs, losses, (True, False), strict=True):
                if len(told) == step - 1:  # no number was left out so far
                    loss = run.advance(rate_at(step, params.step_rate, warm))
                    told += [loss] if math.isfinite(loss) else []
            if step % TOLD == 0 or step == RACE:
                yield so_far(step)

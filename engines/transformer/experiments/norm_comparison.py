"""Layer against batch normalization: two models alike but for that, trained step by step on the same batches."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engines.core.errors import Message
from engines.core.protocol import Event, Job
from engines.core.training import Stopped
from engines.transformer.experiments.norm_comparison_spec import (
    COMPARISON_STEPS,
    ComparisonBegan,
    ComparisonMeasured,
    ComparisonSettings,
    ComparisonStep,
)
from engines.transformer.norms import SequenceBatchNorm
from engines.transformer.recipe import BATCH_NORM, LAYER_NORM, Recipe
from engines.transformer.training.trainer import Run, accuracy, tensors

MEASURE_EVERY = 10  # steps
WIDTH, HEADS, LAYERS = "32", "4", 2
RATE, WARMUP = 5e-3, 60


class NormComparison:
    """A training engine: keeps both runs between jobs of the same ``run``."""

    def __init__(self) -> None:
        self._of: tuple[int, str, int, int] | None = None
        self._runs: tuple[Run, ...] = ()
        self._loss = [0.0, 0.0]

    def run(self, job: Job[ComparisonSettings]) -> Iterator[Event]:
        """Go on to step ``until``, both models in turn."""
        params = job.params
        if self._of != (params.run, params.task, params.seed, params.batch):
            self._of = (params.run, params.task, params.seed, params.batch)
            self._runs = tuple(Run(recipe(params, norm)) for norm in (LAYER_NORM, BATCH_NORM))
            self._loss = [run.guessing for run in self._runs]
            model = self._runs[0].model
            sizes = {"width": model.embed_dim, "heads": model.num_heads, "layers": len(model.encoder)}
            count = sum(v.numel() for v in self._runs[0].values)
            yield ComparisonBegan(count, Message("Width {width}, {heads} heads, {layers} layers", sizes))
            yield self._measured(0)
        step = max(run.step for run in self._runs)
        measured = step
        while step < min(job.params.until, COMPARISON_STEPS):
            for at, run in enumerate(self._runs):
                done = None if run.stopped else run.advance()
                if done is not None:
                    self._loss[at] = done.loss
            stopped = (self._runs[0].stopped, self._runs[1].stopped)
            if all(stopped):
                yield Stopped(step, self._runs[0].why_stopped())
                return
            step = max(run.step for run in self._runs)
            yield ComparisonStep(step, (self._loss[0], self._loss[1]), stopped)
            if step % MEASURE_EVERY == 0:
                measured = step
                yield self._measured(step)
        if measured != step:
            yield self._measured(step)

    def _measured(self, step: int) -> ComparisonMeasured:
        (a, b), (c, d) = (measured(run) for run in self._runs)
        return ComparisonMeasured(step, (a, c), (b, d))


def recipe(params: ComparisonSettings, norm: str) -> Recipe:
    """What one of the two is made of."""
    return Recipe(task=params.task, learning_rate=RATE, warmup=WARMUP, batch=params.batch, seed=params.seed,
                  norm=norm, width=WIDTH, heads=HEADS, layers=LAYERS)  # fmt: skip


@torch.no_grad()
def measured(run: Run) -> tuple[float, float]:
    """Token accuracy on held-out examples, in evaluation and in training mode, with nothing learned from them."""
    source, lens, target = tensors(run.held_out)
    norms = [m for m in run.model.modules() if isinstance(m, SequenceBatchNorm)]
    shares = []
    for train in (False, True):
        for norm in norms:
            norm.momentum = 0.0
        run.model.train(train)
        logits = run.model(source, target[:, :-1], lens, tgt_valid_lens=(target[:, :-1] != 0).sum(1))
        shares.append(accuracy(logits, target[:, 1:])[0])
    for norm in norms:
        norm.momentum = MOMENTUM
    run.model.train()
    return shares[0], shares[1]


MOMENTUM = 0.1  # of the running statistics while learning

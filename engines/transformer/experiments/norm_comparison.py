"""Layer against batch normalization: two models alike but for that, trained step by step on the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from engines.blocks.positions import sinusoidal
from engines.core.errors import Message
from engines.core.protocol import Event, Job
from engines.core.training import Stopped
from engines.data.sequences import Batch, Task
from engines.data.vocabulary import PAD
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
        self._of: ComparisonSettings | None = None
        self._runs: tuple[Run, ...] = ()
        self._loss = [0.0, 0.0]

    def run(self, job: Job[ComparisonSettings]) -> Iterator[Event]:
        """Go on to step ``until``, both models in turn."""
        params = job.params
        of = replace(params, until=0)
        if self._of != of:
            self._of = of
            self._runs = tuple(begun(params, norm) for norm in (LAYER_NORM, BATCH_NORM))
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
        layer, batch = (measured(run) for run in self._runs)
        pairs = list(zip(layer, batch, strict=True))
        return ComparisonMeasured(step, *pairs)


@dataclass(frozen=True)
class PaddedTask(Task):
    """A task whose batches have some more columns of padding.

    Attributes
    ----------
    columns : int
    """

    columns: int = 0

    def batch(self, count: int, random: np.random.Generator, held_out: bool = False) -> Batch:
        """See `Task.batch`."""
        made = super().batch(count, random, held_out)
        source, target = (np.pad(rows, ((0, 0), (0, self.columns)), constant_values=PAD) for rows in
                          (made.source, made.target))  # fmt: skip
        return replace(made, source=source, target=target)


def begun(params: ComparisonSettings, norm: str) -> Run:
    """One of the two runs at its beginning."""
    run = Run(recipe(params, norm))
    plain = {f.name: getattr(run.task, f.name) for f in fields(run.task)}
    run.task = PaddedTask(**plain, columns=params.padding)
    run.held_out = run.task.batch(len(run.held_out.source), np.random.default_rng([params.seed, 1]), held_out=True)
    model = run.model
    model.max_len += params.padding
    model.register_buffer("positions", sinusoidal(model.max_len, model.embed_dim), persistent=False)  # (max_len, E)
    for module in norms_of(run):
        module.counts_padding = params.count_padding
    return run


def norms_of(run: Run) -> list[SequenceBatchNorm]:
    """Its batch normalizations; none of the run with the other kind."""
    return [m for m in run.model.modules() if isinstance(m, SequenceBatchNorm)]


def recipe(params: ComparisonSettings, norm: str) -> Recipe:
    """What one of the two is made of."""
    return Recipe(task=params.task, learning_rate=RATE, warmup=WARMUP, batch=params.batch, seed=params.seed,
                  norm=norm, width=WIDTH, heads=HEADS, layers=LAYERS)  # fmt: skip


@torch.no_grad()
def measured(run: Run) -> tuple[float, float, float, float]:
    """Token accuracy on held-out examples, with nothing learned from them; see `ComparisonMeasured`.

    Returns
    -------
    tuple of float
        In evaluation, in training mode, in training mode one at a time, and in evaluation on the longer half.
    """
    source, lens, target = tensors(run.held_out)
    norms = norms_of(run)
    shares = []
    for train, alone in ((False, False), (True, False), (True, True)):
        for norm in norms:
            norm.momentum, norm.alone = 0.0, alone
        run.model.train(train)
        logits = run.model(source, target[:, :-1], lens, tgt_valid_lens=(target[:, :-1] != PAD).sum(1))
        shares.append(accuracy(logits, target[:, 1:])[0])
        if not train:
            longer = lens >= lens.median()
            longest = accuracy(logits[longer], target[longer, 1:])[0]
    for norm in norms:
        norm.momentum, norm.alone = MOMENTUM, False
    run.model.train()
    return shares[0], shares[1], shares[2], longest


MOMENTUM = 0.1  # of the running statistics while learning

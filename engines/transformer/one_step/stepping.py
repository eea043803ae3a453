"""A training step with all its numbers in the open.

Sources: Kingma & Ba 2015, algorithm 1 (Adam); Vaswani et al. 2017, section 5.3 (the schedule); Xiong et al. 2020 (why
post-norm wants a warm-up).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.data.sequences import Batch, Task
from engines.data.vocabulary import PAD
from engines.transformer.model import Transformer
from engines.transformer.one_step.spec import DECAY
from engines.transformer.recipe import lr_at
from engines.transformer.switches import Switches
from engines.transformer.training.trainer import BETAS, EPS

SEED = 0


def rate_at(step: int, peak: float, warm: bool) -> float:
    """η of a step (from 1): up to its peak and then down with 1 / √step, or at its peak from the first step on."""
    return lr_at(step, peak, DECAY) if warm else float(peak * min(1.0, (DECAY / step) ** 0.5))


@dataclass(eq=False)
class Taken:
    """What one step was made of, all by the order of the model's parameters.

    Attributes
    ----------
    loss : float
    rate : float
    gradients : list of Tensor
    before, after : dict of str to Tensor
        Adam's state, see `engines.blocks.optimizers.Adam.state`.
    old, new : list of Tensor
        The parameters.
    """

    loss: float
    rate: float
    gradients: list[Tensor]
    before: dict[str, Tensor]
    after: dict[str, Tensor]
    old: list[Tensor]
    new: list[Tensor]


class Stepper:
    """A model, Adam, and batches from a seed.

    Parameters
    ----------
    task : Task
    model : Transformer
        Changed by each step.
    plain : Switches
        What it is trained without.
    batch : int
        Examples of each step.
    """

    def __init__(self, task: Task, model: Transformer, plain: Switches, batch: int) -> None:
        self._task, self._plain, self._batch = task, plain, batch
        self.model = model.train().requires_grad_(True)
        self.values = list(self.model.parameters())
        self._start = [value.detach().clone() for value in self.values]
        self._first: tuple[float, list[Tensor]] | None = None  # loss and gradients of the first batch
        self.rewind()

    @torch.no_grad()
    def rewind(self) -> None:
        """Back to where it began; what the first batch tells there holds at any learning rate, and stays known."""
        for value, start in zip(self.values, self._start, strict=True):
            value.copy_(start)
        self.adam = Adam(self.values, BETAS, EPS)
        self._random = np.random.default_rng(SEED)
        self.step = 0

    def draw(self) -> Batch:
        """The next batch."""
        return self._task.batch(self._batch, self._random)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of a batch's target tokens, a scalar."""
        source, lens, target = (torch.from_numpy(x) for x in (batch.source, batch.source_lens, batch.target))
        read, labels = target[:, :-1], target[:, 1:]
        logits = self.model(source, read, lens, tgt_valid_lens=(read != PAD).sum(1), switches=self._plain)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD)

    def gradients(self, batch: Batch) -> tuple[float, list[Tensor]]:
        """Loss of the batch drawn for the next step, and its gradients, of the same shapes as the parameters."""
        if self.step == 0 and self._first is not None:
            return self._first
        loss = self.loss(batch)
        found = float(loss.detach()), list(torch.autograd.grad(loss, self.values))
        if self.step == 0:
            self._first = found
        return found

    def advance(self, rate: float) -> float:
        """Make a step; its loss, which may be no number."""
        loss, gradients = self.gradients(self.draw())
        self.adam.step(gradients, rate)
        self.step += 1
        return loss

    def take_apart(self, rate: float, batch: Batch) -> Taken:
        """Make a step on a batch and write down all of it."""
        loss, gradients = self.gradients(batch)
        before, old = self.adam.state(), [value.detach().clone() for value in self.values]
        self.adam.step(gradients, rate)
        self.step += 1
        new = [value.detach().clone() for value in self.values]
        return Taken(loss, rate, gradients, before, self.adam.state(), old, new)


def cell_numbers(taken: Taken, at: int, cell: tuple[int, int]) -> dict[str, float]:
    """Adam's numbers of one number of parameter ``at``: see `engines.transformer.one_step.spec.Apart`."""
    first, second = BETAS
    steps = int(taken.after["steps"])
    m, v = (float(taken.after[f"{part}.{at}"][cell]) for part in ("mean", "square"))
    return {
        "w": float(taken.old[at][cell]),
        "g": float(taken.gradients[at][cell]),
        "m_before": float(taken.before[f"mean.{at}"][cell]),
        "v_before": float(taken.before[f"square.{at}"][cell]),
        "m": m,
        "v": v,
        "m_hat": m / (1 - first**steps),
        "v_hat": v / (1 - second**steps),
        "delta": float(taken.new[at][cell] - taken.old[at][cell]),
        "w_after": float(taken.new[at][cell]),
    }

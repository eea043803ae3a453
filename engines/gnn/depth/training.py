"""Trains GCNs of rising depth on a stochastic block model whose words say little. A guest of the lane.

Shapes: N nodes, W words, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Finished
from engines.gnn import samples
from engines.gnn.depth.spec import (
    BLOCKS,
    DEPTHS,
    DROP_EDGE,
    EPOCHS,
    PAIR_NORM,
    PLAIN,
    RESIDUAL,
    STEPS,
    DepthBegan,
    DepthParams,
    DepthPoint,
    DepthStep,
)
from engines.gnn.graph import arcs
from engines.gnn.nets import Net, smoothness
from engines.gnn.spec import GCN

CLASSES, EACH, LABELED = 4, 100, 5  # blocks, nodes of one, and those of one that have a label
INSIDE, BETWEEN = 0.08, 0.01
WORDS, OWN, OFTEN = 60, 10, 0.2  # and of them the ones that a class uses more often, with which chance
HIDDEN, RATE, DECAY = 32, 5e-3, 5e-4
DROP = 0.4  # of the edges, in each step


class Data:
    """A block model, its words, and who has a label.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.graph = samples.blocks(BLOCKS, (EACH,) * CLASSES, INSIDE, BETWEEN, seed)
        self.x = torch.from_numpy(samples.words(self.graph.labels, WORDS, OWN, OFTEN, seed))
        self.edges = torch.from_numpy(arcs(self.graph)[0])
        self.labels = torch.from_numpy(self.graph.labels)
        random = np.random.default_rng(seed)
        chosen = [random.choice(np.flatnonzero(self.graph.labels == n), LABELED, False) for n in range(CLASSES)]
        self.told = torch.from_numpy(np.concatenate(chosen))
        self.others = torch.ones(len(self.labels), dtype=torch.bool)
        self.others[self.told] = False


class DepthRun:
    """A net of one depth on its way.

    Parameters
    ----------
    data : Data
    depth : int
    cure : str
    seed : int
    """

    def __init__(self, data: Data, depth: int, cure: str = PLAIN, seed: int = 0) -> None:
        self._data = data
        self.net = Net(GCN, WORDS, HIDDEN, CLASSES, depth, residual=cure == RESIDUAL, pair_norm=cure == PAIR_NORM,
                       drop=DROP if cure == DROP_EDGE else 0.0, seed=seed)  # fmt: skip
        self._values = list(self.net.parameters())
        self._adam = Adam(self._values, weight_decay=DECAY)

    def step(self, number: int) -> float:
        """One step, counted from 0; returns the loss."""
        self.net.train()
        data = self._data
        loss = F.cross_entropy(self.net(data.x, data.edges)[data.told], data.labels[data.told])
        self._adam.step(torch.autograd.grad(loss, self._values), RATE * max(0.05, 1 - number / EPOCHS))
        return float(loss.detach())

    @torch.no_grad()
    def figures(self) -> tuple[float, float]:
        """Accuracy on the nodes without a label, and how alike nodes are in the last layer but one."""
        self.net.eval()
        data = self._data
        answers = self.net.answers(data.x, data.edges)
        right = (answers[-1][0].argmax(-1) == data.labels)[data.others].float().mean()
        return float(right), smoothness(answers[-2][0] if len(answers) > 1 else data.x)


class Trainer:
    """See `engines.gnn.depth.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._number, self._step = 0, 0
        self._data: Data | None = None
        self._net: DepthRun | None = None

    def run(self, job: Job[DepthParams]) -> Iterator[Event]:
        """Train depth after depth up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if self._data is None or self._number != params.run:
            self._number, self._step, self._net = params.run, 0, None
            self._data = data = Data(params.seed)
            count = data.edges.shape[1] // 2
            yield DepthBegan(params.cure, params.seed, data.graph.nodes, count, len(data.told))
        while self._step < min(job.params.until, STEPS):
            depth = DEPTHS[self._step // EPOCHS]
            if self._step % EPOCHS == 0 or self._net is None:
                self._net = DepthRun(self._data, depth, params.cure, params.seed)
            loss = self._net.step(self._step % EPOCHS)
            self._step += 1
            yield DepthStep(self._step, depth, loss)
            if self._step % EPOCHS == 0:
                yield Progress(self._step, STEPS, Message("{n} {n:layer|layers}", {"n": depth}))
                yield DepthPoint(self._step, params.cure, params.seed, depth, *self._net.figures())
        if self._step >= STEPS:
            yield Finished(self._step)

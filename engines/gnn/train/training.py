"""Trains a net on one graph from a few labels (Kipf & Welling 2017). The run is a guest of the lane.

Shapes: N nodes, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.protocol import Event, Job
from engines.core.training import Finished
from engines.gnn.graph import Floats, Graph, arcs
from engines.gnn.layers import GATConv
from engines.gnn.nets import Net
from engines.gnn.spec import GraphParams
from engines.gnn.subject import Subjects, features
from engines.gnn.train.spec import STEPS, TrainBegan, TrainLook, TrainStep, labels_of

DECAY = 5e-4
LOOK_EVERY = 5  # steps between two looks
MOST_WEIGHTS = 20_000  # of edges and heads in one look: they are kept for the scrubber


class Run:
    """One net on its way.

    Parameters
    ----------
    graph : Graph
    params : GraphParams
    """

    def __init__(self, graph: Graph, params: GraphParams) -> None:
        numbers, _ = arcs(graph, params.directed or graph.directed, params.weighted, params.edits)
        self.graph, self.arcs = graph, numbers if params.edges else numbers[:, :0]
        self.labeled = labels_of(graph, params.labeled)
        highest = max([one for _, one in self.labeled] + [1])
        names = graph.classes + tuple("ABCDEF"[len(graph.classes) :])
        self.classes = names[: max(len(graph.classes), highest + 1)]
        self._x = features(graph, params.seed)
        self._edges = torch.from_numpy(self.arcs)
        self.net = Net(params.kind, self._x.shape[1], params.hidden, len(self.classes), params.layers, params.heads,
                       seed=params.seed)  # fmt: skip
        self._values = list(self.net.parameters())
        self._adam = Adam(self._values, weight_decay=DECAY)
        self._nodes = torch.tensor([node for node, _ in self.labeled], dtype=torch.int64)
        self._told = torch.tensor([one for _, one in self.labeled], dtype=torch.int64)
        hidden = torch.from_numpy(graph.labels.copy())
        hidden[self._nodes] = -1
        self._others, self._truth = hidden >= 0, hidden

    def step(self, rate: float) -> tuple[float, float]:
        """One step; loss and accuracy, as `TrainStep` has them."""
        logits = self.net(self._x, self._edges)
        loss = F.cross_entropy(logits[self._nodes], self._told) if len(self._nodes) else logits.sum() * 0
        self._adam.step(torch.autograd.grad(loss, self._values), rate)
        return float(loss.detach()), self._accuracy(logits.detach())

    def _accuracy(self, logits: Tensor) -> float:
        if not self._others.any():
            return -1.0
        return float((logits.argmax(-1) == self._truth)[self._others].float().mean())

    @torch.no_grad()
    def accuracy(self) -> float:
        """Share of the nodes without a label that are right; −1 where none is known."""
        return self._accuracy(self.net(self._x, self._edges))

    @torch.no_grad()
    def look(self, step: int) -> TrainLook:
        """What the net says now."""
        answers = self.net.answers(self._x, self._edges)
        sure, predicted = answers[-1][0].softmax(-1).max(-1)
        held = answers[-2][0] if len(answers) > 1 else answers[-1][0]
        _, edges, weights = answers[0]
        shown = isinstance(self.net.layers[0], GATConv) and weights.numel() <= MOST_WEIGHTS
        kept = (edges, weights) if shown else (edges[:, :0], weights[:0])
        return TrainLook(step, predicted.numpy(), sure.numpy(), plane(held), kept[0].numpy(),
                         kept[1].to(torch.float16).numpy())  # fmt: skip


def plane(x: Tensor) -> Floats:
    """First two principal components of nodes (N, C), (N, 2)."""
    middle = (x - x.mean(0)).double()
    _, vectors = torch.linalg.eigh(middle.T @ middle)
    axes = vectors[:, -2:].flip(1)
    axes = axes * torch.sign(axes[axes.abs().argmax(0), torch.arange(axes.shape[1])])
    found = (middle @ axes).float()
    return F.pad(found, (0, 2 - found.shape[1])).numpy()


class Trainer:
    """See `engines.gnn.train.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._subjects = Subjects()
        self._number, self._step = 0, 0
        self._run: Run | None = None

    def run(self, job: Job[GraphParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if self._run is None or self._number != params.run:
            self._number, self._step = params.run, 0
            self._run = run = Run(self._subjects.graph(params), params)
            yield TrainBegan(run.graph, run.arcs, run.labeled, run.classes)
            yield run.look(0)
        while self._step < min(job.params.until, STEPS):
            loss, right = self._run.step(job.params.rate)
            self._step += 1
            yield TrainStep(self._step, loss, right)
            if self._step % LOOK_EVERY == 0 or self._step == job.params.until:  # a run that rests shows its state
                yield self._run.look(self._step)
        if self._step >= STEPS:
            yield Finished(self._step)

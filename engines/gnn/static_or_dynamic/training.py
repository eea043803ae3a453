"""Trains GATv2 and GAT to look words up (Brody et al. 2022, "How attentive are graph attention networks?", 4).

A dictionary is a graph: K keys with a value each, K queries that know their key and are to say its value; an edge runs
from each key to each query. A GAT scores a key by a sum of what key and query say each on its own, so that all queries
rank keys alike: with one head it can't look anything up. Eight heads can each keep to one key. Nobody has a loop, and
the last map is linear: a query that knew itself, or how sharply it looks, could say whether the key is its own.

Shapes: B dictionaries, K keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Finished
from engines.gnn.layers import GATConv, GATv2Conv
from engines.gnn.static_or_dynamic.spec import NETS, STEPS, LookupBegan, LookupParams, LookupSeen, LookupStep

WIDTH, BATCH, HELD_OUT, RATE = 32, 32, 64, 0.01
LOOK_EVERY = 5


class Lookup(nn.Module):
    """Keys with values and queries -> one layer of attention -> values.

    Parameters
    ----------
    kind : str
    heads, keys : int
    seed : int
    """

    def __init__(self, kind: str, heads: int, keys: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.keys = keys
        self.key, self.value = (nn.Parameter(torch.randn(keys, WIDTH, generator=generator)) for _ in range(2))
        conv = GATv2Conv if kind == "GATv2" else GATConv
        self.conv = conv(WIDTH, WIDTH, heads, generator=generator, loops=False)
        self.head = nn.Linear(heads * WIDTH, keys)
        nn.init.normal_(self.head.weight, std=(heads * WIDTH) ** -0.5, generator=generator)
        nn.init.zeros_(self.head.bias)

    def edges(self, count: int) -> Tensor:
        """From each key to each query of so many dictionaries, (2, B·K²)."""
        k = self.keys
        own = torch.stack([torch.arange(k).repeat_interleave(k), k + torch.arange(k).repeat(k)])
        return (own[:, None] + 2 * k * torch.arange(count)[:, None]).reshape(2, -1)

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values of the keys (B, K) -> logits (B, K, values), weights (B, K, K, H) of queries on keys."""
        count, k = values.shape
        keys = self.key + self.value[values]  # (B, K, width)
        x = torch.cat([keys, self.key.expand(count, -1, -1)], 1).flatten(0, 1)
        out, _, weights = self.conv(x, self.edges(count))
        logits = self.head(out.view(count, 2 * k, -1)[:, k:])
        given = weights.view(count, k, k, -1)  # key, query: as the edges stand
        return logits, given.transpose(1, 2)


def drawn(count: int, keys: int, generator: torch.Generator) -> Tensor:
    """So many dictionaries: which value each key has, (B, K)."""
    return torch.rand(count, keys, generator=generator).argsort(-1)


class LookupRun:
    """One net on its way.

    Parameters
    ----------
    kind : str
    heads, keys, seed : int
    """

    def __init__(self, kind: str, heads: int, keys: int, seed: int) -> None:
        self.net = Lookup(kind, heads, keys, seed)
        self._values = list(self.net.parameters())
        self._adam = Adam(self._values)
        self._generator = torch.Generator().manual_seed(seed + 1)
        self._held_out = drawn(HELD_OUT, keys, torch.Generator().manual_seed(seed + 2))

    def step(self, number: int) -> float:
        """One step, counted from 0; returns the loss."""
        values = drawn(BATCH, self.net.keys, self._generator)
        logits, _ = self.net(values)
        loss = F.cross_entropy(logits.flatten(0, 1), values.flatten())
        self._adam.step(torch.autograd.grad(loss, self._values), RATE * max(0.05, 1 - number / STEPS))
        return float(loss.detach())

    @torch.no_grad()
    def seen(self) -> tuple[float, float, Tensor]:
        """Accuracy, share of dictionaries and heads with one key first for all queries, weights (H, K, K) of one."""
        logits, weights = self.net(self._held_out)
        right = (logits.argmax(-1) == self._held_out).float().mean()
        alike = (weights.argmax(2) == weights[:, :1].argmax(2)).all(1).float().mean()
        return float(right), float(alike), weights[0].permute(2, 0, 1)


class Trainer:
    """See `engines.gnn.static_or_dynamic.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._number, self._step = 0, 0
        self._runs: list[LookupRun] = []
        self._losses: list[float] = []  # of the step in hand, of the nets that have made it

    def run(self, job: Job[LookupParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self._runs or self._number != params.run:
            self._number, self._step, self._losses = params.run, 0, []
            self._runs = [LookupRun(kind, heads, params.keys, params.seed) for kind, heads in NETS]
            yield LookupBegan(params.keys, NETS)
            yield self._look()
        while self._step < min(job.params.until, STEPS):
            while len(self._losses) < len(self._runs):
                if self._losses:
                    yield Progress(self._step, STEPS, Message("Step {n}", {"n": self._step}))  # a place to stop
                self._losses.append(self._runs[len(self._losses)].step(self._step))
            self._step += 1
            losses, self._losses = tuple(self._losses), []
            yield LookupStep(self._step, losses)
            if self._step % LOOK_EVERY == 0 or self._step == job.params.until:  # a run that rests shows its state
                yield self._look()
        if self._step >= STEPS:
            yield Finished(self._step)

    def _look(self) -> LookupSeen:
        accuracy, alike, looked = zip(*(run.seen() for run in self._runs), strict=True)
        return LookupSeen(self._step, accuracy, alike, tuple(each.contiguous().numpy() for each in looked))

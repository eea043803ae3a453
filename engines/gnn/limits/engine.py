"""Answers the page "What a layer can't tell" (Xu et al. 2019; Morris et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engines.core.protocol import Event, Job
from engines.gnn.coloring import refine
from engines.gnn.graph import Graph, Ints, arcs, made
from engines.gnn.layout import spread
from engines.gnn.limits.spec import (
    COUNTS,
    CYCLES,
    LAYERS,
    MOST_ROUNDS,
    PRISM,
    RINGS,
    SHARES,
    Compared,
    LimitsParams,
)
from engines.gnn.nets import Net
from engines.gnn.spec import GCN

WIDTH = 8


def ring(*nodes: int) -> list[tuple[int, int]]:
    """The edges of a ring through these nodes."""
    return list(zip(nodes, (*nodes[1:], nodes[0]), strict=True))


def pair(name: str) -> tuple[Graph, Graph, Ints, Ints]:
    """Two graphs and what their nodes hold at first, (N,) and (M,)."""
    if name == CYCLES:
        both = (6, ring(0, 1, 2, 3, 4, 5)), (6, ring(0, 1, 2) + ring(3, 4, 5))
    elif name == RINGS:
        both = (10, [*ring(*range(10)), (0, 5)]), (10, [*ring(0, 1, 2, 3, 4), *ring(5, 6, 7, 8, 9), (0, 5)])
    elif name == PRISM:
        both = (6, [*ring(0, 1, 2), *ring(3, 4, 5), (0, 3), (1, 4), (2, 5)]), (
            6, [(a, b) for a in range(3) for b in range(3, 6)],
        )  # fmt: skip
    elif name == COUNTS:
        both = (2, [(0, 1)]), (3, ring(0, 1, 2))
    elif name == SHARES:
        both = (3, [(0, 1), (0, 2)]), (5, [(0, 1), (0, 2), (0, 3), (0, 4)])
    else:
        both = (4, [(0, 1), (1, 2), (2, 3)]), (4, [(0, 1), (0, 2), (0, 3)])
    starts = [np.zeros(count, np.int64) for count, _ in both]
    if name == SHARES:
        starts = [np.array([0, 1, 2]), np.array([0, 1, 1, 2, 2])]
    first, second = (made(name, count, edges) for count, edges in both)
    return first, second, starts[0], starts[1]


class Engine:
    """Yields a `Compared`."""

    def run(self, job: Job[LimitsParams]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        params = job.params
        yield compare(params.pair, params.depth, params.seed)


@torch.no_grad()
def compare(name: str, depth: int, seed: int) -> Compared:
    """Colors and outputs of a pair of graphs, with nets of ``depth`` layers."""
    first, second, *starts = pair(name)
    edges = np.concatenate([arcs(first)[0], arcs(second)[0] + first.nodes], 1)
    start = np.concatenate(starts)
    finer = np.stack(refine(edges, len(start), start, MOST_ROUNDS + 1))
    colors = finer[:-1]
    held = torch.randn(int(start.max()) + 1, WIDTH, generator=torch.Generator().manual_seed(seed))
    x, joined = held.double()[torch.from_numpy(start)], torch.from_numpy(edges)
    outputs, nodes = {}, {}
    for kind in LAYERS:
        out = Net(kind, WIDTH, WIDTH, WIDTH, depth, seed=seed).eval().double()(x, joined)
        known = depth + (kind == GCN)  # it divides by the degrees of sources: they have counted once before
        outputs[kind], nodes[kind] = apart(out, first.nodes), within_colors(out, finer[known])
    split = (colors[:, : first.nodes], colors[:, first.nodes :])
    places = tuple(list(spread(each, 1))[-1] for each in (first, second))
    return Compared((first, second), (places[0], places[1]), (starts[0], starts[1]), split, outputs, nodes)


def apart(out: Tensor, count: int) -> float:
    """Largest difference between the sets of node outputs (N + M, C) of both graphs, as a share of the largest number.

    Of graphs of one size the nodes are sorted and compared one by one; else the sets of different outputs are.
    """
    size = float(out.abs().max())
    first, second = out[:count].double(), out[count:].double()
    near = torch.cdist(first, second)
    far = torch.maximum(near.min(0).values.max(), near.min(1).values.max())
    if len(first) == len(second):
        order = [each[np.lexsort(each.round(decimals=4).T.numpy()[::-1])] for each in (first, second)]
        far = torch.maximum(far, (order[0] - order[1]).abs().max())
    return float(far) / max(size, 1e-12)


def within_colors(out: Tensor, colors: Ints) -> float:
    """Largest difference between two nodes (N, C) of one color (N,), as a share of the largest number."""
    most = 0.0
    for color in np.unique(colors):
        same = out[torch.from_numpy(colors == color)]
        most = max(most, float((same - same[:1]).abs().max()))
    return most / max(float(out.abs().max()), 1e-12)

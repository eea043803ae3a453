"""Answers the page "Equalities". Shapes: N nodes, C channels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.attention import scaled_dot_product_attention
from engines.blocks.mixing import mixing_matrix
from engines.core.protocol import Event, Job
from engines.gnn import samples
from engines.gnn.edges import Neighborhood, softmax, weighted_sum
from engines.gnn.equalities.spec import EqualitiesParams, Equality
from engines.gnn.graph import arcs, hops
from engines.gnn.layers import GATConv, GCNConv
from engines.gnn.nets import Net
from engines.gnn.spec import GATV2

WIDTH = 8
BETWEEN = 0.12  # chance of an edge in the random graph


class Engine:
    """Yields an `Equality`."""

    def run(self, job: Job[EqualitiesParams]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        p = job.params
        sides = [
            as_attention(p.nodes, p.seed),
            as_filter(math.isqrt(p.nodes), p.seed),
            renumbered(p.nodes, p.seed),
            reach(p.nodes, p.layers, p.seed),
        ]
        left, right = (tuple(each[n].numpy() for each in sides) for n in (0, 1))
        left, right = ((each[0][:, : p.nodes], *each[1:]) for each in (left, right))
        away = [a - b for a, b in sides]
        away[1] = away[1][2:-2, 2:-2]  # next to the border GCN weighs by degree, a mean filter does not
        yield Equality(left, right, tuple(float(one.abs().max()) for one in away), tuple(one.numel() for one in away))


def dot_attention(queries: Tensor, keys: Tensor, values: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Attention whose mask is a graph: softmax of q_i · k_j / √C over the edges (2, E) into a node.

    Queries, keys and values are (N, C). Returns (N, C) and the weights (E,) of the edges. Each node has one into it.
    """
    hood = Neighborhood(edges, len(queries))
    scores = (queries[hood.target] * keys[hood.source]).sum(-1, keepdim=True) / math.sqrt(queries.shape[1])
    weights = softmax(scores, hood)
    return weighted_sum(weights, values[:, None], hood)[:, 0], hood.given(weights)[:, 0]


@torch.no_grad()
def as_attention(nodes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Weights and outputs side by side, (N, N + C): on the complete graph with loops, and by self-attention."""
    q, k, v = torch.randn(3, nodes, WIDTH, generator=torch.Generator().manual_seed(seed))
    each = torch.arange(nodes)
    edges = torch.stack([each.repeat(nodes), each.repeat_interleave(nodes)])
    out, weights = dot_attention(q, k, v, edges)
    theirs, matrix = scaled_dot_product_attention(q[None], k[None], v[None])
    return torch.cat([weights.view(nodes, nodes), out], 1), torch.cat([matrix[0], theirs[0]], 1)


@torch.no_grad()
def as_filter(side: int, seed: int) -> tuple[Tensor, Tensor]:
    """A random picture (side, side) after a GCN with W = 1 on the grid of eight neighbors, and after a mean filter."""
    picture = torch.rand(side, side, generator=torch.Generator().manual_seed(seed))
    layer = GCNConv(1, 1)
    layer.lin.weight.fill_(1)
    edges = torch.from_numpy(arcs(samples.grid(side, side, 8))[0])
    made, _, _ = layer(picture.view(-1, 1), edges)
    return made.view(side, side), F.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0]


@torch.no_grad()
def renumbered(nodes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Outputs (N, C) of a GAT, and those of the same graph with other numbers, brought back in order."""
    generator = torch.Generator().manual_seed(seed)
    graph = samples.blocks("", (nodes,), BETWEEN, 0, seed)
    edges = torch.from_numpy(arcs(graph)[0])
    x, order = torch.randn(nodes, WIDTH, generator=generator), torch.randperm(nodes, generator=generator)
    layer = GATConv(WIDTH, WIDTH // 2, 2, generator=generator)
    place = torch.empty_like(order)
    place[order] = torch.arange(nodes)  # node order[n] is called n now
    return layer(x, edges)[0], layer(x[order], place[edges])[0][place]


def reach(nodes: int, layers: int, seed: int) -> tuple[Tensor, Tensor]:
    """Where a node is at most L hops away, (N, N) of 0 and 1, and where the Jacobian of L layers is not 0."""
    graph = samples.blocks("", (nodes,), BETWEEN, 0, seed)
    numbers = arcs(graph)[0]
    edges = torch.from_numpy(numbers)
    net = Net(GATV2, WIDTH, WIDTH, WIDTH, layers, 2, seed=seed).eval()
    x = torch.randn(1, nodes, WIDTH, generator=torch.Generator().manual_seed(seed))

    def function(tokens: Tensor) -> Tensor:
        count = len(tokens)
        joined = (edges[:, None] + nodes * torch.arange(count)[:, None]).reshape(2, -1)
        return net(tokens.flatten(0, 1), joined).view(count, nodes, -1)

    found = mixing_matrix(function, x, probes=2, generator=torch.Generator().manual_seed(seed))[0]
    far = np.stack([hops(numbers, nodes, node) for node in range(nodes)])
    near = torch.from_numpy((far >= 0) & (far <= layers))
    return near.float(), (found != 0).float()

"""Layers of graph neural networks, with the parameters named as torch_geometric names them.

GCN: Kipf & Welling 2017, "Semi-supervised classification with graph convolutional networks". GAT: Veličković et al.
2018, "Graph attention networks". GATv2: Brody et al. 2022, "How attentive are graph attention networks?". GIN: Xu et
al. 2019, "How powerful are graph neural networks?".

Each returns what it makes of the nodes, the edges it sums over, and the weight of each of these edges. Edges run from
source to target; a double edge counts twice; a node that nothing enters keeps what its own loop brings.

Shapes: N nodes of F numbers, E edges, E' with loops, H heads of C channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.gnn.edges import Neighborhood, softmax, weighted_sum, with_loops

Answer = tuple[Tensor, Tensor, Tensor]  #: of the nodes, edges (2, E'), weights (E', H)

SUM, MEAN, MAX = "sum", "mean", "max"
SCORED = 2_048  # edges that GATv2 scores at a time where no gradient is asked for: so many stay in the cache


def glorot(values: Tensor, generator: torch.Generator | None = None) -> None:
    """Fill a tensor (…, rows, columns) with uniform numbers within ±√(6 / (rows + columns)) (Glorot 2010)."""
    reach = math.sqrt(6 / (values.shape[-2] + values.shape[-1]))
    with torch.no_grad():
        values.uniform_(-reach, reach, generator=generator)


def linear(given: int, made: int, bias: bool, generator: torch.Generator | None) -> nn.Linear:
    """A linear map that begins as torch_geometric's do."""
    built = nn.Linear(given, made, bias=bias)
    glorot(built.weight, generator)
    if bias:
        nn.init.zeros_(built.bias)
    return built


def per_head(vectors: Tensor) -> Tensor:
    """Vectors (1, H, C) as a matrix (H·C, H): times values (…, H·C) it makes the dot product of each head."""
    heads, width = vectors.shape[1:]
    return torch.diag_embed(vectors[0].t()).transpose(0, 1).reshape(heads * width, heads)


class GCNConv(nn.Module):
    """D^−½ (A + I) D^−½ X W + b, degrees counted where edges enter.

    Parameters
    ----------
    in_features, out_features : int
    generator : torch.Generator, optional
        Of the weights at the start.
    """

    def __init__(self, in_features: int, out_features: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.lin = linear(in_features, out_features, False, generator)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Answer:
        """X (N, F), edges (2, E), weights (E,) -> (N, C), edges (2, E'), entries of the matrix (E', 1)."""
        given = x.new_ones(edge_index.shape[1]) if edge_weight is None else edge_weight
        edges, weights = normalized(edge_index, len(x), given)
        hood = Neighborhood(edges, len(x))
        out = weighted_sum(weights.index_select(0, hood.order), self.lin(x)[:, None], hood)[:, 0]
        return out + self.bias, edges, weights


def normalized(edges: Tensor, nodes: int, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Edges (2, E) with weights (E,) -> edges with loops (2, E'), entries of D^−½ (A + I) D^−½ (E', 1)."""
    edges, loops = with_loops(edges, nodes, weights)
    assert loops is not None
    degree = loops.new_zeros(nodes).index_add(0, edges[1], loops)
    root = torch.where(degree > 0, degree.clamp(min=torch.finfo(degree.dtype).tiny).rsqrt(), 0)
    return edges, (root[edges[0]] * loops * root[edges[1]])[:, None]


class GATConv(nn.Module):
    """Attention on edges: weights softmax_j(leaky(a_s · W x_j + a_t · W x_i)) over all j with an edge into i.

    Whom a node looks at hangs on a sum of what source and target say each on its own, so that all nodes rank their
    sources alike.

    Parameters
    ----------
    in_features, out_features : int
        C is that of a head.
    heads : int
    negative_slope : float
        Of the leaky ReLU.
    concat : bool
        Heads side by side; else their mean.
    generator : torch.Generator, optional
    loops : bool
        Each node hears of itself; else it may hear of nobody, and holds the bias.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        heads: int = 1,
        negative_slope: float = 0.2,
        concat: bool = True,
        generator: torch.Generator | None = None,
        loops: bool = True,
    ) -> None:
        super().__init__()
        self.heads, self.width, self.concat, self.negative_slope = heads, out_features, concat, negative_slope
        self.loops = loops
        self.lin = linear(in_features, heads * out_features, False, generator)
        self.att_src = nn.Parameter(torch.empty(1, heads, out_features))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_features))
        for one in (self.att_src, self.att_dst):
            glorot(one, generator)
        self.bias = nn.Parameter(torch.zeros(heads * out_features if concat else out_features))

    def forward(self, x: Tensor, edge_index: Tensor) -> Answer:
        """X (N, F), edges (2, E) -> (N, H·C) or (N, C), edges (2, E'), weights (E', H)."""
        edges, hood = self.hood(edge_index, len(x))
        out, _, weights = self.along(x, hood)
        return out, edges, hood.given(weights)

    def hood(self, edge_index: Tensor, nodes: int) -> tuple[Tensor, Neighborhood]:
        """Edges (2, E) -> what is attended along (2, E'), and the same in order; layers of one kind may share it."""
        edges = with_loops(edge_index, nodes)[0] if self.loops else edge_index
        return edges, Neighborhood(edges, nodes)

    def along(self, x: Tensor, hood: Neighborhood) -> tuple[Tensor, Tensor, Tensor]:
        """X (N, F) -> (N, H·C) or (N, C); scores and weights (E', H), both in the order of ``hood``."""
        values = self.lin(x).view(-1, self.heads, self.width)  # (N, H, C)
        source, target = (values.flatten(1) @ per_head(each) for each in (self.att_src, self.att_dst))  # (N, H)
        scores = source.index_select(0, hood.source) + target.index_select(0, hood.target)  # (E', H)
        scores = F.leaky_relu(scores, self.negative_slope)
        weights = softmax(scores, hood)
        return self._joined(weighted_sum(weights, values, hood)), scores, weights

    def _joined(self, heads: Tensor) -> Tensor:
        """(N, H, C) -> (N, H·C), or the mean of the heads (N, C)."""
        return (heads.flatten(1) if self.concat else heads.mean(1)) + self.bias


class GATv2Conv(GATConv):
    """The same with weights softmax_j(a · leaky(W_l x_j + W_r x_i)): the ranking of sources hangs on the target."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        heads: int = 1,
        negative_slope: float = 0.2,
        concat: bool = True,
        generator: torch.Generator | None = None,
        loops: bool = True,
    ) -> None:
        nn.Module.__init__(self)
        self.heads, self.width, self.concat, self.negative_slope = heads, out_features, concat, negative_slope
        self.loops = loops
        self.lin_l = linear(in_features, heads * out_features, True, generator)
        self.lin_r = linear(in_features, heads * out_features, True, generator)
        self.att = nn.Parameter(torch.empty(1, heads, out_features))
        glorot(self.att, generator)
        self.bias = nn.Parameter(torch.zeros(heads * out_features if concat else out_features))

    def along(self, x: Tensor, hood: Neighborhood) -> tuple[Tensor, Tensor, Tensor]:
        """X (N, F) -> (N, H·C) or (N, C); scores and weights (E', H), both in the order of ``hood``."""
        left, right = (each(x).view(-1, self.heads, self.width) for each in (self.lin_l, self.lin_r))
        scores = self._scores(left.flatten(1), right.flatten(1), hood)
        weights = softmax(scores, hood)
        return self._joined(weighted_sum(weights, left, hood)), scores, weights

    def _scores(self, left: Tensor, right: Tensor, hood: Neighborhood) -> Tensor:
        """Of each edge a · leaky(left at its source + right at its target), both (N, H·C), (E', H)."""
        adds, count = per_head(self.att), len(hood.source)
        step = count if torch.is_grad_enabled() else SCORED
        made = []
        for first in range(0, max(1, count), max(1, step)):
            part = slice(first, first + step)
            joined = left.index_select(0, hood.source[part]).add_(right.index_select(0, hood.target[part]))  # (n, H·C)
            made.append(F.leaky_relu(joined, self.negative_slope, inplace=not torch.is_grad_enabled()) @ adds)
        return torch.cat(made) if len(made) > 1 else made[0]


class AggregateConv(nn.Module):
    """Sum, mean or largest of a node and of what has an edge into it, then a linear map.

    Parameters
    ----------
    in_features, out_features : int
    how : str
        `SUM`, `MEAN` or `MAX`.
    generator : torch.Generator, optional
    """

    def __init__(
        self, in_features: int, out_features: int, how: str = MEAN, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.how = how
        self.lin = linear(in_features, out_features, True, generator)

    def forward(self, x: Tensor, edge_index: Tensor) -> Answer:
        """X (N, F), edges (2, E) -> (N, C), edges (2, E'), weights (E', 1).

        Of the largest the weight is the share of the F numbers that come from that source.
        """
        edges, _ = with_loops(edge_index, len(x))
        hood = Neighborhood(edges, len(x))
        if self.how == MAX:
            most, weights = largest(x, hood)
            return self.lin(most), edges, hood.given(weights)
        weights = x.new_ones(edges.shape[1], 1)
        if self.how == MEAN:
            weights = weights / hood.counts().to(x.dtype).index_select(0, hood.target)[:, None]
        return self.lin(weighted_sum(weights, x[:, None], hood)[:, 0]), edges, hood.given(weights)


def largest(x: Tensor, hood: Neighborhood) -> tuple[Tensor, Tensor]:
    """The largest of each number over the edges into a node, x (N, F) -> (N, F), and which share each edge brings.

    Those shares are (E', 1), in the order of ``hood``; where several bring the same, the first one counts.
    """
    index = hood.target[:, None].expand(-1, x.shape[1])
    sent = x[hood.source]
    most = x.new_zeros(x.shape).scatter_reduce(0, index, sent, "amax", include_self=False)
    with torch.no_grad():
        number = torch.arange(len(sent), device=x.device)[:, None].expand_as(sent)
        late = torch.where(sent == most[hood.target], number, len(sent))
        first = torch.full_like(most, len(sent), dtype=torch.int64).scatter_reduce_(0, index, late, "amin")
        shares = (number == first[hood.target]).to(x.dtype).mean(1, keepdim=True)
    return most, shares


class GINConv(nn.Module):
    """A small network of (1 + ε) x_i + Σ x_j over all j with an edge into i: a sum tells multisets apart.

    Parameters
    ----------
    in_features, out_features : int
    generator : torch.Generator, optional

    Attributes
    ----------
    eps : Parameter ()
    """

    def __init__(self, in_features: int, out_features: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        first, last = (linear(given, out_features, True, generator) for given in (in_features, out_features))
        self.nn = nn.Sequential(first, nn.ReLU(), last)

    def forward(self, x: Tensor, edge_index: Tensor) -> Answer:
        """X (N, F), edges (2, E) -> (N, C), edges (2, E + N), weights (E + N, 1); loops that are there stay."""
        own = torch.arange(len(x), device=x.device).expand(2, -1)
        edges = torch.cat([edge_index, own], 1)
        weights = torch.cat([x.new_ones(edge_index.shape[1]), (1 + self.eps).expand(len(x))])[:, None]
        hood = Neighborhood(edges, len(x))
        out: Tensor = self.nn(weighted_sum(weights.index_select(0, hood.order), x[:, None], hood)[:, 0])
        return out, edges, weights

"""Nets of several layers on one graph, with the cures for over-smoothing.

Residual: He et al. 2016. PairNorm: Zhao & Akoglu 2020. DropEdge: Rong et al. 2020.

Shapes: N nodes, F features, K classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.gnn.layers import MAX, MEAN, SUM, AggregateConv, Answer, GATConv, GATv2Conv, GCNConv, GINConv
from engines.gnn.spec import GAT, GATV2, GCN, GIN, LARGEST, SUMMED

ACTS = {GAT: F.elu, GATV2: F.elu}  # after a layer; the others' is the ReLU
HOW = {SUMMED: SUM, LARGEST: MAX}  # of an aggregate; else the mean


def layer(kind: str, given: int, made: int, heads: int, last: bool, generator: torch.Generator) -> nn.Module:
    """A layer by its name; heads side by side make ``made`` numbers, in the last layer they are averaged."""
    if kind == GCN:
        return GCNConv(given, made, generator)
    if kind in (GAT, GATV2):
        conv = GATConv if kind == GAT else GATv2Conv
        return conv(given, made if last else max(1, made // heads), heads, concat=not last, generator=generator)
    if kind == GIN:
        return GINConv(given, made, generator)
    return AggregateConv(given, made, HOW.get(kind, MEAN), generator)


class Net(nn.Module):
    """Layers on one graph: features -> hidden -> … -> classes.

    Parameters
    ----------
    kind : str
        Of all layers.
    features, hidden, classes : int
    layers : int
    heads : int
    residual, pair_norm : bool
        Whether what enters an inner layer is added to what leaves it; whether nodes are kept apart.
    drop : float
        Share of the edges that each step of a training leaves out.
    seed : int
    """

    def __init__(
        self,
        kind: str,
        features: int,
        hidden: int,
        classes: int,
        layers: int,
        heads: int = 1,
        residual: bool = False,
        pair_norm: bool = False,
        drop: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self._drops = torch.Generator().manual_seed(seed + 1)
        self.residual, self.pair_norm, self.drop = residual, pair_norm, drop
        self.act = ACTS.get(kind, F.relu)
        hidden = max(1, hidden // heads) * heads if kind in (GAT, GATV2) else hidden
        sizes = [features] + [hidden] * (layers - 1) + [classes]
        self.layers = nn.ModuleList(
            layer(kind, sizes[n], sizes[n + 1], heads, n + 1 == layers, generator) for n in range(layers)
        )

    def answers(self, x: Tensor, edges: Tensor) -> list[Answer]:
        """Of each layer what leaves it, its edges and their weights; x (N, F), edges (2, E), at last (N, K)."""
        made: list[Answer] = []
        for number, one in enumerate(self.layers):
            seen = edges
            if self.training and self.drop:
                seen = edges[:, torch.rand(edges.shape[1], generator=self._drops) >= self.drop]
            out, along, weights = one(x, seen)
            last = number + 1 == len(self.layers)
            if not last:
                out = pair_normed(out) if self.pair_norm else out
                out = self.act(out)
                out = out + x if self.residual and out.shape == x.shape else out
            x = out
            made.append((out, along, weights))
        return made

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        """X (N, F), edges (2, E) -> logits (N, K)."""
        return self.answers(x, edges)[-1][0]


def pair_normed(x: Tensor) -> Tensor:
    """Nodes (N, C) moved to the middle 0 and to a mean squared length of C: those far apart stay so."""
    middle = x - x.mean(0)
    return middle / (middle.square().mean() + 1e-6).sqrt()


class Plain(nn.Module):
    """The same without edges: each node on its own.

    Parameters
    ----------
    As of `Net`.
    """

    def __init__(self, features: int, hidden: int, classes: int, seed: int = 0) -> None:
        super().__init__()
        self.net = Net(GCN, features, hidden, classes, 2, seed=seed)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        """X (N, F), edges are not looked at (2, E) -> logits (N, K)."""
        return self.net(x, edges[:, :0])


def smoothness(x: Tensor) -> float:
    """Mean |cosine| between two nodes (N, C): 1 where all point the same way."""
    if len(x) < 2:
        return 1.0
    unit = F.normalize(x, dim=1)
    cosines = (unit @ unit.T).abs()
    return float((cosines.sum() - cosines.diagonal().sum()) / (len(x) * (len(x) - 1)))

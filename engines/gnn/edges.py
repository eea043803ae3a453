"""Sums and softmax over the edges that enter a node: what all layers of graph neural networks are made of.

On a CPU an edge list is a sparse matrix, and scipy's products take no room for a message of each edge. Elsewhere torch
gathers and adds.

Shapes: N nodes, E edges from source to target, H heads of C channels.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.autograd.function import once_differentiable

PIECE = 16_384  # edges whose messages are laid out at a time


def with_loops(edges: Tensor, nodes: int, weights: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Edges between different nodes in their order, then the loop of each node; a loop that was there is replaced.

    Parameters
    ----------
    edges : Tensor of int64 (2, E)
        Source and target.
    nodes : int
    weights : Tensor (E,), optional
        A loop that was there hands its weight on, the last one of several; the others weigh 1.

    Returns
    -------
    (Tensor (2, E'), Tensor (E',) or None)
    """
    each = torch.arange(nodes, device=edges.device)
    between = edges[0] != edges[1]
    made = torch.cat([edges[:, between], each.expand(2, -1)], 1)
    if weights is None:
        return made, None
    loops = weights.new_ones(nodes)
    own = (~between).nonzero().flatten()
    if len(own):
        last = torch.full((nodes,), -1, device=edges.device).scatter_reduce_(0, edges[0, own], own, "amax")
        loops = torch.where(last >= 0, weights[last.clamp(min=0)], loops)
    return made, torch.cat([weights[between], loops])


class Neighborhood:
    """Edges in the order of the nodes that they enter.

    Parameters
    ----------
    edges : Tensor of int64 (2, E)
    nodes : int

    Attributes
    ----------
    order : Tensor (E,)
        Their places in ``edges``.
    begin : Tensor (N + 1,)
        Where those of each node begin.
    source, target : Tensor (E,)
        In that order.
    """

    def __init__(self, edges: Tensor, nodes: int) -> None:
        self.nodes = nodes
        count = edges.shape[1]
        if edges.device.type == "cpu":
            each = (np.ones(count, np.int8), edges[1].numpy(), np.arange(count + 1))
            made = sparse.csr_array(each, shape=(count, nodes)).tocsc()  # a sort by counting
            self._begin, self.order = made.indptr, torch.from_numpy(made.indices.astype(np.int64))
            self.begin = torch.from_numpy(made.indptr.astype(np.int64))
        else:
            ends = torch.bincount(edges[1], minlength=nodes).cumsum(0)
            self.order, self.begin = torch.argsort(edges[1], stable=True), torch.cat([ends.new_zeros(1), ends])
        self.source, self.target = edges[0].index_select(0, self.order), edges[1].index_select(0, self.order)

    @cached_property
    def _columns(self) -> np.ndarray:
        return self.source.numpy().astype(np.int32)

    def matrix(self, weights: np.ndarray) -> sparse.csr_array:
        """Weights (E,) in this order as a matrix (N, N): row by target, column by source."""
        return sparse.csr_array((weights, self._columns, self._begin), shape=(self.nodes, self.nodes))

    def counts(self) -> Tensor:
        """How many edges enter each node, (N,)."""
        return self.begin.diff()

    def given(self, values: Tensor) -> Tensor:
        """Values (E, …) of this order in that of the edges as they were given; any shape."""
        back = torch.empty_like(self.order)
        back[self.order] = torch.arange(len(self.order), device=back.device)
        return values.index_select(0, back)


def weighted_sum(weights: Tensor, x: Tensor, hood: Neighborhood) -> Tensor:
    """Σ over the edges into each node of weight times what its source holds.

    Parameters
    ----------
    weights : Tensor (E, H)
        In the order of ``hood``.
    x : Tensor (N, H, C)
    hood : Neighborhood

    Returns
    -------
    Tensor (N, H, C)
    """
    if x.device.type == "cpu":
        made: Tensor = _WeightedSum.apply(weights, x, hood)
        return made
    messages = weights[:, :, None] * x.index_select(0, hood.source)  # (E, H, C)
    return torch.zeros_like(x).index_add(0, hood.target, messages)


class _WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, x: Tensor, hood: Neighborhood) -> Tensor:
        ctx.save_for_backward(weights, x)
        ctx.hood = hood
        values, each = x.detach().numpy(), weights.detach().t().contiguous().numpy()  # (H, E)
        out = np.empty_like(values)
        for head, one in enumerate(each):
            out[:, head] = hood.matrix(one) @ np.ascontiguousarray(values[:, head])
        return torch.from_numpy(out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        weights, x = ctx.saved_tensors
        to_weights = to_x = None
        if ctx.needs_input_grad[0]:
            to_weights = _products(gradient, x, ctx.hood)
        if ctx.needs_input_grad[1]:
            given, each = gradient.numpy(), weights.detach().t().contiguous().numpy()
            back = np.empty_like(given)
            for head, one in enumerate(each):
                back[:, head] = ctx.hood.matrix(one).T @ np.ascontiguousarray(given[:, head])
            to_x = torch.from_numpy(back)
        return to_weights, to_x, None


def _products(left: Tensor, right: Tensor, hood: Neighborhood) -> Tensor:
    """Of each edge the dot product of ``left`` at its target with ``right`` at its source: (N, H, C) -> (E, H)."""
    heads, width = left.shape[1:]
    flat_left, flat_right = left.reshape(len(left), -1), right.reshape(len(right), -1)
    adds = torch.eye(heads, dtype=left.dtype).repeat_interleave(width, 0)  # (H·C, H): a product adds channels up
    made = left.new_empty(len(hood.source), heads)
    for first in range(0, len(made), PIECE):
        part = slice(first, first + PIECE)
        both = flat_left.index_select(0, hood.target[part]).mul_(flat_right.index_select(0, hood.source[part]))
        torch.mm(both, adds, out=made[part])
    return made


def softmax(scores: Tensor, hood: Neighborhood) -> Tensor:
    """Softmax over the edges into each node, in the order of ``hood``.

    Parameters
    ----------
    scores : Tensor (E, H)
    hood : Neighborhood
        Nodes that nothing enters have no weights.

    Returns
    -------
    Tensor (E, H)
        Sums to 1 over the edges into a node.
    """
    made: Tensor = _Softmax.apply(scores, hood)
    return made


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor, hood: Neighborhood) -> Tensor:
        most = torch.segment_reduce(scores, "max", offsets=hood.begin, axis=0)
        weights = (scores - most.index_select(0, hood.target)).exp_()
        total = torch.segment_reduce(weights, "sum", offsets=hood.begin, axis=0)
        weights.div_(total.index_select(0, hood.target))
        ctx.save_for_backward(weights)
        ctx.hood = hood
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        moved = weights * gradient
        total = torch.segment_reduce(moved, "sum", offsets=ctx.hood.begin, axis=0)
        return moved.sub_(weights * total.index_select(0, ctx.hood.target)), None

"""Deformable attention: each query looks at a few points, which it chooses itself, instead of at every pixel.

Source: Zhu et al. 2021, "Deformable DETR", section 4.1, equations 2 and 3, in the form for reference boxes that RT-DETR
(Zhao et al. 2024) takes: offsets are shares of the box.
Shapes: B batch, Q queries, H heads, d size of a head, L levels, P points a level, N tokens of all levels, E width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.rt_detr.interventions import UNTOUCHED, Interventions

Shapes = Sequence[tuple[int, int]]  #: rows and columns of each level


def deformable_attention(value: Tensor, shapes: Shapes, points: Tensor, weights: Tensor) -> Tensor:
    """What the points see, weighted.

    Parameters
    ----------
    value : Tensor (B, N, H, d)
        Tokens of all levels one after the other, row by row.
    shapes : sequence of (rows, columns)
    points : Tensor (B, Q, H, L, P, 2)
        x and y as shares of the picture. Between the middles of four tokens the value is bilinear; outside of the
        picture it is 0, so that half of a point on the edge is lost, and all of one that lies a token further out.
    weights : Tensor (B, Q, H, L, P)

    Returns
    -------
    Tensor (B, Q, H·d)
    """
    batch, _, heads, size = value.shape
    queries = points.shape[1]
    grid = (2 * points - 1).transpose(1, 2).flatten(0, 1)  # (B·H, Q, L, P, 2)
    parts = value.split([rows * columns for rows, columns in shapes], 1)
    seen = []
    for level, ((rows, columns), part) in enumerate(zip(shapes, parts, strict=True)):
        planes = part.permute(0, 2, 3, 1).reshape(batch * heads, size, rows, columns)
        seen.append(F.grid_sample(planes, grid[:, :, level], "bilinear", "zeros", align_corners=False))
    by_point = torch.stack(seen, -2).flatten(-2)  # (B·H, d, Q, L·P)
    by_head = weights.transpose(1, 2).reshape(batch * heads, 1, queries, -1)
    return (by_point * by_head).sum(-1).view(batch, heads * size, queries).transpose(1, 2)


def inside(points: Tensor, shapes: Shapes) -> Tensor:
    """Which share of each point (B, Q, H, L, P, 2) lies within the picture: (B, Q, H, L, P) in 0..1.

    That of the bilinear kernel, which is a token of its level wide.
    """
    sides = points.new_tensor([[columns, rows] for rows, columns in shapes])[:, None]  # (L, 1, 2)
    at = points * sides
    share = torch.minimum(at + 0.5, sides - at + 0.5).clamp(0, 1)
    return share.prod(-1)


class Looked(NamedTuple):
    """What an attention gave and where it looked.

    Attributes
    ----------
    output : Tensor (B, Q, E)
    points : Tensor (B, Q, H, L, P, 2)
    weights : Tensor (B, Q, H, L, P)
    """

    output: Tensor
    points: Tensor
    weights: Tensor


class DeformableAttention(nn.Module):
    """Cross-attention to a pyramid at points around a reference box.

    Parameters
    ----------
    dim, heads, levels, points : int
    """

    def __init__(self, dim: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(dim, heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, heads * levels * points)
        self.value_proj, self.output_proj = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def initialize(self) -> None:
        """Points in as many directions as there are heads, one, two, … steps out, all of one weight (A.1 there)."""
        angles = torch.arange(self.heads) * (2 * math.pi / self.heads)
        ways = torch.stack([angles.cos(), angles.sin()], -1)  # (H, 2)
        ways = ways / ways.abs().max(-1, keepdim=True).values
        steps = torch.arange(1, self.points + 1)[:, None]
        starts = (ways[:, None, None] * steps).expand(-1, self.levels, -1, -1)  # (H, L, P, 2)
        for part in (self.sampling_offsets, self.attention_weights):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
        for part in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(starts.flatten())

    def look(
        self, at: Tensor, reference: Tensor, changes: Interventions = UNTOUCHED, layer: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Where queries (B, Q, E) with reference boxes (B, Q, 4) look: points (B, Q, H, L, P, 2), weights without 2."""
        sizes = self.heads, self.levels, self.points
        offsets = self.sampling_offsets(at).unflatten(-1, (*sizes, 2))
        if changes.spread != 1:
            offsets = offsets * changes.spread
        center, size = reference[:, :, None, None, None, :2], reference[:, :, None, None, None, 2:]
        points = center + offsets / self.points * size * 0.5
        scores = self.attention_weights(at).unflatten(-1, (self.heads, -1))  # (B, Q, H, L·P)
        if changes.temperature != 1:
            scores = scores / changes.temperature
        if changes.levels_off:
            off = torch.zeros(self.levels, self.points, dtype=torch.bool, device=scores.device)
            off[list(changes.levels_off)] = True
            scores = scores.masked_fill(off.flatten(), -math.inf)
        weights = scores.softmax(-1)
        if len(set(changes.levels_off)) >= self.levels:
            weights = torch.zeros_like(weights)  # nothing is left to look at
        heads_off = [head for index, head in changes.heads_off if index == layer]
        if heads_off:
            weights = weights.clone()
            weights[:, :, heads_off] = 0
        return points, weights.unflatten(-1, (self.levels, self.points))

    def read(self, memory: Tensor, shapes: Shapes, points: Tensor, weights: Tensor) -> Tensor:
        """What is seen there in a memory (B, N, E), points (B, Q, H, L, P, 2) with their weights: (B, Q, E)."""
        value = self.value_proj(memory).unflatten(-1, (self.heads, -1))  # (B, N, H, d)
        return self.output_proj(deformable_attention(value, shapes, points, weights))

    def forward(self, at: Tensor, reference: Tensor, memory: Tensor, shapes: Shapes) -> Looked:
        """Queries (B, Q, E) with boxes (B, Q, 4) cxcywh look at a memory (B, N, E)."""
        points, weights = self.look(at, reference)
        return Looked(self.read(memory, shapes, points, weights), points, weights)

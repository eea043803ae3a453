"""RT-DETR's decoder: each layer looks around the reference boxes of its queries and moves them.

Source: Zhao et al. 2024, section 4; the refinement of boxes from layer to layer is Zhu et al. 2021, section 4.2.
Shapes: B batch, Q queries, E width, H heads, L levels, P points a level, N tokens of all levels, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention
from engines.rt_detr.deformable import DeformableAttention, Shapes
from engines.rt_detr.interventions import UNTOUCHED, Interventions

EPS = 1e-5


def inverse_sigmoid(x: Tensor) -> Tensor:
    """Logits of shares in 0..1, of any shape, kept within ±11.5."""
    x = x.clamp(0, 1)
    return torch.log(x.clamp(min=EPS) / (1 - x).clamp(min=EPS))


class Perceptron(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(..., first width) -> (..., last width)."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class DecoderLayer(nn.Module):
    """Self-attention between the queries, deformable attention to the pyramid, a feed-forward network."""

    def __init__(self, dim: int, heads: int, ffn_dim: int, levels: int, points: int) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(dim, heads)
        self.self_norm = nn.LayerNorm(dim)
        self.cross_attention = DeformableAttention(dim, heads, levels, points)
        self.cross_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def among(self, x: Tensor, position: Tensor, mask: Tensor | None = None) -> Tensor:
        """Queries (B, Q, E) see each other; ``mask`` bool (Q, Q), True = may."""
        at = x + position
        return self.self_norm(x + self.self_attention(at, at, x, mask, need_weights=False)[0])

    def finish(self, x: Tensor, seen: Tensor) -> Tensor:
        """What comes after the picture has been looked at; all (B, Q, E)."""
        x = self.cross_norm(x + seen)
        return self.ffn_norm(x + self.fc2(F.relu(self.fc1(x))))


def put(points: Tensor, changes: Interventions, layer: int) -> Tensor:
    """Points (B, Q, H, L, P, 2) of a layer, some of them where a person wants them."""
    mine = [one for one in changes.placed if one[0] == layer]
    if not mine:
        return points
    flat = points.flatten(3, 4).clone()  # (B, Q, H, L·P, 2)
    for _, query, head, at, x, y in mine:
        flat[:, query, head, at] = flat.new_tensor((x, y))
    return flat.view_as(points)


@dataclass(frozen=True)
class Decoded:
    """What all layers gave. D is the number of layers.

    Attributes
    ----------
    states : Tensor (D, B, Q, E)
    references : Tensor (D, B, Q, 4)
        Boxes cxcywh in 0..1 that each layer looked around.
    boxes : Tensor (D, B, Q, 4)
        Those that it made of them.
    logits : Tensor (D, B, Q, C)
    points, weights : Tensor (D, B, Q, H, L, P, 2), without the 2
    """

    states: Tensor
    references: Tensor
    boxes: Tensor
    logits: Tensor
    points: Tensor
    weights: Tensor


class Decoder(nn.Module):
    """All layers with their heads.

    Parameters
    ----------
    dim, heads, ffn_dim, layers, levels, points, classes : int
    """

    def __init__(self, dim: int, heads: int, ffn_dim: int, layers: int, levels: int, points: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(dim, heads, ffn_dim, levels, points) for _ in range(layers))
        self.query_position = Perceptron(4, 2 * dim, dim)
        self.class_heads = nn.ModuleList(nn.Linear(dim, classes) for _ in range(layers))
        self.box_heads = nn.ModuleList(Perceptron(dim, dim, dim, 4) for _ in range(layers))

    def forward(
        self,
        x: Tensor,
        reference: Tensor,
        memory: Tensor,
        shapes: Shapes,
        mask: Tensor | None = None,
        changes: Interventions = UNTOUCHED,
        frozen: Sequence[Tensor] = (),
    ) -> Decoded:
        """Decode.

        Parameters
        ----------
        x, reference : Tensor (B, Q, E), (B, Q, 4)
            Queries, and logits of the boxes that they begin with.
        memory : Tensor (B, N, E)
        shapes : sequence of (rows, columns)
        mask : Tensor bool (Q, Q), optional
            Which queries may see which.
        changes : Interventions
        frozen : sequence of Tensor (B, Q, H, L, P, 2)
            Points of each layer, in place of its own.
        """
        if changes.queries_off:
            seen = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)  # each sees itself
            on = [query for query in range(x.shape[1]) if query not in changes.queries_off]
            seen[:, on] = True
            mask = seen if mask is None else mask & seen
        box = reference.sigmoid()  # (B, Q, 4)
        count = min(changes.layers, len(self.layers)) or len(self.layers)
        kept: list[tuple[Tensor, ...]] = []
        for index, layer in enumerate(list(self.layers)[:count]):
            assert isinstance(layer, DecoderLayer)
            if changes.moved is not None and changes.moved[0] == index:
                box = box.clone()
                box[:, changes.moved[1]] = box.new_tensor(changes.moved[2])
            position = self.query_position(box)
            x = layer.among(x, position, mask)
            points, weights = layer.cross_attention.look(x + position, box, changes, index)
            if frozen:
                points = frozen[index]
            points = put(points, changes, index)
            x = layer.finish(x, layer.cross_attention.read(memory, shapes, points, weights))
            refined = (self.box_heads[index](x) + inverse_sigmoid(box)).sigmoid()
            kept.append((x, box, refined, self.class_heads[index](x), points, weights))
            box = refined.detach()
        return Decoded(*(torch.stack(part) for part in zip(*kept, strict=True)))

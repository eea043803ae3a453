"""What is said of maps: entropy, distance, what falls on special tokens, and how much those really add.

Sources: Clark et al. 2019 (entropy; heads park on separators), Kobayashi et al. 2020 (length of what is added).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.self_attention.language.model import LanguageModel


def entropy(weights: Tensor) -> Tensor:
    """Bits of rows (…, N), as (…)."""
    return torch.special.entr(weights).sum(-1) / math.log(2)


def distance(weights: Tensor) -> Tensor:
    """Mean distance in tokens between a query and what it attends to, (…, N) of maps (…, N, N)."""
    at = torch.arange(weights.shape[-1], device=weights.device, dtype=weights.dtype)
    apart = (at[:, None] - at).abs()  # (N, N)
    return (weights * apart).sum(-1)


def of_heads(weights: Tensor, special: Tensor) -> Tensor:
    """Mean entropy, mean distance and share of special tokens, (3, H), of maps (H, N, N); ``special`` of bool (N,).

    Special tokens are no queries here, unless there is nothing else.
    """
    rows = weights[:, ~special] if bool((~special).any()) else weights  # (H, R, N)
    apart = distance(weights)
    far = (apart[:, ~special] if bool((~special).any()) else apart).mean(-1)
    return torch.stack([entropy(rows).mean(-1), far, rows[..., special].sum(-1).mean(-1)])


def block_max(maps: Tensor, most: int) -> tuple[Tensor, int]:
    """Maps (H, R, C) of at most ``most`` values a side, (H, r, c), and how many values a side became one."""
    block = max(1, -(-max(maps.shape[-2:]) // most))
    if block == 1:
        return maps, 1
    return F.max_pool2d(maps[None], block, ceil_mode=True)[0], block


def added_lengths(net: LanguageModel, layer: int, head: int, values: Tensor) -> Tensor:
    """Length of what each token adds to another where the weight is 1, (N,); ``values`` (H, N, d / H) of the layer."""
    size = values.shape[-1]
    out = net.layer(layer).out_proj.weight[:, head * size : (head + 1) * size]  # (d, d / H)
    return (values[head] @ out.T).norm(dim=-1)


def carried(weights: Tensor, lengths: Tensor, special: Tensor) -> float:
    """Share of special tokens in what a head adds to the others, by length.

    Parameters
    ----------
    weights : Tensor (N, N)
    lengths : Tensor (N,)
        As `added_lengths` returns.
    special : Tensor of bool (N,)
    """
    rows = weights[~special] if bool((~special).any()) else weights
    added = rows * lengths  # (R, N)
    return float(added[:, special].sum() / added.sum().clamp(min=1e-30))

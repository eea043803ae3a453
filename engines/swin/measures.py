"""What the attention of a Swin says as a whole: entropy, distance, rollout across windows, relevance.

Sources: Abnar & Zuidema 2020 (rollout), Chefer, Gur & Wolf 2021 ("Generic Attention-model Explainability", equations 5
and 6, for self-attention), Dosovitskiy et al. 2021, figure 7 (mean attention distance). Both rollout and relevance are
products of matrices over tokens; a window's weights are a block of such a matrix, whose other entries are 0, so a
product costs as much as the attention itself. Where four tokens merge into one, that one holds their mean.

Shapes: P patches that enter the first block, N tokens of a block's grid, W windows of n tokens, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engines.swin.layouts import Layout


def entropy(weights: Tensor) -> Tensor:
    """Entropy in bits of rows (..., n) -> (...)."""
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log2_()
    return logs.mul_(weights).sum(-1).abs()


def mean_entropy(weights: Tensor, cut: Layout) -> Tensor:
    """Mean entropy of the tokens' rows in each head, in bits: weights (W, H, n, n) -> (H,); padding does not count."""
    real = (cut.place < cut.tokens).to(weights.device)
    each = entropy(weights).transpose(0, 1)[:, real]  # (H, N)
    return each.mean(1)


def mean_distance(weights: Tensor, cut: Layout) -> Tensor:
    """Mean distance, in tokens of the grid, between a token and what it attends to: (W, H, n, n) -> (H,).

    Padding counts for nothing. Wrapped pairs, which only an unmasked block has, are as far as they lie on the grid.
    """
    place = cut.place.to(weights.device)
    real = place < cut.tokens
    at = torch.stack([place // cut.width, place % cut.width], -1).float()  # (W, n, 2)
    far = torch.cdist(at, at) * real[:, None, :]
    share = weights * real[:, None, None, :]
    each = (share * far[:, None]).sum(-1) / share.sum(-1).clamp_min(1e-12)  # (W, H, n)
    return each.transpose(0, 1)[:, real].mean(1)


def fuse(weights: Tensor) -> Tensor:
    """Mean over heads with the residual stream: (W, H, n, n) -> (W, n, n) whose rows sum to 1."""
    fused = weights.mean(1)
    mixed = fused + torch.eye(fused.shape[-1], dtype=fused.dtype, device=fused.device)
    return mixed / mixed.sum(-1, keepdim=True)


def through(matrices: Tensor, cut: Layout, rows: Tensor) -> Tensor:
    """The windows' matrices (W, n, n) times a matrix over all tokens (N, P) -> (N, P)."""
    padded = torch.cat([rows, rows.new_zeros(1, rows.shape[1])])
    mixed = matrices @ padded[cut.place.to(rows.device)]  # (W, n, P)
    return mixed.flatten(0, 1)[cut.back.to(rows.device)]


def merged(rows: Tensor, grid: tuple[int, int]) -> Tensor:
    """Rows of tokens (N, P) -> those of the tokens that they merge into: means of (at most) four."""
    height, width = grid
    high, wide = -(-height // 2), -(-width // 2)
    at = torch.arange(height * width, device=rows.device)
    into = (at // width // 2) * wide + at % width // 2
    total = rows.new_zeros(high * wide, rows.shape[1]).index_add_(0, into, rows)
    count = torch.bincount(into, minlength=high * wide)
    return total / count[:, None]


def rollout(weights: Sequence[Tensor], layouts: Sequence[Layout]) -> Tensor:
    """Attention through blocks, across windows, shifts and mergings.

    Parameters
    ----------
    weights : sequence of Tensor (W, H, n, n)
        Of one picture, first block first.
    layouts : sequence of Layout

    Returns
    -------
    Tensor (N, P)
        Row i: how much each patch flows into token i of the last grid; rows sum to 1.
    """
    first = layouts[0]
    rows = torch.eye(first.tokens, dtype=weights[0].dtype, device=weights[0].device)
    before = first
    for one, cut in zip(weights, layouts, strict=True):
        rows = forward_rows(rows, before, cut)
        rows = through(fuse(one), cut, rows)
        rows = rows / rows.sum(-1, keepdim=True).clamp_min(1e-12)  # what flowed into padding is lost
        before = cut
    return rows


def forward_rows(rows: Tensor, before: Layout, cut: Layout) -> Tensor:
    """Rows (tokens, N) as the next block gets them: merged where its grid is another one."""
    if (before.height, before.width) == (cut.height, cut.width):
        return rows
    return merged(rows, (before.height, before.width))


def relevance(weights: Sequence[Tensor], gradients: Sequence[Tensor], layouts: Sequence[Layout]) -> Tensor:
    """What speaks for a score: (P,), by weights times their gradients, positive parts, mean over heads.

    Parameters
    ----------
    weights, gradients : sequence of Tensor (W, H, n, n)
        Of one picture; the gradients are those of the score.
    layouts : sequence of Layout
    """
    first = layouts[0]
    rows = torch.eye(first.tokens, dtype=weights[0].dtype, device=weights[0].device)
    before = first
    for one, gradient, cut in zip(weights, gradients, layouts, strict=True):
        rows = forward_rows(rows, before, cut)
        rows = rows + through((one * gradient).clamp_min(0).mean(1), cut, rows)
        before = cut
    # each token starts as itself; what is left when that is taken away is what others brought
    start = torch.eye(first.tokens, dtype=rows.dtype, device=rows.device)
    before = first
    for cut in layouts:
        start = forward_rows(start, before, cut)
        before = cut
    return (rows - start).mean(0)

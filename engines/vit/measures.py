"""What a ViT's attention says as a whole: rollout, entropy, distance, similarity, principal components.

Sources: Abnar & Zuidema 2020 (rollout), Dosovitskiy et al. 2021, figure 7 (mean attention distance),
Amir et al. 2021 (principal components of patch tokens as colors).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def fuse(weights: Tensor, fusion: str = "mean", discard: float = 0.0) -> Tensor:
    """One layer's weights (H, N, N) -> the matrix (N, N) that rollout multiplies by; rows sum to 1.

    Parameters
    ----------
    weights : Tensor (H, N, N)
    fusion : str
        ``mean``, ``max`` or ``min`` over heads.
    discard : float
        Share (0 to 1) of the smallest entries of the fused map that is set to 0, never the class token's column.
    """
    match fusion:
        case "mean":
            fused = weights.mean(0)
        case "max":
            fused = weights.amax(0)
        case "min":
            fused = weights.amin(0)
        case _:
            raise ValueError(f"fusion {fusion!r} is none of mean, max, min")
    if discard > 0:
        flat = fused.flatten()
        smallest = flat.topk(int(flat.numel() * discard), largest=False).indices
        smallest = smallest[smallest % fused.shape[-1] != 0]  # the class token's column stays
        flat = flat.index_fill(0, smallest, 0.0)
        fused = flat.view_as(fused)
    mixed = fused + torch.eye(fused.shape[-1], dtype=fused.dtype, device=fused.device)  # the residual stream
    return mixed / mixed.sum(-1, keepdim=True)


def rollout(weights: Sequence[Tensor], fusion: str = "mean", discard: float = 0.0) -> Tensor:
    """Attention through all layers: the product of the layers' fused maps, each with the residual stream.

    Parameters
    ----------
    weights : sequence of Tensor (H, N, N)
        First layer first.
    fusion, discard
        See `fuse`.

    Returns
    -------
    Tensor (N, N)
        Row i: how much each input token flows into token i; rows sum to 1.
    """
    product = fuse(weights[0], fusion, discard)
    for layer in weights[1:]:
        product = fuse(layer, fusion, discard) @ product
    return product


def entropy(weights: Tensor) -> Tensor:
    """Entropy in bits of rows (..., N) -> (...)."""
    logs = weights.clamp_min(torch.finfo(weights.dtype).tiny).log2_()  # ten times as fast as torch.special.entr
    return logs.mul_(weights).sum(-1).abs()  # of a sum that is not positive; no −0 either


def places(rows: int, cols: int, device: torch.device | None = None) -> Tensor:
    """Middles of the patches, (rows · cols, 2) as (row, column), in patches."""
    grid = torch.meshgrid(torch.arange(rows, device=device), torch.arange(cols, device=device), indexing="ij")
    return torch.stack(grid, -1).flatten(0, 1).float()


def mean_distance(weights: Tensor, rows: int, cols: int) -> Tensor:
    """Mean distance between a patch and what it attends to.

    Parameters
    ----------
    weights : Tensor (..., N, N)
        N = prefix tokens + rows · cols; attention to and from prefix tokens, which have no place, is left out.
    rows, cols : int

    Returns
    -------
    Tensor (...)
        In patches, mean over all patches as queries.
    """
    patches = rows * cols
    between = weights[..., -patches:, -patches:]  # (..., P, P)
    where = places(rows, cols, weights.device)
    far = (between * torch.cdist(where, where)).sum(-1)
    return (far / between.sum(-1).clamp_min(1e-12)).mean(-1)


def spread(row: Tensor, rows: int, cols: int) -> Tensor:
    """Mean distance, in patches, of what one token attends to (..., N) from the middle of it -> (...)."""
    where = places(rows, cols, row.device)
    share = row[..., -rows * cols :]
    share = share / share.sum(-1, keepdim=True).clamp_min(1e-12)  # (..., P)
    middle = share @ where  # (..., 2)
    return (share * (where - middle[..., None, :]).norm(dim=-1)).sum(-1)


def cosine(tokens: Tensor) -> Tensor:
    """Cosine similarity of every two tokens: (N, D) -> (N, N)."""
    unit = torch.nn.functional.normalize(tokens, dim=-1)
    return (unit @ unit.T).clamp(-1, 1)


def principal_colors(patches: Tensor, rows: int, cols: int) -> tuple[Tensor, Tensor]:
    """First three principal components of patch tokens as colors.

    Parameters
    ----------
    patches : Tensor (rows · cols, D)
    rows, cols : int

    Returns
    -------
    rgb : Tensor (rows, cols, 3)
        Each component stretched to 0–1 between its 1st and 99th percentile. Of the two possible signs the one is
        taken that makes the strongest entry positive, so that colors do not flip under a slider.
    explained : Tensor (3,)
        Share of the variance; 0 for a component that does not exist.
    """
    centered = (patches - patches.mean(0)).double()
    _, sizes, directions = torch.linalg.svd(centered, full_matrices=False)
    count = min(3, len(sizes))
    scores = torch.zeros(len(patches), 3, dtype=torch.float64, device=patches.device)
    explained = torch.zeros(3, dtype=torch.float64, device=patches.device)
    chosen = directions[:count]
    sign = chosen.gather(1, chosen.abs().argmax(1, keepdim=True)).sign()  # (count, 1)
    scores[:, :count] = centered @ (chosen * sign).T
    explained[:count] = sizes[:count] ** 2 / (sizes**2).sum().clamp_min(1e-12)
    low, high = scores.quantile(0.01, dim=0), scores.quantile(0.99, dim=0)
    rgb = ((scores - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    return rgb.view(rows, cols, 3).float(), explained.float()

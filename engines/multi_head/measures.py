"""How alike two heads are, from their maps or from their outputs."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def map_agreement(weights: Tensor) -> Tensor:
    """1 − Jensen–Shannon divergence of the heads' weights in bit, mean over queries (Lin 1991).

    Parameters
    ----------
    weights : Tensor (H, Q, K)
        Rows sum to 1; rows that sum to 0 (nothing to attend to) are left out.

    Returns
    -------
    Tensor (H, H)
        1 = the same map, 0 = no key in common. All ones if every row is empty.
    """
    rows = weights[:, weights[0].sum(-1) > 0]  # (H, q, K)
    if rows.shape[1] == 0:
        return torch.ones(len(weights), len(weights), dtype=weights.dtype)
    entropy = torch.special.entr(rows).sum(-1)  # (H, q)
    i, j = torch.triu_indices(len(rows), len(rows), 1)
    mean = (rows[i] + rows[j]) / 2  # (pairs, q, K)
    divergence = torch.special.entr(mean).sum(-1) - (entropy[i] + entropy[j]) / 2  # (pairs, q)
    out = torch.ones(len(rows), len(rows), dtype=rows.dtype)
    out[i, j] = out[j, i] = (1 - divergence.mean(-1) / math.log(2)).clamp(0, 1)
    return out


def output_agreement(outputs: Tensor) -> Tensor:
    """Linear centered kernel alignment of the heads' outputs (Kornblith 2019).

    It sees which tokens a head treats alike, so heads whose outputs lie in different subspaces can be compared.

    Parameters
    ----------
    outputs : Tensor (H, N, d)

    Returns
    -------
    Tensor (H, H)
        1 = alike up to rotation and scale, 0 = unrelated. A head whose outputs are all equal agrees only with itself.
    """
    centered = outputs - outputs.mean(1, keepdim=True)
    kernels = (centered @ centered.transpose(1, 2)).flatten(1)  # (H, N²)
    norms = kernels.norm(dim=1)
    size = outputs.norm(dim=(1, 2)) ** 2
    alive = norms > 1e-6 * size.clamp_min(1e-30)
    unit = torch.where(alive[:, None], kernels / norms.clamp_min(1e-30)[:, None], torch.zeros_like(kernels))
    return (unit @ unit.T).clamp(0, 1).fill_diagonal_(1.0)

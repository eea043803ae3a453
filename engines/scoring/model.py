"""Scoring functions side by side.

Sources: Bahdanau et al. 2015 (additive), Luong et al. 2015 (dot product), Vaswani et al. 2017, section 3.2.1 (scaled).
Additive scoring and the masked softmax are those of `engines.blocks.attention`.
Sizes: B batch, Q queries, K keys, dq and d their lengths, dv of a value, h hidden units.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from engines.blocks.attention import AdditiveAttention, softmax_where
from engines.core.errors import LabError


def dot_product_scores(queries: Tensor, keys: Tensor) -> Tensor:
    """Scores (..., Q, K) of queries (..., Q, d) and keys (..., K, d).

    Raises
    ------
    LabError
        Their lengths differ: there is no dot product then.
    """
    if queries.shape[-1] != keys.shape[-1]:
        raise LabError(
            "A dot product needs equal lengths: queries have {dq} numbers, keys {dk}.",
            dq=queries.shape[-1],
            dk=keys.shape[-1],
        )
    return queries @ keys.transpose(-2, -1)


def additive_parts(attention: AdditiveAttention, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden layer (B, Q, K, h) and scores (B, Q, K) of additive scoring, for queries (B, Q, dq) and keys (B, K, d)."""
    hidden = torch.tanh(attention.W_q(queries)[:, :, None] + attention.W_k(keys)[:, None])  # (B, Q, K, h)
    return hidden, attention.w_v(hidden).squeeze(-1)


class ConcatenatedMLP(nn.Module):
    """Additive scoring as one MLP over query and key concatenated: ``w_vᵀ tanh(W [q; k])`` with ``W = [W_q, W_k]``.

    Parameters
    ----------
    attention : AdditiveAttention
        Whose weights it takes over.
    """

    def __init__(self, attention: AdditiveAttention) -> None:
        super().__init__()
        joined = torch.cat([attention.W_q.weight, attention.W_k.weight], 1).detach()  # (h, dq + d)
        self.W = nn.Linear(joined.shape[1], joined.shape[0], bias=False)
        self.w_v = nn.Linear(joined.shape[0], 1, bias=False)
        with torch.no_grad():
            self.W.weight.copy_(joined)
            self.w_v.weight.copy_(attention.w_v.weight)

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Scores (B, Q, K) of queries (B, Q, dq) and keys (B, K, d)."""
        count_q, count_k = queries.shape[1], keys.shape[1]
        pairs = torch.cat(
            [queries[:, :, None].expand(-1, -1, count_k, -1), keys[:, None].expand(-1, count_q, -1, -1)], -1
        )  # (B, Q, K, dq + d)
        return self.w_v(torch.tanh(self.W(pairs))).squeeze(-1)


def attend(
    scores: Tensor, values: Tensor, allowed: Tensor | None = None, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Softmax over the allowed keys, then the weighted sum of the values.

    Parameters
    ----------
    scores : Tensor (..., Q, K)
    values : Tensor (..., K, dv)
    allowed : Tensor bool, optional
        Broadcastable to (..., Q, K).
    temperature : float
        Divides the scores.

    Returns
    -------
    output : Tensor (..., Q, dv)
    weights : Tensor (..., Q, K)
        Rows sum to 1; a row with nothing allowed is all 0.
    """
    scores = scores / temperature
    weights = scores.softmax(-1) if allowed is None else softmax_where(scores, allowed)
    return weights @ values, weights


def entropy_bits(weights: Tensor) -> Tensor:
    """Entropy of weights (..., K) over the last axis, in bit: (...); 0 for a row of zeros."""
    return torch.special.entr(weights).sum(-1) / math.log(2)

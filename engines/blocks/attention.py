"""Attention: masked softmax, additive and scaled dot-product scoring, several heads.

Sources: Bahdanau et al. 2015 (additive), Vaswani et al. 2017, section 3.2 (scaled dot-product, multi-head).
Shapes: B batch, H heads, Q queries, K keys, d size of a query, dv size of a value, E embedding width.
``weights`` are always attention weights per head; each row sums to 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def masked_softmax(scores: Tensor, valid_lens: Tensor | None = None) -> Tensor:
    """Softmax over the last axis that gives keys past the valid length a weight of exactly 0.

    Parameters
    ----------
    scores : Tensor (..., Q, K) or (B, K)
        Unnormalized scores; with ``valid_lens`` the first axis is the batch.
    valid_lens : Tensor, optional
        Number of keys that count, ``(B,)`` for all queries of a sample or ``(B, Q)`` for each.

    Returns
    -------
    Tensor, as ``scores``
        Rows sum to 1; a row whose valid length is 0 is all 0, never NaN.
    """
    if valid_lens is None:
        return scores.softmax(-1)
    return softmax_where(scores, within(valid_lens, scores))


def within(valid_lens: Tensor, scores: Tensor) -> Tensor:
    """Which keys of ``scores`` (B, ..., Q, K) or (B, K) count, broadcastable to it; lengths (B,) or (B, Q)."""
    keys = torch.arange(scores.shape[-1], device=scores.device)
    if scores.dim() == 2 and valid_lens.dim() == 1:
        return keys < valid_lens[:, None]
    lens = valid_lens if valid_lens.dim() == 2 else valid_lens[:, None]  # (B, Q) or (B, 1)
    lens = lens.reshape(lens.shape[0], *(1,) * (scores.dim() - 3), lens.shape[1], 1)  # (B, ..., Q|1, 1)
    return keys < lens


def boolean(mask: Tensor) -> Tensor:
    """A mask of whole numbers 0 and 1, as tokenizers give it, as bool; bool and float as they are. Any shape.

    Raises
    ------
    ValueError
        For other whole numbers: added to scores they would be no mask.
    """
    if mask.dtype == torch.bool or mask.is_floating_point():
        return mask
    if bool(((mask != 0) & (mask != 1)).any()):
        raise ValueError(f"a mask of {mask.dtype} holds other numbers than 0 and 1; what is added to scores is a float")
    return mask.bool()


def pooled(weights: Tensor, values: Tensor, may_attend: Tensor | None) -> Tensor:
    """``weights @ values`` in which what may not be attended to has no part, not even where it is not finite.

    Weights (..., Q, K), values (..., K, dv), ``may_attend`` bool as the weights -> (..., Q, dv).
    """
    if may_attend is None or bool(values.isfinite().all()):
        return weights @ values
    bad = ~values.isfinite()  # (..., K, dv); 0 times infinity is no number
    reached = may_attend.expand(weights.shape).to(values.dtype) @ bad.to(values.dtype) > 0  # (..., Q, dv)
    return (weights @ values.masked_fill(bad, 0.0)).masked_fill(reached, math.nan)


def softmax_where(scores: Tensor, may_attend: Tensor) -> Tensor:
    """Softmax (..., Q, K) over the entries where ``may_attend`` is True; a row with none is all 0."""
    weights = scores.masked_fill(~may_attend, -math.inf).softmax(-1)
    return weights.masked_fill(~may_attend, 0.0)  # also turns the NaN of an empty row into 0


def scaled_dot_product_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    scale: float | None = None,
    temperature: float | Tensor = 1.0,
    valid_lens: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention with its weights in the open (Vaswani et al. 2017, equation 1).

    Parameters
    ----------
    q, k, v : Tensor (..., Q, d), (..., K, d), (..., K, dv)
    mask : Tensor, optional
        Broadcastable to (..., Q, K): bool or whole numbers 0 and 1, True = may attend; or a float added to the scores.
    scale : float, optional
        Factor on ``q kᵀ``; ``1/√d`` if not given.
    temperature : float or Tensor
        Divides the scaled scores; a tensor must broadcast to (..., Q, K).
    valid_lens : Tensor, optional
        Number of keys that count, (B,) or (B, Q), as in `masked_softmax`; besides the mask.

    Returns
    -------
    output : Tensor (..., Q, dv)
    weights : Tensor (..., Q, K)
        A row with nothing to attend to is all 0.
    """
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = (q @ k.transpose(-2, -1)) * scale / temperature  # (..., Q, K)
    may_attend = None if valid_lens is None else within(valid_lens, scores)
    if mask is not None:
        mask = boolean(mask)
        if mask.dtype != torch.bool:
            scores = scores + mask
            mask = mask > -math.inf  # a bias of minus infinity is a mask; a score may be none of itself
        may_attend = mask if may_attend is None else may_attend & mask
    weights = scores.softmax(-1) if may_attend is None else softmax_where(scores, may_attend)
    return pooled(weights, v, may_attend), weights


class AdditiveAttention(nn.Module):
    """Additive scoring ``w_vᵀ tanh(W_q q + W_k k)``, for queries and keys of different size (Bahdanau et al. 2015)."""

    def __init__(self, query_size: int, key_size: int, num_hiddens: int) -> None:
        super().__init__()
        self.W_q = nn.Linear(query_size, num_hiddens, bias=False)
        self.W_k = nn.Linear(key_size, num_hiddens, bias=False)
        self.w_v = nn.Linear(num_hiddens, 1, bias=False)

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Scores (B, Q, K) of queries (B, Q, query_size) and keys (B, K, key_size)."""
        hidden = torch.tanh(self.W_q(queries)[:, :, None] + self.W_k(keys)[:, None])  # (B, Q, K, h)
        return self.w_v(hidden).squeeze(-1)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, valid_lens: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output (B, Q, dv) and the weights (B, Q, K)."""
        scores = self.scores(queries, keys)
        weights = masked_softmax(scores, valid_lens)
        return pooled(weights, values, None if valid_lens is None else within(valid_lens, scores)), weights


class MultiHeadAttention(nn.Module):
    """h attentions side by side on slices of the embedding, joined by ``out_proj`` (Vaswani et al. 2017, 3.2.2).

    Parameters
    ----------
    embed_dim : int
        Width E of queries, keys, values and output.
    num_heads : int
        H; must divide ``embed_dim``.
    bias : bool
        Whether the four linear maps have a bias.
    """

    def __init__(self, embed_dim: int, num_heads: int, bias: bool = True) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of num_heads {num_heads}")
        self.embed_dim, self.num_heads = embed_dim, num_heads
        self.head_dim = embed_dim // num_heads
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def split(self, x: Tensor) -> Tensor:
        """(B, N, E) -> (B, H, N, E/H)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def project(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of each head: (B, H, Q, d), (B, H, K, d), (B, H, K, d)."""
        return self.split(self.q_proj(q)), self.split(self.k_proj(k)), self.split(self.v_proj(v))

    def join(self, heads: Tensor) -> Tensor:
        """(B, H, Q, d) -> (B, Q, E): the heads side by side, then ``out_proj``."""
        return self.out_proj(heads.transpose(1, 2).flatten(2))

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        mask: Tensor | None = None,
        need_weights: bool = True,
        valid_lens: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        q, k, v : Tensor (B, Q, E), (B, K, E), (B, K, E)
        mask : Tensor, optional
            Broadcastable to (B, H, Q, K); bool or whole numbers 0 and 1, True = may attend; or a float added to the
            scores.
        need_weights : bool
            False takes torch's fused kernel and returns None for the weights.
        valid_lens : Tensor, optional
            Number of keys that count, (B,) for all queries of a sample or (B, Q) for each.

        Returns
        -------
        output : Tensor (B, Q, E)
        weights : Tensor (B, H, Q, K) or None
        """
        queries, keys, values = self.project(q, k, v)
        if need_weights:
            heads, weights = scaled_dot_product_attention(queries, keys, values, mask, valid_lens=valid_lens)
            return self.join(heads), weights
        mask = mask if mask is None else boolean(mask)
        if valid_lens is not None:
            shape = (*queries.shape[:-1], keys.shape[-2])
            inside = within(valid_lens, queries.new_empty(1).expand(shape))
            if mask is None or mask.dtype == torch.bool:
                mask = inside if mask is None else inside & mask
            else:
                mask = mask.masked_fill(~inside, -math.inf)
        return self.join(F.scaled_dot_product_attention(queries, keys, values, mask)), None

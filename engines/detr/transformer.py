"""DETR's Transformer: positions are added to queries and keys at every layer, not once at the bottom.

Source: Carion et al. 2020, "End-to-End Object Detection with Transformers", section 3.2 and appendix A.3.
Shapes: B batch, N = h·w tokens of the feature map, Q object queries, H heads, E width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention, scaled_dot_product_attention
from engines.detr.interventions import HeadChange


def attend(
    module: MultiHeadAttention,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    change: HeadChange | None = None,
    need_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """``module`` with the temperature of some heads changed and some heads off; untouched without a change.

    Queries (B, Q, E), keys and values (B, K, E) -> output (B, Q, E), and weights (B, H, Q, K) where they are asked for.
    """
    if change is None:
        return module(q, k, v, mask, need_weights)
    queries, keys, values = module.project(q, k, v)  # (B, H, ·, d)
    temperature = queries.new_tensor(change.temperatures)[:, None, None]  # (H, 1, 1)
    on = queries.new_tensor(change.on)[:, None, None]
    if need_weights:
        heads, weights = scaled_dot_product_attention(queries, keys, values, mask, temperature=temperature)
        return module.join(heads * on), weights * on
    return module.join(F.scaled_dot_product_attention(queries / temperature, keys, values, mask) * on), None


class EncoderLayer(nn.Module):
    """Self-attention between the tokens of the picture, then a feed-forward network."""

    def __init__(self, dim: int, num_heads: int, ffn_dim: int, norm_first: bool) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(dim, num_heads)
        self.attention_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Tokens (B, N, E) -> (B, N, E), each by itself."""
        return self.fc2(F.relu(self.fc1(x), inplace=True))

    def forward(
        self,
        x: Tensor,
        position: Tensor,
        mask: Tensor | None = None,
        change: HeadChange | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens (B, N, E) -> tokens (B, N, E) and, if wanted, weights (B, H, N, N)."""
        y = self.attention_norm(x) if self.norm_first else x
        at = y + position
        seen, weights = attend(self.self_attention, at, at, y, mask, change, need_weights)
        if self.norm_first:
            x = x + seen
            return x + self.feed_forward(self.ffn_norm(x)), weights
        x = self.attention_norm(x + seen)
        return self.ffn_norm(x + self.feed_forward(x)), weights

    def row(
        self, x: Tensor, position: Tensor, token: int, mask: Tensor | None = None, change: HeadChange | None = None
    ) -> Tensor:
        """Weights (B, H, N) of one token, from the layer's input: what ``forward`` uses, without the other rows."""
        y = self.attention_norm(x) if self.norm_first else x
        at = y + position
        attention = self.self_attention
        query = attention.split(attention.q_proj(at[:, token : token + 1]))  # (B, H, 1, d)
        keys = attention.split(attention.k_proj(at))  # (B, H, N, d)
        if change is None:
            return scaled_dot_product_attention(query, keys, keys, mask)[1][:, :, 0]
        temperature = query.new_tensor(change.temperatures)[:, None, None]
        weights = scaled_dot_product_attention(query, keys, keys, mask, temperature=temperature)[1]
        return (weights * query.new_tensor(change.on)[:, None, None])[:, :, 0]


class DecoderLayer(nn.Module):
    """Self-attention between the object queries, cross-attention to the picture, a feed-forward network."""

    def __init__(self, dim: int, num_heads: int, ffn_dim: int, norm_first: bool) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(dim, num_heads)
        self.self_norm = nn.LayerNorm(dim)
        self.cross_attention = MultiHeadAttention(dim, num_heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def feed_forward(self, x: Tensor) -> Tensor:
        """Tokens (B, N, E) -> (B, N, E), each by itself."""
        return self.fc2(F.relu(self.fc1(x), inplace=True))

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        keys: Tensor,
        query_position: Tensor,
        self_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        self_change: HeadChange | None = None,
        cross_change: HeadChange | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Self-attention of the queries, then cross-attention to the picture.

        Parameters
        ----------
        x : Tensor (B, Q, E)
        memory, keys : Tensor (B, N, E)
            What the encoder made of the picture, without and with positions.
        query_position : Tensor (B, Q, E)
        self_mask, memory_mask : Tensor bool, optional
            Broadcastable to (B, H, Q, Q) and (B, H, Q, N).

        Returns
        -------
        queries (B, Q, E), self-attention weights (B, H, Q, Q), cross-attention weights (B, H, Q, N)
        """
        y = self.self_norm(x) if self.norm_first else x
        at = y + query_position
        seen, among = attend(self.self_attention, at, at, y, self_mask, self_change, need_weights)
        x = x + seen if self.norm_first else self.self_norm(x + seen)
        at = (self.cross_norm(x) if self.norm_first else x) + query_position
        seen, across = attend(self.cross_attention, at, keys, memory, memory_mask, cross_change, need_weights)
        if self.norm_first:
            x = x + seen
            return x + self.feed_forward(self.ffn_norm(x)), among, across
        x = self.cross_norm(x + seen)
        return self.ffn_norm(x + self.feed_forward(x)), among, across

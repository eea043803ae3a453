"""A block of a Swin: attention inside of windows with a bias per relative position, then an MLP (Liu et al. 2021, 3.2).

Shapes: B batch, N tokens of a grid row by row, C channels, H heads, d = C / H, w side of a window, n = w², W windows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.swin.interventions import Change
from engines.swin.layouts import MASKED, Layout, layout, table_rows

Grid = tuple[int, int]
_ROWS = 512  # tokens that go through an MLP together: what it makes of them stays in the processor's cache


class SwinBlock(nn.Module):
    """Pre-norm block: attention inside of windows with a learned bias per relative position, then an MLP.

    Parameters
    ----------
    dim, heads : int
        C and H.
    window, shift : int
        In tokens; 0 for a block that is not shifted.
    mlp_ratio, eps, qkv_bias
        See `SwinConfig`.
    """

    def __init__(
        self, dim: int, heads: int, window: int, shift: int = 0, mlp_ratio: float = 4.0, eps: float = 1e-5,
        qkv_bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if dim % heads:
            raise ValueError(f"width {dim} is not a multiple of {heads} heads")
        self.heads, self.window, self.shift = heads, window, shift
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.q_proj = nn.Linear(dim, dim, bias=qkv_bias)
        self.k_proj = nn.Linear(dim, dim, bias=qkv_bias)
        self.v_proj = nn.Linear(dim, dim, bias=qkv_bias)
        self.out_proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.fc1 = nn.Linear(dim, int(dim * mlp_ratio))
        self.fc2 = nn.Linear(int(dim * mlp_ratio), dim)

    def forward(
        self, x: Tensor, grid: Grid, padding: str = MASKED, change: Change | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens (B, N, C) on a grid of (height, width) -> the next ones, and the weights (B · W, H, n, n).

        The weights are in window order, each window's tokens as the shift has put them there; see `layout`.
        """
        cut = self.layout(grid, padding, change)
        heads, weights = self.attend(self.norm1(x), cut, change)
        x = x + self.out_proj(heads)
        return x + self.mlp(x), weights

    def layout(self, grid: Grid, padding: str = MASKED, change: Change | None = None) -> Layout:
        """How this block cuts a grid."""
        return layout(*grid, self.window, self.shift, padding, not (change is not None and change.unmasked))

    def bias(self, change: Change | None = None) -> Tensor:
        """The relative position bias (H, n, n), query by key."""
        table: Tensor = self.relative_position_bias_table
        if change is not None and change.bias_moved is not None:
            table = table + change.bias_moved
        rows = table_rows(self.window).to(table.device)
        found = table.t().contiguous()[:, rows]  # (H, n, n), contiguous, since it is added often
        return found if change is None or change.bias_factor is None else found * change.bias_factor

    def attend(self, h: Tensor, cut: Layout, change: Change | None = None) -> tuple[Tensor, Tensor]:
        """Normed tokens (B, N, C) -> what the heads bring, side by side (B, N, C), and the weights (B · W, H, n, n)."""
        batch, _, dim = h.shape
        n = self.window**2
        place = cut.place.to(h.device)
        if cut.padded:
            h = torch.cat([h, h.new_zeros(batch, 1, dim)], 1)
        h = h.index_select(1, place.flatten()).view(-1, n, dim)  # (B · W, n, C)
        q, k, v = (linear(h).unflatten(-1, (self.heads, -1)) for linear in (self.q_proj, self.k_proj, self.v_proj))
        if change is not None and change.temperature is not None:
            q = q / change.temperature.view(-1, 1)
        scores = _scores(q, k, self._added(cut, change), batch)  # (B · W, H, n, n) or (H, B · W, n, n)
        if cut.lonely or (change is not None and change.removed):
            # a query with nothing left to attend to: weights 0, and no NaN in the gradients either
            nothing = scores.amax(-1, keepdim=True) == -math.inf
            weights = scores.masked_fill(nothing, 0.0).softmax(-1).masked_fill(nothing, 0.0)
        else:
            weights = scores.softmax(-1)
        by_heads = _by_heads(len(h), self.heads)
        out = _joined(weights, v, by_heads)  # (B · W, n, H, d)
        if change is not None and change.keep is not None:
            out = out * change.keep.view(-1, 1)
        out = out.reshape(batch, -1, dim).index_select(1, cut.back.to(h.device))
        return out, weights.transpose(0, 1) if by_heads else weights

    def _added(self, cut: Layout, change: Change | None) -> Tensor:
        """What is added to the scores, (1 or W, H, n, n): the bias, and −inf where one may not attend."""
        bias = self.bias(change)[None]
        if change is not None and change.temperature is not None:
            bias = bias / change.temperature
        may = cut.may_attend
        if change is not None and change.removed:
            gone = torch.zeros(cut.tokens + 1, dtype=torch.bool)
            gone[list(change.removed)] = True
            kept = ~gone[cut.place][:, None, :]  # (W, 1, n)
            may = kept if may is None else may & kept
        return bias if may is None else bias.masked_fill(~may.to(bias.device)[:, None], -math.inf)

    def mlp(self, x: Tensor) -> Tensor:
        """What the second half of a block adds to tokens (B, N, C)."""
        rows = x.flatten(0, 1).split(_ROWS)
        return torch.cat([self.fc2(F.gelu(self.fc1(self.norm2(some)))) for some in rows]).view_as(x)


def _by_heads(windows: int, heads: int) -> bool:
    """Whether the products are made head by head, each for all windows, or window by window.

    Queries, keys and values lie side by side in the tokens; either way no copy of them is made, and the fewer products
    there are, the better. Gradients need all at once.
    """
    return heads <= windows and not torch.is_grad_enabled()


def _scores(q: Tensor, k: Tensor, added: Tensor, batch: int) -> Tensor:
    """Scaled scores plus what is added to them.

    Parameters
    ----------
    q, k : Tensor (B · W, n, H, d)
    added : Tensor (1 or W, H, n, n)
    batch : int
        B.

    Returns
    -------
    Tensor (B · W, H, n, n), or (H, B · W, n, n) where `_by_heads` says so
    """
    windows, n, heads, d = q.shape
    scale = d**-0.5
    if torch.is_grad_enabled():
        scores = (q.transpose(1, 2) @ k.permute(0, 2, 3, 1)).view(batch, -1, heads, n, n)
        return torch.add(added, scores, alpha=scale).view(-1, heads, n, n)
    if _by_heads(windows, heads):
        scores = q.new_empty(heads, windows, n, n)
        if batch > 1 and len(added) > 1:
            added = added.repeat(batch, 1, 1, 1)
        for head in range(heads):
            keys = k[:, :, head].transpose(1, 2)  # (B · W, d, n)
            torch.baddbmm(added[:, head], q[:, :, head], keys, alpha=scale, out=scores[head])
        return scores
    scores = q.new_empty(windows, heads, n, n)
    for window in range(windows):
        queries, keys = q[window].transpose(0, 1), k[window].permute(1, 2, 0)  # (H, n, d), (H, d, n)
        torch.baddbmm(added[window % len(added)], queries, keys, alpha=scale, out=scores[window])
    return scores


def _joined(weights: Tensor, v: Tensor, by_heads: bool) -> Tensor:
    """Weights as `_scores` orders them times values (B · W, n, H, d) -> (B · W, n, H, d)."""
    if torch.is_grad_enabled():
        return (weights @ v.transpose(1, 2)).transpose(1, 2)
    out = torch.empty_like(v)
    if by_heads:
        for head in range(len(weights)):
            out[:, :, head] = weights[head] @ v[:, :, head]
        return out
    for window in range(len(weights)):
        out[window] = (weights[window] @ v[window].transpose(0, 1)).transpose(0, 1)
    return out

"""Four small nets with as many parameters: what mixes the tokens is all that differs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention
from engines.blocks.positions import sinusoidal
from engines.mamba.block import MambaBlock
from engines.mamba.model import Backbone, start
from engines.mamba.race.spec import ATTENTION, KINDS, MAMBA, STILL
from engines.mamba.race.tasks import VOCABULARY
from engines.mamba.steps import convolution

WIDTH, LAYERS, STATE, HEADS, EPS = 32, 2, 8, 2, 1e-5
STILL_STATE, HIDDEN = 9, 65  # so that all have as many parameters


class StillBlock(nn.Module):
    """Mamba's block without selection: Δ, B and C are learned and the same at all tokens (S4D-Real, Gu et al. 2022).

    What it does is a convolution over all tokens so far. Parameters as of `MambaBlock`, but each channel has a B and C
    of its own, as in that paper.
    """

    def __init__(self, width: int, state: int, expand: int = 2, size: int = 4) -> None:
        super().__init__()
        inner = expand * width
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, size, groups=inner, padding=size - 1)
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1).repeat(inner, 1).log())
        self.B, self.C = nn.Parameter(torch.ones(inner, state)), nn.Parameter(torch.ones(inner, state))
        self.steps = nn.Parameter(torch.zeros(inner))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> (B, L, width)."""
        length = x.shape[1]
        projected, z = self.in_proj(x).transpose(1, 2).chunk(2, dim=1)  # (B, D, L) each
        u = F.silu(self.conv1d(projected)[..., :length])
        y = convolution(self.kernel(length), u) + self.D[:, None] * u
        out: Tensor = self.out_proj((y * F.silu(z)).transpose(1, 2))
        return out

    def kernel(self, length: int) -> Tensor:
        """What one pulse makes of each channel, (D, L)."""
        delta = F.softplus(self.steps)[:, None]  # (D, 1)
        rate = -torch.exp(self.A_log) * delta  # (D, N)
        steps = torch.arange(length, device=rate.device, dtype=rate.dtype)
        powers = torch.exp(rate[..., None] * steps)  # (D, N, L)
        return torch.einsum("dn,dnl->dl", self.B * self.C * delta, powers)


class AttentionBlock(nn.Module):
    """Causal attention and two layers of an MLP, each with a skip connection."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads, bias=False)
        self.norm = nn.RMSNorm(width, EPS)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, width) -> (B, L, width), without the skip around the whole."""
        return self.attend(x)[0]

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the weights (B, H, L, L)."""
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        seen, weights = self.attention(x, x, x, causal)
        return seen + self.down(F.gelu(self.up(self.norm(seen)))), weights


class RaceNet(nn.Module):
    """Tokens to logits.

    Parameters
    ----------
    kind : str
        One of `engines.mamba.race.spec.KINDS`.
    seed : int
        Of the weights.
    """

    def __init__(self, kind: str, seed: int) -> None:
        super().__init__()
        self.kind = kind
        self.backbone = Backbone(VOCABULARY, WIDTH, LAYERS, EPS, self._block)
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        start(self, torch.Generator().manual_seed(seed))

    def _block(self) -> nn.Module:
        if self.kind == MAMBA:
            return MambaBlock(WIDTH, STATE)
        if self.kind == STILL:
            return StillBlock(WIDTH, STILL_STATE)
        assert self.kind in KINDS
        return AttentionBlock(WIDTH, HEADS, HIDDEN)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (B, L) -> logits (B, L, V)."""
        return self.answer(self.embed(ids))

    def embed(self, ids: Tensor) -> Tensor:
        """Ids (B, L) -> (B, L, width), with the code of each place where the net has one."""
        x: Tensor = self.backbone.embeddings(ids)
        return x + sinusoidal(ids.shape[1], WIDTH).to(x) if self.kind == ATTENTION else x

    def answer(self, x: Tensor) -> Tensor:
        """Embedded tokens (B, L, width) -> logits (B, L, V)."""
        for layer in self.backbone.layers:
            x = layer(x)
        logits: Tensor = self.lm_head(self.backbone.norm_f(x))
        return logits

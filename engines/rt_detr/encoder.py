"""RT-DETR's hybrid encoder: attention on the coarsest map alone, then convolutions that fuse all maps.

Source: Zhao et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection", section 4.2 (https://arxiv.org/abs/2304.08069):
AIFI, "attention-based intra-scale feature interaction", and CCFF, "CNN-based cross-scale feature fusion".
Shapes: B batch, E width, h·w tokens of the coarsest map, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention
from engines.blocks.positions import BASE


def sine_positions(rows: int, columns: int, dim: int) -> Tensor:
    """Positions of a map, (rows·columns, dim): sines of y, cosines of y, sines of x, cosines of x, row by row."""
    waves = BASE ** (-torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    y = (torch.arange(rows)[:, None] * waves)[:, None].expand(-1, columns, -1)
    x = (torch.arange(columns)[:, None] * waves)[None].expand(rows, -1, -1)
    return torch.cat([y.sin(), y.cos(), x.sin(), x.cos()], -1).flatten(0, 1).float()


class ConvNorm(nn.Module):
    """Convolution, batch norm and, if wanted, SiLU."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, active: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, kernel, stride, (kernel - 1) // 2, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(after)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        y = self.bn1(self.conv1(x))
        return F.silu(y, inplace=True) if self.active else y


class RepBlock(nn.Module):
    """A 3 x 3 and a 1 x 1 convolution side by side (Ding et al. 2021, "RepVGG"); for inference they become one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2: nn.Module | None = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        y = self.bn1(self.conv1(x))
        if self.conv2 is not None:
            y = y + self.bn2(self.conv2(x))
        return F.silu(y, inplace=True)

    @torch.no_grad()
    def merge(self) -> None:
        """Add the 1 x 1 convolution to the middle of the 3 x 3 one; the norms are folded already."""
        small = self.conv2
        if isinstance(small, nn.Conv2d) and isinstance(self.bn1, nn.Identity):
            assert small.bias is not None
            assert self.conv1.bias is not None
            self.conv1.weight += F.pad(small.weight, (1, 1, 1, 1))
            self.conv1.bias += small.bias
            self.conv2, self.bn2 = None, nn.Identity()


class Fusion(nn.Module):
    """Two maps, one on the other: half of the channels go through three `RepBlock`, half around (Wang 2020, CSPNet)."""

    BLOCKS = 3

    def __init__(self, dim: int, expansion: float) -> None:
        super().__init__()
        inner = int(dim * expansion)
        self.through, self.around = ConvNorm(2 * dim, inner, 1), ConvNorm(2 * dim, inner, 1)
        self.blocks = nn.Sequential(*(RepBlock(inner) for _ in range(self.BLOCKS)))
        self.out = ConvNorm(inner, dim, 1) if inner != dim else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2E, h, w) -> (B, E, h, w)."""
        return self.out(self.blocks(self.through(x)) + self.around(x))


class EncoderLayer(nn.Module):
    """Self-attention between the tokens of one map, then a feed-forward network; norms come after both."""

    def __init__(self, dim: int, heads: int, ffn_dim: int) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(dim, heads)
        self.attention_norm = nn.LayerNorm(dim)
        self.fc1, self.fc2 = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)

    def forward(
        self, x: Tensor, position: Tensor | None = None, need_weights: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens (B, N, E) -> tokens (B, N, E) and, if wanted, weights (B, H, N, N)."""
        at = x if position is None else x + position
        seen, weights = self.self_attention(at, at, x, need_weights=need_weights)
        x = self.attention_norm(x + seen)
        return self.ffn_norm(x + self.fc2(F.gelu(self.fc1(x)))), weights


class HybridEncoder(nn.Module):
    """AIFI and CCFF.

    Parameters
    ----------
    dim, heads, ffn_dim, layers : int
        Of AIFI; ``dim`` is the width of all maps.
    levels : int
    expansion : float
        Of each `Fusion`.
    positions : bool
        Whether AIFI knows positions.
    """

    def __init__(
        self, dim: int, heads: int, ffn_dim: int, layers: int, levels: int, expansion: float, positions: bool = True
    ) -> None:
        super().__init__()
        self.positions = positions
        self.aifi = nn.ModuleList(EncoderLayer(dim, heads, ffn_dim) for _ in range(layers))
        steps = range(levels - 1)
        self.lateral = nn.ModuleList(ConvNorm(dim, dim, 1) for _ in steps)
        self.down = nn.ModuleList(ConvNorm(dim, dim, 3, 2) for _ in steps)
        self.top_down = nn.ModuleList(Fusion(dim, expansion) for _ in steps)
        self.bottom_up = nn.ModuleList(Fusion(dim, expansion) for _ in steps)

    def attend(self, coarsest: Tensor, need_weights: bool = False) -> tuple[Tensor, list[Tensor]]:
        """AIFI: the coarsest map (B, E, h, w) -> the same shape, and the weights (B, H, h·w, h·w) of each layer."""
        rows, columns = coarsest.shape[-2:]
        x = coarsest.flatten(2).transpose(1, 2)  # (B, h·w, E)
        at = sine_positions(rows, columns, x.shape[-1]).to(x) if self.positions else None
        kept = []
        for layer in self.aifi:
            x, weights = layer(x, at, need_weights)
            kept.append(weights)
        return x.transpose(1, 2).unflatten(-1, (rows, columns)), kept if need_weights else []

    def fusing(self, maps: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """CCFF: maps (B, E, h, w), finest first, -> those on the way down, coarsest first, and the result as `fuse`."""
        down = [maps[-1]]  # what comes from the coarsest map
        for lateral, block, finer in zip(self.lateral, self.top_down, maps[-2::-1], strict=True):
            down[-1] = lateral(down[-1])
            larger = F.interpolate(down[-1], scale_factor=2.0, mode="nearest")
            down.append(block(torch.cat([larger, finer], 1)))
        up = [down[-1]]
        for smaller, block, coarser in zip(self.down, self.bottom_up, down[-2::-1], strict=True):
            up.append(block(torch.cat([smaller(up[-1]), coarser], 1)))
        return down, up

    def fuse(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """CCFF: maps (B, E, h, w), finest first, -> the same shapes; each twice the side of the next."""
        return self.fusing(maps)[1]

    def partly(self, maps: Sequence[Tensor], aifi: bool = True, ccff: bool = True) -> list[Tensor]:
        """Maps (B, E, h, w), finest first, -> the same shapes; a part that is off hands on what it gets."""
        maps = [*maps[:-1], self.attend(maps[-1])[0]] if aifi else list(maps)
        return self.fuse(maps) if ccff else maps

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (B, E, h, w), finest first, -> the same shapes."""
        return self.partly(maps)

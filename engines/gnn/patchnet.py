"""A graph attention network on the patches of a picture, each joined to the eight around it.

After L blocks a patch has heard of those up to L steps away, and of no other: what a Vision Transformer does in one.
It knows a patch by what it shows alone, not by its place, and can't tell the one above from the one below.

Shapes: B pictures, N = rows × cols patches, D the width, E' edges with loops, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.gnn.grids import grid_edges
from engines.gnn.layers import GATv2Conv


@dataclass(frozen=True)
class PatchConfig:
    """How a net is built.

    Attributes
    ----------
    image_size, patch_size : int
        Pixels a side.
    width, layers, heads : int
    labels : dict
        Number of a class -> its name.
    mean, std : tuple of float
        Of the colors.
    """

    image_size: int = 32
    patch_size: int = 4
    width: int = 96
    layers: int = 4
    heads: int = 4
    labels: dict[int, str] = field(default_factory=dict)
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)


class PatchBlock(nn.Module):
    """Attention over the edges, then a small network on each node, both added to what was there."""

    def __init__(self, width: int, heads: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.conv = GATv2Conv(width, width // heads, heads, generator=generator)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """X (N, D), edges (2, E) -> (N, D), edges (2, E'), weights (E', H)."""
        heard, edges, weights = self.conv(self.norm1(x), edges)
        x = x + heard
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)))), edges, weights


class PatchNet(nn.Module):
    """Patches -> blocks -> mean -> classes.

    Parameters
    ----------
    config : PatchConfig
    seed : int
        Of the weights at the start.
    """

    def __init__(self, config: PatchConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Linear(3 * config.patch_size**2, config.width)
        self.blocks = nn.ModuleList(PatchBlock(config.width, config.heads, generator) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, len(config.labels))
        for name, one in self.named_modules():
            if isinstance(one, nn.Linear) and ".conv." not in name:
                nn.init.trunc_normal_(one.weight, std=one.in_features**-0.5, generator=generator)
                nn.init.zeros_(one.bias)

    def embed(self, pixels: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Pixels (B, 3, h, w) -> patches (B, N, D) and rows and columns of them."""
        side = self.config.patch_size
        patches = F.unfold(pixels, side, stride=side).transpose(1, 2)  # (B, N, 3·side²)
        return self.embedding(patches), (pixels.shape[2] // side, pixels.shape[3] // side)

    def edges(self, grid: tuple[int, int], count: int = 1) -> Tensor:
        """Edges (2, E) of so many graphs of a grid, one after another."""
        own = torch.from_numpy(grid_edges(*grid))
        steps = torch.arange(count)[:, None, None] * (grid[0] * grid[1])
        return (own + steps).transpose(0, 1).reshape(2, -1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, h, w) -> logits (B, classes)."""
        x, grid = self.embed(pixels)
        edges, flat = self.edges(grid, len(x)), x.flatten(0, 1)
        for block in self.blocks:
            flat, _, _ = block(flat, edges)
        logits: Tensor = self.head(self.norm(flat).view(x.shape).mean(1))
        return logits

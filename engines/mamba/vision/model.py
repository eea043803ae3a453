"""Mamba for pictures: patches as tokens, each layer scans them in some directions and adds what comes out.

Source: Zhu et al. 2024, "Vision Mamba", figure 2; Liu et al. 2024, "VMamba". Shapes: B pictures of P patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.mamba.block import MambaBlock
from engines.mamba.model import start
from engines.mamba.vision.paths import orders


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of a net.

    Attributes
    ----------
    side, patch : int
        Patches a side, and pixels a side of one.
    width, state, layers, directions : int
    classes : int
        0 for a net without a head.
    """

    side: int
    patch: int
    width: int = 16
    state: int = 8
    layers: int = 1
    directions: int = 1
    classes: int = 0


class CrossScan(nn.Module):
    """One layer: norm, a block for each direction, their sum, skip connection."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(config.width, 1e-5)
        self.mixers = nn.ModuleList(MambaBlock(config.width, config.state) for _ in range(config.directions))
        order = torch.from_numpy(orders(config.side, config.side, config.directions).copy())
        self.order: Tensor
        self.back: Tensor
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(-1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, P, width) -> (B, P, width)."""
        seen = self.norm(x)
        for mixer, order, back in zip(self.mixers, self.order, self.back, strict=True):
            x = x + mixer(seen[:, order])[:, back]
        return x


class VisionMamba(nn.Module):
    """Patches, layers, the mean over all patches, classes.

    Parameters
    ----------
    config : VisionConfig
    seed : int
        Of the weights.
    """

    def __init__(self, config: VisionConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Conv2d(3, config.width, config.patch, config.patch)
        self.positions = nn.Parameter(torch.zeros(1, config.side**2, config.width))
        self.layers = nn.ModuleList(CrossScan(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width, 1e-5)
        self.head = nn.Linear(config.width, config.classes) if config.classes else None
        start(self, torch.Generator().manual_seed(seed))

    def patches(self, pixels: Tensor) -> Tensor:
        """(B, 3, h, w), h and w as many pixels as patches have -> (B, P, width)."""
        return self.embed(pixels).flatten(2).transpose(1, 2) + self.positions

    def mix(self, x: Tensor) -> Tensor:
        """Patches (B, P, width) through all layers."""
        for layer in self.layers:
            x = layer(x)
        return x

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, h, w) -> logits (B, classes).

        Raises
        ------
        ValueError
            For a net without a head.
        """
        if self.head is None:
            raise ValueError("this net names no classes")
        logits: Tensor = self.head(self.norm(self.mix(self.patches(pixels))).mean(1))
        return logits

"""A palette for those who learn on its features: how much the mean color of a picture attends to each color."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.blocks.backbone import Backbone
from engines.toy.load import load_checkpoint
from engines.toy.model import Palette


class PaletteBackbone(Backbone):
    """Pictures of 32 pixels a side become N weights."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(len(palette.names), (32,), 32, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        self.palette = palette

    def forward(self, pixels: Tensor) -> Tensor:
        weights: Tensor = self.palette(pixels.mean((2, 3)))
        return weights

    def fresh(self, seed: int) -> PaletteBackbone:
        palette = Palette(self.palette.names)
        palette.colors.data = torch.rand(palette.colors.shape, generator=torch.Generator().manual_seed(seed))
        return PaletteBackbone(palette)


def load(source: str) -> PaletteBackbone:
    """The backbone of a palette's source; frozen, in eval mode."""
    return PaletteBackbone(load_checkpoint(source)).eval()

"""A ConvNeXt without its head, for those who learn on its features or look into its layers."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from engines.blocks.backbone import Backbone
from engines.large_kernel.convnext import Block, ConvNeXt
from engines.large_kernel.load import load_checkpoint

_MOST, _USUAL = 224, 112  # pixels; more costs more than it brings here


class ConvNeXtBackbone(Backbone):
    """The mean of the last map of a ConvNeXt, after the final norm.

    Parameters
    ----------
    net : ConvNeXt
        Becomes the wrapper's own, and loses its head.
    """

    def __init__(self, net: ConvNeXt) -> None:
        config = net.config
        step = config.patch_size * 2 ** (len(config.depths) - 1)  # sides of which no pixel is cut off
        sides = tuple(range(step, min(_MOST, config.image_size) + 1, step)) or (step,)
        usual = min(sides, key=lambda side: abs(side - min(_USUAL, config.image_size)))
        super().__init__(config.widths[-1], sides, usual, config.mean, config.std)
        net.head = None
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, side, side) -> features (B, C)."""
        return self.net.features(pixels)

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """What leaves each block, (B, C, h, w)."""
        return self.net.maps(pixels)

    def fresh(self, seed: int) -> ConvNeXtBackbone:
        """Truncated normal weights that keep the size of what goes through (1 / √inputs), zero biases."""
        generator = torch.Generator().manual_seed(seed)
        net = ConvNeXt(self.net.config)
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, Block) and module.scale is not None:
                nn.init.constant_(module.scale, 0.1)  # ConvNeXt's own 1e-6 learns nothing in a few steps
        return ConvNeXtBackbone(net)


def load(source: str) -> ConvNeXtBackbone:
    """The backbone of a ConvNeXt's source; frozen, in eval mode."""
    return ConvNeXtBackbone(load_checkpoint(source)).eval()

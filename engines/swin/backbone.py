"""A Swin without its head, for those who learn on its features."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from engines.blocks.backbone import Backbone
from engines.swin.load import load_checkpoint
from engines.swin.model import Swin

_MOST, _USUAL = 224, 112  # pixels; more costs more than it brings here


class SwinBackbone(Backbone):
    """The mean of the last tokens of a Swin, after the final norm.

    Parameters
    ----------
    net : Swin
        Becomes the wrapper's own, and loses its head.
    """

    def __init__(self, net: Swin) -> None:
        config = net.config
        step = config.patch_size * 2 ** (len(config.depths) - 1)  # sides that merge without padding
        sides = tuple(range(step, min(_MOST, config.image_size) + 1, step)) or (config.image_size,)
        usual = min(sides, key=lambda side: abs(side - min(_USUAL, config.image_size)))
        super().__init__(net.features, sides, usual, config.mean, config.std)
        net.head = None
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, side, side) -> features (B, C)."""
        return self.net.conclude(self.net.tokens(pixels))[0]

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """The tokens (B, C, rows, cols) that leave each block, before those of a stage are merged."""
        net, size = self.net, (pixels.shape[2], pixels.shape[3])
        x, grids = net.embed(pixels), net.grids(*size)
        for index in range(net.config.blocks):
            grid = grids[net.config.stage_of(index)[0]]
            x, _ = net.block(index)(x, grid)
            yield x.transpose(1, 2).unflatten(-1, grid)
            x = net.leave(x, index, grid)

    def fresh(self, seed: int) -> SwinBackbone:
        """Truncated normal weights that keep the size of what goes through (1 / √inputs), zero biases."""
        generator = torch.Generator().manual_seed(seed)
        net = Swin(self.net.config)
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for index in range(net.config.blocks):
            nn.init.trunc_normal_(net.block(index).relative_position_bias_table, std=0.02, generator=generator)
        return SwinBackbone(net)


def load(source: str) -> SwinBackbone:
    """The backbone of a Swin's source; frozen, in eval mode."""
    return SwinBackbone(load_checkpoint(source)).eval()

"""A ResNeSt without its head, for those who learn on its features or look into its layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import torch
from torch import Tensor, nn

from engines.blocks.backbone import Backbone
from engines.resnest.load import load_checkpoint
from engines.resnest.model import ResNeSt

_MOST, _USUAL = 224, 112  # pixels; more costs more than it brings here


class ResNeStBackbone(Backbone):
    """The mean over the last map of a ResNeSt.

    Parameters
    ----------
    net : ResNeSt
        Becomes the wrapper's own, and loses its head.
    """

    def __init__(self, net: ResNeSt) -> None:
        config = net.config
        step = config.stem_stride * (1 + config.stem_pool) * 2 ** (len(config.depths) - 1)  # sides halved evenly
        sides = tuple(range(step, min(_MOST, config.image_size) + 1, step)) or (step,)
        usual = min(sides, key=lambda side: abs(side - min(_USUAL, config.image_size)))
        super().__init__(net.features, sides, usual, config.mean, config.std)
        net.fc = None
        self.net = net

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, side, side) -> features (B, features)."""
        x = self.net.embed(pixels)
        for step in self.net.steps(x, {}):
            x = step.after
        return self.net.conclude(x)[0]

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """What leaves each block, (B, C, h, w)."""
        for step in self.net.steps(self.net.embed(pixels), {}):
            yield step.after

    def train(self, mode: bool = True) -> Self:
        """As ever, but the norms behind the pooling keep their statistics: one picture has one value a channel."""
        super().train(mode)
        for index in range(self.net.config.blocks if self.net.config.radix else 0):
            self.net.block(index).conv2.bn1.eval()
        return self

    def fresh(self, seed: int) -> ResNeStBackbone:
        """Truncated normal weights that keep the size of what goes through (√2 / √inputs, for ReLU), zero biases."""
        generator = torch.Generator().manual_seed(seed)
        net = ResNeSt(self.net.config)
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                std = (2 / module.weight[0].numel()) ** 0.5
                nn.init.trunc_normal_(module.weight, std=std, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        return ResNeStBackbone(net).train()


def load(source: str) -> ResNeStBackbone:
    """The backbone of a ResNeSt's source; frozen, in eval mode."""
    return ResNeStBackbone(load_checkpoint(source)).eval()

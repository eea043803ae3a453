"""A ConvNeXt for the topic "Mixing": its blocks as functions from maps to maps; see `engines.blocks.mixers`.

Where a stage ends within the blocks that are asked for, a smaller map leaves than enters.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.blocks.mixers import MOST, Grid, Span
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import EXACT, Processor
from engines.large_kernel.convnext import ConvNeXt, Stage
from engines.large_kernel.load import load_checkpoint


class SeenByConvNeXt:
    """The maps of one photo.

    Parameters
    ----------
    net : ConvNeXt
    pixels : Tensor (1, 3, side, side)
    """

    @torch.no_grad()
    def __init__(self, net: ConvNeXt, pixels: Tensor) -> None:
        self._steps = list[tuple[int, Stage | None, nn.Module]]()  # of each block: its stage, begun by it or not
        for number, stage in enumerate(net.stages):
            assert isinstance(stage, Stage)  # a ModuleList forgets what it holds
            self._steps += [(number, None if index else stage, block) for index, block in enumerate(stage.blocks)]
        self._entered = list[Tensor]()
        x = net.stem_norm(net.stem(pixels))
        for _, begun, block in self._steps:
            x = x if begun is None else begun.begin(x)
            self._entered.append(x)
            x = block(x)

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`."""
        steps = self._steps[first : last + 1]

        def function(x: Tensor) -> Tensor:
            for number, (_, begun, block) in enumerate(steps):
                x = block(begun.begin(x) if begun is not None and number else x)
            return x

        before, after = (Grid(*self._entered[index].shape[2:]) for index in (first, last))
        return Span(function, self._entered[first], before, after, steps[0][0] == steps[-1][0])


class ConvNeXtMixer:
    """A ConvNeXt as a row of blocks."""

    def __init__(self, net: ConvNeXt) -> None:
        self._net = net
        self.blocks = sum(net.config.depths)

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByConvNeXt:
        """See `engines.blocks.mixers.Mixer`."""
        config = self._net.config
        side = min(config.image_size, math.isqrt(MOST) * config.patch_size)
        (red, green, blue), (low, middle, high) = config.mean, config.std
        scaling = Scaling(config.resample, mean=(red, green, blue), std=(low, middle, high))
        pixels = Processor(EXACT, side, side, scaling, None)(rgb)
        return SeenByConvNeXt(self._net, pixels.to(self._net.stem.weight.device))


def load(source: str, device: str = "cpu") -> ConvNeXtMixer:
    """The net of a ConvNeXt's source."""
    return ConvNeXtMixer(load_checkpoint(source).to(torch.device(device)).eval().requires_grad_(False))

"""A ResNeSt for the topic "Mixing": its blocks as functions from maps to maps; see `engines.blocks.mixers`.

The weights of the splits come from a mean over the whole map: beyond the reach of its kernels a block mixes a little of
everything into everything.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.mixers import MOST, Grid, Span
from engines.resnest.load import load_checkpoint
from engines.resnest.model import ResNeSt
from engines.resnest.preprocess import prepare


class SeenByResNeSt:
    """The maps of one photo.

    Parameters
    ----------
    net : ResNeSt
    pixels : Tensor (1, 3, side, side)
    """

    @torch.no_grad()
    def __init__(self, net: ResNeSt, pixels: Tensor) -> None:
        self._net = net
        self._maps = [net.embed(pixels)]  # what enters each block, then what leaves the last
        self._maps += [step.after for step in net.steps(self._maps[0], {})]

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`; a ReLU comes after each sum, so that no stream goes through."""
        blocks = [self._net.block(index) for index in range(first, last + 1)]

        def function(x: Tensor) -> Tensor:
            for block in blocks:
                x, _ = block(x)
            return x

        before, after = (Grid(*self._maps[index].shape[2:]) for index in (first, last + 1))
        return Span(function, self._maps[first], before, after, False)


class ResNeStMixer:
    """A ResNeSt as a row of blocks."""

    def __init__(self, net: ResNeSt) -> None:
        self._net = net
        self.blocks = net.config.blocks

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByResNeSt:
        """See `engines.blocks.mixers.Mixer`."""
        config = self._net.config
        stride = config.stem_stride * (2 if config.stem_pool else 1)
        side = min(config.image_size, math.isqrt(MOST) * stride)
        return SeenByResNeSt(self._net, prepare(rgb, config, side).pixels.to(self._net.device))


def load(source: str, device: str = "cpu") -> ResNeStMixer:
    """The net of a ResNeSt's source."""
    return ResNeStMixer(load_checkpoint(source).to(torch.device(device)).eval().requires_grad_(False))

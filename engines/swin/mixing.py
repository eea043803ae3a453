"""A Swin for the topic "Mixing": its blocks as functions from tokens to tokens; see `engines.blocks.mixers`.

Where a stage ends within the blocks that are asked for, fewer tokens leave than enter.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.mixers import MOST, Grid, Span
from engines.swin.block import SwinBlock
from engines.swin.layouts import unrolled
from engines.swin.load import load_checkpoint
from engines.swin.measures import rollout
from engines.swin.model import Swin
from engines.swin.preprocess import prepare


class SeenBySwin:
    """The tokens of one photo.

    Parameters
    ----------
    net : Swin
    pixels : Tensor (1, 3, side, side)
    """

    @torch.no_grad()
    def __init__(self, net: Swin, pixels: Tensor) -> None:
        self._net, config = net, net.config
        size = pixels.shape[2], pixels.shape[3]
        stages = net.grids(*size)
        self._grids = [stages[config.stage_of(index)[0]] for index in range(config.blocks)]
        self._hidden, self._weights = [net.embed(pixels)], list[Tensor]()  # what enters each block, (1, N, C)
        for step in net.steps(self._hidden[0], size, {}):
            self._hidden.append(step.after)
            self._weights.append(step.weights)

    def _block(self, index: int) -> SwinBlock:
        return self._net.block(index)

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`."""
        net = self._net

        def function(x: Tensor) -> Tensor:
            for index in range(first, last + 1):
                x, _ = self._block(index)(x, self._grids[index])
                x = x if index == last else net.leave(x, index, self._grids[index])
            return x

        @torch.no_grad()
        def attention() -> Tensor:
            weights, layouts = self._weights[first : last + 1], [
                self._block(index).layout(self._grids[index]) for index in range(first, last + 1)
            ]  # fmt: skip
            if first < last:
                return rollout(weights, layouts)
            return unrolled(weights[0][None], layouts[0])[0].mean(0)

        before, after = Grid(*self._grids[first]), Grid(*self._grids[last])
        same = net.config.stage_of(first)[0] == net.config.stage_of(last)[0]
        return Span(function, self._hidden[first], before, after, same, attention)


class SwinMixer:
    """A Swin as a row of blocks."""

    def __init__(self, net: Swin) -> None:
        self._net = net
        self.blocks = net.config.blocks

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenBySwin:
        """See `engines.blocks.mixers.Mixer`."""
        config = self._net.config
        side = min(config.image_size // config.patch_size, math.isqrt(MOST)) * config.patch_size
        return SeenBySwin(self._net, prepare(rgb, config, side).pixels.to(self._net.device))


def load(source: str, device: str = "cpu") -> SwinMixer:
    """The net of a Swin's source."""
    return SwinMixer(load_checkpoint(source).to(torch.device(device)).eval().requires_grad_(False))

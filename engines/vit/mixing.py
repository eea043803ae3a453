"""A ViT for the topic "Mixing": its blocks as functions from tokens to tokens; see `engines.blocks.mixers`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engines.blocks.mixers import MOST, Grid, Span
from engines.core.errors import LabError
from engines.vit.load import load_checkpoint
from engines.vit.measures import rollout
from engines.vit.model import ViT
from engines.vit.preprocess import prepare


class SeenByViT:
    """The residual stream of one photo.

    Parameters
    ----------
    net : ViT
    pixels : Tensor (1, 3, h, w)
    grid : Grid
    """

    @torch.no_grad()
    def __init__(self, net: ViT, pixels: Tensor, grid: Grid) -> None:
        self._net, self._grid = net, grid
        self._hidden = [net.embed(pixels)]  # what enters each block
        for index in range(net.config.layers - 1):
            self._hidden.append(net.block(index)(self._hidden[-1])[0])

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`."""
        blocks = [self._net.block(index) for index in range(first, last + 1)]

        def function(x: Tensor) -> Tensor:
            for block in blocks:
                x = block(x)[0]
            return x

        @torch.no_grad()
        def attention() -> Tensor:
            weights = [block.weights(x)[0] for block, x in zip(blocks, self._hidden[first:], strict=False)]  # (H, N, N)
            return weights[0].mean(0) if len(weights) == 1 else rollout(weights)

        return Span(function, self._hidden[first], self._grid, self._grid, True, attention)


class ViTMixer:
    """A ViT as a row of blocks."""

    def __init__(self, net: ViT) -> None:
        self._net = net
        self.blocks = net.config.layers

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByViT:
        """See `engines.blocks.mixers.Mixer`."""
        config = self._net.config
        room = math.isqrt(MOST - config.prefix) * config.patch_size  # px a side of as many patches as there may be
        photo = prepare(rgb, config, min(config.image_size, room))
        grid = Grid(photo.rows, photo.cols, config.prefix)
        while config.resizable and grid.tokens > MOST:  # rounded up, of a long photo
            room -= config.patch_size
            photo = prepare(rgb, config, min(config.image_size, room))
            grid = Grid(photo.rows, photo.cols, config.prefix)
        if grid.tokens > MOST:
            raise LabError(
                "This model makes {n} tokens of each photo; {most} at most can be shown.", n=grid.tokens, most=MOST
            )
        return SeenByViT(self._net, photo.pixels.to(self._net.device), grid)


def load(source: str, device: str = "cpu") -> ViTMixer:
    """The net of a ViT's source."""
    return ViTMixer(load_checkpoint(source).to(torch.device(device)).eval().requires_grad_(False))

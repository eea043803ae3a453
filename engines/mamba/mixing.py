"""A Mamba for the topic "Mixing": its blocks as functions from tokens to tokens; see `engines.blocks.mixers`.

No Mamba here has seen pictures. The patches of the photo stand in for tokens, row by row: a fixed random matrix takes
their pixels to the width of the model, as large as its embeddings are. Who mixes with whom is the blocks' doing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from engines.blocks.mixers import Grid, Span
from engines.mamba.load import load_checkpoint
from engines.mamba.model import Mamba

SIDE, PATCH = 12, 8  # patches a side, and pixels a side of one


class SeenByMamba:
    """The patches of one photo.

    Parameters
    ----------
    net : Mamba
    tokens : Tensor (1, N, width)
    """

    @torch.no_grad()
    def __init__(self, net: Mamba, tokens: Tensor) -> None:
        self._net = net
        self._hidden = [x for x, _ in net.steps(tokens)]  # what enters each block, and what leaves the last

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`."""
        net = self._net

        def function(x: Tensor) -> Tensor:
            for index in range(first, last + 1):
                x = net.layer(index)(x)
            return x

        return Span(function, self._hidden[first], Grid(SIDE, SIDE), Grid(SIDE, SIDE), True)


class MambaMixer:
    """A Mamba as a row of blocks."""

    def __init__(self, net: Mamba) -> None:
        self._net = net
        self.blocks = net.config.layers

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByMamba:
        """See `engines.blocks.mixers.Mixer`; a photo (H, W, 3) is squeezed to a square."""
        side = SIDE * PATCH
        small = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC), np.float32)
        pixels = torch.from_numpy(small / 127.5 - 1).view(SIDE, PATCH, SIDE, PATCH, 3)
        patches = pixels.permute(0, 2, 1, 3, 4).reshape(1, SIDE * SIDE, -1)  # (1, N, pixels)
        patches = (patches - patches.mean()) / patches.std().clamp(min=1e-6)
        width, embedding = self._net.config.width, self._net.backbone.embeddings.weight
        taken = torch.randn(patches.shape[-1], width, generator=torch.Generator().manual_seed(0))
        tokens = patches @ taken * patches.shape[-1] ** -0.5
        return SeenByMamba(self._net, tokens.to(embedding.device) * embedding.std())


def load(source: str, device: str = "cpu") -> MambaMixer:
    """The net of a Mamba's source."""
    return MambaMixer(load_checkpoint(source).to(torch.device(device)).eval().requires_grad_(False))

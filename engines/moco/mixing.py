"""The bundled encoder for the topic "Mixing": its convolutions as functions from maps to maps.

See `engines.blocks.mixers`. Each step that halves the picture is a block, and so is each residual block.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engines.blocks.mixers import Grid, Span
from engines.core.errors import LabError
from engines.moco.load import Pretrained, load_encoder
from engines.moco.saved import bundled


class SeenByEncoder:
    """The maps of one photo.

    Parameters
    ----------
    blocks : list of nn.Module
    pixels : Tensor (1, 3, side, side)
    """

    @torch.no_grad()
    def __init__(self, blocks: list[nn.Module], pixels: Tensor) -> None:
        self._blocks, self._maps = blocks, [pixels]  # what enters each block, then what leaves the last
        for block in blocks:
            self._maps.append(block(self._maps[-1]))

    def span(self, first: int, last: int) -> Span:
        """See `engines.blocks.mixers.Seen`; a ReLU comes after each sum, so that no stream goes through."""
        before, after = (Grid(*self._maps[index].shape[2:]) for index in (first, last + 1))
        return Span(nn.Sequential(*self._blocks[first : last + 1]), self._maps[first], before, after, False)


class EncoderMixer:
    """The encoder's convolutional network as a row of blocks."""

    def __init__(self, encoder: Pretrained, device: torch.device) -> None:
        self._encoder, self._device = encoder, device
        self._steps = [block for stage in encoder.backbone.steps() for block in stage.children()]
        self.blocks = len(self._steps)

    def look(self, rgb: npt.NDArray[np.uint8]) -> SeenByEncoder:
        """See `engines.blocks.mixers.Mixer`."""
        pixels = self._encoder.prepare(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])
        return SeenByEncoder(self._steps, pixels.contiguous().to(self._device))


def load(source: str, device: str = "cpu") -> EncoderMixer:
    """The bundled encoder.

    Raises
    ------
    LabError
        If this copy has no bundled weights.
    """
    if not bundled():
        raise LabError("{name}: the file is missing.", name=source)
    return EncoderMixer(load_encoder().to(torch.device(device)), torch.device(device))

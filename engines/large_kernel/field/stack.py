"""Random kernels one after another, whose field the law foretells (Luo et al. 2016).

Shapes: B pictures of 3 colors, C channels, k side of the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.large_kernel.convolution import depthwise

WIDTH = 8
SIDE = 96  #: pixels of the square that a photo is squeezed into


class Stack(nn.Module):
    """Layers of a random depthwise kernel and a random mixing of channels each.

    Parameters
    ----------
    kernel, layers : int
        Side of the kernels, and how many.
    skip : bool
        Each layer adds to what it is given.
    seed : int
    """

    def __init__(self, kernel: int, layers: int, skip: bool = False, seed: int = 0) -> None:
        super().__init__()
        self.kernel, self.skip = kernel, skip
        self.stem = nn.Parameter(torch.empty(WIDTH, 3, 1, 1))
        self.kernels = nn.ParameterList(torch.empty(WIDTH, 1, kernel, kernel) for _ in range(layers))
        self.mixes = nn.ParameterList(torch.empty(WIDTH, WIDTH, 1, 1) for _ in range(layers))
        generator = torch.Generator().manual_seed(seed)
        for p in self.parameters():
            nn.init.normal_(p, std=p[0].numel() ** -0.5, generator=generator)
        self.requires_grad_(False)

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """Pixels (B, 3, H, W) -> the map (B, C, H, W) that leaves each layer."""
        x = F.conv2d(pixels, self.stem)
        for index, (kernel, mix) in enumerate(zip(self.kernels, self.mixes, strict=True)):
            said = F.conv2d(depthwise(F.gelu(x) if index else x, kernel), mix)
            x = x + said if self.skip else said
            yield x

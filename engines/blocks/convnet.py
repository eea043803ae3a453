"""A small convolutional network: stride-2 steps with residual blocks between them (He et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """3 x 3 convolution, batch norm and, if wanted, ReLU."""

    def __init__(self, before: int, after: int, stride: int = 1, relu: bool = True) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True) if relu else nn.Identity(),
        )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) -> (B, C, h, w)."""
        return torch.relu(x + self.second(self.first(x)))


class ConvNet(nn.Module):
    """Halve the picture once for each width; after each but the first step come residual blocks.

    Parameters
    ----------
    widths : sequence of int
        Channels after each stride-2 step; the output stride is ``2 ** len(widths)``.
    blocks : sequence of int
        Residual blocks after each step.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128), blocks: Sequence[int] = (0, 1, 2)) -> None:
        super().__init__()
        self.out_channels, self.stride = widths[-1], 2 ** len(widths)
        self.stages = nn.ModuleList()
        before = 3
        for width, count in zip(widths, blocks, strict=True):
            steps: list[nn.Module] = [ConvNorm(before, width, stride=2)]
            steps += [ResidualBlock(width) for _ in range(count)]
            self.stages.append(nn.Sequential(*steps))
            before = width

    def begin(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) as they are: nothing comes before the first stage."""
        return pixels

    def steps(self) -> list[nn.Module]:
        """The stages in order, for callers that want to stop between them."""
        return list(self.stages)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> features (B, C, H / stride, W / stride), rounded up."""
        for stage in self.stages:
            pixels = stage(pixels)
        return pixels

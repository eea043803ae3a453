"""ResNet-vd, the backbone of the published RT-DETRs (He et al. 2019, "Bag of Tricks", section 4).

Against ResNet-50 of `engines.blocks.resnet`: three 3 x 3 convolutions as the stem, and where a block halves the map its
way around averages 2 x 2 pixels instead of dropping three of four. Norms are frozen.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.resnet import conv_add_relu, conv_relu, norm


def conv(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the size of the map but for its stride."""
    return nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)


def way_around(before: int, after: int, stride: int, pooled: bool) -> nn.Sequential:
    """1 x 1 convolution and norm; before it, or in its stride, the map is halved."""
    steps: list[nn.Module] = [nn.AvgPool2d(2, 2, 0, ceil_mode=True)] if pooled else []
    if pooled and before == after:
        return nn.Sequential(*steps)
    return nn.Sequential(*steps, conv(before, after, 1, 1 if pooled else stride), norm(after))


class Basic(nn.Module):
    """Two 3 x 3 convolutions, as in ResNet-18 and 34; the first of a stage always has a convolution around it."""

    def __init__(self, before: int, after: int, stride: int, first: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 3, stride), norm(after)
        self.conv2, self.bn2 = conv(after, after, 3), norm(after)
        self.downsample = way_around(before, after, stride, before != after) if first else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride); may write into ``x``."""
        y = conv_relu(x, self.conv1, self.bn1)
        around = x if self.downsample is None else self.downsample(x)
        return conv_add_relu(y, self.conv2, self.bn2, around)


class Bottleneck(nn.Module):
    """1 x 1 down, 3 x 3, 1 x 1 up, as in ResNet-50 and 101."""

    def __init__(self, before: int, after: int, stride: int, first: bool) -> None:
        super().__init__()
        inner = after // 4
        self.conv1, self.bn1 = conv(before, inner, 1), norm(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, stride), norm(inner)
        self.conv3, self.bn3 = conv(inner, after, 1), norm(after)
        needed = first and (stride != 1 or before != after)
        self.downsample = way_around(before, after, stride, stride == 2) if needed else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride); may write into ``x``."""
        y = conv_relu(conv_relu(x, self.conv1, self.bn1), self.conv2, self.bn2)
        around = x if self.downsample is None else self.downsample(x)
        return conv_add_relu(y, self.conv3, self.bn3, around)


class ResNetVd(nn.Module):
    """The maps of all stages.

    Parameters
    ----------
    widths, blocks : sequence of int
        Channels and blocks of each stage.
    stem : int
        Channels after the stem.
    bottlenecks : bool
        Which kind of blocks.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], stem: int = 64, bottlenecks: bool = True) -> None:
        super().__init__()
        half = stem // 2
        self.conv1, self.bn1 = conv(3, half, 3, 2), norm(half)
        self.conv2, self.bn2 = conv(half, half, 3), norm(half)
        self.conv3, self.bn3 = conv(half, stem, 3), norm(stem)
        kind, before = (Bottleneck if bottlenecks else Basic), stem
        self.stages = nn.ModuleList()
        for index, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            first = kind(before, width, 1 if index == 0 else 2, True)
            self.stages.append(nn.Sequential(first, *(kind(width, width, 1, False) for _ in range(1, count))))
            before = width

    def begin(self, pixels: Tensor) -> Tensor:
        """Stem: pixels (B, 3, H, W) -> (B, stem, H / 4, W / 4)."""
        x = conv_relu(pixels, self.conv1, self.bn1)
        x = conv_relu(conv_relu(x, self.conv2, self.bn2), self.conv3, self.bn3)
        return F.max_pool2d(x, 3, 2, 1)

    def steps(self) -> list[nn.Module]:
        """The stages in order."""
        return list(self.stages)

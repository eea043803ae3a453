"""ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s"): blocks of a 7 × 7 depthwise kernel and an MLP.

Code followed: transformers' ConvNext for what is computed, timm for the members that it adds (atto to nano).

Shapes: B batch, C channels of a stage, h × w cells of its map, k side of the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import EXACT, Processor
from engines.large_kernel.convolution import depthwise

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BICUBIC = 3  # as Pillow numbers its filters
EPS = 1e-6  # of all norms but the last


@dataclass(frozen=True)
class ConvNeXtConfig:
    """What distinguishes one member of the family from another.

    Attributes
    ----------
    image_size, patch_size : int
        Pixels.
    widths, depths : tuple of int
        C and blocks of each stage; each further stage has maps of half the side.
    kernel : int
        k.
    classes : int
        0 for a model without a head.
    eps : float
        Of the norm before the head.
    scaled : bool
        Whether each channel that a block adds has a factor. (Touvron et al. 2021, "Going deeper")
    labels : dict of int to str
    mean, std : tuple of float
        What pixels in 0..1 are normalized with.
    resample : int
        Pillow's filter for resizing.
    processor : Processor, optional
        What the folder says that a photo is made into.
    """

    image_size: int = 224
    patch_size: int = 4
    widths: tuple[int, ...] = (96, 192, 384, 768)
    depths: tuple[int, ...] = (3, 3, 9, 3)
    kernel: int = 7
    classes: int = 0
    eps: float = 1e-6
    scaled: bool = True
    labels: dict[int, str] = field(default_factory=dict)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = BICUBIC
    processor: Processor | None = None

    def convolutions(self, block: int) -> list[tuple[int, int]]:
        """Side and stride of all that mixes places up to a block, counted from 1, the first one first."""
        found = [(self.patch_size, self.patch_size)]
        for stage, depth in enumerate(self.depths):
            found += [(2, 2)] * (stage > 0) + [(self.kernel, 1)] * min(depth, block)
            block -= depth
            if block <= 0:
                break
        return found


class Norm(nn.LayerNorm):
    """A layer norm over the channels of a map (B, C, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """A kernel for each channel, then an MLP at each place, added to what came in (Liu et al. 2022, figure 4)."""

    def __init__(self, width: int, kernel: int, scaled: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.ones(width)) if scaled else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> the same."""
        seen = depthwise(x, self.conv.weight, self.conv.bias).permute(0, 2, 3, 1)  # (B, h, w, C)
        said = self.fc2(F.gelu(self.fc1(self.norm(seen))))
        if self.scale is not None:
            said = said * self.scale
        return x + said.permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Blocks on one map; all stages but the first begin by making four cells one."""

    def __init__(self, before: int, width: int, depth: int, kernel: int, scaled: bool) -> None:
        super().__init__()
        self.norm = Norm(before, eps=EPS) if before else None
        self.down = nn.Conv2d(before, width, 2, 2) if before else None
        self.blocks = nn.ModuleList(Block(width, kernel, scaled) for _ in range(depth))

    def begin(self, x: Tensor) -> Tensor:
        """(B, C before, h, w) -> what enters the first block (B, C, h / 2, w / 2)."""
        if self.norm is None or self.down is None:
            return x
        begun: Tensor = self.down(self.norm(x))
        return begun


class ConvNeXt(nn.Module):
    """ConvNeXt with the mean over the last map as the picture's features."""

    def __init__(self, config: ConvNeXtConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.stem = nn.Conv2d(3, widths[0], config.patch_size, config.patch_size)
        self.stem_norm = Norm(widths[0], eps=EPS)
        self.stages = nn.ModuleList(
            Stage(widths[index - 1] if index else 0, width, depth, config.kernel, config.scaled)
            for index, (width, depth) in enumerate(zip(widths, config.depths, strict=True))
        )
        self.norm = nn.LayerNorm(widths[-1], eps=config.eps)
        self.head = nn.Linear(widths[-1], config.classes) if config.classes else None

    @property
    def labels(self) -> dict[int, str]:
        """Class names by number; empty without a head."""
        return self.config.labels

    def preprocess(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Picture (H, W, 3) uint8 -> pixels (1, 3, h, w) in the model's range.

        As the folder says (`processor`), if it does; else the whole picture in a square.
        """
        config = self.config
        way = config.processor
        if way is None:
            mean, std = config.mean, config.std
            scaling = Scaling(config.resample, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
            way = Processor(EXACT, config.image_size, config.image_size, scaling, None)
        return way(rgb).to(self.stem.weight.device)

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """Pixels (B, 3, H, W) -> the map (B, C, h, w) that leaves each block."""
        x = self.stem_norm(self.stem(pixels))
        for stage in self.stages:
            assert isinstance(stage, Stage)  # a ModuleList forgets what it holds
            x = stage.begin(x)
            for block in stage.blocks:
                x = block(x)
                yield x

    def features(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) -> features (B, C) after the last norm."""
        *_, last = self.maps(pixels)
        found: Tensor = self.norm(last.mean((2, 3)))
        return found

    def forward(self, pixels: Tensor) -> Tensor | None:
        """Pixels (B, 3, H, W) -> logits (B, classes), or None for a model without a head."""
        features = self.features(pixels)
        return None if self.head is None else self.head(features)

"""ResNeSt (Zhang et al. 2020): a ResNet of bottlenecks with split attention, a deep stem and average pooling.

Code followed: zhanghang1989/ResNeSt and timm, whose modules' names these are, so a checkpoint's tensors go where their
names say. Where a stage begins, a 3 × 3 average pooling makes the map smaller (before or after the split attention),
never the convolution's stride; the way around takes the mean of 2 × 2.

Shapes: B batch, C channels of a split, R radix, G groups (the paper's cardinality).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.checkpoints.processor import Processor
from engines.resnest.interventions import Change, Intervention, plan
from engines.resnest.preprocess import prepare
from engines.resnest.split_attention import SplitAttention

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BILINEAR, BICUBIC = 2, 3  # as Pillow numbers its filters
EXPANSION = 4  # channels that leave a bottleneck, of its planes
OF_WIDTH = 64  # planes that ``base_width`` is said for


@dataclass(frozen=True)
class ResNeStConfig:
    """What distinguishes one member of the family from another.

    Attributes
    ----------
    image_size : int
        Pixels a side that it was made for; others work, too.
    stem : int
        Channels of the stem's first two convolutions; the third has twice as many.
    stem_stride : int
        Of the first convolution.
    stem_pool : bool
        Whether a max-pooling with stride 2 ends the stem.
    width : int
        Planes of the first stage, a quarter of the channels that leave it; each further stage has twice as many.
    depths : tuple of int
        Blocks of each stage.
    radix, groups : int
        R and G.
    base_width : int
        Channels of a cardinal group where there are 64 planes.
    pool_first : bool
        Pooling before the split attention.
    classes : int
        0 for a model without a head.
    family : str
    labels : dict of int to str
    mean, std : tuple of float
        What pixels in 0..1 are normalized with.
    resample : int
        Pillow's filter for resizing.
    processor : Processor, optional
        What the folder says that a photo is made into.
    """

    image_size: int = 224
    stem: int = 32
    stem_stride: int = 2
    stem_pool: bool = True
    width: int = 64
    depths: tuple[int, ...] = (1, 1, 1, 1)
    radix: int = 2
    groups: int = 1
    base_width: int = 64
    pool_first: bool = False
    classes: int = 0
    family: str = "timm/resnest14d"
    labels: dict[int, str] = field(default_factory=dict)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = BILINEAR
    processor: Processor | None = None

    @property
    def blocks(self) -> int:
        """Blocks of all stages."""
        return sum(self.depths)

    def planes_of(self, stage: int) -> int:
        """Planes of a stage, counted from 0."""
        return self.width * 2**stage

    def channels_of(self, block: int) -> int:
        """C of a block, counted from 0: the channels that its split attention weighs."""
        return self.planes_of(self.stage_of(block)[0]) * self.base_width // OF_WIDTH * self.groups

    def stage_of(self, block: int) -> tuple[int, int]:
        """Stage of a block, and its number in there; all counted from 0."""
        for stage, depth in enumerate(self.depths):
            if block < depth:
                return stage, block
            block -= depth
        raise IndexError(block)


class Bottleneck(nn.Module):
    """1 × 1 down, split attention, 1 × 1 up, with a way around them."""

    def __init__(self, before: int, planes: int, stride: int, config: ResNeStConfig) -> None:
        super().__init__()
        width, after = planes * config.base_width // OF_WIDTH * config.groups, planes * EXPANSION
        self.stride, self.pool_first = stride, config.pool_first
        self.conv1, self.bn1 = nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = SplitAttention(width, width, 3, config.radix, config.groups)
        self.conv3, self.bn3 = nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
            self.downsample = nn.Sequential(pool, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))

    def enter(self, x: Tensor) -> Tensor:
        """Map (B, in, H, W) -> what the split attention takes, (B, C, H', W')."""
        y = F.relu(self.bn1(self.conv1(x)))
        return self._pooled(y) if self.pool_first else y

    def leave(self, y: Tensor, x: Tensor) -> Tensor:
        """What the split attention gives, and the block's input -> the block's output (B, out, H / stride, ...)."""
        if not self.pool_first:
            y = self._pooled(y)
        around = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn3(self.conv3(y)) + around)

    def forward(self, x: Tensor, change: Change | None = None) -> tuple[Tensor, Tensor]:
        """Map (B, in, H, W) -> (B, out, H / stride, W / stride), rounded up, and the weights (B, R, C)."""
        y, weights = self.conv2(self.enter(x), change)
        return self.leave(y, x), weights

    def _pooled(self, y: Tensor) -> Tensor:
        return F.avg_pool2d(y, 3, self.stride, 1) if self.stride > 1 else y


@dataclass(frozen=True, eq=False)
class Step:
    """One block of a forward pass.

    Attributes
    ----------
    block : int
        Counted from 0 over all stages.
    weights : Tensor (B, R, C)
    after : Tensor (B, out, H, W)
        What enters the next block.
    """

    block: int
    weights: Tensor
    after: Tensor


@dataclass(frozen=True, eq=False)
class Trace:
    """A forward pass with its inside.

    Attributes
    ----------
    logits : Tensor (B, classes) or None
    weights : tuple of Tensor (B, R, C)
        Of each block.
    hidden : tuple of Tensor (B, channels, H, W)
        What enters each block, then what the last one leaves.
    """

    logits: Tensor | None
    weights: tuple[Tensor, ...]
    hidden: tuple[Tensor, ...]


class ResNeSt(nn.Module):
    """ResNeSt with the mean over the last map as the picture's features."""

    def __init__(self, config: ResNeStConfig) -> None:
        super().__init__()
        self.config = config
        stem = config.stem
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, stem, 3, config.stem_stride, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(),
            nn.Conv2d(stem, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(),
            nn.Conv2d(stem, 2 * stem, 3, 1, 1, bias=False),
        )  # fmt: skip
        self.bn1 = nn.BatchNorm2d(2 * stem)
        before = 2 * stem
        self._blocks: list[Bottleneck] = []
        for stage, depth in enumerate(config.depths):
            planes, made = config.planes_of(stage), list[Bottleneck]()
            for number in range(depth):
                made.append(Bottleneck(before, planes, 2 if stage and not number else 1, config))
                before = planes * EXPANSION
            self.add_module(f"layer{stage + 1}", nn.Sequential(*made))
            self._blocks += made
        self.features = before
        self.fc = nn.Linear(before, config.classes) if config.classes else None

    @property
    def labels(self) -> dict[int, str]:
        """Class names by number; empty without a head."""
        return self.config.labels

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.bn1.weight.device

    def preprocess(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Picture (H, W, 3) uint8 -> pixels (1, 3, h, w) in the model's range.

        As the folder says (`processor`), if it does; else the whole picture in a square.
        """
        config = self.config
        if config.processor is not None:
            return config.processor(rgb).to(self.device)
        return prepare(rgb, config, config.image_size).pixels.to(self.device)

    def block(self, index: int) -> Bottleneck:
        """A block, counted from 0 over all stages."""
        return self._blocks[index]

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, h, w) -> what enters the first block, (B, 2 · stem, h / 4, w / 4) by stride and max-pooling."""
        x = F.relu(self.bn1(self.conv1(pixels)))
        return F.max_pool2d(x, 3, 2, 1) if self.config.stem_pool else x

    def conclude(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """What leaves the last block -> the picture's features (B, features) and logits (B, classes) or None."""
        features = x.mean((2, 3))
        return features, None if self.fc is None else self.fc(features)

    def steps(self, x: Tensor, changes: Mapping[int, Change], first: int = 0) -> Iterator[Step]:
        """Go through the blocks from ``first`` on, which maps (B, channels, H, W) enter."""
        for index in range(first, self.config.blocks):
            x, weights = self._blocks[index](x, changes.get(index))
            yield Step(index, weights, x)

    def forward(self, pixels: Tensor) -> Tensor | None:
        """Pixels (B, 3, h, w) -> logits (B, classes), or None for a model without a head."""
        x = self.embed(pixels)
        for step in self.steps(x, {}):
            x = step.after
        return self.conclude(x)[1]

    def trace(self, pixels: Tensor, interventions: Iterable[Intervention] = ()) -> Trace:
        """Forward pass that shows its inside.

        Parameters
        ----------
        pixels : Tensor (B, 3, h, w)
        interventions : iterable of Intervention
            See `engines.resnest.interventions`; without an effective one every number equals the untouched model's.
        """
        changes = plan(interventions, self.config.radix)
        x = self.embed(pixels)
        hidden, weights = [x], []
        for step in self.steps(x, changes):
            weights.append(step.weights)
            hidden.append(step.after)
        return Trace(self.conclude(hidden[-1])[1], tuple(weights), tuple(hidden))

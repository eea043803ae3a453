"""Swin Transformer (Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows").

Code followed: microsoft/Swin-Transformer, and transformers' Swin for the order of padding and shift. Two differences:
what may not be attended to gets −inf, not −100, so that its weight is exactly 0; and padding is masked, unless
transformers' numbers are asked for (`engines.swin.layouts.AS_TRANSFORMERS`). A picture that is smaller than a window
becomes one window with masked padding; the model itself is never altered by what it is given.

Shapes: B batch, N tokens of a grid row by row, C channels, H heads, d = C / H, w side of a window, n = w², W windows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.checkpoints.processor import Processor
from engines.swin.block import Grid, SwinBlock
from engines.swin.interventions import Change, Intervention, plan
from engines.swin.layouts import MASKED, Layout, unrolled
from engines.swin.preprocess import prepare

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BILINEAR, BICUBIC = 2, 3  # as Pillow numbers its filters


@dataclass(frozen=True)
class SwinConfig:
    """What distinguishes one member of the family from another.

    Attributes
    ----------
    image_size, patch_size : int
        Pixels.
    width : int
        C of the first stage; each further stage has twice as many.
    depths, heads : tuple of int
        Blocks and heads of each stage.
    window : int
        w in tokens; every other block is shifted by ``window // 2``.
    windows : tuple of int
        w of each stage, where they differ as in Swin-S3 (Chen et al. 2021, "Searching the Search Space of Vision
        Transformer"); empty: ``window`` in all.
    mlp_ratio : float
        Width inside the MLP over C.
    classes : int
        0 for a model without a head.
    eps : float
        Of the blocks' layer norms; all others have 1e-5.
    qkv_bias : bool
    family : str
    labels : dict of int to str
    mean, std : tuple of float
        What pixels in 0..1 are normalized with.
    resample : int
        Pillow's filter for resizing.
    processor : Processor, optional
        What the folder says that a photo is made into, by its ``preprocessor_config.json`` or timm's ``crop_pct``.
    """

    image_size: int = 224
    patch_size: int = 4
    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (3, 6, 12, 24)
    window: int = 7
    mlp_ratio: float = 4.0
    classes: int = 0
    eps: float = 1e-5
    qkv_bias: bool = True
    family: str = "swin"
    windows: tuple[int, ...] = ()
    labels: dict[int, str] = field(default_factory=dict)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = BICUBIC
    processor: Processor | None = None

    @property
    def blocks(self) -> int:
        """Blocks of all stages."""
        return sum(self.depths)

    @property
    def heads_of_blocks(self) -> tuple[int, ...]:
        """H of each block."""
        return tuple(heads for depth, heads in zip(self.depths, self.heads, strict=True) for _ in range(depth))

    @property
    def windows_of_blocks(self) -> tuple[int, ...]:
        """Side of the windows of each block."""
        return tuple(self.window_of(stage) for stage, depth in enumerate(self.depths) for _ in range(depth))

    def window_of(self, stage: int) -> int:
        """Side of the windows of a stage, counted from 0."""
        return self.windows[stage] if self.windows else self.window

    def stage_of(self, block: int) -> tuple[int, int]:
        """Stage of a block, and its number in there; all counted from 0."""
        for stage, depth in enumerate(self.depths):
            if block < depth:
                return stage, block
            block -= depth
        raise IndexError(block)


class PatchMerging(nn.Module):
    """Four neighbors become one token with twice the channels (Liu et al. 2021, 3.1); odd sides are padded by zeros."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """Tokens (B, N, C) -> (B, ⌈height / 2⌉ · ⌈width / 2⌉, 2C)."""
        height, width = grid
        x = x.unflatten(1, grid)
        if height % 2 or width % 2:
            x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
        corners = [x[:, row::2, col::2] for col in (0, 1) for row in (0, 1)]
        merged: Tensor = self.reduction(self.norm(torch.cat(corners, -1).flatten(1, 2)))
        return merged


class Stage(nn.Module):
    """Blocks on one grid, every other one shifted; then a merging, in all stages but the last."""

    def __init__(self, config: SwinConfig, index: int) -> None:
        super().__init__()
        dim, window = config.width * 2**index, config.window_of(index)
        self.blocks = nn.ModuleList(
            SwinBlock(
                dim, config.heads[index], window, window // 2 if number % 2 else 0,
                config.mlp_ratio, config.eps, config.qkv_bias,
            )
            for number in range(config.depths[index])
        )  # fmt: skip
        self.merging = PatchMerging(dim) if index + 1 < len(config.depths) else None


@dataclass(frozen=True, eq=False)
class Step:
    """One block of a forward pass.

    Attributes
    ----------
    block : int
        Counted from 0 over all stages.
    weights : Tensor (B · W, H, n, n)
    after : Tensor (B, N, C)
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
    attention : tuple of Tensor (B, W, H, n, n)
        Of each block, in window order.
    hidden : tuple of Tensor (B, N, C)
        What enters each block, then what the last one leaves.
    layouts : tuple of Layout
        How each block cut its grid.
    """

    logits: Tensor | None
    attention: tuple[Tensor, ...]
    hidden: tuple[Tensor, ...]
    layouts: tuple[Layout, ...]

    def on_grid(self, block: int) -> Tensor:
        """Weights of a block un-rolled onto its grid, (B, H, N, N): exactly 0 between tokens of different windows."""
        return unrolled(self.attention[block], self.layouts[block])


class Swin(nn.Module):
    """Swin Transformer with the mean of the last tokens as the picture's features."""

    def __init__(self, config: SwinConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embedding = nn.Conv2d(3, config.width, config.patch_size, config.patch_size)
        self.patch_norm = nn.LayerNorm(config.width)
        self.stages = nn.ModuleList(Stage(config, index) for index in range(len(config.depths)))
        self.features = config.width * 2 ** (len(config.depths) - 1)
        self.norm = nn.LayerNorm(self.features, eps=config.eps)
        self.head = nn.Linear(self.features, config.classes) if config.classes else None

    @property
    def labels(self) -> dict[int, str]:
        """Class names by number; empty without a head."""
        return self.config.labels

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.patch_norm.weight.device

    def preprocess(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        """Picture (H, W, 3) uint8 -> pixels (1, 3, h, w) in the model's range.

        As the folder says (`processor`), if it does; else the whole picture in a square.
        """
        config = self.config
        if config.processor is not None:
            return config.processor(rgb).to(self.device)
        return prepare(rgb, config, config.image_size).pixels.to(self.device)

    def stage(self, index: int) -> Stage:
        """A stage, counted from 0."""
        found = self.stages[index]
        assert isinstance(found, Stage)  # a ModuleList forgets what it holds
        return found

    def block(self, index: int) -> SwinBlock:
        """A block, counted from 0 over all stages."""
        stage, number = self.config.stage_of(index)
        found = self.stage(stage).blocks[number]
        assert isinstance(found, SwinBlock)
        return found

    def grids(self, height: int, width: int) -> list[Grid]:
        """Grid of each stage for a picture of so many pixels."""
        grid = (-(-height // self.config.patch_size), -(-width // self.config.patch_size))
        found = [grid]
        for _ in self.config.depths[1:]:
            grid = (-(-grid[0] // 2), -(-grid[1] // 2))
            found.append(grid)
        return found

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, h, w) -> tokens (B, N, C); what does not fill a patch is padded by zeros."""
        side = self.config.patch_size
        bottom, right = -pixels.shape[2] % side, -pixels.shape[3] % side
        if bottom or right:
            pixels = F.pad(pixels, (0, right, 0, bottom))
        tokens: Tensor = self.patch_norm(self.patch_embedding(pixels).flatten(2).transpose(1, 2))
        return tokens

    def conclude(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens that leave the last block -> the picture's features (B, C) and logits (B, classes) or None."""
        features = self.norm(x).mean(1)
        return features, None if self.head is None else self.head(features)

    def leave(self, x: Tensor, block: int, grid: Grid) -> Tensor:
        """What a block leaves (B, N, C) -> what enters the next: the same, or (B, N / 4, 2 C) where a stage ends."""
        stage, number = self.config.stage_of(block)
        merging = self.stage(stage).merging
        if number + 1 < self.config.depths[stage] or merging is None:
            return x
        merged: Tensor = merging(x, grid)
        return merged

    def steps(
        self, x: Tensor, size: Grid, changes: Mapping[int, Change], padding: str = MASKED, first: int = 0
    ) -> Iterator[Step]:
        """Go through the blocks from ``first`` on, which tokens (B, N, C) enter; ``size`` is the picture's, pixels."""
        grids = self.grids(*size)
        for index in range(first, self.config.blocks):
            grid = grids[self.config.stage_of(index)[0]]
            x, weights = self.block(index)(x, grid, padding, changes.get(index))
            x = self.leave(x, index, grid)
            yield Step(index, weights, x)

    def forward(self, pixels: Tensor, padding: str = MASKED) -> Tensor | None:
        """Pixels (B, 3, h, w) -> logits (B, classes), or None for a model without a head."""
        return self.conclude(self.tokens(pixels, padding))[1]

    def tokens(self, pixels: Tensor, padding: str = MASKED) -> Tensor:
        """Pixels (B, 3, h, w) -> the tokens that leave the last block, (B, N, C)."""
        x = self.embed(pixels)
        for step in self.steps(x, _size(pixels), {}, padding):
            x = step.after
        return x

    def trace(
        self,
        pixels: Tensor,
        padding: str = MASKED,
        interventions: Iterable[Intervention] = (),
        blocks: Collection[int] | None = None,
    ) -> Trace:
        """Forward pass that shows its inside.

        Parameters
        ----------
        pixels : Tensor (B, 3, h, w)
        padding : str
            ``masked``, or ``transformers`` for the numbers of that library where windows do not divide a grid.
        interventions : iterable of Intervention
            See `engines.swin.interventions`; without an effective one every number equals the untouched model's.
        blocks : collection of int, optional
            Blocks whose weights are kept; None for all. The others' are empty, (B, 0).
        """
        changes = plan(interventions, self.config.heads_of_blocks, self.config.windows_of_blocks, pixels.device)
        x = self.embed(pixels)
        hidden, attention, layouts = [x], [], []
        grids = self.grids(*_size(pixels))
        batch = len(pixels)
        for step in self.steps(x, _size(pixels), changes, padding):
            wanted = blocks is None or step.block in blocks
            attention.append(step.weights.unflatten(0, (batch, -1)) if wanted else x.new_zeros(batch, 0))
            hidden.append(step.after)
            grid = grids[self.config.stage_of(step.block)[0]]
            layouts.append(self.block(step.block).layout(grid, padding, changes.get(step.block)))
        return Trace(self.conclude(hidden[-1])[1], tuple(attention), tuple(hidden), tuple(layouts))


def _size(pixels: Tensor) -> Grid:
    return pixels.shape[2], pixels.shape[3]

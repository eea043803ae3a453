"""Vision Transformer: one class for ViT, DeiT, DINO and DINOv2.

Sources: Dosovitskiy et al. 2021 (ViT), Touvron et al. 2021 (DeiT: distillation token), Caron et al. 2021 (DINO),
Oquab et al. 2024 (DINOv2: LayerScale, position embeddings interpolated as a matter of course).

Built to be looked into quickly. A layer runs on torch's fused attention, which keeps no weights; beside it the class
token's row alone is worked out. All weights of a layer are recomputed from the residual stream that enters it, when
somebody looks at that layer; and a change in layer n needs only the layers from n on.

Shapes: B batch, L layers, H heads, N tokens (prefix tokens first, then patches row by row), D width, d = D / H.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.attention import MultiHeadAttention, softmax_where
from engines.checkpoints.processor import Processor
from engines.vit.interventions import Change, Intervention, plan
from engines.vit.preprocess import BICUBIC, IMAGENET_MEAN, IMAGENET_STD, prepare

Projected = tuple[Tensor, Tensor, Tensor]  # queries, keys, values


@dataclass(frozen=True)
class ViTConfig:
    """What distinguishes one member of the family from another.

    Attributes
    ----------
    image_size, patch_size : int
        Pixels; the position embeddings are stored for (image_size / patch_size)² patches, or for ``stored``.
    stored : (int, int), optional
        Rows and columns of patches of a model that was trained on rectangles; ``image_size`` is then the side of a
        square of about their area.
    width, layers, heads, mlp_size : int
        D, L, H and the width inside the MLP.
    classes : int
        0 for a model without a head.
    eps : float
        Of the layer norms.
    qkv_bias : bool
    layer_scale : bool
        DINOv2: a learned factor per channel on what each half of a block adds.
    distilled : bool
        DeiT: a second prefix token, and with ``distillation_head`` a second head whose logits are averaged in.
    pooled_head : bool
        DINOv2: the head reads the class token beside the mean of the patch tokens.
    resizable : bool
        Whether positions may be interpolated for another size than ``image_size``.
    family : str
    labels : dict of int to str
    mean, std : tuple of float
        What pixels in 0..1 are normalized with.
    resample : int
        Pillow's filter that photos are resized with.
    processor : Processor, optional
        What the folder's ``preprocessor_config.json`` makes of a photo.
    """

    image_size: int = 224
    patch_size: int = 16
    width: int = 768
    layers: int = 12
    heads: int = 12
    mlp_size: int = 3072
    classes: int = 0
    eps: float = 1e-12
    qkv_bias: bool = True
    layer_scale: bool = False
    distilled: bool = False
    distillation_head: bool = False
    pooled_head: bool = False
    resizable: bool = True
    family: str = "vit"
    labels: dict[int, str] = field(default_factory=dict)
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resample: int = BICUBIC
    stored: tuple[int, int] | None = None
    processor: Processor | None = None

    @property
    def patches(self) -> tuple[int, int]:
        """Rows and columns of patches that the position embeddings are stored for."""
        side = self.image_size // self.patch_size
        return self.stored or (side, side)

    @property
    def prefix(self) -> int:
        """Tokens before the patches."""
        return 2 if self.distilled else 1


@dataclass(frozen=True, eq=False)
class Trace:
    """A forward pass with its inside.

    Attributes
    ----------
    logits : Tensor (B, classes) or None
    attention : dict of int to Tensor (B, H, N, N)
        Weights of the layers asked for, counted from 0; rows sum to 1.
    cls_attention : Tensor (B, L, H, N)
        The class token's row in all layers.
    hidden : tuple of Tensor (B, N, D)
        The residual stream: the embeddings, then what each layer leaves (L + 1 in all, before the final norm).
    """

    logits: Tensor | None
    attention: dict[int, Tensor]
    cls_attention: Tensor
    hidden: tuple[Tensor, ...]


class Block(nn.Module):
    """Pre-norm encoder block: attention, then a two-layer MLP, each added to the residual stream."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=config.eps)
        self.attention = MultiHeadAttention(config.width, config.heads)
        if not config.qkv_bias:
            for linear in (self.attention.q_proj, self.attention.k_proj, self.attention.v_proj):
                linear.register_parameter("bias", None)
        self.norm2 = nn.LayerNorm(config.width, eps=config.eps)
        self.fc1 = nn.Linear(config.width, config.mlp_size)
        self.fc2 = nn.Linear(config.mlp_size, config.width)
        self.scale1 = nn.Parameter(torch.ones(config.width)) if config.layer_scale else None
        self.scale2 = nn.Parameter(torch.ones(config.width)) if config.layer_scale else None

    def project(self, x: Tensor) -> Projected:
        """Queries, keys and values (B, H, N, d) of the residual stream (B, N, D); no change reaches them."""
        h = self.norm1(x)
        return self.attention.project(h, h, h)

    def forward(
        self, x: Tensor, change: Change | None = None, first: int | None = None, projected: Projected | None = None
    ) -> tuple[Tensor, Tensor]:
        """Residual stream (B, N, D) -> the next one and the class token's weights (B, H, N).

        With ``first`` only so many tokens look and go on, (B, first, D): all that a head asks of the last layer.
        ``projected`` is what `project` made of ``x``, if it is known.
        """
        q, k, v = projected or self.project(x)
        x, q = x[:, :first], q[:, :, :first]
        q, mask = _changed(q, change)
        heads = F.scaled_dot_product_attention(q, k, v, mask)
        if change is not None and change.keep is not None:
            heads = heads * change.keep
        x = x + _scaled(self.attention.join(heads), self.scale1)
        x = x + _scaled(self.fc2(F.gelu(self.fc1(self.norm2(x)))), self.scale2)
        return x, _weights(q[:, :, :1], k, mask)[:, :, 0]

    def opened(self, x: Tensor, change: Change | None = None, first: int | None = None) -> tuple[Tensor, Tensor]:
        """As `forward`, with all weights (B, H, first or N, N) in the way: gradients reach them."""
        q, k, v = self.project(x)
        x, q = x[:, :first], q[:, :, :first]
        q, mask = _changed(q, change)
        weights = _weights(q, k, mask)
        heads = weights @ v
        if change is not None and change.keep is not None:
            heads = heads * change.keep
        x = x + _scaled(self.attention.join(heads), self.scale1)
        return x + _scaled(self.fc2(F.gelu(self.fc1(self.norm2(x)))), self.scale2), weights

    def weights(self, x: Tensor, change: Change | None = None, projected: Projected | None = None) -> Tensor:
        """All weights (B, H, N, N) of this block on the residual stream (B, N, D) that enters it."""
        if projected is not None:
            q, k, _ = projected
        else:
            h = self.norm1(x)
            q, k = self.attention.split(self.attention.q_proj(h)), self.attention.split(self.attention.k_proj(h))
        q, mask = _changed(q, change)
        return _weights(q, k, mask)


def _changed(q: Tensor, change: Change | None) -> tuple[Tensor, Tensor | None]:
    """Queries cooled or heated (a temperature of the scores is one of the queries), and the mask."""
    if change is None:
        return q, None
    return q if change.temperature is None else q / change.temperature, change.may_attend


def _weights(q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)  # (B, H, Q, N)
    return scores.softmax(-1) if mask is None else softmax_where(scores, mask)


def _scaled(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale


class ViT(nn.Module):
    """Vision Transformer."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        self.grid = config.image_size // config.patch_size
        self.patch_embedding = nn.Conv2d(3, config.width, config.patch_size, config.patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, config.width)) if config.distilled else None
        rows, cols = config.patches
        self.position_embedding = nn.Parameter(torch.zeros(1, config.prefix + rows * cols, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.eps)
        inputs = config.width * (2 if config.pooled_head else 1)
        self.head = nn.Linear(inputs, config.classes) if config.classes else None
        self.distillation_head = nn.Linear(inputs, config.classes) if config.distillation_head else None

    @property
    def labels(self) -> dict[int, str]:
        """Class names by number; empty without a head."""
        return self.config.labels

    def block(self, index: int) -> Block:
        """A layer, counted from 0."""
        found = self.blocks[index]
        assert isinstance(found, Block)  # a ModuleList forgets what it holds
        return found

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.class_token.device

    def preprocess(self, rgb: npt.NDArray[np.uint8], resolution: int | None = None) -> Tensor:
        """Picture (H, W, 3) uint8 -> pixels (1, 3, h, w) in the model's range.

        As the folder's ``preprocessor_config.json`` says, if there is one; else, and at a resolution that is asked
        for, the whole picture at about its own aspect.

        Parameters
        ----------
        rgb : ndarray uint8 (H, W, 3)
        resolution : int, optional
            Side of the square with as much area as the result.
        """
        if resolution is None and self.config.processor is not None:
            return self.config.processor(rgb).to(self.device)
        return prepare(rgb, self.config, resolution).pixels.to(self.device)

    def positions(self, rows: int, cols: int) -> Tensor:
        """Position embeddings (1, N, D) for a patch grid, interpolated (bicubic) if not the stored one."""
        if (rows, cols) == self.config.patches:
            return self.position_embedding
        first = self.config.prefix
        stored = self.position_embedding[:, first:].unflatten(1, self.config.patches).permute(0, 3, 1, 2)
        fitted = F.interpolate(stored, size=(rows, cols), mode="bicubic", align_corners=False)  # (1, D, rows, cols)
        return torch.cat([self.position_embedding[:, :first], fitted.flatten(2).transpose(1, 2)], 1)

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (B, 3, h, w) -> the residual stream (B, N, D) that enters the first layer."""
        patches = self.patch_embedding(pixels)  # (B, D, rows, cols)
        prefix: Tensor = self.class_token
        if self.distillation_token is not None:
            prefix = torch.cat([prefix, self.distillation_token], 1)
        prefix = prefix.expand(len(pixels), -1, -1)  # (B, 1 or 2, D)
        x = torch.cat([prefix, patches.flatten(2).transpose(1, 2)], 1)
        return x + self.positions(*patches.shape[2:])

    def conclude(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The last residual stream (B, N, D) -> normed tokens (B, N, D) and logits (B, classes) or None."""
        x = self.norm(x)
        if self.head is None:
            return x, None
        if self.config.pooled_head:
            return x, self.head(torch.cat([x[:, 0], x[:, self.config.prefix :].mean(1)], -1))
        logits: Tensor = self.head(x[:, 0])
        if self.distillation_head is not None:
            logits = (logits + self.distillation_head(x[:, 1])) / 2
        return x, logits

    def forward(self, pixels: Tensor) -> Tensor | None:
        """Pixels (B, 3, H, W) -> logits (B, classes), or None for a model without a head."""
        x = self.embed(pixels)
        for block in self.blocks:
            x, _ = block(x)
        return self.conclude(x)[1]

    def trace(
        self,
        pixels: Tensor,
        layers: Collection[int] | None = None,
        interventions: Iterable[Intervention] = (),
    ) -> Trace:
        """Forward pass that shows its inside.

        Parameters
        ----------
        pixels : Tensor (B, 3, H, W)
        layers : collection of int, optional
            Layers, counted from 0, whose whole weights are wanted; None for all of them.
        interventions : iterable of Intervention
            See `engines.vit.interventions`; without an effective one every number equals the untouched model's.
        """
        x = self.embed(pixels)
        wanted: Collection[int] = range(self.config.layers) if layers is None else layers
        changes = plan(interventions, self.config.heads, x.shape[1], x.device)
        hidden: list[Tensor] = [x]
        attention: dict[int, Tensor] = {}
        rows: list[Tensor] = []
        for index in range(self.config.layers):
            block = self.block(index)
            projected = block.project(x)
            if index in wanted:
                attention[index] = block.weights(x, changes.get(index), projected)
            x, row = block(x, changes.get(index), projected=projected)
            hidden.append(x)
            rows.append(row)
        return Trace(self.conclude(x)[1], attention, torch.stack(rows, 1), tuple(hidden))

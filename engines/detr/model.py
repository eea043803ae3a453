"""DETR: a CNN, a Transformer encoder-decoder and a fixed set of object queries.

Source: Carion et al. 2020, "End-to-End Object Detection with Transformers" (https://arxiv.org/abs/2005.12872).
Shapes: B batch, N = h·w tokens of the feature map, Q object queries, C real classes, L layers, H heads, E width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.convnet import ConvNet
from engines.blocks.positions import sinusoidal_2d
from engines.blocks.resnet import ResNet
from engines.detr.config import FEATURES, BackboneConfig, DetrConfig
from engines.detr.features import FrozenFeatures
from engines.detr.interventions import CROSS, DECODER_SELF, ENCODER_SELF, UNTOUCHED, Interventions
from engines.detr.preprocess import Preprocess
from engines.detr.transformer import DecoderLayer, EncoderLayer

__all__ = ["BoxHead", "Decoded", "Detr", "DetrConfig", "DetrOutput", "DetrTrace", "Memory"]


@dataclass(frozen=True)
class DetrOutput:
    """``logits`` (B, Q, C+1), the last for "no object"; ``boxes`` (B, Q, 4) cxcywh in 0..1."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class DetrTrace(DetrOutput):
    """A forward pass with everything it looked at.

    Attributes
    ----------
    encoder, decoder_self, decoder_cross : list of Tensor
        Weights of each layer, (B, H, N, N), (B, H, Q, Q), (B, H, Q, N).
    layer_logits, layer_boxes : Tensor (L, B, Q, C+1), (L, B, Q, 4)
        The heads applied after every decoder layer.
    """

    encoder: list[Tensor]
    decoder_self: list[Tensor]
    decoder_cross: list[Tensor]
    layer_logits: Tensor
    layer_boxes: Tensor


@dataclass(frozen=True)
class Memory:
    """What the decoder attends to.

    Attributes
    ----------
    tokens, position : Tensor (B, N, E), (1 or B, N, E)
        Output of the encoder, and the place of each token.
    height, width : int
        Size of the feature map; N is their product.
    mask : Tensor bool (B, 1, 1, N), optional
        True where there is picture; None if there is no padding.
    """

    tokens: Tensor
    position: Tensor
    height: int
    width: int
    mask: Tensor | None = None


@dataclass(frozen=True)
class Decoded:
    """``states`` (L, B, Q, E) after the decoder's norm, and the weights of each layer if they were asked for."""

    states: Tensor
    decoder_self: list[Tensor]
    decoder_cross: list[Tensor]


class BoxHead(nn.Module):
    """Three linear layers from a query to its box."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, 4)])

    def forward(self, x: Tensor) -> Tensor:
        """(..., E) -> boxes cxcywh (..., 4) in 0..1."""
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x).sigmoid()


def make_backbone(config: BackboneConfig) -> ConvNet | ResNet | FrozenFeatures:
    """The backbone that a configuration describes."""
    if config.kind == FEATURES:
        return FrozenFeatures(config)
    if config.kind == "resnet":
        return ResNet(config.widths, config.blocks, config.stem)
    return ConvNet(config.widths, config.blocks)


class Detr(nn.Module):
    """Detection as the direct prediction of a set: no anchors, no non-maximum suppression.

    Parameters
    ----------
    config : DetrConfig

    Attributes
    ----------
    labels : dict of int to str
        Names of the real classes.
    drawn : bool
        It knows the drawn shapes and sees no photos.
    trained_on : str
        Mark of the pictures that it was trained on here, if that is known; of models saved before it, their folder.
    preprocess : callable
        ``(rgb uint8 (H, W, 3)) -> pixels (1, 3, h, w)``, set by `load_checkpoint`.
    """

    preprocess: Preprocess

    def __init__(self, config: DetrConfig) -> None:
        super().__init__()
        self.config = config
        self.labels: Mapping[int, str] = {}
        self.drawn, self.trained_on = False, ""
        self.backbone = make_backbone(config.backbone)
        self.input_projection = nn.Conv2d(self.backbone.out_channels, config.dim, 1)
        self.encoder = nn.ModuleList(
            EncoderLayer(config.dim, config.encoder_heads, config.encoder_ffn, config.norm_first)
            for _ in range(config.encoder_layers)
        )
        self.encoder_norm = nn.LayerNorm(config.dim) if config.norm_first else nn.Identity()
        self.query_positions = nn.Embedding(config.num_queries, config.dim)
        self.decoder = nn.ModuleList(
            DecoderLayer(config.dim, config.decoder_heads, config.decoder_ffn, config.norm_first)
            for _ in range(config.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(config.dim)
        self.class_head = nn.Linear(config.dim, config.num_classes + 1)
        self.box_head = BoxHead(config.dim)

    def embed(self, features: Tensor, pixel_mask: Tensor | None = None) -> Memory:
        """Features of the backbone (B, C', h, w) -> tokens before the first encoder layer."""
        projected = self.input_projection(features)  # (B, E, h, w)
        height, width = projected.shape[-2:]
        present = mask = None
        if pixel_mask is not None:
            present = F.interpolate(pixel_mask[:, None].float(), (height, width))[:, 0].bool()  # (B, h, w)
            mask = present.flatten(1)[:, None, None]  # (B, 1, 1, N)
        position = sinusoidal_2d(height, width, self.config.dim, present).to(projected)
        position = position[None] if present is None else position  # (1 or B, E, h, w)
        tokens = projected.flatten(2).transpose(1, 2)  # (B, N, E)
        return Memory(tokens, position.flatten(2).transpose(1, 2), height, width, mask)

    def encode(self, pixels: Tensor, pixel_mask: Tensor | None = None) -> Memory:
        """Pixels (B, 3, H, W) -> what the decoder attends to."""
        memory = self.embed(self.backbone(pixels), pixel_mask)
        x = memory.tokens
        for layer in self.encoder:
            x, _ = layer(x, memory.position, memory.mask)
        return self.remember(memory, x)

    def remember(self, memory: Memory, tokens: Tensor) -> Memory:
        """``memory`` with the output of the last encoder layer (B, N, E)."""
        return Memory(self.encoder_norm(tokens), memory.position, memory.height, memory.width, memory.mask)

    def between(self, x: Tensor) -> Tensor:
        """The state (B, Q, E) that a decoder layer hands to the next."""
        return self.decoder_norm(x) if self.config.norm_between else x

    def decode(
        self,
        memory: Memory,
        need_weights: bool = False,
        interventions: Interventions = UNTOUCHED,
        query_position: Tensor | None = None,
        self_mask: Tensor | None = None,
    ) -> Decoded:
        """Let the object queries read the memory.

        Parameters
        ----------
        memory : Memory
        need_weights : bool
            Keep all attention weights.
        interventions : Interventions
        query_position : Tensor (Q', E), optional
            Other queries than the model's own (training uses several groups of them).
        self_mask : Tensor bool (Q', Q'), optional
            Which queries may see which.
        """
        own = self.query_positions.weight if query_position is None else query_position
        at = own[None].expand(memory.tokens.shape[0], -1, -1)  # (B, Q, E)
        if interventions.queries_off:
            seen = torch.ones(own.shape[0], dtype=torch.bool, device=own.device)
            seen[list(interventions.queries_off)] = False
            self_mask = seen if self_mask is None else self_mask & seen
        keys = memory.tokens + memory.position
        x = torch.zeros_like(at)
        states, among, across = [], [], []
        for index, layer in enumerate(self.decoder):
            changes = interventions.of(DECODER_SELF, index), interventions.of(CROSS, index)
            x, self_weights, cross_weights = layer(
                x, memory.tokens, keys, at, self_mask, memory.mask, *changes, need_weights
            )
            x = self.between(x)
            states.append(self.decoder_norm(x))
            among.append(self_weights)
            across.append(cross_weights)
        return Decoded(torch.stack(states), among, across)

    def forward(self, pixels: Tensor, pixel_mask: Tensor | None = None) -> DetrOutput:
        """Detect.

        Parameters
        ----------
        pixels : Tensor (B, 3, H, W)
            Normalized as `preprocess` does it.
        pixel_mask : Tensor (B, H, W), optional
            1 where there is picture, 0 where there is padding.
        """
        state = self.decode(self.encode(pixels, pixel_mask)).states[-1]  # (B, Q, E)
        return DetrOutput(self.class_head(state), self.box_head(state))

    def trace(
        self, pixels: Tensor, pixel_mask: Tensor | None = None, interventions: Interventions = UNTOUCHED
    ) -> DetrTrace:
        """Detect in pixels (B, 3, H, W) and keep all weights: (B, H, N, N) of each encoder layer, so mind the size."""
        memory = self.embed(self.backbone(pixels), pixel_mask)
        x, encoder = memory.tokens, []
        for index, layer in enumerate(self.encoder):
            change = interventions.of(ENCODER_SELF, index)
            x, weights = layer(x, memory.position, memory.mask, change, need_weights=True)
            encoder.append(weights)
        decoded = self.decode(self.remember(memory, x), True, interventions)
        logits, boxes = self.class_head(decoded.states), self.box_head(decoded.states)  # (L, B, Q, ·)
        return DetrTrace(logits[-1], boxes[-1], encoder, decoded.decoder_self, decoded.decoder_cross, logits, boxes)

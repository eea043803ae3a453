"""RT-DETR: a pyramid of maps, its best locations as queries, and a decoder that looks at points around their boxes.

Source: Zhao et al. 2024, "DETRs Beat YOLOs on Real-time Object Detection" (https://arxiv.org/abs/2304.08069).
Shapes: B batch, S locations of all levels, Q queries, C classes, E width, D layers, H heads, L levels, P points.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.blocks.convnet import ConvNet
from engines.checkpoints.processor import Processor
from engines.core.errors import LabError
from engines.rt_detr.config import BOTTLENECK, CONVNET, LEVELS, BackboneConfig, RtDetrConfig
from engines.rt_detr.decoder import Decoded, Decoder, Perceptron
from engines.rt_detr.deformable import Shapes
from engines.rt_detr.encoder import HybridEncoder
from engines.rt_detr.interventions import UNTOUCHED, Interventions
from engines.rt_detr.resnet_vd import ResNetVd

MARGIN = 0.01  # an anchor counts if all of its four numbers lie this far within 0..1
PRIOR = 0.01  # probability that each class begins with


@dataclass(frozen=True)
class RtDetrOutput:
    """``logits`` (B, Q, C), each class with a sigmoid of its own; ``boxes`` (B, Q, 4) cxcywh in 0..1."""

    logits: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class RtDetrTrace(RtDetrOutput):
    """A forward pass with everything it looked at.

    Attributes
    ----------
    encoder : list of Tensor (B, heads, n, n)
        Weights of AIFI between the n tokens of the coarsest map, by layer.
    encoder_scores : Tensor (B, S)
        Largest class logit of each location, finest level first, row by row: what queries are chosen by.
    selected : Tensor int64 (B, Q)
        The locations that became queries, best first.
    layer_logits, layer_boxes : Tensor (D, B, Q, C), (D, B, Q, 4)
    references : Tensor (D, B, Q, 4)
        The boxes that each layer looked around.
    sampling_points : Tensor (D, B, Q, H, L·P, 2)
        x and y in 0..1, level by level.
    sampling_weights : Tensor (D, B, Q, H, L·P)
        Sum to 1.
    shapes : tuple of (rows, columns)
        Of the levels.
    """

    encoder: list[Tensor]
    encoder_scores: Tensor
    selected: Tensor
    layer_logits: Tensor
    layer_boxes: Tensor
    references: Tensor
    sampling_points: Tensor
    sampling_weights: Tensor
    shapes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Memory:
    """What the encoder made of pictures.

    Attributes
    ----------
    tokens : Tensor (B, S, E)
        All levels one after the other.
    shapes : tuple of (rows, columns)
    encoder : list of Tensor (B, heads, n, n)
        AIFI's weights, where they were asked for.
    """

    tokens: Tensor
    shapes: tuple[tuple[int, int], ...]
    encoder: list[Tensor]


@dataclass(frozen=True)
class Proposals:
    """What each location says before any is chosen.

    Attributes
    ----------
    content : Tensor (B, S, E)
    logits : Tensor (B, S, C)
    boxes : Tensor (B, S, 4)
        As logits.
    """

    content: Tensor
    logits: Tensor
    boxes: Tensor

    @property
    def scores(self) -> Tensor:
        """Largest class logit (B, S)."""
        return self.logits.max(-1).values

    def taken(self, which: Tensor) -> Proposals:
        """Those of some locations, int64 (B, Q)."""
        at = which[..., None]
        return Proposals(
            *(x.gather(1, at.expand(-1, -1, x.shape[-1])) for x in (self.content, self.logits, self.boxes))
        )


def anchors(shapes: Shapes, side: float) -> tuple[Tensor, Tensor]:
    """One box for each location, as logits (S, 4), and whether it counts (S,): on the rim of a fine level it does not.

    Its logits are then the largest number that there is: the box of such a location has no use.
    """
    every = []
    for level, (rows, columns) in enumerate(shapes):
        y, x = (torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns
        size = torch.full((rows, columns), side * 2.0**level)
        every.append(torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns), size, size], -1).flatten(0, 1))
    boxes = torch.cat(every)
    counts = ((boxes > MARGIN) & (boxes < 1 - MARGIN)).all(-1)
    logits = torch.log(boxes / (1 - boxes))
    return logits.masked_fill(~counts[:, None], torch.finfo(logits.dtype).max), counts


def make_backbone(config: BackboneConfig) -> ConvNet | ResNetVd:
    """The backbone that a configuration describes."""
    if config.kind == CONVNET:
        return ConvNet(config.widths, config.blocks)
    return ResNetVd(config.widths, config.blocks, config.stem, config.kind == BOTTLENECK)


class RtDetr(nn.Module):
    """Detection without anchors to tune and without non-maximum suppression, at the pace of a convolutional detector.

    Parameters
    ----------
    config : RtDetrConfig

    Attributes
    ----------
    labels : dict of int to str
        Names of the classes.
    drawn : bool
        It knows the drawn shapes and sees no photos.
    preprocess : callable
        ``(rgb uint8 (H, W, 3)) -> pixels (1, 3, h, w)``, set by `load_checkpoint`.
    """

    preprocess: Processor

    def __init__(self, config: RtDetrConfig) -> None:
        super().__init__()
        self.config = config
        self.labels: Mapping[int, str] = {}
        self.drawn = False
        width, dim = config.encoder_dim, config.dim
        self.backbone = make_backbone(config.backbone)
        self.input_projection = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
            for before in config.backbone.widths[-LEVELS:]
        )
        self.encoder = HybridEncoder(
            width, config.encoder_heads, config.encoder_ffn, config.encoder_layers, LEVELS, config.expansion,
            config.positions,
        )  # fmt: skip
        self.memory_projection = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, dim, 1, bias=False), nn.BatchNorm2d(dim)) for _ in range(LEVELS)
        )
        self.memory_fc, self.memory_norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.score_head, self.box_head = nn.Linear(dim, config.num_classes), Perceptron(dim, dim, dim, 4)
        self.decoder = Decoder(
            dim, config.decoder_heads, config.decoder_ffn, config.decoder_layers, LEVELS, config.points,
            config.num_classes,
        )  # fmt: skip

    def initialize(self) -> None:
        """Weights to train from: rare classes, boxes that are their anchors, points in all directions."""
        for head in (self.score_head, *self.decoder.class_heads):
            nn.init.xavier_uniform_(head.weight)
            nn.init.constant_(head.bias, -math.log((1 - PRIOR) / PRIOR))
        for boxes in (self.box_head, *self.decoder.box_heads):
            nn.init.zeros_(boxes.layers[-1].weight)
            nn.init.zeros_(boxes.layers[-1].bias)
        for layer in self.decoder.layers:
            layer.cross_attention.initialize()  # type: ignore[operator, union-attr]

    @property
    def side(self) -> int:
        """Pixels of the longer side that pictures are brought to."""
        return self.preprocess.longest

    @property
    def multiple(self) -> int:
        """What the sides of pixels must divide by: one token of the coarsest level."""
        return self.config.backbone.strides[-1]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.score_head.weight.device

    def check(self, pixels: Tensor) -> None:
        """Refuse pixels (B, 3, H, W) whose maps would not fit on one another.

        Raises
        ------
        LabError
            If the sides don't divide by the coarsest level's stride: larger maps are twice the smaller ones.
        """
        height, width = pixels.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise LabError(
                "A picture of {width} × {height} pixels: RT-DETR needs sides that divide by {multiple}.",
                width=width, height=height, multiple=self.multiple,
            )  # fmt: skip

    def pyramid(self, pixels: Tensor) -> list[Tensor]:
        """Pixels (B, 3, H, W) -> maps (B, E', h, w) that the encoder gets, finest first; see `check`."""
        self.check(pixels)
        x, maps = self.backbone.begin(pixels), []
        for step in self.backbone.steps():
            x = step(x)
            maps.append(x)
        return [project(x) for project, x in zip(self.input_projection, maps[-LEVELS:], strict=True)]

    def remember(self, maps: Sequence[Tensor], encoder: Sequence[Tensor] = ()) -> Memory:
        """Maps of the encoder (B, E', h, w) as tokens of the decoder."""
        return self.gather([project(x) for project, x in zip(self.memory_projection, maps, strict=True)], encoder)

    @staticmethod
    def gather(projected: Sequence[Tensor], encoder: Sequence[Tensor] = ()) -> Memory:
        """Maps (B, E, h, w) as tokens."""
        tokens = torch.cat([x.flatten(2).transpose(1, 2) for x in projected], 1)
        return Memory(tokens, tuple((x.shape[-2], x.shape[-1]) for x in projected), list(encoder))

    def encode(self, pixels: Tensor, need_weights: bool = False) -> Memory:
        """Pixels (B, 3, H, W) -> what the decoder looks at."""
        maps = self.pyramid(pixels)
        maps[-1], weights = self.encoder.attend(maps[-1], need_weights)
        return self.remember(self.encoder.fuse(maps), weights)

    def propose(self, memory: Memory) -> Proposals:
        """Class and box of each location; what lies on an anchor that does not count is blanked before."""
        logits, counts = anchors(memory.shapes, self.config.anchor)
        logits, counts = logits.to(memory.tokens), counts.to(memory.tokens.device)
        content = self.memory_norm(self.memory_fc(memory.tokens * counts[:, None]))
        return Proposals(content, self.score_head(content), self.box_head(content) + logits)

    def select(self, proposals: Proposals, queries: int = 0) -> Tensor:
        """The locations with the largest class logits, int64 (B, Q), best first.

        Raises
        ------
        LabError
            If there are fewer locations than queries.
        """
        wanted = queries or self.config.num_queries
        there = proposals.logits.shape[1]
        if wanted > there:
            raise LabError(
                "{queries} queries are to be chosen of {n} locations: the picture is too small.",
                queries=wanted, n=there,
            )  # fmt: skip
        return proposals.scores.topk(wanted, 1).indices

    def decode(
        self, memory: Memory, chosen: Proposals, changes: Interventions = UNTOUCHED, frozen: Sequence[Tensor] = ()
    ) -> Decoded:
        """Let the chosen locations (B, Q, ·) look at the memory."""
        content, reference = chosen.content.detach(), chosen.boxes.detach()
        return self.decoder(content, reference, memory.tokens, memory.shapes, changes=changes, frozen=frozen)

    def forward(self, pixels: Tensor) -> RtDetrOutput:
        """Detect in pixels (B, 3, H, W), whose sides divide by 32."""
        memory = self.encode(pixels)
        proposals = self.propose(memory)
        decoded = self.decode(memory, proposals.taken(self.select(proposals)))
        return RtDetrOutput(decoded.logits[-1], decoded.boxes[-1])

    def trace(self, pixels: Tensor, changes: Interventions = UNTOUCHED) -> RtDetrTrace:
        """Detect in pixels (B, 3, H, W) and keep where everything looked."""
        memory = self.encode(pixels, need_weights=True)
        proposals = self.propose(memory)
        selected = self.select(proposals)
        decoded = self.decode(memory, proposals.taken(selected), changes)
        return RtDetrTrace(
            decoded.logits[-1],
            decoded.boxes[-1],
            memory.encoder,
            proposals.scores,
            selected,
            decoded.logits,
            decoded.boxes,
            decoded.references,
            decoded.points.flatten(4, 5),
            decoded.weights.flatten(4, 5),
            memory.shapes,
        )

"""The size of an RT-DETR. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONVNET, BASIC, BOTTLENECK = "convnet", "basic", "bottleneck"


@dataclass(frozen=True)
class BackboneConfig:
    """A small ``convnet``, or a ResNet-vd with ``basic`` blocks or with ``bottleneck`` ones.

    Attributes
    ----------
    widths, blocks : tuple of int
        Channels and blocks of each stage; the last three feed the encoder.
    stem : int
        Channels that the stem of a ResNet ends with.
    """

    kind: str = CONVNET
    widths: tuple[int, ...] = (32, 64, 128, 160, 160)
    blocks: tuple[int, ...] = (0, 1, 2, 1, 1)
    stem: int = 64

    def __post_init__(self) -> None:
        if self.kind not in (CONVNET, BASIC, BOTTLENECK) or len(self.widths) != len(self.blocks):
            raise ValueError(f"no such backbone: {self}")

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of a token's side on the levels that the encoder gets, finest first."""
        first = 1 if self.kind == CONVNET else 2  # the stem of a ResNet halves twice, and its first stage not at all
        return tuple(2 ** (first + index) for index in range(len(self.widths)))[-LEVELS:]


LEVELS = 3  # of the pyramid, in each model that is published


@dataclass(frozen=True)
class RtDetrConfig:
    """Sizes of an RT-DETR; the defaults are those of the bundled toy model.

    Attributes
    ----------
    encoder_dim, dim : int
        Width of the encoder's maps and of the decoder's queries.
    expansion : float
        Channels inside of the fusion blocks, as a share of ``encoder_dim``.
    anchor : float
        Side of an anchor of the finest level as a share of the picture; each further level doubles it.
    positions : bool
        The encoder layer adds positions to queries and keys.
    """

    num_classes: int = 6
    num_queries: int = 24
    encoder_dim: int = 96
    dim: int = 96
    encoder_layers: int = 1
    decoder_layers: int = 3
    encoder_heads: int = 4
    decoder_heads: int = 4
    encoder_ffn: int = 256
    decoder_ffn: int = 256
    points: int = 4
    expansion: float = 0.5
    anchor: float = 0.05
    positions: bool = True
    backbone: BackboneConfig = field(default_factory=BackboneConfig)


def from_card(card: Mapping[str, Any]) -> RtDetrConfig:
    """The configuration that the card of a bundled model carries."""
    sizes = dict(card["config"])
    backbone = dict(sizes.pop("backbone"))
    widths, blocks = tuple(backbone.pop("widths")), tuple(backbone.pop("blocks"))
    return RtDetrConfig(**sizes, backbone=BackboneConfig(widths=widths, blocks=blocks, **backbone))

"""The size of a DETR, and how a Hugging Face configuration says it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.core.errors import LabError

RESNET_DEPTHS: Mapping[str, tuple[int, ...]] = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}


@dataclass(frozen=True)
class BackboneConfig:
    """A backbone: a small ``convnet`` (widths, blocks) or a ``resnet`` (stem, widths, blocks of each stage)."""

    kind: str = "convnet"
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (0, 1, 2)
    stem: int = 64

    def __post_init__(self) -> None:
        if self.kind not in ("convnet", "resnet") or len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(f"no such backbone: {self}")


@dataclass(frozen=True)
class DetrConfig:
    """Sizes of a DETR; the defaults are those of the bundled toy model.

    Attributes
    ----------
    num_classes : int
        Real classes; the class head has one output more, for "no object".
    norm_first : bool
        Layer norm before each sublayer (and after the last encoder layer) instead of after it.
    """

    num_classes: int = 6
    num_queries: int = 16
    dim: int = 128
    encoder_layers: int = 3
    decoder_layers: int = 3
    encoder_heads: int = 4
    decoder_heads: int = 4
    encoder_ffn: int = 384
    decoder_ffn: int = 384
    norm_first: bool = True
    backbone: BackboneConfig = field(default_factory=BackboneConfig)


def from_card(card: Mapping[str, Any]) -> DetrConfig:
    """The configuration that the card of a bundled model carries."""
    sizes = dict(card["config"])
    backbone = sizes.pop("backbone")
    widths, blocks = tuple(backbone["widths"]), tuple(backbone["blocks"])
    return DetrConfig(**sizes, backbone=BackboneConfig(backbone["kind"], widths, blocks, backbone["stem"]))


def labels_of(config: Mapping[str, Any]) -> dict[int, str]:
    """Names of the real classes by id, from ``id2label``; numbered ones if there are none."""
    named = config.get("id2label")
    if isinstance(named, Mapping) and named:
        return {int(key): str(value) for key, value in named.items()}
    return {index: f"LABEL_{index}" for index in range(int(config.get("num_labels", 2)))}


def from_hub(config: Mapping[str, Any], name: str) -> DetrConfig:
    """Read ``config.json`` of a DETR in Hugging Face layout.

    Raises
    ------
    LabError
        If it is another family, a variant that this project has no module for, or says nonsense.
    """
    if config.get("model_type") != "detr":
        raise LabError("{name}: is a {family}, not a DETR.", name=name, family=str(config.get("model_type")))
    for key, only in (("activation_function", "relu"), ("position_embedding_type", "sine"), ("dilation", False)):
        if config.get(key, only) != only:
            raise LabError("{name}: a DETR with {key} {value} can't be shown.", name=name, key=key, value=config[key])
    try:
        sizes = DetrConfig(
            num_classes=max(labels_of(config), default=-1) + 1,
            num_queries=int(config.get("num_queries", 100)),
            dim=int(config.get("d_model", 256)),
            encoder_layers=int(config.get("encoder_layers", 6)),
            decoder_layers=int(config.get("decoder_layers", 6)),
            encoder_heads=int(config.get("encoder_attention_heads", 8)),
            decoder_heads=int(config.get("decoder_attention_heads", 8)),
            encoder_ffn=int(config.get("encoder_ffn_dim", 2048)),
            decoder_ffn=int(config.get("decoder_ffn_dim", 2048)),
            norm_first=False,
            backbone=_resnet(config, name),
        )
    except (TypeError, ValueError) as error:
        raise LabError("{name}: config.json holds sizes that make no sense.", name=name) from error
    counts = (sizes.num_classes, sizes.num_queries, sizes.encoder_layers, sizes.decoder_layers, sizes.encoder_ffn)
    heads = (sizes.encoder_heads, sizes.decoder_heads)
    if min(*counts, *heads, sizes.decoder_ffn, sizes.dim) < 1 or sizes.dim % 4 or any(sizes.dim % h for h in heads):
        raise LabError("{name}: config.json holds sizes that make no sense.", name=name)
    return sizes


def _resnet(config: Mapping[str, Any], name: str) -> BackboneConfig:
    """The ResNet of a configuration: a description, or the name that timm and torchvision give it."""
    inner = config.get("backbone_config")
    described = isinstance(inner, Mapping) and inner.get("model_type", "resnet") == "resnet"
    if described and isinstance(inner, Mapping):
        if inner.get("layer_type", "bottleneck") != "bottleneck" or inner.get("downsample_in_bottleneck", False):
            raise LabError("{name}: its backbone is not a ResNet with bottlenecks.", name=name)
        return BackboneConfig(
            "resnet",
            tuple(int(width) for width in inner.get("hidden_sizes", (256, 512, 1024, 2048))),
            tuple(int(depth) for depth in inner.get("depths", RESNET_DEPTHS["resnet50"])),
            int(inner.get("embedding_size", 64)),
        )
    timm = inner.get("backbone") if isinstance(inner, Mapping) else config.get("backbone")
    depths = RESNET_DEPTHS.get(str(timm or "resnet50").split(".")[0])
    if depths is None:
        raise LabError("{name}: its backbone {backbone} is not a ResNet with bottlenecks.", name=name, backbone=timm)
    return BackboneConfig("resnet", (256, 512, 1024, 2048), depths, 64)

"""The size of a DETR, and how a Hugging Face configuration says it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.checkpoints.known import OF_ANY, OF_RESNET, check_keys, check_only
from engines.checkpoints.sizes import agree, along, beyond, counted, shown, whole, wholes
from engines.core import limits
from engines.core.errors import LabError

RESNET_DEPTHS: Mapping[str, tuple[int, ...]] = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}


FEATURES = "features"  #: kind of a backbone that is a frozen model of its own


@dataclass(frozen=True)
class BackboneConfig:
    """A backbone: a small ``convnet`` (widths, blocks) or a ``resnet`` (stem, widths, blocks of each stage).

    Or the ``features`` (widths, pixels of a place's side as stem) of a frozen model, by its source and its hash.
    """

    kind: str = "convnet"
    widths: tuple[int, ...] = (32, 64, 128)
    blocks: tuple[int, ...] = (0, 1, 2)
    stem: int = 64
    source: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("convnet", "resnet", FEATURES) or len(self.widths) != len(self.blocks) or not self.widths:
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
    norm_between : bool
        The decoder's own norm after each of its layers as well; transformers 5.24 does so for a configuration with
        ``auxiliary_loss``.
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
    norm_between: bool = False
    backbone: BackboneConfig = field(default_factory=BackboneConfig)


def from_card(card: Mapping[str, Any]) -> DetrConfig:
    """The configuration that the card of a bundled model carries."""
    sizes = dict(card["config"])
    backbone = sizes.pop("backbone")
    widths, blocks = tuple(backbone["widths"]), tuple(backbone["blocks"])
    return DetrConfig(**sizes, backbone=BackboneConfig(backbone["kind"], widths, blocks, backbone["stem"]))


def classes_of(found: Mapping[str, tuple[int, ...]]) -> int | None:
    """How many real classes the class head tells apart; None if there is no such tensor."""
    outputs = along(found, "class_head.weight", 0)
    return outputs - 1 if outputs else None


def labels_of(config: Mapping[str, Any], name: str, classes: int | None = None) -> dict[int, str]:
    """Names of the real classes by id, from ``id2label``; numbered ones if there are none.

    Of ``classes`` that are known the names with fitting ids are taken: some begin at 1, some have gaps, and some
    configurations keep names of another model.

    Raises
    ------
    LabError
        If ids are none, or too many or too large.
    """
    named = config.get("id2label")
    if classes is not None and not (isinstance(named, Mapping) and named):
        return {index: f"LABEL_{index}" for index in range(classes)}
    if not isinstance(named, Mapping) or not named:
        return {index: f"LABEL_{index}" for index in range(whole(config, "num_labels", 2, name, limits.LABELS))}
    if len(named) > limits.LABELS:
        raise beyond(name, "id2label", len(named), 1, limits.LABELS)
    found: dict[int, str] = {}
    for key, value in named.items():
        if not str(key).isdecimal() or len(str(key)) > 9:
            raise LabError("{name}: {key} in id2label is not a class index.", name=name, key=shown(key))
        number = whole({"id2label": int(key)}, "id2label", 0, name, limits.LABELS, least=0)
        found[number] = str(value)[: limits.TEXT]
    if classes is not None:
        found = {number: text for number, text in found.items() if number < classes}
    return found


RESNET_ONLY = {"hidden_act": "relu", "downsample_in_first_stage": False, "num_channels": 3}
RESNET_READ = (*RESNET_ONLY, "layer_type", "downsample_in_bottleneck", "hidden_sizes", "depths", "embedding_size")
TIMM_READ = ("backbone", "output_stride", "num_channels")
BACKBONE_KWARGS = ("out_indices", "in_chans", "features_only")
ONLY = {
    "activation_function": "relu", "position_embedding_type": "sine", "dilation": False, "num_channels": 3,
    "backbone_kwargs": {},
}  # fmt: skip
_HARMLESS = """
bbox_cost bbox_loss_coefficient class_cost dice_loss_coefficient eos_coefficient giou_cost giou_loss_coefficient
mask_loss_coefficient num_hidden_layers max_position_embeddings use_pretrained_backbone use_timm_backbone
freeze_backbone scale_embedding classifier_dropout num_attention_heads hidden_size
"""
HARMLESS = frozenset(_HARMLESS.split())  #: keys that change nothing of what is computed here
READ = (
    *ONLY, "num_queries", "d_model", "encoder_layers", "decoder_layers", "encoder_attention_heads",
    "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim", "auxiliary_loss", "backbone", "backbone_config",
)  # fmt: skip


def from_hub(config: Mapping[str, Any], name: str, classes: int | None = None) -> DetrConfig:
    """Read ``config.json`` of a DETR in Hugging Face layout; ``classes``: how many its class head has, if known.

    Raises
    ------
    LabError
        If it is another family, a variant that this project has no module for, or beyond what can be read.
    """
    if config.get("model_type") != "detr":
        raise LabError("{name}: is a {family}, not a DETR.", name=name, family=shown(config.get("model_type")))
    check_keys(config, {*OF_ANY, *HARMLESS, *READ}, name)
    if "backbone_kwargs" in config:  # what transformers 4 and 5 write without being asked changes nothing
        kwargs = config["backbone_kwargs"] or {}
        config = {**config, "backbone_kwargs": {key: kwargs[key] for key in kwargs if key not in BACKBONE_KWARGS}}
    check_only(config, ONLY, name)
    labels = labels_of(config, name, classes)
    sizes = DetrConfig(
        num_classes=max(labels, default=0) + 1 if classes is None else classes,
        num_queries=whole(config, "num_queries", 100, name, limits.QUERIES),
        dim=whole(config, "d_model", 256, name, limits.WIDTH),
        encoder_layers=whole(config, "encoder_layers", 6, name, limits.LAYERS),
        decoder_layers=whole(config, "decoder_layers", 6, name, limits.LAYERS),
        encoder_heads=whole(config, "encoder_attention_heads", 8, name, limits.HEADS),
        decoder_heads=whole(config, "decoder_attention_heads", 8, name, limits.HEADS),
        encoder_ffn=whole(config, "encoder_ffn_dim", 2048, name, limits.FFN),
        decoder_ffn=whole(config, "decoder_ffn_dim", 2048, name, limits.FFN),
        norm_first=False,
        norm_between=bool(config.get("auxiliary_loss")),
        backbone=_resnet(config, name),
    )
    for key, heads in (
        ("encoder_attention_heads", sizes.encoder_heads),
        ("decoder_attention_heads", sizes.decoder_heads),
    ):
        if sizes.dim % heads:
            raise LabError(
                "{name}: d_model {width} can't be split into {heads} heads ({key}).",
                name=name, width=sizes.dim, heads=heads, key=key,
            )  # fmt: skip
    if sizes.dim % 4:  # sines and cosines of rows and columns
        raise LabError("{name}: d_model {width} is not a multiple of 4.", name=name, width=sizes.dim)
    return sizes


def check_stored(sizes: DetrConfig, found: Mapping[str, tuple[int, ...]], name: str) -> None:
    """Raise LabError if a configuration says other sizes than the tensors have, by the names of this project."""
    agree(name, "encoder_layers", sizes.encoder_layers, counted(found, "encoder."))
    agree(name, "decoder_layers", sizes.decoder_layers, counted(found, "decoder."))
    agree(name, "d_model", sizes.dim, along(found, "input_projection.weight", 0))
    agree(name, "num_queries", sizes.num_queries, along(found, "query_positions.weight", 0))
    agree(name, "encoder_ffn_dim", sizes.encoder_ffn, along(found, "encoder.0.fc1.weight", 0))
    agree(name, "decoder_ffn_dim", sizes.decoder_ffn, along(found, "decoder.0.fc1.weight", 0))
    for stage, blocks in enumerate(sizes.backbone.blocks, 1):
        agree(name, f"depths[{stage}]", blocks, counted(found, f"backbone.layer{stage}."))


def _resnet(config: Mapping[str, Any], name: str) -> BackboneConfig:
    """The ResNet of a configuration: a description, or the name that timm, torchvision or Microsoft give it."""
    inner = config.get("backbone_config")
    described = isinstance(inner, Mapping) and inner.get("model_type", "resnet") == "resnet"
    if described and isinstance(inner, Mapping):
        if inner.get("layer_type", "bottleneck") != "bottleneck" or inner.get("downsample_in_bottleneck", False):
            raise LabError("{name}: its backbone is not a ResNet with bottlenecks.", name=name)
        check_keys(inner, {*OF_ANY, *OF_RESNET, *RESNET_READ}, name)
        check_only(inner, RESNET_ONLY, name)
        widths = wholes(inner, "hidden_sizes", (256, 512, 1024, 2048), name, limits.WIDTH, least=4)
        depths = wholes(inner, "depths", RESNET_DEPTHS["resnet50"], name, limits.LAYERS)
        if len(widths) != len(depths) or len(widths) > limits.STAGES:
            raise beyond(name, "depths", list(depths), len(widths), limits.STAGES)
        if sum(depths) > limits.LAYERS:
            raise beyond(name, "depths", sum(depths), 1, limits.LAYERS)
        return BackboneConfig("resnet", widths, depths, whole(inner, "embedding_size", 64, name, limits.WIDTH))
    if isinstance(inner, Mapping):
        check_keys(inner, {*OF_ANY, *OF_RESNET, *TIMM_READ}, name)
        check_only(inner, {"output_stride": 32, "num_channels": 3}, name)
    timm = inner.get("backbone") if isinstance(inner, Mapping) else config.get("backbone")
    plain = shown(timm or "resnet50").removeprefix("microsoft/").replace("-", "").split(".")[0]
    depths_of = RESNET_DEPTHS.get(plain)
    if depths_of is None:
        raise LabError(
            "{name}: its backbone {backbone} is not a ResNet with bottlenecks.", name=name, backbone=shown(timm)
        )
    return BackboneConfig("resnet", (256, 512, 1024, 2048), depths_of, 64)

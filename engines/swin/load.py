"""Finds a Swin's weights and reads them into `engines.swin.model.Swin`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog
from engines.checkpoints.folder import Tensors, open_folder
from engines.checkpoints.known import OF_ANY, check_keys
from engines.checkpoints.layout import CONFIG
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import EDGES, Processor, from_hub
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, triple, whole, wholes
from engines.core import limits
from engines.core.errors import LabError
from engines.swin.keys import PREFIX, SKIPPED, TABLES
from engines.swin.model import BICUBIC, BILINEAR, IMAGENET_MEAN, IMAGENET_STD, Swin, SwinConfig
from engines.swin.weights import READ, SECOND

Shapes = Mapping[str, tuple[int, ...]]
_KNOWN = OF_ANY | {
    "embed_dim", "depths", "num_heads", "window_size", "mlp_ratio", "qkv_bias", "hidden_act", "layer_norm_eps",
    "image_size", "patch_size", "num_channels", "use_absolute_embeddings",
    "hidden_size", "num_layers", "num_hidden_layers", "num_attention_heads", "path_norm", "encoder_stride",
    "out_features", "out_indices", "stage_names",  # from "hidden_size" on: follow from others, or say nothing
}  # fmt: skip


def load_checkpoint(source: str) -> Swin:
    """Load a Swin Transformer in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A bundled name (``mini-swin``), a folder as transformers or timm writes it, or the id of a hub model that has
        been downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    return _bundled(found) if found.kind == "bundled" else load_folder(found.path)


def load_folder(path: Path | str) -> Swin:
    """Load a folder as transformers or timm writes it."""
    checkpoint = open_folder(path, timm=[family for family in (*READ, *SECOND) if family.startswith("timm/")])
    family, name = checkpoint.family, checkpoint.name
    if family in SECOND:
        raise LabError(
            "{name}: a Swin V2, with cosine attention and another position bias. Here the first Swin is read.",
            name=name,
        )
    if family not in READ:
        raise LabError("{name}: a model of the family {family}. Here Swin is read.", name=name, family=shown(family))
    tensors = checkpoint.tensors()
    table = TABLES[apply.choose(tensors, TABLES, PREFIX)]
    found = stored(tensors.shapes, table)
    if family.startswith("timm/"):
        config = read_timm(checkpoint.config, found, name)
    else:
        config = read_config(checkpoint.config, found, name, checkpoint.preprocessor)
    with unfilled():
        net = Swin(config)
    apply.apply(net, tensors, table, skip=SKIPPED, prefix=PREFIX, name=name)
    return net.eval().requires_grad_(False)


def stored(shapes: Shapes, table: apply.Table) -> dict[str, tuple[int, ...]]:
    """Shapes of a checkpoint's tensors by the parameters they are for; of fused ones the first third's."""
    bare = {key.removeprefix(PREFIX): shape for key, shape in shapes.items()}
    return apply.stored(bare, table)


def read_config(
    config: Mapping[str, Any], found: Shapes, name: str, preprocessor: Mapping[str, Any] | None = None
) -> SwinConfig:
    """Translate a ``config.json`` of transformers; whether there is a head is told by the tensors.

    Raises
    ------
    LabError
        For a variant that this project's module does not cover, or numbers that contradict each other.
    """
    check_keys(config, _KNOWN, name)
    if config.get("use_absolute_embeddings"):
        raise LabError("{name}: has absolute position embeddings, which are not read here.", name=name)
    if config.get("hidden_act", "gelu") != "gelu":
        raise LabError("{name}: the activation {kind} is not supported.", name=name, kind=shown(config["hidden_act"]))
    if whole(config, "num_channels", 3, name, 100) != 3:
        raise LabError("{name}: does not take RGB pictures.", name=name)
    width = whole(config, "embed_dim", 96, name, limits.WIDTH)
    depths = wholes(config, "depths", (2, 2, 6, 2), name, limits.LAYERS)
    heads = wholes(config, "num_heads", (3, 6, 12, 24), name, limits.HEADS)
    window = whole(config, "window_size", 7, name, limits.WINDOW)
    patch_size = whole(config, "patch_size", 4, name, limits.IMAGE_SIDE)
    image_size = whole(config, "image_size", 224, name, limits.IMAGE_SIDE)
    _check(name, width, depths, heads, image_size, patch_size)
    agree(name, "embed_dim", width, along(found, "patch_norm.weight", 0))
    agree(name, "depths", len(depths), counted(found, "stages."))
    agree(name, "patch_size", patch_size, along(found, "patch_embedding.weight", 3))
    agree(name, "window_size", window, _window(found))
    head = along(found, "head.weight", 0)
    labels = _labels(config.get("id2label"), head, name) if head else {}
    processor = from_hub(preprocessor, "ViT", name) if preprocessor else None
    scaling = Scaling(BICUBIC, mean=IMAGENET_MEAN, std=IMAGENET_STD) if processor is None else processor.scaling
    unit = scaling.factor * 255  # pixels come in 0..1
    return SwinConfig(
        image_size=image_size,
        patch_size=patch_size,
        width=width,
        depths=depths,
        heads=heads,
        window=window,
        mlp_ratio=real(config, "mlp_ratio", 4.0, name, 1 / width, limits.FFN / width),
        classes=len(labels),
        eps=real(config, "layer_norm_eps", 1e-5, name, 0, 1),
        qkv_bias=bool(config.get("qkv_bias", True)),
        labels=labels,
        mean=tuple(value / unit for value in scaling.mean),
        std=tuple(value / unit for value in scaling.std),
        resample=scaling.resample,
        processor=processor,
    )


def read_timm(config: Mapping[str, Any], found: Shapes, name: str) -> SwinConfig:
    """What timm's tensors say: its ``config.json`` knows the name of a function and what pictures are to look like."""
    width, patch_size = along(found, "patch_norm.weight", 0), along(found, "patch_embedding.weight", 3)
    depths = tuple(counted(found, f"stages.{i}.blocks.") for i in range(counted(found, "stages.")))
    heads = tuple(along(found, f"stages.{i}.blocks.0.relative_position_bias_table", 1) or 0 for i in range(len(depths)))
    windows = tuple(_window(found, stage) or 0 for stage in range(len(depths)))  # they differ in Swin-S3
    inner = along(found, "stages.0.blocks.0.fc1.weight", 0)
    if not (width and patch_size and inner and depths and min(heads) and min(windows)):
        raise LabError("{name}: the weights don't say which Swin they are of.", name=name)
    for key, value, most in (("window_size", max(windows), limits.WINDOW), ("depths", max(depths), limits.LAYERS)):
        if value > most:
            raise beyond(name, key, value, 1, most)
    raw = config.get("pretrained_cfg")
    about: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    size = about.get("input_size")
    side = {"input_size": size[1] if isinstance(size, list) and len(size) == 3 else 224}
    image_size = whole(side, "input_size", 224, name, limits.IMAGE_SIDE)
    _check(name, width, depths, heads, image_size, patch_size)
    head = along(found, "head.weight", 0)
    names = config.get("label_names")
    kept = dict(enumerate(names)) if isinstance(names, list) and len(names) == head else None
    labels = _labels(kept, head, name) if head else {}
    mean = triple(about, "mean", SwinConfig.mean, name, -1000, CONFIG)
    std = triple(about, "std", SwinConfig.std, name, 1e-3, CONFIG)
    resample = BILINEAR if about.get("interpolation") == "bilinear" else BICUBIC
    processor = None
    if "crop_pct" in about:  # timm shows a model the middle: this share of the shorter side
        edge = int(image_size / real(about, "crop_pct", 1.0, name, 0.1, 1.0))
        middle = image_size, image_size
        scaling = Scaling(resample, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
        processor = Processor(EDGES, edge, limits.PICTURE_PIXELS, scaling, middle)
    return SwinConfig(
        image_size=image_size,
        patch_size=patch_size,
        width=width,
        depths=depths,
        heads=heads,
        window=windows[0],
        windows=windows if len(set(windows)) > 1 else (),
        mlp_ratio=inner / width,
        classes=len(labels),
        labels=labels,
        mean=mean,
        std=std,
        resample=resample,
        processor=processor,
    )


def _check(
    name: str, width: int, depths: tuple[int, ...], heads: tuple[int, ...], image_size: int, patch_size: int
) -> None:
    """Raise LabError for numbers that make no Swin."""
    if len(depths) > limits.STAGES:
        raise beyond(name, "depths", len(depths), 1, limits.STAGES)
    if sum(depths) > limits.LAYERS:
        raise beyond(name, "depths", sum(depths), 1, limits.LAYERS)
    wide = width * 2 ** (len(depths) - 1)
    if wide > limits.WIDTH:
        raise beyond(name, "embed_dim", width, 1, limits.WIDTH)
    divided = len(depths) == len(heads) and all(width * 2**i % h == 0 for i, h in enumerate(heads))
    if not divided or image_size < patch_size:
        raise LabError("{name}: config.json contradicts itself.", name=name)
    tokens = (image_size // patch_size) ** 2
    if tokens > limits.GRID_TOKENS:
        raise beyond(name, "(image_size / patch_size)²", tokens, 1, limits.GRID_TOKENS)


def _window(found: Shapes, stage: int = 0) -> int | None:
    """Side of the windows that a stage's first bias table is for; None if it is for none."""
    rows = along(found, f"stages.{stage}.blocks.0.relative_position_bias_table", 0)
    side = math.isqrt(rows) if rows else 0
    return (side + 1) // 2 if rows and side * side == rows and side % 2 else None


def _labels(kept: Any, classes: int, name: str) -> dict[int, str]:
    """Class names by number. A count that contradicts the head's tensor shows as a wrong shape later."""
    count = max(classes, len(kept) if isinstance(kept, dict) else 0)
    if count > limits.LABELS:
        raise beyond(name, "id2label", count, 0, limits.LABELS)
    if isinstance(kept, dict) and kept and all(str(key).isdecimal() and len(str(key)) < 9 for key in kept):
        by_number = {int(key): str(label)[: limits.TEXT] for key, label in kept.items()}
        if set(by_number) == set(range(len(by_number))):
            return dict(sorted(by_number.items()))
    return {number: f"LABEL_{number}" for number in range(classes)}


def _bundled(found: catalog.Located) -> Swin:
    """A model of this project: tensors under the module's own names, the configuration on its card."""
    kept = found.card.get("config")
    known = {entry.name for entry in fields(SwinConfig)} - {"labels", "processor"}
    if not isinstance(kept, dict) or not set(kept) <= known:
        raise LabError("{name}: the card doesn't describe a Swin.", name=found.name)
    labels = dict(enumerate(str(label) for label in found.card.get("labels", [])))
    settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}
    with unfilled():
        net = Swin(SwinConfig(**settings, labels=labels, classes=len(labels)))
    tensors: Mapping[str, Tensor] = Tensors([found.path])
    apply.apply(net, tensors, {key: key for key in net.state_dict()}, name=found.name)
    return net.eval().requires_grad_(False)

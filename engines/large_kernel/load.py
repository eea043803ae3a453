"""Finds a ConvNeXt's weights and reads them into `engines.large_kernel.convnext.ConvNeXt`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog, pixels
from engines.checkpoints.folder import open_folder
from engines.checkpoints.known import OF_ANY, OF_PROCESSOR, check_keys
from engines.checkpoints.layout import CONFIG, PREPROCESSOR
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import AS_IT_IS, EDGES, EXACT, HALF, Processor
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, triple, whole, wholes
from engines.core import limits
from engines.core.errors import LabError
from engines.large_kernel.convnext import BICUBIC, IMAGENET_MEAN, IMAGENET_STD, ConvNeXt, ConvNeXtConfig
from engines.large_kernel.keys import PREFIX, TABLES
from engines.large_kernel.weights import READ, SECOND

Shapes = Mapping[str, tuple[int, ...]]
BILINEAR = 2  # as Pillow numbers its filters
CUTS = 384  # pixels: a processor of transformers cuts the middle out of pictures for nets that see less
_KNOWN = OF_ANY | {
    "hidden_sizes", "depths", "patch_size", "num_channels", "image_size", "hidden_act", "layer_norm_eps",
    "layer_scale_init_value", "num_stages", "drop_path_rate", "out_features", "out_indices", "stage_names",
    "num_hidden_layers",
}  # fmt: skip


def load_checkpoint(source: str) -> ConvNeXt:
    """Load a ConvNeXt in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A folder as transformers or timm writes it, or the id of a hub model that has been downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, a pickle, with missing, unknown or misshapen tensors.
    """
    return load_folder(catalog.locate(source).path)


def load_folder(path: Path | str) -> ConvNeXt:
    """Load a folder as transformers or timm writes it."""
    checkpoint = open_folder(path, timm=[family for family in (*READ, *SECOND) if family.startswith("timm/")])
    family, name = checkpoint.family, checkpoint.name
    if family in SECOND:
        raise LabError(
            "{name}: a ConvNeXt V2, whose blocks also compare their channels. Here the first ConvNeXt is read.",
            name=name,
        )
    if family not in READ:
        raise LabError(
            "{name}: a model of the family {family}. Here ConvNeXt is read.", name=name, family=shown(family)
        )
    tensors = checkpoint.tensors()
    table = TABLES[apply.choose(tensors, TABLES, PREFIX)]
    found = apply.stored({key.removeprefix(PREFIX): shape for key, shape in tensors.shapes.items()}, table)
    if family.startswith("timm/"):
        config = read_timm(checkpoint.config, found, name)
    else:
        config = read_config(checkpoint.config, found, name, checkpoint.preprocessor)
    with unfilled():
        net = ConvNeXt(config)
    apply.apply(net, tensors, table, prefix=PREFIX, name=name)
    return net.eval().requires_grad_(False)


def read_config(
    config: Mapping[str, Any], found: Shapes, name: str, preprocessor: Mapping[str, Any] | None = None
) -> ConvNeXtConfig:
    """Translate a ``config.json`` of transformers; whether there is a head is told by the tensors.

    Raises
    ------
    LabError
        For a variant that this project's module does not cover, or numbers that contradict each other.
    """
    check_keys(config, _KNOWN, name)
    if config.get("hidden_act", "gelu") != "gelu":
        raise LabError("{name}: the activation {kind} is not supported.", name=name, kind=shown(config["hidden_act"]))
    if whole(config, "num_channels", 3, name, 100) != 3:
        raise LabError("{name}: does not take RGB pictures.", name=name)
    widths = wholes(config, "hidden_sizes", (96, 192, 384, 768), name, limits.WIDTH)
    depths = wholes(config, "depths", (3, 3, 9, 3), name, limits.LAYERS)
    patch_size = whole(config, "patch_size", 4, name, limits.IMAGE_SIDE)
    image_size = whole(config, "image_size", 224, name, limits.IMAGE_SIDE)
    _check(name, widths, depths, image_size, patch_size)
    agree(name, "hidden_sizes", widths[0], along(found, "stem.weight", 0))
    agree(name, "depths", len(depths), counted(found, "stages."))
    agree(name, "patch_size", patch_size, along(found, "stem.weight", 3))
    processor = None
    scaling = Scaling(BICUBIC, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    if preprocessor:
        processor = replace(read_processor(preprocessor, name), least=patch_size * 2 ** (len(depths) - 1))
        scaling = processor.scaling
    unit = scaling.factor * 255  # pixels come in 0..1
    labels = _labels(config.get("id2label"), along(found, "head.weight", 0), name)
    return ConvNeXtConfig(
        image_size=image_size,
        patch_size=patch_size,
        widths=widths,
        depths=depths,
        kernel=_kernel(found, name),
        classes=len(labels),
        eps=real(config, "layer_norm_eps", 1e-12, name, 0, 1),
        scaled="stages.0.blocks.0.scale" in found,
        labels=labels,
        mean=tuple(value / unit for value in scaling.mean),
        std=tuple(value / unit for value in scaling.std),
        resample=scaling.resample,
        processor=processor,
    )


def read_processor(config: Mapping[str, Any], name: str) -> Processor:
    """What a ``preprocessor_config.json`` of a ConvNeXt says; the middle is cut out for small pictures only."""
    check_keys(config, OF_PROCESSOR | set(pixels.READ), name, PREPROCESSOR)
    scaling = pixels.from_hub(config, name, BICUBIC, HALF, HALF)  # where it does not say them
    if config.get("do_resize") is False:
        return Processor(AS_IT_IS, 0, 0, scaling, None)
    size = config.get("size", {"shortest_edge": CUTS})
    given = {"size": size.get("shortest_edge") if isinstance(size, Mapping) else size}
    side = whole(given, "size", CUTS, name, limits.IMAGE_SIDE, file=PREPROCESSOR)
    if side >= CUTS:
        return Processor(EXACT, side, side, scaling, None)
    kept = dict(config) if config.get("crop_pct") is not None else {}
    edge = int(side / real(kept, "crop_pct", 224 / 256, name, 0.1, 1.0, PREPROCESSOR))
    return Processor(EDGES, edge, limits.PICTURE_PIXELS, scaling, (side, side))


def read_timm(config: Mapping[str, Any], found: Shapes, name: str) -> ConvNeXtConfig:
    """What timm's tensors say: its ``config.json`` knows the name of a function and what pictures are to look like."""
    stages = counted(found, "stages.")
    depths = tuple(counted(found, f"stages.{i}.blocks.") for i in range(stages))
    widths = tuple(along(found, f"stages.{i}.blocks.0.conv.weight", 0) or 0 for i in range(stages))
    patch_size = along(found, "stem.weight", 3)
    if not (patch_size and depths and min(depths) and min(widths)):
        raise LabError("{name}: the weights don't say which ConvNeXt they are of.", name=name)
    raw = config.get("pretrained_cfg")
    about: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    size = about.get("input_size")
    side = {"input_size": size[1] if isinstance(size, list) and len(size) == 3 else 224}
    image_size = whole(side, "input_size", 224, name, limits.IMAGE_SIDE)
    _check(name, widths, depths, image_size, patch_size)
    head = along(found, "head.weight", 0)
    names = config.get("label_names")
    labels = _labels(dict(enumerate(names)) if isinstance(names, list) and len(names) == head else None, head, name)
    mean = triple(about, "mean", IMAGENET_MEAN, name, -1000, CONFIG)
    std = triple(about, "std", IMAGENET_STD, name, 1e-3, CONFIG)
    resample = BILINEAR if about.get("interpolation") == "bilinear" else BICUBIC
    processor = None
    if "crop_pct" in about:  # timm shows a model the middle: this share of the shorter side
        edge = int(image_size / real(about, "crop_pct", 1.0, name, 0.1, 1.0))
        scaling = Scaling(resample, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
        processor = Processor(EDGES, edge, limits.PICTURE_PIXELS, scaling, (image_size, image_size))
    return ConvNeXtConfig(
        image_size=image_size,
        patch_size=patch_size,
        widths=widths,
        depths=depths,
        kernel=_kernel(found, name),
        classes=len(labels),
        scaled="stages.0.blocks.0.scale" in found,
        labels=labels,
        mean=mean,
        std=std,
        resample=resample,
        processor=processor,
    )


def _kernel(found: Shapes, name: str) -> int:
    """Side of the kernels, as the first one has it; another one's shows as a wrong shape later."""
    side = along(found, "stages.0.blocks.0.conv.weight", 3) or 7
    if not side % 2:
        raise LabError("{name}: a kernel of {n} × {n} cells has no middle.", name=name, n=side)
    return side


def _check(name: str, widths: tuple[int, ...], depths: tuple[int, ...], image_size: int, patch_size: int) -> None:
    """Raise LabError for numbers that make no ConvNeXt."""
    if len(depths) > limits.STAGES:
        raise beyond(name, "depths", len(depths), 1, limits.STAGES)
    if sum(depths) > limits.LAYERS:
        raise beyond(name, "depths", sum(depths), 1, limits.LAYERS)
    if len(widths) != len(depths) or image_size < patch_size * 2 ** (len(depths) - 1):
        raise LabError("{name}: config.json contradicts itself.", name=name)


def _labels(kept: Any, head: int | None, name: str) -> dict[int, str]:
    """Class names by number; none without a head. A count that contradicts the head shows as a wrong shape later."""
    if not head:
        return {}
    if head > limits.LABELS:
        raise beyond(name, "id2label", head, 0, limits.LABELS)
    if isinstance(kept, dict) and kept and all(str(key).isdecimal() and len(str(key)) < 9 for key in kept):
        by_number = {int(key): str(label)[: limits.TEXT] for key, label in kept.items()}
        if set(by_number) == set(range(head)):
            return dict(sorted(by_number.items()))
    return {number: f"LABEL_{number}" for number in range(head)}

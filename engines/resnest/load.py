"""Finds a ResNeSt's weights and reads them into `engines.resnest.model.ResNeSt`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor

from engines.blocks.unfilled import unfilled
from engines.checkpoints import apply, catalog
from engines.checkpoints.folder import Tensors, open_folder
from engines.checkpoints.layout import CONFIG
from engines.checkpoints.pixels import Scaling
from engines.checkpoints.processor import EDGES, Processor
from engines.checkpoints.sizes import agree, along, beyond, counted, real, shown, triple, whole
from engines.core import limits
from engines.core.errors import LabError
from engines.resnest.model import BICUBIC, BILINEAR, EXPANSION, OF_WIDTH, ResNeSt, ResNeStConfig
from engines.resnest.weights import READ

Shapes = Mapping[str, tuple[int, ...]]
_SPLITS = re.compile(r"_\d+s\d+x\d+d")  # timm's names of those that pool before the split attention
_CONV, _BLOCK = "conv2.conv.weight", "layer1.0."
RADIX = 16  # of what is published 4 is the most


def load_checkpoint(source: str) -> ResNeSt:
    """Load a ResNeSt in eval mode, on the CPU.

    Parameters
    ----------
    source : str
        A bundled name (``mini-resnest``), a folder as timm writes it, or the id of a hub model that has been
        downloaded.

    Raises
    ------
    LabError
        In words: not there, damaged, of another family, with missing, unknown or misshapen tensors.
    """
    found = catalog.locate(source)
    return _bundled(found) if found.kind == "bundled" else load_folder(found.path)


def load_folder(path: Path | str) -> ResNeSt:
    """Load a folder as timm writes it."""
    checkpoint = open_folder(path, timm=READ)
    family, name = checkpoint.family, checkpoint.name
    if family not in READ:
        raise LabError("{name}: a model of the family {family}. Here ResNeSt is read.", name=name, family=shown(family))
    tensors = checkpoint.tensors()
    return _filled(read_timm(checkpoint.config, tensors.shapes, name), tensors, name)


def read_timm(config: Mapping[str, Any], found: Shapes, name: str) -> ResNeStConfig:
    """What timm's tensors say: its ``config.json`` knows the name of a function and what pictures are to look like.

    Raises
    ------
    LabError
        For tensors that are no ResNeSt's, or numbers beyond what is read.
    """
    inner, stem = along(found, f"{_BLOCK}conv1.weight", 0), along(found, "conv1.0.weight", 0)
    after, channels = along(found, f"{_BLOCK}conv3.weight", 0), along(found, f"{_BLOCK}conv3.weight", 1)
    split, taken = along(found, _BLOCK + _CONV, 0), along(found, _BLOCK + _CONV, 1)
    depths = tuple(counted(found, f"layer{stage + 1}.") for stage in range(counted(_stages(found), "layer.")))
    if along(found, f"{_BLOCK}conv2.weight", 0):
        raise LabError("{name}: its bottlenecks have plain convolutions, no split attention.", name=name)
    if not (inner and stem and after and channels and split and taken and depths and min(depths)):
        raise LabError("{name}: the weights don't say which ResNeSt they are of.", name=name)
    radix, planes = split // channels, after // EXPANSION
    groups = inner // (taken * radix) if radix else 0
    if not planes or not groups or channels % groups or inner != channels:
        raise LabError("{name}: the weights don't say which ResNeSt they are of.", name=name)
    for key, value, most in (
        ("radix", radix, RADIX), ("depths", max(depths), limits.LAYERS), ("stages", len(depths), limits.STAGES),
        ("width", after * 2 ** (len(depths) - 1), limits.WIDTH),
    ):  # fmt: skip
        if value > most:
            raise beyond(name, key, value, 1, most)
    raw = config.get("pretrained_cfg")
    about: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    size = about.get("input_size")
    side = {"input_size": size[1] if isinstance(size, list) and len(size) == 3 else 224}
    image_size = whole(side, "input_size", 224, name, limits.IMAGE_SIDE)
    head = along(found, "fc.weight", 0)
    classes = head or 0
    agree(name, "num_classes", whole(config, "num_classes", classes, name, limits.LABELS, 0), head)
    if classes > limits.LABELS:
        raise beyond(name, "num_classes", classes, 0, limits.LABELS)
    names = config.get("label_names")
    kept = names if isinstance(names, list) and len(names) == classes else None
    mean = triple(about, "mean", ResNeStConfig.mean, name, -1000, CONFIG)
    std = triple(about, "std", ResNeStConfig.std, name, 1e-3, CONFIG)
    resample = BICUBIC if about.get("interpolation") == "bicubic" else BILINEAR
    processor = None
    if "crop_pct" in about:  # timm shows a model the middle: this share of the shorter side
        edge = int(image_size / real(about, "crop_pct", 1.0, name, 0.1, 1.0))
        scaling = Scaling(resample, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2]))
        processor = Processor(EDGES, edge, limits.PICTURE_PIXELS, scaling, (image_size, image_size))
    architecture = str(config.get("architecture", ""))
    return ResNeStConfig(
        image_size=image_size,
        stem=stem,
        width=planes,
        depths=depths,
        radix=radix,
        groups=groups,
        base_width=channels // groups * OF_WIDTH // planes,
        pool_first=_SPLITS.search(architecture) is not None,
        classes=classes,
        family=f"timm/{architecture.split('_')[0]}",
        labels={n: str(kept[n])[: limits.TEXT] if kept else f"LABEL_{n}" for n in range(classes)},
        mean=mean,
        std=std,
        resample=resample,
        processor=processor,
    )


def _stages(found: Shapes) -> list[str]:
    """Names with the number of the stage after a point, for `counted`; from 0."""
    numbers = (re.match(r"layer(\d{1,9})\.", key) for key in found)
    return [f"layer.{int(match[1]) - 1}." for match in numbers if match and int(match[1])]


def _filled(config: ResNeStConfig, tensors: Mapping[str, Tensor], name: str) -> ResNeSt:
    """The net with these tensors; raises LabError if they are not its own."""
    try:
        with unfilled():
            net = ResNeSt(config)
    except ValueError as error:  # widths that no grouped convolution has
        raise LabError("{name}: the weights don't say which ResNeSt they are of.", name=name) from error
    apply.apply(net, tensors, {key: key for key in net.state_dict()}, name=name)
    return net.eval().requires_grad_(False)


def _bundled(found: catalog.Located) -> ResNeSt:
    """A model of this project: tensors under the module's own names, the configuration on its card."""
    kept = found.card.get("config")
    known = {entry.name for entry in fields(ResNeStConfig)} - {"labels", "processor"}
    if not isinstance(kept, dict) or not set(kept) <= known:
        raise LabError("{name}: the card doesn't describe a ResNeSt.", name=found.name)
    labels = dict(enumerate(str(label) for label in found.card.get("labels", [])))
    settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()}
    config = ResNeStConfig(**settings, labels=labels, classes=len(labels))
    return _filled(config, Tensors([found.path]), found.name)

"""A DETR trained here as a folder: ``config.json`` (sizes, classes, how it was trained) and ``model.safetensors``.

The layout is that of any model folder, so it is opened like one; the family is a name of its own, for transformers has
no such network. A model on the features of a frozen ViT names that ViT and the hash of its weights, and does not hold
them. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines.checkpoints import layout, trained
from engines.checkpoints.sizes import agree, along, beyond, shown, whole, wholes
from engines.core import limits
from engines.core.errors import LabError
from engines.core.training import Weights
from engines.detr.config import FEATURES, BackboneConfig, DetrConfig, check_stored
from engines.detr.training.spec import Made
from engines.detr.weights import TRAINED_FAMILY

KINDS = ("convnet", "resnet", FEATURES)
SIZES = ("dim", "encoder_layers", "decoder_layers", "encoder_heads", "decoder_heads", "encoder_ffn", "decoder_ffn")


def save_model(weights: Weights, place: Path, about: Mapping[str, object]) -> Path:
    """Write the state of a run as a folder that is not there yet: whole, or not at all.

    It says the name of the folder of pictures, and not where on this machine that lies: a model is given to others.

    Parameters
    ----------
    weights : Weights
        Made of `Made`.
    place : Path
        The folder to be.
    about : mapping
        What else the card says: ``settings`` and what was ``measured``.

    Raises
    ------
    WriteError
        Naming folder and reason.
    """
    made = weights.made_of
    if not isinstance(made, Made):
        raise TypeError(f"not the state of a DETR: {made!r}")
    card = {
        "model_type": TRAINED_FAMILY, "detr": asdict(made.config), "labels": list(made.classes), "drawn": made.drawn,
        "size": made.size, "step": weights.step, "trained_on": Path(made.folder).name, "data": made.mark, **about,
    }  # fmt: skip
    return trained.write(place, card, {**made.frozen, **weights.arrays})


def config_of(card: Mapping[str, Any], stored: Mapping[str, tuple[int, ...]], name: str) -> DetrConfig:
    """The sizes that a card says, held against the tensors that are there.

    Raises
    ------
    LabError
        If they are no such sizes, or others than the tensors have.
    """
    sizes, classes = trained.sizes_in(card, "detr", name)
    most = {"dim": limits.WIDTH, "encoder_ffn": limits.FFN, "decoder_ffn": limits.FFN}
    most |= {key: limits.HEADS if key.endswith("heads") else limits.LAYERS for key in SIZES if key not in most}
    least = {"encoder_layers": 0, "dim": 4}
    found = {key: whole(sizes, key, 0, name, most[key], least.get(key, 1)) for key in SIZES}
    for key in ("encoder_heads", "decoder_heads"):
        if found["dim"] % found[key] or found["dim"] % 4:
            raise beyond(name, key, found[key], 1, found["dim"])
    config = DetrConfig(
        classes, whole(sizes, "num_queries", 0, name, limits.QUERIES), **found,
        norm_first=bool(sizes.get("norm_first", True)), norm_between=bool(sizes.get("norm_between", False)),
        backbone=_backbone(sizes["backbone"], name),
    )  # fmt: skip
    check_stored(config, stored, name)
    agree(name, "labels", classes + 1, along(stored, "class_head.weight", 0))
    return config


def _backbone(said: Mapping[str, Any], name: str) -> BackboneConfig:
    kind = said.get("kind")
    if kind not in KINDS:
        raise LabError("{name}: {key} in {file} is {value}, which is not known here.",
                       name=name, key="backbone", file=layout.CONFIG, value=shown(kind))  # fmt: skip
    widths = wholes(said, "widths", (), name, limits.WIDTH)
    blocks = wholes(said, "blocks", (), name, limits.LAYERS, least=0)
    if len(widths) != len(blocks) or len(widths) > limits.STAGES:
        raise beyond(name, "blocks", list(blocks), len(widths), limits.STAGES)
    named = {key: str(said.get(key, ""))[: limits.TEXT] for key in ("source", "sha256")}
    return BackboneConfig(str(kind), widths, blocks, whole(said, "stem", 64, name, limits.WIDTH), **named)

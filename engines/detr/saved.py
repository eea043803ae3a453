"""A DETR trained here as a folder: ``config.json`` (sizes, classes, how it was trained) and ``model.safetensors``.

The layout is that of any model folder, so it is opened like one; the family is a name of its own, for transformers has
no such network. A model on the features of a frozen ViT names that ViT and the hash of its weights, and does not hold
them. Imports no torch.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from engines.checkpoints import layout
from engines.checkpoints.known import check_keys
from engines.checkpoints.sizes import agree, along, beyond, shown, whole, wholes
from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.training import Weights
from engines.detr.config import FEATURES, BackboneConfig, DetrConfig, check_stored
from engines.detr.training.spec import Made
from engines.detr.weights import TRAINED_FAMILY

VERSION = 1
KINDS = ("convnet", "resnet", FEATURES)
READ = ("model_type", "version", "detr", "labels", "drawn", "size", "step", "trained_on", "data", "settings",
        "measured")  # fmt: skip
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
        "model_type": TRAINED_FAMILY, "version": VERSION, "detr": asdict(made.config), "labels": list(made.classes),
        "drawn": made.drawn, "size": made.size, "step": weights.step, "trained_on": Path(made.folder).name,
        "data": made.mark, **about,
    }  # fmt: skip
    card["settings"] = _named(card.get("settings"))
    arrays = {**made.frozen, **weights.arrays}
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items() if not name.endswith("_tracked")}
    draft = place.with_name(f".{place.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        if os.path.lexists(place):
            raise FileExistsError(17, "", str(place))
        draft.mkdir()
        files.write(draft / layout.CONFIG, json.dumps(card, indent=1, ensure_ascii=False, default=str))
        files.write(draft / layout.WEIGHTS, save(tensors))
        os.rename(draft, place)
    except files.WriteError as error:
        raise files.WriteError(place, error.reason) from error
    except OSError as error:
        raise files.WriteError(place, files.reason(error)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place


def _named(settings: object) -> dict[str, object]:
    """Settings with the names of folders in the place of their paths."""
    given = settings if isinstance(settings, Mapping) else {}
    return {name: Path(value).name if isinstance(value, str) and os.path.isabs(value) else value
            for name, value in given.items()}  # fmt: skip


def config_of(card: Mapping[str, Any], stored: Mapping[str, tuple[int, ...]], name: str) -> DetrConfig:
    """The sizes that a card says, held against the tensors that are there.

    Raises
    ------
    LabError
        If they are no such sizes, or others than the tensors have.
    """
    check_keys(card, READ, name)
    if card.get("version") != VERSION:
        raise LabError("{name}: saved by another version of this program.", name=name)
    sizes, labels = card.get("detr"), card.get("labels")
    if not isinstance(sizes, Mapping) or not isinstance(sizes.get("backbone"), Mapping):
        raise LabError("{name}: {file} does not say its sizes.", name=name, file=layout.CONFIG)
    if not isinstance(labels, list) or not 1 <= len(labels) <= limits.LABELS:
        raise LabError("{name}: {file} does not name its classes.", name=name, file=layout.CONFIG)
    most = {"dim": limits.WIDTH, "encoder_ffn": limits.FFN, "decoder_ffn": limits.FFN}
    most |= {key: limits.HEADS if key.endswith("heads") else limits.LAYERS for key in SIZES if key not in most}
    least = {"encoder_layers": 0, "dim": 4}
    found = {key: whole(sizes, key, 0, name, most[key], least.get(key, 1)) for key in SIZES}
    for key in ("encoder_heads", "decoder_heads"):
        if found["dim"] % found[key] or found["dim"] % 4:
            raise beyond(name, key, found[key], 1, found["dim"])
    config = DetrConfig(
        len(labels), whole(sizes, "num_queries", 0, name, limits.QUERIES), **found,
        norm_first=bool(sizes.get("norm_first", True)), norm_between=bool(sizes.get("norm_between", False)),
        backbone=_backbone(sizes["backbone"], name),
    )  # fmt: skip
    check_stored(config, stored, name)
    agree(name, "labels", len(labels) + 1, along(stored, "class_head.weight", 0))
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


def side_of(card: Mapping[str, Any], name: str) -> int:
    """The side in pixels of what the model sees."""
    return whole(card, "size", 0, name, limits.DETR_SIDE)


def labels_of(card: Mapping[str, Any]) -> dict[int, str]:
    """Names of the classes."""
    return {number: str(label)[: limits.TEXT] for number, label in enumerate(card["labels"])}

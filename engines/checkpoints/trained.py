"""A model trained here as a folder: ``config.json`` (sizes, classes, how it was trained) and ``model.safetensors``.

The layout is that of any model folder, so it is opened like one; each topic has a family of its own, for transformers
has no such network. Imports no torch.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from engines.checkpoints import layout
from engines.checkpoints.known import check_keys
from engines.checkpoints.sizes import whole
from engines.core import files, limits
from engines.core.errors import LabError

VERSION = 1
READ = ("model_type", "version", "labels", "drawn", "size", "step", "trained_on", "data", "settings", "measured")


def write(place: Path, card: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write a model as a folder that is not there yet: whole, or not at all.

    It says the name of the folder of pictures, and not where on this machine that lies: a model is given to others.

    Parameters
    ----------
    place : Path
        The folder to be.
    card : mapping
        What ``config.json`` says besides its version.
    arrays : mapping of str to ndarray
        Parameters and buffers, of any shapes.

    Raises
    ------
    WriteError
        Naming folder and reason.
    """
    said = {**card, "version": VERSION, "settings": _named(card.get("settings"))}
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items() if not name.endswith("_tracked")}
    draft = place.with_name(f".{place.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        if os.path.lexists(place):
            raise FileExistsError(17, "", str(place))
        draft.mkdir()
        files.write(draft / layout.CONFIG, json.dumps(said, indent=1, ensure_ascii=False, default=str))
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


def sizes_in(card: Mapping[str, Any], key: str, name: str, read: Iterable[str] = READ) -> tuple[Mapping[str, Any], int]:
    """The sizes that a card says under ``key``, with those of a backbone, and how many classes it names.

    Raises
    ------
    LabError
        If it says them not, or something that is not known here.
    """
    check_keys(card, {*read, key}, name)
    if card.get("version") != VERSION:
        raise LabError("{name}: saved by another version of this program.", name=name)
    sizes, labels = card.get(key), card.get("labels")
    if not isinstance(sizes, Mapping) or not isinstance(sizes.get("backbone"), Mapping):
        raise LabError("{name}: {file} does not say its sizes.", name=name, file=layout.CONFIG)
    if not isinstance(labels, list) or not 1 <= len(labels) <= limits.LABELS:
        raise LabError("{name}: {file} does not name its classes.", name=name, file=layout.CONFIG)
    return sizes, len(labels)


def side_of(card: Mapping[str, Any], name: str) -> int:
    """The side in pixels of what the model sees."""
    return whole(card, "size", 0, name, limits.DETR_SIDE)


def labels_of(card: Mapping[str, Any]) -> dict[int, str]:
    """Names of the classes."""
    return {number: str(label)[: limits.TEXT] for number, label in enumerate(card["labels"])}

"""What the scripts share that train the bundled weights: states that outlive a kill, and weights with their card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from engines.checkpoints.catalog import WEIGHTS, sha256

CACHE = Path.home() / ".cache" / "attention-lab"  #: states and decoded pictures, outside the project


def save_state(state: Mapping[str, Any], file: Path) -> None:
    """Write the state of a training; one that is killed meanwhile finds the state before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part")
    torch.save(dict(state), temporary)
    temporary.replace(file)


def write_bundled(name: str, tensors: Mapping[str, Tensor], card: Mapping[str, Any], folder: Path = WEIGHTS) -> Path:
    """Write ``<name>.safetensors`` and, beside it, ``<name>.json``: the card, with the hash of the weights.

    Parameters
    ----------
    name : str
    tensors : mapping of str to Tensor
    card : mapping
        What the weights are, how they were trained and measured.
    folder : Path

    Returns
    -------
    Path
        The weights.
    """
    path = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    path.chmod(0o644)  # safetensors writes files that only their owner can read
    text = json.dumps({**card, "sha256": sha256(path)}, indent=2, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return path

"""A probe as a file: one safetensors file with its classes and its backbone in the header. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from engines.checkpoints import layout
from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.reading import open_ordinary
from engines.transfer.events import Probe

KIND = "attention-lab probe"
SUFFIX = ".safetensors"


def named(path: Path | str) -> Path:
    """The file that a probe is written to: the suffix is added where it is missing."""
    path = Path(path)
    return path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)


def save_probe(probe: Probe, path: Path | str) -> Path:
    """Write a probe; the suffix is added where it is missing.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    path = named(path)
    header = {
        "kind": KIND,
        "names": json.dumps(probe.names, ensure_ascii=False),
        "model": probe.model,
        "model_hash": probe.model_hash,
        "side": str(probe.side),
        "pictures": probe.pictures,
        "labels": str(probe.labels),
        "step": str(probe.step),
    }
    tensors = {"weight": np.ascontiguousarray(probe.weight), "bias": np.ascontiguousarray(probe.bias)}
    files.write(path, save(tensors, header), folder=False)
    return path


def load_probe(path: Path | str) -> Probe:
    """Read a probe.

    Raises
    ------
    LabError
        If it is no probe of this program, or damaged.
    """
    path = Path(path)
    open_ordinary(path, limits.PROBE_FILE).close()
    try:
        layout.read_header(path)
    except LabError as error:
        raise LabError("{name}: not a probe saved here.", name=path.name) from error
    try:
        with safe_open(path, "np") as file:
            header = file.metadata() or {}
            if header.get("kind") != KIND:
                raise LabError("{name}: not a probe saved here.", name=path.name)
            weight, bias = file.get_tensor("weight"), file.get_tensor("bias")
            names = tuple(str(each) for each in json.loads(header["names"]))
            side, labels, step = (int(header[name]) for name in ("side", "labels", "step"))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise LabError("{name}: not a probe saved here.", name=path.name) from error
    fits = weight.ndim == 2 and bias.shape == weight.shape[:1] and len(names) == len(weight) >= 2 and 0 < side <= 1024
    if not fits or not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise LabError("{name}: the probe is damaged.", name=path.name)
    return Probe(
        weight.astype(np.float32), bias.astype(np.float32), names, header.get("model", ""),
        header.get("model_hash", ""), side, header.get("pictures", ""), labels, step,
    )  # fmt: skip

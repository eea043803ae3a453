"""Folders in Hugging Face layout, looked at without torch: which files there are and whether they are whole.

A folder holds ``config.json`` and ``model.safetensors`` (or shards named in ``model.safetensors.index.json``).
Only safetensors is read: the older ``pytorch_model.bin`` is a pickle, and reading a pickle runs what is in it.

The file format (https://huggingface.co/docs/safetensors): eight bytes with the length of the header, little
endian; a JSON header ``{name: {"dtype", "shape", "data_offsets": [begin, end]}}``; the data.
"""

from __future__ import annotations

import json
import math
import os
import re
import struct
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import check_pointer, is_ordinary, open_ordinary, read_bytes, unreadable

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
TOKENIZER = "tokenizer.json"  # of a language model: how it cuts a text
TOKENIZED = ("bert", "distilbert", "gpt2")  #: families that read text: of no use without that file
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
INDEXES = "*.safetensors.index*.json"  # of variants too: model.safetensors.index.fp16.json
ADAPTER = "adapter_config.json"
OTHERS = ("tf_model.h5", "flax_model.msgpack", "*.gguf", "*.onnx", "onnx/*.onnx", "*.tflite")
PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.bin")

_MOST_DIMENSIONS = 8  # an image in a batch of a list of layers has 5
_DTYPE_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64"), 8),
}
_UNREAD = (
    "F4",
    "F6",
    "F8_E8M0",
    "C64",
)  # kinds of numbers that mean nothing without scales of their own, or are no weights


def is_model_folder(path: Path | str) -> bool:
    """Whether a folder looks like a model: it has a config and weights, of whatever kind."""
    path = Path(path)
    if not is_ordinary(path / CONFIG):
        return False
    return any(True for pattern in ("*.safetensors", INDEX, *PICKLES) for _ in path.glob(pattern))


def check_tokenizer(path: Path, name: str = "") -> None:
    """Raise LabError for the folder of a language model that has no tokenizer; any other passes."""
    if read_json(path / CONFIG).get("model_type") in TOKENIZED and not (path / TOKENIZER).is_file():
        raise LabError(
            "{name}: has no {file}, which says how the model cuts a text into tokens.",
            name=name or folder_name(path), file=TOKENIZER,
        )  # fmt: skip


def timm_family(config: Mapping[str, Any]) -> str:
    """``timm/swin`` for a configuration of timm that says ``swin_tiny_patch4_window7_224``; empty for any other."""
    architecture = config.get("architecture")
    if "model_type" in config or not isinstance(architecture, str):
        return ""
    return f"timm/{architecture.split('_')[0]}"


def check_kind(path: Path, config: dict[str, Any] | None = None, timm: Collection[str] = ()) -> None:
    """Raise LabError for a folder of a kind of its own: an adapter, runs of a Trainer, a model of timm, other weights.

    Parameters
    ----------
    path : Path
    config : dict, optional
        Its ``config.json``, where it has one.
    timm : collection of str
        Families of timm that are read, as `timm_family` names them.
    """
    name = folder_name(path)
    if is_ordinary(path / ADAPTER):
        raise LabError(
            "{name}: a PEFT adapter, which modifies another model's weights. Merge it into that model "
            "(merge_and_unload) and save the result.",
            name=name,
        )
    if config is not None:
        family = timm_family(config)
        if family and family not in timm:
            raise LabError(
                "{name}: a timm model ({kind}). Only the layout of transformers can be read.", name=name,
                kind=config["architecture"],
            )  # fmt: skip
        return
    others = [file for pattern in OTHERS for file in sorted(path.glob(pattern))] if is_ordinary(path / CONFIG) else []
    if others:
        raise LabError(
            "{name}: its weights are in {file}, a format that is not read. safetensors is needed.",
            name=name, file=others[0].relative_to(path).as_posix(),
        )  # fmt: skip
    runs = [folder for folder in path.glob("checkpoint-*") if is_ordinary(folder / CONFIG)]
    if runs:
        newest = max(runs, key=lambda folder: [int(part) for part in re.findall(r"\d+", folder.name)] or [0])
        raise LabError(
            "{name}: the output of a Trainer. Drop one of its checkpoints: {file}.", name=name, file=newest.name
        )


def folder_name(path: Path) -> str:
    """Name to show: the folder's, or ``owner/model`` for a snapshot in the hub's cache."""
    path = path.absolute()
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return path.parent.parent.name.removeprefix("models--").replace("--", "/")
    return path.name


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that must hold an object.

    Raises
    ------
    LabError
        Naming file and reason: missing, unreadable, too large, not JSON, not an object, a pointer of Git LFS.
    """
    name = f"{folder_name(path.parent)}/{path.name}"
    if not os.path.lexists(path):
        raise LabError("{name}: the file is missing.", name=name)
    data = read_bytes(path, limits.CONFIG_FILE, name)
    check_pointer(data, name)
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabError("{name}: not valid JSON.", name=name) from error
    if not isinstance(found, dict):
        raise LabError("{name}: its JSON is a list or a single value; an object is needed.", name=name)
    return found


def weight_files(path: Path) -> list[Path]:
    """The safetensors files of a folder, existing but not yet looked into.

    Raises
    ------
    LabError
        If there is none (with the reason, if there is a pickle instead) or a shard is missing.
    """
    name = folder_name(path)
    if is_ordinary(path / WEIGHTS):
        return [path / WEIGHTS]
    indexes = [file.name for file in sorted(path.glob(INDEXES)) if is_ordinary(file)]
    if INDEX in indexes or len(indexes) == 1:
        return _shards(path, INDEX if INDEX in indexes else indexes[0])
    others = sorted(file for file in path.glob("*.safetensors") if is_ordinary(file))  # no links that lead nowhere
    if len(others) == 1:
        return others
    if others:
        raise LabError(
            "{name}: has {count} safetensors files and no index that lists them.", name=name, count=len(others)
        )
    pickles = sorted({found.name for pattern in PICKLES for found in path.glob(pattern)})
    if pickles:
        raise LabError(
            "{name}: only {file} is there. It is a pickle, which can run any code when read; safetensors is needed.",
            name=name,
            file=pickles[0],
        )
    raise LabError("{name}: no weights (*.safetensors) in this folder.", name=name)


def _shards(path: Path, index: str) -> list[Path]:
    name = f"{folder_name(path)}/{index}"
    weight_map = read_json(path / index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise LabError("{name}: lists no weight files.", name=name)
    shards: list[Path] = []
    for shard in sorted({str(file) for file in weight_map.values()}):
        # a shard is a neighbor of its index; anything else would read files the user did not offer
        if Path(shard).name != shard or "\\" in shard or not shard.endswith(".safetensors"):
            raise LabError("{name}: lists {file}, which is not a safetensors file beside it.", name=name, file=shard)
        if not is_ordinary(path / shard):
            raise LabError("{name}: lists {file}, which is missing.", name=name, file=shard)
        shards.append(path / shard)
        if len(shards) > limits.SHARDS:
            raise LabError("{name}: lists more than {most} weight files.", name=name, most=limits.SHARDS)
    return shards


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors in a safetensors file, after checking that the file is whole.

    Raises
    ------
    LabError
        If the file is no safetensors, is damaged or ends too early.
    """
    name = f"{folder_name(path.parent)}/{path.name}"
    try:
        with open_ordinary(path, name=name) as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(9)
            if len(start) < 9:
                raise LabError("{name}: the file is truncated.", name=name)
            check_pointer(start, name)
            (length,) = struct.unpack("<Q", start[:8])
            if start[8:] != b"{":
                raise LabError("{name}: not a safetensors file.", name=name)
            if 8 + length > size:
                raise LabError("{name}: the file is truncated.", name=name)
            if length > limits.HEADER:
                raise LabError(
                    "{name}: its header has {size} MB, the limit is {most} MB.",
                    name=name,
                    size=-(-length // limits.MB),
                    most=limits.HEADER // limits.MB,
                )
            raw = b"{" + file.read(length - 1)
    except OSError as error:
        raise unreadable(name, error) from error
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise LabError("{name}: not a safetensors file.", name=name) from error
    if not isinstance(header, dict):
        raise LabError("{name}: not a safetensors file.", name=name)
    header.pop("__metadata__", None)
    if len(header) > limits.TENSORS:
        raise LabError("{name}: {n} tensors. At most {most} are read.", name=name, n=len(header), most=limits.TENSORS)
    shapes, spans = {}, []
    for key, entry in header.items():
        kind = entry.get("dtype") if isinstance(entry, dict) else None
        if isinstance(kind, str) and kind.startswith(_UNREAD):
            raise LabError("{name}: {key} is stored as {kind}, which is not supported.", name=name, key=key, kind=kind)
        shape, span = _entry(entry)
        if shape is None:
            raise LabError("{name}: the entry of {key} is damaged.", name=name, key=key)
        shapes[key] = shape
        spans.append(span)
    end = 0
    for begin, stop in sorted(spans):
        if begin != end:
            raise LabError("{name}: the header is damaged.", name=name)
        end = stop
    if 8 + length + end > size:
        raise LabError("{name}: the file is truncated.", name=name)
    if 8 + length + end < size:
        raise LabError("{name}: the header is damaged.", name=name)
    return shapes


def _entry(entry: object) -> tuple[tuple[int, ...] | None, tuple[int, int]]:
    """Shape and byte span of one header entry; shape None if they don't fit each other."""
    broken = None, (0, 0)
    if not isinstance(entry, dict):
        return broken
    shape, span = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(span, list) or len(span) != 2:
        return broken
    if len(shape) > _MOST_DIMENSIONS or any(type(number) is not int or number < 0 for number in (*shape, *span)):
        return broken
    width = _DTYPE_BYTES.get(str(entry.get("dtype")))
    if width is None or span[1] - span[0] != width * math.prod(shape):
        return broken
    return tuple(shape), (span[0], span[1])

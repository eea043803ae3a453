"""Which folders of a download are its classes, and which are splits, wrappings or helpers around them.

Folders that share the names of their inner folders are splits, and so are those that are named for one (``seg_train``,
``Test``, ``dev``). A folder around everything is looked into. What stands beside splits and holds no classes is left
out: pictures without labels, helpers, a second copy. Sources: chest_xray, Intel scenes, fruits-360 and dogs-vs-cats of
Kaggle, tiny-imagenet, EuroSAT, Office-31, torchvision's ImageFolder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engines.core.pictures import SUFFIXES
from engines.data.split_words import folded, is_always_aside, is_aside, is_bare_split, key_of, split_of
from engines.data.walking import Walk

SHARED = 0.5  #: of the names of two folders' inner folders, for them to be splits of one set


@dataclass
class Node:
    """A folder: pictures right in it, how many other files, folders below."""

    path: Path
    files: list[str] = field(default_factory=list)
    others: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.path.name or self.path.resolve().name

    def below(self) -> Iterator[Node]:
        """The folder and all in it."""
        yield self
        for child in self.children:
            yield from child.below()

    def count(self) -> int:
        """Pictures in it and in all below."""
        return sum(len(node.files) for node in self.below())

    def full(self) -> list[Node]:
        """Folders right in it that pictures lie in or below."""
        return [child for child in self.children if child.count()]


def tree_of(root: Path, walk: Walk) -> Node:
    """The folders that a walk found."""
    nodes = {root: Node(root)}
    for folder, names in walk.found:
        if folder != root and folder.parent not in nodes:
            continue  # in one that is left out
        if folder != root and is_always_aside(folder.name):
            continue
        node = nodes.setdefault(folder, Node(folder))
        seen = [name for name in names if not name.startswith(".")]
        node.files = [os.path.join(folder, name) for name in seen if name.lower().endswith(SUFFIXES)]
        node.others = len(seen) - len(node.files)
        if folder != root:
            nodes[folder.parent].children.append(node)
    return nodes[root]


@dataclass
class Classes:
    """What a tree holds.

    Attributes
    ----------
    of : dict of str to list of Node
        Folders of each class, by its name.
    splits, aside : list of str
        Folders that are splits, put together; and those left out beside them.
    empty : list of str
        Folders without pictures where a class would be.
    loose : int
        Pictures beside the folders of classes, which have none.
    """

    of: dict[str, list[Node]] = field(default_factory=dict)
    splits: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    loose: int = 0

    def add(self, place: Node) -> None:
        """Take the folders in one as classes; the same name in other capitals is the same class."""
        known = {folded(name): name for name in self.of}
        for child in place.children:
            if child.count():
                self.of.setdefault(known.setdefault(folded(child.name), child.name), []).append(child)
            else:
                self.empty.append(child.name)
        self.loose += len(place.files)


def classes_of(root: Node) -> Classes:
    """Which classes lie below a folder; none where it holds pictures without classes, or splits without any."""
    found = Classes()
    place = _unwrapped(root)
    splits = _splits(place)
    if splits:
        names = _names_in_splits(splits)
        for split in splits:
            found.add(_inner(split, names))
        found.splits = [split.name for split in splits]
        found.aside = [child.name for child in place.children if child not in splits]
        found.loose += len(place.files)
    elif place.children and not (place.full() and all(is_bare_split(child.name) for child in place.full())):
        found.add(place)
    return found


def _unwrapped(node: Node) -> Node:
    """Through folders that only lie around one other."""
    while not node.files and len(full := node.full()) == 1 and full[0].full():
        node = full[0]
    return node


def _inner(split: Node, names: set[str]) -> Node:
    """The folder of a split that its classes lie in; one that holds a single class is that folder itself."""
    while not split.files and len(full := split.full()) == 1 and folded(full[0].name) not in names:
        split = full[0]
    return split


def _class_names(node: Node) -> set[str]:
    """Names of the folders in one as classes, after what lies around them."""
    return {folded(child.name) for child in _inner(node, set()).full()}


def _names_in_splits(splits: list[Node]) -> set[str]:
    return set().union(*map(_class_names, splits))


def _splits(place: Node) -> list[Node]:
    """Folders right in one that are splits of the same classes; none where they are classes themselves."""
    full = [child for child in place.full() if not is_aside(child.name)]
    inner = {id(child): _class_names(child) for child in full}
    several = [child for child in full if len(inner[id(child)]) > 1]
    named = [child for child in several if split_of(child.name)]
    if named:
        classes = set().union(*(inner[id(child)] for child in named))
        return [
            child
            for child in full
            if child in named
            or (split_of(child.name) and {folded(one.name) for one in child.full()} & classes)
            or _alike(inner[id(child)], classes)
        ]
    return next((group for group in (_sharing(child, several, inner) for child in several) if len(group) > 1), [])


def _sharing(one: Node, among: list[Node], inner: dict[int, set[str]]) -> list[Node]:
    """Those whose inner folders bear the names of this one's."""
    return [other for other in among if _alike(inner[id(one)], inner[id(other)])]


def _alike(one: set[str], other: set[str]) -> bool:
    """Whether two sets of names are those of the same classes: not of splits, nor of parts that are only numbered."""
    shared = {name for name in one & other if key_of(name) and not is_bare_split(name) and not name.isdecimal()}
    return len(shared) > 1 and len(shared) >= SHARED * min(len(one), len(other))

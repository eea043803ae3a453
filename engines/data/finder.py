"""Finds the picture that an annotation names among those of a data set; one rule for all readers.

Names are compared by whole parts, from the end. Where several pictures have the name, the folders decide: those that
the name itself gives, then those that the annotation lies in (``Annotations/cam1/7.xml`` means
``JPEGImages/cam1/7.jpg``, ``instances_val.json`` means ``val2017/7.jpg``). A tie is no find: nobody guesses which
picture was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from pathlib import Path
from urllib.parse import unquote

from engines.core.pictures import SUFFIXES
from engines.data.split_words import folded, is_bare_split, key_of, split_of

SAME, ALIKE = 2, 1  #: how much two folders' names agree: fully, or as the same split
#: how much they disagree: another split, whose pictures may lie there all the same; a folder of the name that was
#: meant is there, and the picture is in another
DOUBTFUL, ELSEWHERE = -1, -2


@dataclass(frozen=True)
class Found:
    """What was found for a name.

    Attributes
    ----------
    path : Path or None
    tied : int
        How many pictures it could have been, where that is why there is none.
    sure : (int, int)
        How well the folders agree that the name gives, and those that the annotation lies in: 0 where they say nothing,
        below 0 where they speak against it.
    said : tuple of str
        What is special about the folders that the name gives.
    """

    path: Path | None = None
    tied: int = 0
    sure: tuple[int, ...] = (0, 0)
    said: tuple[str, ...] = ()


@dataclass
class Finder:
    """Pictures below a folder, by their names.

    Parameters
    ----------
    root : Path
        What all names are below; nothing outside of it is ever found.
    """

    root: Path
    _named: dict[str, list[Path]] = field(default_factory=dict)
    _stems: dict[str, list[Path]] = field(default_factory=dict)
    _keys: set[str] = field(default_factory=set)  # of all folders with pictures

    def add(self, path: Path) -> None:
        """One more picture."""
        name = folded(path.name)
        self._named.setdefault(name, []).append(path)
        self._stems.setdefault(stem_of(name), []).append(path)
        self._keys.update(self._below(path.parent))

    def has_stem(self, stem: str) -> bool:
        """Whether there is a picture of this name, whatever its ending."""
        return folded(stem) in self._stems

    def __len__(self) -> int:
        return sum(map(len, self._named.values()))

    def __iter__(self) -> Iterator[Path]:
        for among in self._named.values():
            yield from among

    def find(self, name: str, near: Path, is_table: bool = True) -> Found:
        """The picture of this name.

        Parameters
        ----------
        name : str
            As an annotation gives it: with folders or without, a path of another machine, a web address.
        near : Path
            The annotation's file.
        is_table : bool
            Whether that file's own name says which folder it is for, as a table's does and a sheet's does not.
        """
        for parts in readings(name):
            for index, last in ((self._named, folded(parts[-1])), (self._stems, stem_of(folded(parts[-1])))):
                if among := index.get(last):
                    return self._best(among, parts, near, is_table)
        return Found()

    def _best(self, among: list[Path], parts: list[str], near: Path, is_table: bool) -> Found:
        context = self._context(near, is_table)
        wanted = tuple(key for part in parts[:-1] if (key := key_of(part)))
        whole = tuple(map(folded, parts))

        def closeness(path: Path) -> tuple[int, ...]:
            mine = self._below(path.parent)
            tail = zip(reversed(tuple(map(folded, path.parts))), reversed(whole), strict=False)
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], tail))
            here = path.parent == near.parent
            return _agreeing(wanted, mine), self._agreement(path, context), int(mine == context), same, int(here)

        close = {path: closeness(path) for path in among}
        most = max(close.values())
        best = [path for path in among if close[path] == most]
        if len(best) > 1:
            return Found(tied=len(best))
        return Found(best[0], sure=most[:2], said=wanted)

    def _context(self, near: Path, is_table: bool) -> tuple[str, ...]:
        """What is special about where an annotation lies, and about a table's name."""
        own = (key_of(near.stem),) if is_table else ()
        return (*self._below(near.parent), *(key for key in own if key))

    def _agreement(self, path: Path, context: tuple[str, ...]) -> int:
        """How far a picture's folders are those of an annotation; below 0 where they are others."""
        mine = self._below(path.parent)
        split, other = _split_in(context), _split_in(mine)
        if split and other and split != other:
            return ELSEWHERE if any(split_of(key) == split for key in self._keys) else DOUBTFUL
        if any(key in self._keys and key not in mine and not is_bare_split(key) for key in context):
            return ELSEWHERE
        return sum(max((_alike(key, one) for one in mine), default=0) for key in context)

    def _below(self, folder: Path) -> tuple[str, ...]:
        return _keys_below(folder, self.root)


def readings(name: str) -> Iterator[list[str]]:
    """The parts of a name, as it stands and as what it may stand for: percent signs, a query, a path in a query."""
    seen: list[list[str]] = []
    bare, _, query = name.partition("?")
    texts = [name, bare, *(pair.partition("=")[2] for pair in query.split("&"))]
    for text in (*texts, *map(unquote, texts), re.sub(r"#.*", "", bare)):
        slashed = text.replace("\\", "/")
        parts = [part for part in (one.strip() for one in slashed.split("/")) if part not in ("", ".", "..")]
        if parts and parts not in seen:
            seen.append(parts)
            yield parts


def stem_of(name: str) -> str:
    """A name without the ending of a picture, if it has one: ``a.b.JPG`` -> a.b, ``a.b`` as it is."""
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.lower().endswith(suffix)), name)


@cache
def _keys_below(folder: Path, root: Path) -> tuple[str, ...]:
    """What is special about the folders between the root and this one, the outermost first."""
    try:
        below = folder.relative_to(root).parts
    except ValueError:
        below = ()
    return tuple(key for part in below if (key := key_of(part)))


def _split_in(keys: Iterable[str]) -> str:
    """The innermost split that some folders are named for."""
    return next((split for key in reversed(tuple(keys)) if (split := split_of(key))), "")


def _alike(one: str, other: str) -> int:
    if one == other:
        return SAME
    both = is_bare_split(one) and is_bare_split(other)
    return ALIKE if both and split_of(one) == split_of(other) else 0


def _agreeing(wanted: tuple[str, ...], mine: tuple[str, ...]) -> int:
    """How many folders agree in a row, from the innermost outwards."""
    pairs = zip(reversed(wanted), reversed(mine), strict=False)
    return sum(takewhile(bool, (_alike(one, other) for one, other in pairs)))

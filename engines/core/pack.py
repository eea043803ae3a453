"""Builtins, arrays and dataclasses in one NPZ file, and back, without pickle: nothing in it can run.

The file holds arrays alone. Two of them are JSON: what it is, which can be read without the rest, and a tree in which
``{"#": n}`` stands for an array, ``{"@": [name, …]}`` for a dataclass and ``{"%": […]}`` for a dictionary.
"""

from __future__ import annotations

import json
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

SMALL = 64 * 1024  #: bytes below which arrays of a kind share an entry: many small entries are slow
MOST_BYTES = 8 * 2**30  #: of a file that is read
DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, AttributeError, OverflowError, RuntimeError,
          zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError)  # fmt: skip
"""What reading a file can raise that is no such file, or broken. (numpy takes the head of an array apart as Python; an
entry said to be encrypted is a RuntimeError of zipfile.)"""


class Arrays:
    """The arrays of a tree, each one once.

    Attributes
    ----------
    all : list of ndarray
    """

    def __init__(self, arrays: Iterable[Array] = ()) -> None:
        self.all = list(arrays)
        self._places = {id(array): i for i, array in enumerate(self.all)}

    def place(self, array: Array) -> int:
        """The number of an array of any shape, which is kept as it is: nobody may write into it any more."""
        at = self._places.setdefault(id(array), len(self.all))
        if at == len(self.all):
            self.all.append(array)
        return at


def packed(value: Any, arrays: Arrays) -> Any:
    """A value as JSON knows it; its arrays go into ``arrays``.

    Raises
    ------
    TypeError
        If there is something in it that can't be kept.
    """
    match value:
        case np.generic():
            return value.item()
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            return {"#": arrays.place(value)}
        case tuple() | list():
            return [packed(each, arrays) for each in value]
        case dict():
            return {"%": [[packed(name, arrays), packed(each, arrays)] for name, each in value.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        return {"@": [type(value).__name__, *(packed(getattr(value, f.name), arrays) for f in fields(value))]}
    raise TypeError(f"a {type(value).__name__} can't be kept")


def unpacked(tree: Any, arrays: list[Array], classes: Mapping[str, type]) -> Any:
    """The value of a tree; sequences come back as tuples.

    Fields that a dataclass has got since, at its end and with a default, have it: a run of an older version goes on.

    Parameters
    ----------
    tree
        As `packed` made it.
    arrays : list of ndarray, of any shape
    classes : mapping of str to type
        The dataclasses that may occur, by name.

    Raises
    ------
    One of `DAMAGE`
        If it is no such tree.
    """
    if isinstance(tree, list):
        return tuple(unpacked(each, arrays, classes) for each in tree)
    if not isinstance(tree, dict):
        return tree
    ((kind, inside),) = tree.items()
    if kind == "#":
        return arrays[inside]
    if kind == "%":
        return {unpacked(name, arrays, classes): unpacked(each, arrays, classes) for name, each in inside}
    name, *values = inside
    found = classes[name]
    names = [f.name for f in fields(found)]
    if len(values) > len(names):
        raise ValueError(f"{name} has {len(values)} fields, {len(names)} are known")
    return found(**dict(zip(names, (unpacked(each, arrays, classes) for each in values), strict=False)))


def fill(out: BinaryIO, about: Any, tree: str, arrays: list[Array]) -> None:
    """Write a file.

    Parameters
    ----------
    out : binary file
    about
        What it is, as JSON knows it.
    tree : str
        JSON.
    arrays : list of ndarray, of any shape
    """
    entries: dict[str, Array] = {"about": _text(json.dumps(about)), "tree": _text(tree)}
    places: list[list[Any]] = []
    heaps: dict[str, list[Array]] = {}
    for number, array in enumerate(arrays):
        kind = array.dtype.str
        if array.nbytes >= SMALL:
            entries[f"array {number}"] = array
            places.append([f"array {number}"])
        else:
            heaps.setdefault(kind, []).append(array.ravel())  # one after the other, so that shapes say where
            places.append([kind, list(array.shape)])
    entries["places"] = _text(json.dumps(places))
    entries.update({f"heap {kind}": np.concatenate(heap) for kind, heap in heaps.items()})
    np.savez(out, allow_pickle=False, **entries)


def _text(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


def about(path: Path) -> Any:
    """What a file is, without the rest of it.

    Raises
    ------
    One of `DAMAGE`
        If it is no such file.
    """
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:  # numpy itself leaves a broken one open
        return json.loads(found["about"].tobytes())


def load(path: Path) -> tuple[Any, Any, list[Array]]:
    """What a file is, its tree, and its arrays, of any shape.

    Raises
    ------
    One of `DAMAGE`
        If it is no such file, or larger than it may be.
    """
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > min(MOST_BYTES, path.stat().st_size):
            raise ValueError("larger than the file")  # nothing in it is compressed
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
        arrays: list[Array] = []
        heaps = {name: found[name] for name in found if name.startswith("heap ")}
        ends = dict.fromkeys(heaps, 0)
        for name, *shapes in json.loads(found["places"].tobytes()):
            if not shapes:
                arrays.append(found[name])
                continue
            heap, shape = f"heap {name}", tuple(shapes[0])
            size = int(np.prod(shape, dtype=np.int64))
            arrays.append(heaps[heap][ends[heap] : ends[heap] + size].reshape(shape))
            ends[heap] += size
        return json.loads(found["about"].tobytes()), json.loads(found["tree"].tobytes()), arrays

"""Folders of pictures that rows are functions of: in parts, each known by the hash of what its files hold.

A row names its part by that hash and no path, so it is the same wherever the folder lies. On this computer a file is
read where it is, and refused if it holds something else by now. To a cluster a part goes as one object, once for each
node that needs it, without the names of its files; there it lies in a nameless file while it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from engines.core import files, limits
from engines.core.errors import LabError
from engines.core.pictures import SUFFIXES
from engines.core.reading import read_bytes
from engines.studies.spec import Row

LIST = "pictures.json"  #: beside the rows: the folder, and of each file its name, size, time and hash
FIELD = "pictures"  #: the setting of a row that names its part
CHANGED = "{name} has changed since the study was begun."


@dataclass(frozen=True)
class Part:
    """Some pictures of a folder.

    Attributes
    ----------
    root : str
    names : tuple of str
        Relative to it.
    hashes : tuple of str
        SHA-256 of what each file holds.
    size : int
        Bytes of all files.
    held : tuple of int
        Of a part that was sent here: the open file that holds it, and where each of its files ends there. It has no
        name, and is gone with the processes that have it open, however they end.
    """

    root: str
    names: tuple[str, ...]
    hashes: tuple[str, ...]
    size: int = 0
    held: tuple[int, ...] = ()

    @cached_property
    def key(self) -> str:
        """The hash of all that they hold, in their order."""
        return hashlib.sha256("".join(self.hashes).encode()).hexdigest()[:24]

    def __len__(self) -> int:
        return len(self.names)

    def content(self, index: int) -> bytes:
        """What a file holds.

        Raises
        ------
        LabError
            It is gone, or holds something else than it did.
        """
        name = self.names[index]
        if self.held:
            handle, first, end = self.held[0], self.held[index] if index else 0, self.held[index + 1]
            found = os.pread(handle, end - first, first)
        else:
            found = read_bytes(Path(self.root, name), limits.PICTURE_FILE, name)
        if hashlib.sha256(found).hexdigest() != self.hashes[index]:
            raise LabError(CHANGED, name=name)
        return found

    def lent(self) -> dict[str, Any]:
        """What a process needs to read them, as JSON has it."""
        return {"root": self.root, "names": self.names, "hashes": self.hashes, "held": self.held}


def part_of(row: Row, parts: Mapping[str, Part]) -> Part | None:
    """The pictures that a run looks at; None for a kind that looks at none."""
    return parts[getattr(row.params, FIELD)] if row.kind.part else None


def lent_part(told: Mapping[str, Any]) -> Part:
    """The part of what `Part.lent` told."""
    return Part(told["root"], tuple(told["names"]), tuple(told["hashes"]), held=tuple(told["held"]))


# ------------------------------------------------------------------ in a folder
@dataclass(frozen=True)
class Listed:
    """A file as the list has it."""

    name: str
    size: int
    time: int
    hash: str


def list_of(folder: Path, before: Mapping[str, Listed]) -> list[Listed]:
    """All pictures of a folder and those below it, by name; what has its size and time of ``before`` is not read again.

    Raises
    ------
    LabError
        There is none, there are too many, or one can't be read.
    """
    names: list[str] = []
    for inner, below, every in os.walk(folder):  # follows no links to folders
        below[:] = sorted(name for name in below if not name.startswith("."))
        names += [Path(inner, name).relative_to(folder).as_posix() for name in every if name.lower().endswith(SUFFIXES)]
        if len(names) > limits.FOLDER_FILES:
            raise LabError("{name}: more than {most} pictures.", name=folder.name, most=limits.FOLDER_FILES)
    if not names:
        raise LabError("{name}: there are no pictures in this folder.", name=folder.name)
    return [_listed(folder, name, before.get(name)) for name in sorted(names)]


def _listed(folder: Path, name: str, before: Listed | None) -> Listed:
    try:
        status = os.stat(folder / name)
    except OSError as error:
        raise LabError("{name}: can't be read ({reason}).", name=name, reason=files.reason(error)) from error
    if before is not None and (before.size, before.time) == (status.st_size, status.st_mtime_ns):
        return before
    held = read_bytes(folder / name, limits.PICTURE_FILE, name)
    return Listed(name, len(held), status.st_mtime_ns, hashlib.sha256(held).hexdigest())


def parted(folder: Path, every: list[Listed], most: int) -> list[Part]:
    """Parts of so many pictures at most."""
    groups = [every[at : at + most] for at in range(0, len(every), most)]
    return [Part(str(folder), tuple(one.name for one in group), tuple(one.hash for one in group),
                 sum(one.size for one in group)) for group in groups]  # fmt: skip


def write_list(place: Path, folder: Path, every: list[Listed]) -> None:
    """Write the list of a folder's pictures.

    Raises
    ------
    WriteError
        The disk refuses.
    """
    rows = [[one.name, one.size, one.time, one.hash] for one in every]
    files.write(place / LIST, json.dumps({"folder": str(folder), "files": rows}))


def read_list(place: Path) -> tuple[Path, list[Listed]] | None:
    """The folder and its pictures of a list; None where there is none.

    Raises
    ------
    LabError
        It is damaged.
    """
    if not (place / LIST).is_file():
        return None
    try:
        told = json.loads((place / LIST).read_bytes())
        return Path(told["folder"]), [
            Listed(str(n), int(size), int(time), str(h)) for n, size, time, h in told["files"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError("{name}: can't be read ({reason}).", name=LIST, reason=str(error)) from error


# ------------------------------------------------------------------ to another machine
@dataclass(frozen=True)
class Packed:
    """A part as one object.

    Attributes
    ----------
    key : str
    hashes, endings : tuple of str
        Of each file; its name stays.
    ends : ndarray int64 (n,)
        Where each file ends in ``held``.
    held : ndarray uint8 (bytes,)
    """

    key: str
    hashes: tuple[str, ...]
    endings: tuple[str, ...]
    ends: npt.NDArray[np.int64]
    held: npt.NDArray[np.uint8]


def packed(part: Part) -> Packed:
    """Read all files of a part.

    Raises
    ------
    LabError
        As `Part.content` does.
    """
    every = [part.content(index) for index in range(len(part))]
    endings = tuple(Path(name).suffix for name in part.names)
    held = np.frombuffer(b"".join(every), np.uint8)
    return Packed(part.key, part.hashes, endings, np.cumsum([len(one) for one in every]), held)


def unpacked(what: Packed, into: BinaryIO) -> Part:
    """Its files one behind the other in an open file, for a process that has that, too."""
    into.seek(0)
    into.truncate()
    into.write(what.held.data)
    into.flush()
    names = tuple(f"{index}{ending}" for index, ending in enumerate(what.endings))
    return Part("", names, what.hashes, len(what.held), (into.fileno(), *what.ends.tolist()))

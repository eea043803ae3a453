"""The pictures that a COCO file names: looked for beside it, and opened as its boxes mean them."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.core.reading import finish, is_folder
from engines.data.annotated_size import Fit, Size, fit_of, pixels_of
from engines.data.boxes_folder import OTHER_SIZE
from engines.data.finder import Finder, Found, readings
from engines.data.split_words import folded, is_bare_split, key_of
from engines.data.walking import Walk, names_in

TRIED = 64  #: names that tell which folder the pictures lie below
EACH = 10  #: pictures between two places to stop
COMPARED = 200  #: pictures whose size is compared when a file is read, evenly spread
GOOD = 2
TICK = 100_000_000  #: nanoseconds that a file system may take for one
CONFLICT = "{name}: a picture of this name lies in a folder of another split, and is not shown."


class Photos:
    """Pictures below the folder of a file, or below the one around it if more of them lie there.

    Nothing outside of these folders is found, whatever a file names. They are looked through once, and again where a
    picture is missing and a folder has changed since.

    Parameters
    ----------
    table : Path
        The file that names them.
    names : sequence of str
        What it names.
    """

    def __init__(self, table: Path, names: Sequence[str]) -> None:
        self._table = table.absolute()
        every = -(-len(names) // TRIED) or 1
        self._tried = [name for name in names[::every] if name]
        self._finder: Finder | None = None
        self._seen: dict[Path, int] = {}

    def looking(self) -> Generator[int, None, None]:
        """Look which pictures there are; yields how many names were seen."""
        self._seen.clear()
        best, most = Finder(self._table.parent), 0
        for root, whole in self._roots():
            finder = yield from self._listing(root, whole)
            hits = sum(self._good(name, finder) for name in self._tried)
            if hits > most:
                best, most = finder, hits
            if self._tried and most == GOOD * len(self._tried):
                break
        self._finder = best

    def _roots(self) -> list[tuple[Path, bool]]:
        """Where pictures may lie, and whether all below belongs to the data.

        They lie beside the file; around a folder of annotations or of a split; around another folder in those that
        bear the name of one for pictures.
        """
        folder = self._table.parent
        outer = folder.parent
        inner = [not key_of(one.name) or is_bare_split(one.name) for one in (folder, outer)]
        roots = [(folder, True), (outer, inner[0])]
        if any(inner):
            roots.append((outer.parent, inner[1]))
        return [(root, whole and root not in (Path.home(), Path(root.anchor))) for root, whole in roots]

    def _listing(self, root: Path, whole: bool) -> Generator[int, None, Finder]:
        finder = Finder(root)
        places = [(root, limits.BOXES_DEPTH if whole else 0)]
        places += [] if whole else [(root / name, limits.BOXES_DEPTH) for name in self._likely(root)]
        for place, depth in places:
            walk = Walk(place, depth, limits.FOLDER_FILES)
            yield from walk.steps()
            for folder, names in walk.found:
                self._look_at(folder)
                for name in names:
                    if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                        finder.add(folder / name)
        return finder

    def _look_at(self, folder: Path) -> None:
        """Remember when a folder was changed; one that was changed just now may be changed again in the same tick."""
        changed = _changed(folder)
        self._seen[folder] = changed if changed < time.time_ns() - TICK else -1

    def _likely(self, root: Path) -> list[str]:
        """Folders right below a root that bear the name of one for pictures, or one that the file tells."""
        told = {folded(part) for name in self._tried for parts in readings(name) for part in parts[:-1]}
        told |= {key_of(self._table.stem), key_of(self._table.parent.name)}
        try:
            names = names_in(root, limits.LISTED)
        except LabError:
            return []
        return [
            name
            for name in names
            if not name.startswith(".")
            and (not key_of(name) or is_bare_split(name) or folded(name) in told or key_of(name) in told)
            and is_folder(root / name)
        ]

    def _good(self, name: str, finder: Finder) -> int:
        """How good a folder is for a name: 0 where nothing has it, `GOOD` where it is found."""
        found = finder.find(name, self._table)
        return GOOD if self._meant(found) else int(bool(found.path or found.tied))

    @staticmethod
    def _meant(found: Found) -> bool:
        """Whether it is the picture and not one of that name in the folder of another split."""
        return found.path is not None and found.sure >= (0, 0)

    def find(self, name: str) -> Path:
        """The picture of a name.

        Raises
        ------
        LabError
            If there is none, or several that it could be.
        """
        if self._finder is None:
            finish(self.looking())
        assert self._finder is not None
        found = self._finder.find(name, self._table)
        if not self._meant(found) and any(_changed(folder) != when for folder, when in self._seen.items()):
            finish(self.looking())
            found = self._finder.find(name, self._table)
        if found.path is None:
            text = "{name}: {n} pictures have this name." if found.tied else "{name}: the picture is missing."
            raise LabError(text, name=Path(name).name or name, n=found.tied)
        if not self._meant(found):
            raise LabError(CONFLICT, name=found.path.name)
        return found.path

    def fit(self, name: str, declared: Size, reach: tuple[float, float]) -> Fit | None:
        """How a picture and what the file says of it go together; None if it is not at hand."""
        try:
            return fit_of(self.find(name), declared, reach)
        except LabError:
            return None

    def pixels(self, name: str, side: int, fit: Fit | None) -> np.ndarray:
        """Pixels (H, W, 3), the longer side at most about ``side``; raises LabError if they can't be had."""
        return pixels_of(self.find(name), fit is not None and fit.upright, side * side)


def compared(
    photos: Photos, names: Sequence[str], sizes: Sequence[Size], reach: np.ndarray
) -> Generator[int, None, list[Message]]:
    """Hold the sizes that a file gives against its pictures', of some evenly spread; what has to be said of it.

    ``reach`` (I, 2) is how far the boxes of each picture reach.
    """
    others: list[tuple[str, Size, Size]] = []
    for at in range(0, len(names), -(-len(names) // COMPARED) or 1):
        name, size = names[at], sizes[at]
        fit = photos.fit(name, size, (float(reach[at, 0]), float(reach[at, 1]))) if name else None
        if fit is not None and fit.differs:
            others.append((name, size, fit.real))
        if at % EACH == EACH - 1:
            yield at
    if not others:
        return []
    name, said, real = others[0]
    values = {"name": Path(name).name, "said": f"{said[0]} × {said[1]}", "real": f"{real[0]} × {real[1]}"}
    return [Message(OTHER_SIZE, {"n": len(others), **values})]


def _changed(folder: Path) -> int:
    """When a folder was changed; 0 if it is gone."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0

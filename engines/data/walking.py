"""Looks through folders with places to stop, and never at more than the table of limits says."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

from engines.core import limits
from engines.core.reading import unreadable

EACH = 2_000  #: names between two places to stop


class Walk:
    """Folders below one, top down, each with its ordinary files.

    Links to folders are not followed, hidden ones and those that may not be read are passed over.

    Attributes
    ----------
    found : list of (Path, list of str)
        Folders with the names of their files, in the order of their names.
    others : int
        Entries that are neither folders nor ordinary files: pipes, devices, links that lead nowhere.
    cut : bool
        There was more than is looked at.
    """

    def __init__(self, root: Path, depth: int = limits.FOLDER_DEPTH, most: int | None = None) -> None:
        self.found: list[tuple[Path, list[str]]] = []
        self.others, self.seen, self.cut = 0, 0, False
        self._root, self._depth = root, depth
        self._most = limits.FOLDER_ENTRIES if most is None else most

    def steps(self) -> Generator[int, None, None]:
        """Look; yields how many names were seen, at places to stop."""
        waiting = [(self._root, 0)]
        while waiting and not self.cut:
            folder, depth = waiting.pop()
            inner: list[str] = []
            files: list[str] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self.seen += 1
                        self._sort(entry, inner, files)
                        if self.seen % EACH == 0:
                            yield self.seen
                        if self.seen >= self._most:
                            self.cut = True
                            break
            except OSError:
                continue
            self.found.append((folder, sorted(files)))
            if depth < self._depth:
                waiting += [(folder / name, depth + 1) for name in sorted(inner, reverse=True)]
            yield self.seen

    def _sort(self, entry: os.DirEntry[str], inner: list[str], files: list[str]) -> None:
        try:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    inner.append(entry.name)
            elif entry.is_file():
                files.append(entry.name)
            else:
                self.others += 1
        except OSError:  # a loop of links
            self.others += 1


def names_in(folder: Path, most: int) -> list[str]:
    """Names of the first entries of a folder, sorted; raises LabError if it can't be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for _, entry in zip(range(most), entries, strict=False))
    except (OSError, ValueError) as error:
        raise unreadable(folder.name or str(folder), error) from error

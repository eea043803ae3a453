"""Which files of a folder hold boxes, and whether a folder holds any at all: one rule for the door and the reader."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engines.core import limits
from engines.core.errors import LabError
from engines.core.pictures import SUFFIXES
from engines.core.reading import is_pointer, read_ends
from engines.data import csv_boxes, labelme_boxes, voc_boxes, yolo_boxes
from engines.data.finder import Finder, stem_of
from engines.data.split_words import folded, is_always_aside
from engines.data.walking import Walk

COCO_KEYS = (b'"images"', b'"annotations"', b'"categories"')
MOST_PEEKS = 40  # files that are looked into to tell what a folder is
OF_ANNOTATIONS = ("ann", "label", "xml")  # how folders of them begin, which are looked into first


@dataclass
class Listing:
    """Files of a folder and those below, sorted by kind.

    Attributes
    ----------
    tables, sheets, labels, shapes, rows : list of Path
        COCO's tables, VOC's sheets (one for each picture), YOLO's texts and labelme's files (also), CSV tables.
    names, lists : list of Path
        Those that name YOLO's classes, and those that name what is trained and tested on.
    pictures : Finder
    """

    root: Path
    tables: list[Path] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    labels: list[Path] = field(default_factory=list)
    shapes: list[Path] = field(default_factory=list)
    rows: list[Path] = field(default_factory=list)
    names: list[Path] = field(default_factory=list)
    lists: list[Path] = field(default_factory=list)
    pictures: Finder = field(init=False)

    def __post_init__(self) -> None:
        self.pictures = Finder(self.root)

    def kinds(self) -> dict[str, list[Path]]:
        """Files by the name of their format, those that are read first where there are several before the others."""
        kinds = {"COCO": self.tables, "Pascal VOC": self.sheets, "YOLO": self.labels, "labelme": self.shapes}
        return {kind: files for kind, files in (kinds | {"CSV": self.rows}).items() if files}


def listing(root: Path) -> Generator[int, None, Listing]:
    """Look through a folder; links are not followed. Yields how many names were seen, at places to stop."""
    found, walk = Listing(root), Walk(root, limits.BOXES_DEPTH, limits.FOLDER_FILES)
    yield from walk.steps()
    texts: list[Path] = []
    tables: list[Path] = []
    for folder, names in walk.found:
        if any(is_always_aside(part) for part in folder.relative_to(root).parts):
            continue
        for name in names:
            path, suffix = folder / name, os.path.splitext(name)[1].lower()
            if name.startswith("."):  # what a Mac leaves beside each file has the file's ending
                continue
            if suffix in SUFFIXES:
                found.pictures.add(path)
            elif suffix == ".json":
                tables.append(path)
            elif suffix == ".xml":
                found.sheets.append(path)
            elif suffix == ".txt" and folded(name) not in yolo_boxes.NAMES:
                (found.lists if voc_boxes.is_list(path) else texts).append(path)
            elif suffix == ".csv" and csv_boxes.recognizes(path):
                found.rows.append(path)
            elif folded(name) in yolo_boxes.NAMES or (suffix in yolo_boxes.TABLES and yolo_boxes.is_table(path)):
                found.names.append(path)
        yield walk.seen
    for path in tables:
        ends = _ends(path)
        if _is_coco(ends) and not (is_pointer(ends) and "config" in path.name):
            found.tables.append(path)
        elif labelme_boxes.recognizes(ends):
            found.shapes.append(path)
        yield walk.seen
    named = [path for path in found.tables if "instances" in path.stem]
    found.tables = named or found.tables
    found.labels = _labels(texts, found)
    return found


def _labels(texts: Iterable[Path], found: Listing) -> list[Path]:
    """The texts that hold a picture's boxes.

    Those that are named as one, an empty one too, if some of them look like it, and those that look like it without a
    picture.
    """
    texts = list(texts)
    likely = [path for path in texts if found.pictures.has_stem(stem_of(path.stem))]
    tried = likely if found.names else likely[: limits.PEEKED]
    if not any(map(yolo_boxes.is_labels, tried)):
        return []
    named = set(likely)
    return [path for path in texts if path in named or yolo_boxes.is_labels(path)]


def is_boxes_folder(path: Path) -> bool:
    """Whether this looks like a folder of pictures with boxes; quick: names, and few files' ends, are looked at.

    It lets in what is read: the same files, at most as deep. A slow disk ends the search, since this is the window's
    own thread.
    """
    until = time.monotonic() + limits.LOOK
    waiting, peeked = [(path, 0)], 0
    while waiting and time.monotonic() < until:
        folder, depth = waiting.pop(0)
        inner, files = _glance(folder, until)
        for name in files:
            if _LOOKS[os.path.splitext(name)[1].lower()](folder / name):
                return True
            peeked += 1
            if time.monotonic() > until or peeked > MOST_PEEKS:
                return False
        if depth < limits.BOXES_DEPTH:
            waiting += [(folder / name, depth + 1) for name in inner]
    return False


def holds_boxes(path: Path) -> bool:
    """Whether a file holds boxes: annotations in a format that is read, or results. Its ends are looked at."""
    suffix = path.suffix.lower()
    if suffix in _LOOKS and _LOOKS[suffix](path):
        return True
    return suffix in (".json", ".jsonl") and all(key in _ends(path) for key in (b'"bbox"', b'"score"'))


def _glance(folder: Path, until: float) -> tuple[list[str], list[str]]:
    """Folders in one, those that may hold annotations first; and the first of its files that may be some."""
    inner: list[str] = []
    found: dict[str, list[str]] = {kind: [] for kind in _LOOKS}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                kind = os.path.splitext(entry.name)[1].lower()
                if kind in found and not entry.name.startswith(".") and len(found[kind]) < limits.PEEKED:
                    found[kind].append(entry.name)
                elif kind not in SUFFIXES and not is_always_aside(entry.name) and entry.is_dir(follow_symlinks=False):
                    inner.append(entry.name)
                if time.monotonic() > until:
                    break
    except (OSError, ValueError):  # not there, no folder, not to be looked into
        return [], []
    inner.sort(key=lambda name: (not folded(name).startswith(OF_ANNOTATIONS), name))
    return inner[: limits.PEEKED], [name for names in found.values() for name in sorted(names)]


def _ends(path: Path) -> bytes:
    try:
        return read_ends(path, limits.PEEK)
    except LabError:
        return b""


def _is_coco(ends: bytes) -> bool:
    """The lists of a table may stand in any order, and the keys of the inner ones far from both ends.

    A pointer of Git LFS counts as what it stands for, so that the reader says what it is.
    """
    return (
        is_pointer(ends)
        or sum(key in ends for key in COCO_KEYS) > 1
        or (b'"file_name"' in ends and b'"image_id"' in ends)
    )


def _is_json(path: Path) -> bool:
    ends = _ends(path)
    return "config" not in path.name and (_is_coco(ends) or labelme_boxes.recognizes(ends))


def _is_sheet(path: Path) -> bool:
    ends = _ends(path)
    return b"<annotation" in ends or is_pointer(ends)


_LOOKS: dict[str, Callable[[Path], bool]] = {
    ".json": _is_json,
    ".xml": _is_sheet,
    ".yaml": yolo_boxes.is_table,
    ".yml": yolo_boxes.is_table,
    ".csv": csv_boxes.recognizes,
    ".txt": yolo_boxes.is_labels,
}

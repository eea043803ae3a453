"""Folders of pictures with boxes, in COCO's or Pascal VOC's format, as people have them.

Every annotation that can't be used is named by its file and line, left out and counted; only a folder without a
single usable one is refused. Sources: Lin et al. 2014 (cocodataset.org/#format-data), Everingham et al. 2010.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.data import coco_boxes, voc_boxes
from engines.data.box_faults import Faults, Raw
from engines.data.pictures import stored_size

DEEPEST = 3  # folders below the one that was given
MANY = 200_000  # entries of all folders together that are looked at
PEEK = 65_536  # bytes at both ends of a file that tell what it is
EACH = 200  # pictures between two places to stop
COCO_KEYS = (b'"images"', b'"annotations"', b'"categories"')
HELD_BACK = ("val", "test")


@dataclass(frozen=True, eq=False)
class Annotated:
    """A picture with its boxes.

    Attributes
    ----------
    path : Path
    boxes : ndarray float32 (N, 4)
        xyxy, as shares (0..1) of the picture.
    labels : ndarray int64 (N,)
    size : (int, int)
        Width and height that the annotation gives; (0, 0) where it gives none.
    """

    path: Path
    boxes: np.ndarray
    labels: np.ndarray
    size: tuple[int, int]


@dataclass(frozen=True)
class BoxesFolder:
    """What was found.

    Attributes
    ----------
    classes : tuple of str
    training, validation : tuple of Annotated
        The folder's own split, or else every fifth picture to validate on, of those with boxes and of those without.
    skipped, crowds : int
        Annotations that could not be used; those of crowds (COCO) or hard to tell (VOC), left out on purpose.
    faults : tuple of Message
        Why, the first ones: file, line, reason.
    """

    classes: tuple[str, ...]
    training: tuple[Annotated, ...]
    validation: tuple[Annotated, ...]
    skipped: int
    crowds: int
    faults: tuple[Message, ...]


@dataclass
class Listing:
    """Files of a folder and those below, sorted by kind."""

    root: Path
    tables: list[Path] = field(default_factory=list)  # COCO
    sheets: list[Path] = field(default_factory=list)  # VOC, one for each picture
    pictures: dict[str, list[Path]] = field(default_factory=dict)  # by file name in small letters

    def picture(self, name: str, near: Path) -> Path | None:
        """The picture that an annotation in ``near`` names; never one outside of the folder."""
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        found = self.pictures.get(parts[-1].lower(), []) if parts else []
        if len(found) < 2:
            return found[0] if found else None

        def closeness(path: Path) -> tuple[int, int]:
            tail = sum(a == b for a, b in zip(reversed(path.parts), reversed(parts), strict=False))
            here = near.parent == path.parent or path.parent.name in near.stem
            return tail, int(here)

        return max(found, key=closeness)


def listing(root: Path) -> Listing:
    """Look through a folder; links are not followed."""
    found, seen = Listing(root), 0
    for place, folders, names in os.walk(root):
        folder = Path(place)
        depth = len(folder.relative_to(root).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < DEEPEST else []
        for name in sorted(names):
            seen += 1
            suffix = os.path.splitext(name)[1].lower()
            if suffix == ".json":
                found.tables.append(folder / name)
            elif suffix == ".xml":
                found.sheets.append(folder / name)
            elif suffix in SUFFIXES:
                found.pictures.setdefault(name.lower(), []).append(folder / name)
        if seen > MANY:
            break
    found.tables = [path for path in found.tables if _is_table(path)]
    named = [path for path in found.tables if "instances" in path.stem]
    found.tables = named or found.tables
    return found


def is_boxes_folder(path: Path) -> bool:
    """Whether this looks like a folder of pictures with boxes; quick: only few files' ends are read."""
    try:
        if not path.is_dir():
            return False
        near = [path, *(path / name for name in ("annotations", "Annotations", "train", "training", "labels"))]
        for folder in near:
            if not folder.is_dir():
                continue
            with os.scandir(folder) as entries:
                names = sorted(entry.name for _, entry in zip(range(2000), entries, strict=False))
            if any(_is_table(folder / name) for name in [n for n in names if n.lower().endswith(".json")][:8]):
                return True
            if any(_is_sheet(folder / name) for name in [n for n in names if n.lower().endswith(".xml")][:3]):
                return True
    except (OSError, ValueError):
        return False
    return False


def _ends(path: Path) -> bytes:
    with open(path, "rb") as file:
        head = file.read(PEEK)
        file.seek(max(len(head), os.fstat(file.fileno()).st_size - PEEK))
        return head + file.read(PEEK)


def _is_table(path: Path) -> bool:
    try:
        ends = _ends(path)
    except OSError:
        return False
    return sum(key in ends for key in COCO_KEYS) >= 2


def _is_sheet(path: Path) -> bool:
    try:
        return b"<annotation" in _ends(path)
    except OSError:
        return False


def read_boxes_folder(path: Path) -> BoxesFolder:
    """Read at once what `reading` reads piece by piece."""
    steps = reading(path)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: BoxesFolder = end.value
            return found


def reading(path: Path) -> Generator[tuple[int, int], None, BoxesFolder]:
    """Read a folder; yields how far it is (done, total; 0 = not known), returns what was found.

    Raises
    ------
    LabError
        If there is no annotation in either format, or none that can be used.
    """
    if not path.is_dir():
        raise LabError("{name}: the folder is missing.", name=path.name or str(path))
    yield 0, 0
    files = listing(path)
    faults = Faults()
    raws: list[Raw] = []
    if files.tables:
        for table in files.tables:
            raws += yield from coco_boxes.read(table, faults)
    elif files.sheets:
        splits = voc_boxes.splits(path)
        for done, sheet in enumerate(files.sheets):
            raw = voc_boxes.read(sheet, faults)
            if raw is not None:
                raw.split = splits.get(sheet.stem, "")
                raws.append(raw)
            if done % EACH == 0:
                yield done, len(files.sheets)
    else:
        raise LabError("{name}: there are no annotations in COCO or Pascal VOC format.", name=path.name)
    classes = _classes(raws)
    kept: list[tuple[Raw, Annotated]] = []
    for done, raw in enumerate(raws):
        made = _annotated(raw, files, classes, faults)
        if made is not None:
            kept.append((raw, made))
        if done % EACH == 0:
            yield done, len(raws)
    if not any(len(made.labels) for _, made in kept):
        first = faults.first()
        if first is None:
            raise LabError("{name}: there is no box in it that could be used.", name=path.name)
        raise LabError("{name}: there is no box in it that could be used. {first}", name=path.name, first=first)
    training, validation = _split(kept, path)
    return BoxesFolder(tuple(classes), training, validation, faults.count, faults.crowds, tuple(faults.told))


def _classes(raws: Iterable[Raw]) -> list[str]:
    """Names that boxes carry: in COCO's order by number, else by name."""
    order: dict[str, tuple[Any, str]] = {}
    for raw in raws:
        for box in raw.boxes:
            order.setdefault(box.name, (box.number, box.name))
    return sorted(order, key=lambda name: order[name])


def _annotated(raw: Raw, files: Listing, classes: list[str], faults: Faults) -> Annotated | None:
    """The picture with the boxes that lie in it; None if it is missing."""
    path = files.picture(raw.picture, raw.file)
    if path is None:
        for alone in raw.others:
            path = path or files.picture(alone, raw.file)
    if path is None:
        reason = Message("the picture {picture} is missing", {"picture": raw.picture})
        faults.add(raw.file, raw.line, reason, count=max(1, len(raw.boxes)))
        return None
    width, height = raw.size
    if min(raw.size) <= 0 and raw.boxes:
        size = stored_size(path)
        if size is None:
            reason = Message("the picture {picture} can't be read", {"picture": path.name})
            faults.add(raw.file, raw.line, reason, count=len(raw.boxes))
            return None
        width, height = size
    boxes, labels = [], []
    for box in raw.boxes:
        inside = np.clip(np.array(box.xyxy) / (width, height, width, height), 0, 1)
        if (inside[2:] - inside[:2]).min() <= 0:
            faults.add(raw.file, box.line, Message("the box lies outside of its picture"))
            continue
        boxes.append(inside)
        labels.append(classes.index(box.name))
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Annotated(path, table, np.array(labels, np.int64), (width, height))


def _split(kept: list[tuple[Raw, Annotated]], root: Path) -> tuple[tuple[Annotated, ...], tuple[Annotated, ...]]:
    """Training and validation: as the folder has them, or every fifth picture to validate on."""
    held = [_held_back(raw, made, root) for raw, made in kept]
    everything = [made for _, made in kept]
    if not any(held) or all(held):
        counts = [0, 0]  # of pictures without boxes and with some: both kinds are held back alike
        held = []
        for made in everything:
            kind = bool(len(made.labels))
            counts[kind] += 1
            held.append(counts[kind] % 5 == 0)
        if len(everything) > 4 and 1 < counts[True] < 5:  # one of the few that have boxes
            held[max(at for at, made in enumerate(everything) if len(made.labels))] = True
    training = tuple(made for made, back in zip(everything, held, strict=True) if not back)
    validation = tuple(made for made, back in zip(everything, held, strict=True) if back)
    if not any(len(made.labels) for made in validation):
        validation = training  # too few to hold any back
    if not any(len(made.labels) for made in training):
        training = validation
    return training, validation


def _held_back(raw: Raw, made: Annotated, root: Path) -> bool:
    """Whether a picture is named as one to validate or test on."""
    if raw.split:
        return raw.split != "train"
    below = [*raw.file.relative_to(root).parts[:-1], *made.path.relative_to(root).parts[:-1]]
    words = [raw.file.stem] if raw.file.suffix.lower() == ".json" else []
    return any(part.lower().lstrip("_").startswith(HELD_BACK) for part in below) or any(
        f"_{name}" in f"_{word.lower()}" for word in words for name in HELD_BACK
    )

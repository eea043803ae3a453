"""Folders of pictures with boxes, in COCO's or Pascal VOC's format, as people have them.

Every annotation that can't be used is named by its file and line, left out and counted; only a folder without a
single usable one is refused. Sources: Lin et al. 2014 (cocodataset.org/#format-data), Everingham et al. 2010.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.core.reading import finish, is_folder, mapped, read_ends
from engines.data import coco_boxes, voc_boxes
from engines.data.box_faults import Faults, Raw
from engines.data.pictures import stored_size
from engines.data.walking import Walk, names_in

EACH = 200  # pictures between two places to stop
COCO_KEYS = (b'"images"', b'"annotations"', b'"categories"')
HELD_BACK = ("val", "test")

T = TypeVar("T")


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


def listing(root: Path) -> Generator[int, None, Listing]:
    """Look through a folder; links are not followed. Yields how many names were seen, at places to stop."""
    found, walk = Listing(root), Walk(root, limits.BOXES_DEPTH, limits.FOLDER_FILES)
    yield from walk.steps()
    for folder, names in walk.found:
        for name in names:
            suffix = os.path.splitext(name)[1].lower()
            if suffix == ".json":
                found.tables.append(folder / name)
            elif suffix == ".xml":
                found.sheets.append(folder / name)
            elif suffix in SUFFIXES:
                found.pictures.setdefault(name.lower(), []).append(folder / name)
        yield walk.seen
    tables, found.tables = found.tables, []
    for path in tables:
        if _is_table(path):
            found.tables.append(path)
        yield walk.seen
    named = [path for path in found.tables if "instances" in path.stem]
    found.tables = named or found.tables
    return found


def is_boxes_folder(path: Path) -> bool:
    """Whether this looks like a folder of pictures with boxes; quick: only few files' ends are read."""
    if not is_folder(path):
        return False
    until = time.monotonic() + limits.LOOK
    for folder in (path, *(path / name for name in ("annotations", "Annotations", "train", "training", "labels"))):
        if not is_folder(folder):
            continue
        try:
            names = names_in(folder, limits.LISTED)
        except LabError:
            continue
        tables = [name for name in names if name.lower().endswith(".json")][: limits.PEEKED]
        sheets = [name for name in names if name.lower().endswith(".xml")][: limits.PEEKED]
        for looks, chosen in ((_is_table, tables), (_is_sheet, sheets)):
            for name in chosen:
                if looks(folder / name):
                    return True
                if time.monotonic() > until:  # a slow disk, and this is the window's own thread
                    return False
    return False


def _is_table(path: Path) -> bool:
    try:
        ends = read_ends(path, limits.PEEK)
    except LabError:
        return False
    return sum(key in ends for key in COCO_KEYS) >= 2


def _is_sheet(path: Path) -> bool:
    try:
        return b"<annotation" in read_ends(path, limits.PEEK)
    except LabError:
        return False


def read_boxes_folder(path: Path) -> BoxesFolder:
    """Read at once what `reading` reads piece by piece."""
    return finish(reading(path))


def reading(path: Path) -> Generator[tuple[int, int], None, BoxesFolder]:
    """Read a folder; yields how far it is (done, total; 0 = not known), returns what was found.

    Raises
    ------
    LabError
        If there is no annotation in either format, or none that can be used.
    """
    if not is_folder(path):
        raise LabError("{name}: the folder is missing.", name=path.name or str(path))
    files = yield from _at(0, 0, listing(path))
    faults = Faults()
    raws: list[Raw] = []
    if files.tables:
        for table in files.tables:
            raws += yield from coco_boxes.read(table, faults)
    elif files.sheets:
        splits = voc_boxes.splits(path)
        for done, sheet in enumerate(files.sheets):
            raw = yield from _at(done, len(files.sheets), voc_boxes.read(sheet, faults))
            if raw is not None:
                raw.split = splits.get(sheet.stem, "")
                raws.append(raw)
    else:
        raise LabError("{name}: there are no annotations in COCO or Pascal VOC format.", name=path.name)
    classes = _classes(raws)
    if len(classes) > limits.CLASSES:
        raise LabError(
            "{name}: {n} classes. At most {most} are read.", name=path.name, n=len(classes), most=limits.CLASSES
        )
    numbers = {name: number for number, name in enumerate(classes)}
    kept: list[tuple[Raw, Annotated]] = []
    for done, raw in enumerate(raws):
        made = _annotated(raw, files, numbers, faults)
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


def _at(done: int, total: int, steps: Generator[object, None, T]) -> Generator[tuple[int, int], None, T]:
    """The same steps, told as one place."""
    yield done, total
    return (yield from mapped(steps, lambda _: (done, total)))


def _classes(raws: Iterable[Raw]) -> list[str]:
    """Names that boxes carry: in COCO's order by number, else by name."""
    order: dict[str, tuple[Any, str]] = {}
    for raw in raws:
        for box in raw.boxes:
            order.setdefault(box.name, (box.number, box.name))
    return sorted(order, key=lambda name: order[name])


def _annotated(raw: Raw, files: Listing, numbers: dict[str, int], faults: Faults) -> Annotated | None:
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
        labels.append(numbers[box.name])
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

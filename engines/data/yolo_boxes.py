"""Reads boxes in YOLO's format: a text file for each picture, a line for each box, names in another file.

A line is a class's number, then center x, center y, width and height as shares of the picture; more numbers are the
corners of an outline, whose box is taken. Names are in ``data.yaml`` (ultralytics, supervision, pylabel, sahi), in
``classes.txt`` (Label Studio, labelImg) or in ``obj.names`` (darknet, datumaro). Shares are of the picture as it is
shown, since ultralytics turns photos as their camera was held.

Source: docs.ultralytics.com/datasets/detect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import is_pointer, read_ends, read_text
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.finder import readings, stem_of
from engines.data.split_words import TEST, TRAIN, VAL, folded
from engines.data.voc_boxes import SplitLists

NAMES = ("classes.txt", "obj.names", "labels.txt", "names.txt", "predefined_classes.txt")
TABLES = (".yaml", ".yml")
FROM_ONE = "The classes of the boxes are numbered from 1, those of the names from 0: taken in the same order."
BACKGROUND = "Pictures without a label file, kept as background without objects: {n}."
MOST = 2.0  #: shares beyond this are pixels
_LINE = re.compile(rb"\s*\d+(?:\s+-?\d*\.?\d+(?:[eE][+-]?\d+)?){4,}\s*(?:\n|\r|$)")
_KEYS = {TRAIN: TRAIN, VAL: VAL, "valid": VAL, "validation": VAL, TEST: TEST}


@dataclass
class Naming:
    """What a data set's table says: names of classes by number, and folders by split, as tuples of their last parts."""

    names: dict[int, str] = field(default_factory=dict)
    folders: list[tuple[tuple[str, ...], str]] = field(default_factory=list)


def split_in(folders: Iterable[tuple[tuple[str, ...], str]], picture: Path) -> str:
    """The split whose folder a picture lies in; empty if several or none are said to be."""
    parts = tuple(map(folded, picture.parent.parts))
    found = {split for tail, split in folders if tail and _holds(parts, tail)}
    return found.pop() if len(found) == 1 else ""


def _holds(parts: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return any(parts[at : at + len(tail)] == tail for at in range(len(parts) - len(tail) + 1))


def is_labels(path: Path) -> bool:
    """Whether a text file holds boxes: its first line is a number and four or more shares. An empty one may.

    A pointer of Git LFS counts as what it stands for, so that the reader says what it is; so do tables.
    """
    try:
        start = read_ends(path, limits.YOLO_PEEK)
    except LabError:
        return False
    return bool(_LINE.match(start)) or is_pointer(start)


def is_table(path: Path) -> bool:
    """Whether a YAML file names classes."""
    try:
        ends = read_ends(path, limits.YOLO_PEEK)
    except LabError:
        return False
    return re.search(rb"^names\s*:", ends, re.MULTILINE) is not None or is_pointer(ends)


def naming(files: Iterable[Path], faults: Faults) -> Naming:
    """What the tables of a data set say; those that can't be read are faults."""
    found = Naming()
    for path in files:
        try:
            text = read_text(path, limits.CONFIG_FILE)
        except LabError as error:
            faults.refuse(error.message)
            continue
        if path.suffix.lower() not in TABLES:
            names = [line.strip() for line in text.splitlines()]
            found.names = found.names or {n: name for n, name in enumerate(names) if name}
            continue
        try:
            said = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            faults.add(path, mark.line + 1 if mark is not None else 1, Message("not valid YAML"))
            continue
        if isinstance(said, dict):
            found.names = _names(said.get("names")) or found.names
            found.folders += _folders(said)
    return found


def _names(said: Any) -> dict[int, str]:
    """Names by number, from a list or a mapping."""
    pairs = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    return {int(n): str(name).strip() for n, name in pairs if str(n).isdecimal() and str(name).strip()}


def _folders(said: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Folders of each split; those of lists are found through the lists."""
    found = []
    for key, split in _KEYS.items():
        value = said.get(key)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one and not one.endswith(".txt"):
                parts = next(readings(one), [])
                found.append((tuple(map(folded, parts[-2:])), split))
    return found


def read(path: Path, faults: Faults) -> Raw | None:
    """The boxes of a picture; None if the file can't be read."""
    try:
        lines = read_text(path, limits.VOC_FILE).splitlines()
    except LabError as error:
        faults.refuse(error.message)
        return None
    raw = Raw(path, 1, path.stem, (0, 0), own=path.stem, shares=True)
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        values = [_number(word) for word in words]
        numbers = [value for value in values if value is not None]
        if len(numbers) != len(words) or not (len(words) in (5, 6) or (len(words) > 6 and len(words) % 2)):
            faults.add(path, number, Message("the line is not a class and four shares"))
        elif numbers[0] < 0 or not numbers[0].is_integer():
            faults.add(path, number, Message("there is no class with the id {id}", {"id": words[0]}))
        elif max(map(abs, numbers[1:5])) > MOST:
            faults.add(path, number, Message("the numbers are no shares of the picture"))
        else:
            corners = _around(numbers[1:]) if len(words) > 6 else _corners(numbers[1:5])
            if corners[2] <= corners[0] or corners[3] <= corners[1]:
                faults.add(path, number, Message("the box has no area"))
                continue
            label = int(numbers[0])
            raw.boxes.append(RawBox(str(label), corners, number, label))
    return raw


def background(
    pictures: Iterable[Path], labels: Iterable[Path], claimed: Iterable[tuple[Raw, Path]], lists: SplitLists
) -> list[tuple[Raw, Path]]:
    """Pictures without a label file among such as have one: ultralytics trains on them as background.

    One whose label file could not be used is none of them.
    """
    claimed = list(claimed)
    taken, used = {picture for _, picture in claimed}, {raw.file for raw, _ in claimed}
    among = {picture.parent for picture in taken}
    stems = {folded(label.stem) for label in labels if label not in used}
    folders = claimed[0][0].folders if claimed else []
    return [
        (Raw(path, 1, path.name, (0, 0), own=path.stem, shares=True, split=lists.of(path), folders=folders), path)
        for path in sorted(pictures)
        if path.parent in among and path not in taken and folded(stem_of(path.name)) not in stems
    ]


def name(raws: Iterable[Raw], names: dict[int, str], faults: Faults) -> None:
    """Give classes their names; boxes of a class that has none are left out.

    Numbers begin at 0. Some programs keep those of a COCO table, which begin at 1 (pylabel 0.1.55, sahi 0.12): where
    the last one is one too high for the names and none is 0, they are taken so, and that is said.
    """
    if not names:
        return
    raws = list(raws)
    used = {int(box.number) for raw in raws for box in raw.boxes}
    first = int(bool(used) and 0 in names and 0 not in used and max(used) == max(names) + 1)
    if first:
        faults.note(FROM_ONE)
    for raw in raws:
        kept = []
        for box in raw.boxes:
            label = names.get(int(box.number) - first)
            if label is None:
                faults.add(raw.file, box.line, Message("there is no class with the id {id}", {"id": box.name}))
            else:
                kept.append(replace(box, name=label))
        raw.boxes = kept


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _corners(box: list[float]) -> tuple[float, float, float, float]:
    x, y, w, h = box
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _around(points: list[float]) -> tuple[float, float, float, float]:
    xs, ys = points[::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)

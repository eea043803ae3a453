"""Reads ground truth in COCO's format: lists of images, categories and annotations."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from engines.core.errors import LabError, Message
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.json_entries import Entries, Entry

EACH = 5_000  # entries between two places to stop


def read(path: Path, faults: Faults) -> Generator[tuple[int, int], None, list[Raw]]:
    """Read one file; yields how far it is, returns its pictures with their boxes.

    A file that stops being JSON is used up to there, and the rest counts as one fault.
    """
    try:
        entries = Entries(path)
    except LabError as error:
        faults.add(path, 1, error.message)
        return []
    pictures: dict[Any, Raw] = {}
    classes: dict[Any, str] = {}
    later: list[Entry] = []  # annotations may stand before the pictures that they belong to
    total = len(entries.text)
    try:
        for count, entry in enumerate(entries):
            match entry.key:
                case "images" if entry.place >= 0:
                    _picture(entry, entries, path, pictures, faults)
                case "categories" if entry.place >= 0:
                    _category(entry, entries, path, classes, faults)
                case "annotations" if entry.place >= 0:
                    later.append(entry)
            if count % EACH == 0:
                yield entry.at, total
    except LabError as error:
        line = error.message.values.get("line")
        faults.add(
            path, line if isinstance(line, int) else 1, Message("this is not valid JSON; what comes after is left out")
        )
    for count, entry in enumerate(later):
        _annotation(entry, entries, path, pictures, classes, faults)
        if count % EACH == 0:
            yield count, len(later)
    return list(pictures.values())


def _key(value: Any) -> Any:
    """An id as a key: a number or a text; None for what can be neither."""
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can be: JSON knows NaN, and whole numbers of any length."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _picture(entry: Entry, entries: Entries, path: Path, pictures: dict[Any, Raw], faults: Faults) -> None:
    line, value = entries.line(entry.at), entry.value
    key = _key(value.get("id")) if isinstance(value, dict) else None
    name = value.get("file_name") if isinstance(value, dict) else None
    if key is None or not isinstance(name, str) or not name.strip():
        faults.add(path, line, Message("a picture without id or file_name"))
        return
    if key in pictures:
        faults.add(path, line, Message("two pictures have the id {id}", {"id": key}))
        return
    sides = [value.get(side) for side in ("width", "height")]
    whole = all(_is_number(side) and side > 0 for side in sides)
    pictures[key] = Raw(path, line, name, (int(sides[0]), int(sides[1])) if whole else (0, 0))


def _category(entry: Entry, entries: Entries, path: Path, classes: dict[Any, str], faults: Faults) -> None:
    value = entry.value
    key = _key(value.get("id")) if isinstance(value, dict) else None
    name = value.get("name") if isinstance(value, dict) else None
    if key is None or not isinstance(name, str) or not name.strip():
        faults.add(path, entries.line(entry.at), Message("a class without id or name"))
        return
    classes[key] = name.strip()


def _annotation(
    entry: Entry, entries: Entries, path: Path, pictures: dict[Any, Raw], classes: dict[Any, str], faults: Faults
) -> None:
    value = entry.value

    def refuse(text: str, **values: Any) -> None:
        faults.add(path, entries.line(entry.at), Message(text, values))

    if not isinstance(value, dict):
        return refuse("this is no annotation")
    picture, label = _key(value.get("image_id")), _key(value.get("category_id"))
    if picture not in pictures or picture is None:
        return refuse("there is no picture with the id {id}", id=str(value.get("image_id")))
    if label not in classes or label is None:
        return refuse("there is no class with the id {id}", id=str(value.get("category_id")))
    if value.get("iscrowd"):
        faults.crowds += 1
        return None
    box = value.get("bbox")
    good = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
    if not good or not isinstance(box, list):
        return refuse("the box is not four numbers")
    left, top, width, height = map(float, box)
    if width <= 0 or height <= 0:
        return refuse("the box has no area")
    number = float(label) if _is_number(label) else 0.0
    corners = (left, top, left + width, top + height)
    pictures[picture].boxes.append(RawBox(classes[label], corners, entries.line(entry.at), number))
    return None

"""Reads ground truth in COCO's format: lists of images, categories and annotations."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.json_entries import NOT_JSON, Entries, Entry

EACH = 5_000  # entries between two places to stop


def read(path: Path, faults: Faults) -> Generator[tuple[int, int], None, list[Raw]]:
    """Read one file; yields how far it is, returns its pictures with their boxes.

    A file that stops being JSON is used up to there, and the rest counts as one fault.
    """
    pictures: dict[Any, Raw] = {}
    classes: dict[Any, str] = {}
    later: list[Entry] = []  # annotations may stand before the pictures that they belong to
    try:
        entries = Entries(path, only_object=True)
        for entry in entries:
            if entry is None:
                yield entries.done, entries.total
            elif entry.place >= 0 and entry.key == "images":
                _picture(entry, path, pictures, faults)
            elif entry.place >= 0 and entry.key == "categories":
                _category(entry, path, classes, faults)
            elif entry.place >= 0 and entry.key == "annotations":
                later.append(_lighter(entry))
            if len(later) > limits.COCO_ENTRIES or len(classes) > limits.CLASSES:
                faults.add(path, entries.line, Message("more than can be read; what comes after is left out"))
                break
    except LabError as error:
        line = error.message.values.get("line")
        if error.message.text == NOT_JSON and isinstance(line, int):
            faults.add(path, line, Message("this is not valid JSON; what comes after is left out"))
        else:
            faults.refuse(error.message)
    for count, entry in enumerate(later):
        _annotation(entry, path, pictures, classes, faults)
        if count % EACH == 0:
            yield count, len(later)
    return list(pictures.values())


def _lighter(entry: Entry) -> Entry:
    """An annotation without its outline, which takes most of the memory."""
    if isinstance(entry.value, dict):
        entry.value.pop("segmentation", None)
    return entry


def _key(value: Any) -> Any:
    """An id as a key: a number or a text; None for what can be neither."""
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float can be: JSON knows NaN, and whole numbers of any length."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _picture(entry: Entry, path: Path, pictures: dict[Any, Raw], faults: Faults) -> None:
    line, value = entry.line, entry.value
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


def _category(entry: Entry, path: Path, classes: dict[Any, str], faults: Faults) -> None:
    value = entry.value
    key = _key(value.get("id")) if isinstance(value, dict) else None
    name = value.get("name") if isinstance(value, dict) else None
    if key is None or not isinstance(name, str) or not name.strip():
        faults.add(path, entry.line, Message("a class without id or name"))
        return
    classes[key] = name.strip()


def _annotation(entry: Entry, path: Path, pictures: dict[Any, Raw], classes: dict[Any, str], faults: Faults) -> None:
    value = entry.value

    def refuse(text: str, **values: Any) -> None:
        faults.add(path, entry.line, Message(text, values))

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
    pictures[picture].boxes.append(RawBox(classes[label], corners, entry.line, number))
    return None

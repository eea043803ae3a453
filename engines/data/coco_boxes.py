"""Reads ground truth in COCO's format: lists of images, categories and annotations."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Generic, TypeVar

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.coco_values import Ident, as_number, box_of, is_set, number_of, plain
from engines.data.json_entries import NOT_JSON, Entries, Entry

EACH = 5_000  # entries between two places to stop
MADE = "box made"  # put into an annotation whose box comes from its outline
MADE_BOXES = "Boxes derived from masks, polygons or keypoints: {n}."
RESULTS = "Files with scores, which are results rather than ground truth, not used: {n} (first: {name})."

T = TypeVar("T")


def read(path: Path, faults: Faults) -> Generator[tuple[int, int], None, list[Raw]]:
    """Read one file; yields how far it is, returns its pictures with their boxes.

    A file that stops being JSON is used up to there, and the rest counts as one fault.
    """
    pictures: Keyed[Raw] = Keyed()
    classes: Keyed[str] = Keyed()
    later: list[Entry] = []  # annotations may stand before the pictures that they belong to
    scored = 0
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
                scored += isinstance(entry.value, dict) and "score" in entry.value
            if len(later) > limits.COCO_ENTRIES or len(classes.of) > limits.CLASSES:
                faults.add(path, entries.line, Message("more than can be read; the rest is left out"))
                break
    except LabError as error:
        line = error.message.values.get("line")
        if error.message.text == NOT_JSON and isinstance(line, int):
            faults.add(path, line, Message("this is not valid JSON; the rest is left out"))
        else:
            faults.refuse(error.message)
    if 2 * scored > len(later):
        faults.note(RESULTS, name=path.name)
        return []
    for count, entry in enumerate(later):
        _annotation(entry, path, pictures, classes, faults)
        if count % EACH == 0:
            yield count, len(later)
    return list(pictures.of.values())


class Keyed(Generic[T]):
    """Things by id; an id that is written as text or as 1.0 stands for the number where the exact one is not there."""

    def __init__(self) -> None:
        self.of: dict[Ident, T] = {}
        self._numbers: dict[Ident, T] = {}

    def put(self, ident: Ident, thing: T) -> None:
        """Under an id and what it is as a number."""
        self.of[ident] = thing
        number = as_number(ident)
        if number is not None:
            self._numbers.setdefault(number, thing)

    def get(self, value: Any) -> T | None:
        """What an id stands for."""
        ident, number = plain(value), as_number(value)
        if ident is None or number is None:
            return None
        return self.of.get(ident, self._numbers.get(number))


def _lighter(entry: Entry) -> Entry:
    """An annotation with its box, without its outline, which takes most of the memory."""
    if isinstance(entry.value, dict):
        entry.value["bbox"], entry.value[MADE] = box_of(entry.value)
        for key in ("segmentation", "keypoints"):
            entry.value.pop(key, None)
    return entry


def _picture(entry: Entry, path: Path, pictures: Keyed[Raw], faults: Faults) -> None:
    line, value = entry.line, entry.value
    key = plain(value.get("id")) if isinstance(value, dict) else None
    name = value.get("file_name") if isinstance(value, dict) else None
    if key is None or not isinstance(name, str) or not name.strip():
        faults.add(path, line, Message("a picture without id or file_name"), entry=entry.place)
        return
    if key in pictures.of:
        faults.add(path, line, Message("two pictures have the id {id}", {"id": key}), entry=entry.place)
        return
    width, height = (number_of(value.get(side)) or 0 for side in ("width", "height"))
    size = (int(width), int(height)) if min(width, height) > 0 else (0, 0)
    number = as_number(key)
    ident = number if isinstance(number, int) else None
    pictures.put(key, Raw(path, line, name, size, entry=entry.place, ident=ident))


def _category(entry: Entry, path: Path, classes: Keyed[str], faults: Faults) -> None:
    value = entry.value
    key = plain(value.get("id")) if isinstance(value, dict) else None
    name = value.get("name") if isinstance(value, dict) else None
    if key is None or not isinstance(name, str) or not name.strip():
        faults.add(path, entry.line, Message("a class without id or name"), entry=entry.place)
        return
    classes.put(key, name.strip())


def _annotation(entry: Entry, path: Path, pictures: Keyed[Raw], classes: Keyed[str], faults: Faults) -> None:
    value = entry.value

    def refuse(text: str, **values: Any) -> None:
        faults.add(path, entry.line, Message(text, values), entry=entry.place)

    if not isinstance(value, dict):
        return refuse("this is not an annotation")
    picture, label = pictures.get(value.get("image_id")), classes.get(value.get("category_id"))
    if picture is None:
        return refuse("there is no picture with the id {id}", id=str(value.get("image_id")))
    if label is None:
        return refuse("there is no class with the id {id}", id=str(value.get("category_id")))
    if is_set(value.get("iscrowd")) or is_set(value.get("ignore")):
        faults.crowds += 1
        return None
    box = value.get("bbox")
    if box is None:
        return refuse("the box is not four numbers")
    left, top, width, height = box
    if width <= 0 or height <= 0:
        return refuse("the box has no area")
    if value[MADE]:
        faults.note(MADE_BOXES)
    number = as_number(value.get("category_id"))
    corners = (left, top, left + width, top + height)
    order = float(number) if isinstance(number, int) else 0.0
    picture.boxes.append(RawBox(label, corners, entry.line, order, entry.place))
    return None

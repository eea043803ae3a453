"""The content of a JSON file with places to stop, and without what boxes need none of."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from engines.core import limits
from engines.core.errors import LabError
from engines.data.coco_values import box_of
from engines.data.json_entries import Entries

OUTLINES, BOX = ("segmentation", "keypoints"), "bbox"  #: the bulk of most files, which boxes need none of
MADE = "box made"  #: put into an entry whose box comes from its outline

T = TypeVar("T")
Reading: TypeAlias = Generator[tuple[int, int], None, T]


def read_json(path: Path) -> Reading[Any]:
    """The content of a JSON file without the outlines of its entries; yields how far it is (bytes, all of them).

    Raises
    ------
    LabError
        Says why there is none.
    """
    entries, count = Entries(path), 0
    members: dict[str, Any] = {}
    alone: Any = members  # what is at the top, if that is no object
    for entry in entries:
        if entry is None:
            yield entries.done, entries.total
            continue
        key, place, value, _ = entry
        if place < 0:
            whole = value
        else:
            count += 1
            if count > limits.COCO_ENTRIES:
                raise LabError("{name}: more than {most} entries.", name=path.name, most=limits.COCO_ENTRIES)
            if isinstance(value, dict):
                _lighten(value)
            if place > 0:
                (alone if key is None else members[key]).append(value)
                continue
            whole = [value]
        if key is None:
            alone = whole
        else:
            members[key] = whole
    return alone


def _lighten(entry: dict[str, Any]) -> None:
    """Let go what takes most of the memory; a box that is missing is made from it before."""
    box = entry.get(BOX)
    if box in (None, []) and any(key in entry for key in OUTLINES):
        box, made = box_of(entry)
        if made:
            entry[MADE] = True
    if isinstance(box, list | tuple):  # what holds no list is nothing for the garbage collector to walk
        entry[BOX] = tuple(box)
    for key in OUTLINES:
        entry.pop(key, None)

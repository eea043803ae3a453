"""Boxes that a person draws on a folder of photos: one COCO table beside them, ours alone, written anew each time.

The table says in its ``info`` that it was drawn here; by that it is found again. A table of others is never touched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines.core import files, limits
from engines.core.errors import LabError, Message
from engines.core.pictures import SUFFIXES
from engines.core.reading import read_bytes
from engines.data.annotated_size import shown_size
from engines.data.boxes_listing import is_boxes_folder
from engines.data.walking import names_in

MARK = "Boxes drawn in Attention Lab"
NAME = "boxes.json"
DIGITS = 2  # of a place in pixels
MOST = 5_000  # photos: a person draws on no more

Box = tuple[float, float, float, float]  # center x, y, width, height in shares of the photo


@dataclass(frozen=True)
class DrawnBox:
    """One box.

    Attributes
    ----------
    photo : str
        File name of its photo.
    label : str
    box : (cx, cy, w, h)
        Shares (0..1) of the photo.
    """

    photo: str
    label: str
    box: Box


@dataclass(frozen=True)
class Album:
    """A folder of photos.

    Attributes
    ----------
    folder, file : Path
        The table's place; nothing is there yet unless it is ``own``.
    own : bool
        The table is there, and was drawn here.
    sizes : dict of str to (int, int)
        Width and height of each photo as it is shown, by name, in order.
    boxes : tuple of DrawnBox
        What the table holds.
    lost : dict
        What the table says of photos that are not here any more: it is written again as it was.
    """

    folder: Path
    file: Path
    own: bool
    sizes: dict[str, tuple[int, int]]
    boxes: tuple[DrawnBox, ...] = ()
    lost: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def open_album(folder: Path) -> Album:
    """Look for photos, and for boxes that were drawn on them before.

    Raises
    ------
    LabError
        If there are no photos, or they have boxes of others already, which a second table would count twice.
    """
    names = [name for name in names_in(folder, limits.FOLDER_FILES) if name.lower().endswith(SUFFIXES)]
    sizes = {name: size for name in names[:MOST] if (size := shown_size(folder / name)) is not None}
    if not sizes:
        raise LabError("{name}: there are no pictures in this folder.", name=folder.name)
    for name in names_in(folder, limits.FOLDER_FILES):
        if name.lower().endswith(".json") and (table := _own_table(folder / name)) is not None:
            return _taken_over(folder, folder / name, table, sizes)
    if is_boxes_folder(folder):
        raise LabError("{name}: its pictures have boxes already. Train on them as they are.", name=folder.name)
    return Album(folder, files.free(folder / NAME), False, sizes)


def _own_table(path: Path) -> dict[str, Any] | None:
    """A table that was drawn here; None for any other file."""
    try:
        table = json.loads(read_bytes(path, limits.KEPT_FILE, path.name))
    except (LabError, ValueError, RecursionError):
        return None
    info = table.get("info") if isinstance(table, dict) else None
    return table if isinstance(info, dict) and info.get("description") == MARK else None


def _taken_over(folder: Path, file: Path, table: dict[str, Any], sizes: dict[str, tuple[int, int]]) -> Album:
    boxes: list[DrawnBox] = []
    lost: dict[str, list[dict[str, Any]]] = {"images": [], "annotations": []}
    try:
        labels = {one["id"]: str(one["name"]) for one in table["categories"]}
        images = {one["id"]: one for one in table["images"]}
        gone = {number for number, one in images.items() if one["file_name"] not in sizes}
        for one in table["annotations"]:
            image, label = images[one["image_id"]], labels[one["category_id"]]
            x, y, width, height = (float(value) for value in one["bbox"])
            across, down = float(image["width"]), float(image["height"])
            place = ((x + width / 2) / across, (y + height / 2) / down, width / across, height / down)
            if one["image_id"] in gone:
                lost["annotations"].append({**one, "category": label, "photo": image["file_name"]})
            else:
                boxes.append(DrawnBox(image["file_name"], label, place))
        lost["images"] = [images[number] for number in sorted(gone)]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise LabError("{name}: was drawn here, but is damaged.", name=file.name) from error
    return Album(folder, file, True, sizes, tuple(boxes), lost)


def write_album(album: Album, boxes: Sequence[DrawnBox]) -> None:
    """Write the table: whole, and over none but its own.

    Raises
    ------
    WriteError
        Naming file and reason; also where somebody else's file has come to its place.
    """
    if os.path.lexists(album.file) and _own_table(album.file) is None:
        raise files.WriteError(album.file, Message("a file of that name exists"))
    files.write(album.file, json.dumps(table_of(album, boxes), ensure_ascii=False, indent=1), folder=False)


def table_of(album: Album, boxes: Sequence[DrawnBox]) -> dict[str, Any]:
    """The boxes as COCO has them: photos without any are not in it, for nobody said that they hold nothing."""
    lost = album.lost.get("annotations", [])
    labels = sorted({*(one.label for one in boxes), *(one["category"] for one in lost)})
    numbers = {label: number for number, label in enumerate(labels, 1)}
    names = [name for name in album.sizes if any(one.photo == name for one in boxes)]
    images: list[dict[str, Any]] = []
    for name in names:
        width, height = album.sizes[name]
        images.append({"id": len(images) + 1, "file_name": name, "width": width, "height": height})
    for one in album.lost.get("images", []):
        images.append({**one, "id": len(images) + 1})
    place = {one["file_name"]: one["id"] for one in images}
    entries: list[dict[str, Any]] = []
    for drawn in boxes:
        width, height = album.sizes[drawn.photo]
        cx, cy, w, h = drawn.box
        left, top = max(0.0, cx - w / 2) * width, max(0.0, cy - h / 2) * height
        right, bottom = min(1.0, cx + w / 2) * width, min(1.0, cy + h / 2) * height
        bbox = [round(value, DIGITS) for value in (left, top, right - left, bottom - top)]
        entries.append(_entry(len(entries) + 1, place[drawn.photo], numbers[drawn.label], bbox))
    for one in lost:
        entries.append(_entry(len(entries) + 1, place[one["photo"]], numbers[one["category"]], one["bbox"]))
    return {
        "info": {"description": MARK}, "images": images, "annotations": entries,
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
    }  # fmt: skip


def _entry(number: int, image: int, category: int, bbox: list[float]) -> dict[str, Any]:
    area = round(bbox[2] * bbox[3], DIGITS)
    return {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "area": area, "iscrowd": 0}

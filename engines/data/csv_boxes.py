"""Reads boxes from a CSV table, a line for each.

Tables are TensorFlow's (filename, width, height, class, xmin, ymin, xmax, ymax), Open Images' (ImageID, LabelName,
XMin, XMax, YMin, YMax, as shares), keras-retinanet's (path, x1, y1, x2, y2, class, without a head), and those that give
a corner and a size.

Numbers are edges in pixels, counted from 0, or shares where none of them is above 1.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import is_pointer, read_ends, read_text
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.coco_values import number_of

EACH = 5_000  #: lines between two places to stop
HEADLESS = ("picture", "left", "top", "right", "bottom", "label")
ALONE = "object"  #: name of the class where a table has none

_COLUMNS = {
    "picture": ("filename", "file_name", "file", "image", "imageid", "image_id", "imagename", "image_name", "path",
                "imagepath", "image_path", "img", "name", "frame"),
    "label": ("class", "label", "labelname", "label_name", "classname", "class_name", "category", "object",
              "category_name"),
    "left": ("xmin", "x_min", "x1", "left", "xtl", "bbox_x1"),
    "top": ("ymin", "y_min", "y1", "top", "ytl", "bbox_y1"),
    "right": ("xmax", "x_max", "x2", "right", "xbr", "bbox_x2"),
    "bottom": ("ymax", "y_max", "y2", "bottom", "ybr", "bbox_y2"),
    "x": ("x", "bbox_x", "bboxx", "xcorner"),
    "y": ("y", "bbox_y", "bboxy", "ycorner"),
    "w": ("w", "bbox_width", "bboxwidth", "boxwidth", "box_width", "bbox_w"),
    "h": ("h", "bbox_height", "bboxheight", "boxheight", "box_height", "bbox_h"),
    "box": ("bbox", "box"),
    "width": ("width", "image_width", "imagewidth", "img_width"),
    "height": ("height", "image_height", "imageheight", "img_height"),
}  # fmt: skip
_COLUMN_OF = {said: column for column, names in _COLUMNS.items() for said in names}
_CORNERS, _SIZED = ("left", "top", "right", "bottom"), ("x", "y", "w", "h")
_HEADLESS = re.compile(rb"[^,\r\n]+\.(?:jpe?g|png|bmp|webp|tiff?),(?:\d*\.?\d*,){4}[^,\r\n]*\r?(?:\n|$)", re.IGNORECASE)


def recognizes(path: Path) -> bool:
    """Whether a table holds boxes; a pointer of Git LFS counts as what it stands for."""
    try:
        start = read_ends(path, limits.YOLO_PEEK)
    except LabError:
        return False
    first = start.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    return bool(_columns(first)) or _HEADLESS.match(start) is not None or is_pointer(start)


def _columns(first: str) -> dict[str, int]:
    """Where each column stands that the first line names; none if they are not those of boxes."""
    cells = next(csv.reader([first], delimiter=_delimiter(first)), [])
    found: dict[str, int] = {}
    for at, cell in enumerate(cells):
        column = _COLUMN_OF.get(cell.strip().lower())
        if column is not None:
            found.setdefault(column, at)
    boxed = "box" in found or all(one in found for one in _CORNERS) or all(one in found for one in _SIZED)
    return found if boxed and "picture" in found else {}


def _delimiter(first: str) -> str:
    return max(",;\t", key=first.count)


def read(path: Path, faults: Faults) -> Generator[tuple[int, int], None, list[Raw]]:
    """The pictures of a table with their boxes; yields how far it is."""
    try:
        text = read_text(path, limits.LIST_FILE, errors="replace")
    except LabError as error:
        faults.refuse(error.message)
        return []
    first = text.split("\n", 1)[0]
    columns = _columns(first) or dict(zip(HEADLESS, range(6), strict=True))
    rows = csv.reader(text.splitlines(), delimiter=_delimiter(first))
    total, raws = text.count("\n") + 1, dict[str, Raw]()
    found: list[tuple[Raw, RawBox]] = []
    for number, row in enumerate(rows, start=1):
        if number % EACH == 0:
            yield number, total
        if (number == 1 and _columns(first)) or not any(map(str.strip, row)):
            continue
        made = _row(row, columns, number, path, raws, faults)
        if made is not None:
            found.append(made)
    shares = bool(found) and max(max(box.xyxy) for _, box in found) <= 1
    for raw, box in found:
        raw.shares = shares
        if box.xyxy[2] <= box.xyxy[0] or box.xyxy[3] <= box.xyxy[1]:
            faults.add(path, box.line, Message("the box has no area"))
        else:
            raw.boxes.append(box)
    return list(raws.values())


def _row(
    row: list[str], columns: dict[str, int], number: int, path: Path, raws: dict[str, Raw], faults: Faults
) -> tuple[Raw, RawBox] | None:
    """A line's picture and box; None where it has none."""

    def said(column: str) -> str:
        at = columns.get(column, len(row))
        return row[at].strip() if at < len(row) else ""

    name = said("picture")
    if not name:
        faults.add(path, number, Message("a picture without id or file_name"))
        return None
    if name not in raws:
        width, height = (number_of(said(side)) or 0 for side in ("width", "height"))
        size = (int(width), int(height)) if min(width, height) > 0 else (0, 0)
        raws[name] = Raw(path, number, name, size)
    values = _box(said, columns)
    if values is None:
        if any(said(column) for column in (*_CORNERS, *_SIZED, "box")):  # without any the picture has no boxes
            faults.add(path, number, Message("the box is not four numbers"))
        return None
    label = said("label") or ("" if "label" in columns else ALONE)
    if not label:
        faults.add(path, number, Message("an object without a name"))
        return None
    return raws[name], RawBox(label, values, number)


def _box(said: Any, columns: dict[str, int]) -> tuple[float, float, float, float] | None:
    """Edges; None where they are not four numbers."""
    if "box" in columns:
        try:
            listed = json.loads(said("box"))
        except ValueError:
            return None
        found = [number_of(value) for value in listed] if isinstance(listed, list) else []
        sized = True
    else:
        sized = not all(one in columns for one in _CORNERS)
        found = [number_of(said(column)) for column in (_SIZED if sized else _CORNERS)]
    numbers = [value for value in found if value is not None]
    if len(numbers) != 4 or len(found) != 4:
        return None
    x, y, third, fourth = numbers
    return (x, y, x + third, y + fourth) if sized else (x, y, third, fourth)

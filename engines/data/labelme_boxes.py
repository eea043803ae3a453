"""Reads boxes in labelme's format: a JSON file for each picture, with its shapes.

Source: github.com/wkentaro/labelme 5; X-AnyLabeling and globox 2.9 write the same.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.reading import read_text
from engines.data.box_faults import Faults, Raw, RawBox
from engines.data.coco_values import FAR, is_set, number_of

WITHOUT_AREA = ("point", "line", "linestrip", "points")


def recognizes(ends: bytes) -> bool:
    """Whether a file of these ends is one."""
    return b'"shapes"' in ends and (b'"imagePath"' in ends or b'"shape_type"' in ends)


def read(path: Path, faults: Faults) -> Raw | None:
    """The picture that a file tells of; None if it can't be read."""
    try:
        said = json.loads(read_text(path, limits.LABELME_FILE))
    except LabError as error:
        faults.refuse(error.message)
        return None
    except (ValueError, RecursionError) as error:
        faults.add(path, getattr(error, "lineno", 1), Message("this is not valid JSON; the rest is left out"))
        return None
    shapes = said.get("shapes") if isinstance(said, dict) else None
    if not isinstance(shapes, list):
        faults.add(path, 1, Message("this is not an annotation"))
        return None
    width, height = (number_of(said.get(key)) or 0 for key in ("imageWidth", "imageHeight"))
    name = said.get("imagePath")
    size = (int(width), int(height)) if min(width, height) > 0 else (0, 0)
    raw = Raw(path, 1, name if isinstance(name, str) and name else path.stem, size, own=path.stem)
    for entry, shape in enumerate(shapes):
        _shape(shape, entry, raw, faults)
    return raw


def _shape(shape: Any, entry: int, raw: Raw, faults: Faults) -> None:
    def refuse(text: str) -> None:
        faults.add(raw.file, 1, Message(text), entry=entry)

    if not isinstance(shape, dict):
        return refuse("this is not an annotation")
    label, kind = shape.get("label"), shape.get("shape_type") or "polygon"
    if not isinstance(label, str) or not label.strip():
        return refuse("an object without a name")
    if is_set(shape.get("difficult")):
        faults.crowds += 1
        return None
    points = shape.get("points")
    if kind in WITHOUT_AREA:
        return refuse("the box has no area")
    pairs = [pair for pair in points if isinstance(pair, list) and len(pair) == 2] if isinstance(points, list) else []
    numbers = [(number_of(x), number_of(y)) for x, y in pairs]
    good = [(x, y) for x, y in numbers if x is not None and y is not None and max(abs(x), abs(y)) < FAR]
    if len(good) < 2 or not isinstance(points, list) or len(good) != len(points):
        return refuse("the box is not four numbers")
    if kind == "circle":
        (x, y), edge = good[0], math.dist(good[0], good[1])
        good = [(x - edge, y - edge), (x + edge, y + edge)]
    xs, ys = zip(*good, strict=True)
    corners = (min(xs), min(ys), max(xs), max(ys))
    if corners[2] <= corners[0] or corners[3] <= corners[1]:
        return refuse("the box has no area")
    raw.boxes.append(RawBox(label.strip(), corners, 1, entry=entry))
    return None

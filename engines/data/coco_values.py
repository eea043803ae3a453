"""Values of COCO entries as tools write them: flags as text, numbers as text, boxes that have to be made from outlines.

Sources: cocodataset.org/#format-data; the mask format and ``loadRes`` of pycocotools 2.0.
"""

from __future__ import annotations

import math
from typing import Any

FAR = 1e7  #: pixels: larger coordinates than any picture has
_NO = ("", "0", "0.0", "false", "no", "none", "null")

XYWH = tuple[float, float, float, float]
Ident = int | str


def is_set(value: Any) -> bool:
    """Whether a flag is set: ``iscrowd`` is 0, 0.0, false, null, "0", "false" or missing where it is not."""
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)


def number_of(value: Any) -> float | None:
    """A number, also one that is written as text or alone in a list; None for anything else, NaN and infinity."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def plain(value: Any) -> Ident | None:
    """An id: a whole number, also one that is written 1.0, or a text; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def as_number(value: Any) -> Ident | None:
    """The same, with texts that are whole numbers as these."""
    value = plain(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.strip().lstrip("-").isdigit() else value


def box_of(entry: dict[str, Any]) -> tuple[XYWH | None, bool]:
    """The box of an entry, and whether it had to be made: from its mask, its polygons or its keypoints.

    Returns
    -------
    box : (x, y, width, height) or None
        As ``bbox`` has it, whatever its sides; None where there are no four finite numbers and nothing to make it from.
    made : bool
    """
    box = entry.get("bbox")
    if isinstance(box, list | tuple) and len(box) == 4:
        numbers = [number for value in box if (number := _plain(value)) is not None]
        if len(numbers) == 4 and max(map(abs, numbers)) < FAR:
            return (numbers[0], numbers[1], numbers[2], numbers[3]), False
        return None, False
    if box not in (None, [], ()):
        return None, False
    made = _around_outline(entry.get("segmentation")) or _around_points(entry.get("keypoints"))
    return made, made is not None


def _plain(value: Any) -> float | None:
    return None if isinstance(value, str | list | tuple) else number_of(value)


def _around(xs: list[float], ys: list[float]) -> XYWH | None:
    if not xs or max(map(abs, (*xs, *ys))) >= FAR:
        return None
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _around_outline(outline: Any) -> XYWH | None:
    if isinstance(outline, dict):
        return _around_mask(outline)
    if not isinstance(outline, list) or not outline:
        return None
    polygons = outline if isinstance(outline[0], list) else [outline]
    flat = [_plain(value) for polygon in polygons if isinstance(polygon, list) for value in polygon]
    numbers = [value for value in flat if value is not None]
    return _around(numbers[::2], numbers[1::2]) if len(numbers) == len(flat) and len(flat) % 2 == 0 else None


def _around_points(points: Any) -> XYWH | None:
    """Around the keypoints that are labeled; around all where none says so."""
    if not isinstance(points, list) or not points or len(points) % 3:
        return None
    numbers = [_plain(value) for value in points]
    if None in numbers:
        return None
    triples = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    seen = [triple for triple in triples if triple[2]] or triples
    return _around([float(x or 0) for x, _, _ in seen], [float(y or 0) for _, y, _ in seen])


def _around_mask(mask: dict[str, Any]) -> XYWH | None:
    """As pycocotools' toBbox: whole pixels; a run that goes through several columns reaches over the full height."""
    size, counts = mask.get("size"), mask.get("counts")
    if isinstance(counts, str):
        counts = unpacked(counts)
    if not isinstance(size, list) or len(size) != 2 or not isinstance(counts, list):
        return None
    if not all(type(value) is int and value >= 0 for value in (*size, *counts)):
        return None
    height, place = size[0], 0
    xs: list[int] = []
    ys: list[int] = []
    for turn, run in enumerate(counts):
        if turn % 2 and run and height:
            (first, top), (last, bottom) = divmod(place, height), divmod(place + run - 1, height)
            xs += [first, last]
            ys += [0, height - 1] if last > first else [top, bottom]
        place += run
    if not xs or place > size[0] * size[1]:
        return None
    return float(min(xs)), float(min(ys)), float(max(xs) - min(xs) + 1), float(max(ys) - min(ys) + 1)


def unpacked(text: str) -> list[int] | None:
    """Run lengths from pycocotools' packed text.

    A letter holds six bits, a number is the difference from the last but one. None if the text is no such thing.
    """
    counts: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        while True:
            if at >= len(text) or not 48 <= ord(text[at]) < 112:
                return None
            letter = ord(text[at]) - 48
            value |= (letter & 31) << shift
            at, shift = at + 1, shift + 5
            if not letter & 32:
                break
        if letter & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts

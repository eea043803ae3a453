"""A picture opened as its annotation means it: turned or as it is stored, and what its boxes are measured in.

Annotations give a size that tools take from the file as it is stored, as it is shown (turned as the camera was held),
or from a copy of another size; some exchange width and height. The one rule for all readers is here. Only a picture's
head is read for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engines.data.pictures import read_picture, stored_head

SLACK = 1.0  #: pixels that a box may leave its picture by before its size is doubted: some tools count them from one

Size = tuple[int, int]


@dataclass(frozen=True)
class Fit:
    """How an annotation and its picture go together.

    Attributes
    ----------
    size : (int, int)
        Width and height that the boxes are measured in.
    upright : bool
        The boxes lie on the picture as its camera was held, not as it is stored.
    real : (int, int)
        Width and height of the picture, turned so.
    differs : bool
        The annotation gives another size than the picture has.
    """

    size: Size
    upright: bool
    real: Size
    differs: bool


def fit_of(path: Path, declared: Size, reach: tuple[float, float]) -> Fit | None:
    """How a picture and its annotation go together; None if the picture can't be read.

    Parameters
    ----------
    path : Path
    declared : (int, int)
        Width and height that the annotation gives; (0, 0) where it gives none.
    reach : (float, float)
        How far its boxes reach to the right and down, in pixels.
    """
    head = stored_head(path)
    return None if head is None else fitted(declared, reach, *head)


def shown_size(path: Path) -> Size | None:
    """Width and height of a picture as its camera was held; None if it can't be read."""
    head = stored_head(path)
    if head is None:
        return None
    (width, height), on_side = head
    return (height, width) if on_side else (width, height)


def fitted(declared: Size, reach: tuple[float, float], stored: Size, on_side: bool) -> Fit:
    """The same, for a picture of this size, whose width and height are exchanged when it is shown if ``on_side``.

    The size that the annotation gives tells which way the picture was looked at. Where boxes leave that size and fit
    into the real one, or where it is the real one with width and height exchanged, the real one counts. Else boxes were
    measured in a copy of the size that is given.
    """
    ways = [(stored, False)] + ([(stored[::-1], True)] if on_side else [])
    inside = [(size, upright) for size, upright in ways if _holds(size, reach)]
    if min(declared) <= 0:
        size, upright = (inside or ways)[0]
        return Fit(size, upright, size, False)
    for size, upright in ways:
        if size == declared and ((size, upright) in inside or not inside):
            return Fit(size, upright, size, False)
    if inside and (declared == stored[::-1] or not _holds(declared, reach)):
        size, upright = inside[0]
        return Fit(size, upright, size, declared not in [way for way, _ in ways])
    size, upright = min(ways, key=lambda way: abs(math.log(way[0][0] * declared[1] / (way[0][1] * declared[0]))))
    return Fit(declared, upright, size, size != declared)


def _holds(size: Size, reach: tuple[float, float]) -> bool:
    return reach[0] <= size[0] + SLACK and reach[1] <= size[1] + SLACK


def pixels_of(path: Path, upright: bool, keep: int) -> npt.NDArray[np.uint8]:
    """Pixels of a picture (H, W, 3), turned as a `Fit` says, averaged down to at most ``keep``.

    Raises
    ------
    LabError
        If it can't be read.
    """
    return read_picture(path, keep=keep, upright=upright).rgb

"""What a topic makes of one photo for good, to be kept as files: the kind ``stills`` of `engines.core.offers`.

A topic offers a `Camera` class; whoever keeps the files makes one and gives it photo after photo. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engines.core.pictures import Picture

KIND = "stills"


@dataclass(frozen=True, eq=False)
class Map:
    """Maps that lie on the photo and share one scale, from 0 to their largest value.

    Attributes
    ----------
    name : str
        Part of the file's name.
    title : str
    values : ndarray float32 (n, rows, cols)
    captions : tuple of str
        One for each.
    extent : (left, top, right, bottom)
        What they cover, in pixels of the photo.
    """

    name: str
    title: str
    values: npt.NDArray[np.float32] = field(repr=False)
    captions: tuple[str, ...]
    extent: tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """A box on the photo, xyxy in its pixels, with what it holds and how sure the model is (0..1)."""

    box: tuple[float, float, float, float]
    label: str
    score: float


@dataclass(frozen=True, eq=False)
class Still:
    """One photo in one model.

    Attributes
    ----------
    photo : ndarray uint8 (height, width, 3)
    said : str
        In one line, for the shell.
    arrays : dict of str to ndarray
        The numbers behind it.
    settings : dict
        What the model was asked with, itself included.
    maps : tuple of Map
    marks : tuple of Mark or None
        None where the topic marks nothing.
    """

    photo: npt.NDArray[np.uint8] = field(repr=False)
    said: str
    arrays: dict[str, npt.NDArray[Any]] = field(repr=False)
    settings: dict[str, object]
    maps: tuple[Map, ...] = ()
    marks: tuple[Mark, ...] | None = None


class Camera(Protocol):
    """Keeps its model from one photo to the next."""

    def __init__(self, source: str, device: str) -> None:
        """Use a model as `engines.checkpoints.catalog.locate` finds it; empty for the best that is here.

        Raises
        ------
        LabError
            Where there is none.
        """

    def take(self, picture: Picture) -> Still:
        """Look at a photo; raises LabError naming what went wrong."""

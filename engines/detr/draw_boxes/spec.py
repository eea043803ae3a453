"""What the page "Draw boxes" can ask for, and what it is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, looked, setting
from engines.core.protocol import Frame
from engines.data.drawn_boxes import Album, DrawnBox

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: no attention here


@dataclass(frozen=True)
class DrawBoxesParams(Params):
    """Settings of the page.

    Attributes without a rule
    -------------------------
    folder : str
        Photos; empty before one was opened.
    opening : int
        Counts how often a folder was opened: the same may have changed on the disk.
    at : int
        The photo that is looked at, by its place among the names.
    boxes : tuple of DrawnBox
        All that are drawn, on all photos.
    label : str
        Class of the next box.
    """

    folder: str = looked("", kept=True)
    opening: int = looked(0)
    at: int = looked(0)
    boxes: tuple[DrawnBox, ...] = setting((), asked=False)
    label: str = looked("", kept=True, asked=False)


@dataclass(frozen=True, eq=False)
class AlbumOpened(Frame):
    """A folder of photos, with what was drawn on them before.

    Attributes
    ----------
    album : Album or None
        None before one was opened.
    """

    album: Album | None


@dataclass(frozen=True, eq=False)
class PhotoShown(Frame):
    """One photo.

    Attributes
    ----------
    name : str
        Its file.
    rgb : ndarray uint8 (H, W, 3)
        As it is shown, made smaller where it is large.
    """

    name: str
    rgb: npt.NDArray[np.uint8] = field(repr=False)

"""What the page "Side by side" can ask for and what it is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Range, looked, setting
from engines.core.protocol import Frame
from engines.rt_detr.asking import CHANGE, OfPicture
from engines.rt_detr.events import Floats, Ints

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: boxes alone are compared here
DETR, RT_DETR, NMS = "DETR", "RT-DETR", "Encoder and NMS"
NAMES = (DETR, RT_DETR, NMS)


@dataclass(frozen=True)
class SideParams(OfPicture):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    folder : str
        Pictures with boxes to measure precision on; empty: the drawn scenes, where the model knows them.
    """

    folder: str = looked("")
    nms_iou: float = setting(
        0.5,
        Range(
            0.1, 0.95, 0.01, "IoU of the NMS", group=CHANGE, decimals=2,
            tip="Of two boxes of a class that overlap more than this, the one with the lower score goes.",
        ),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Side:
    """What one detector finds.

    Attributes
    ----------
    name : str
        One of `NAMES`.
    title : str
        Of the model.
    boxes : ndarray float32 (n, 4), scores : ndarray float32 (n,), labels : ndarray int64 (n,)
        Best first; cxcywh in shares of the picture.
    classes : tuple of str
    milliseconds : float
    why : Message or None
        Why it finds nothing: it is not here.
    """

    name: str
    title: str
    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    classes: tuple[str, ...]
    milliseconds: float
    why: Message | None = None


@dataclass(frozen=True, eq=False)
class Beside(Frame):
    """All three, in the order of `NAMES`."""

    sides: tuple[Side, ...]


@dataclass(frozen=True, eq=False)
class Compared(Frame):
    """How well the detectors do.

    Attributes
    ----------
    names : tuple of str
        Of those that are here.
    ap, ap50 : ndarray float32 (n,)
        −1 where there is nothing to find.
    milliseconds : tuple of float
        For a picture.
    pictures, of, skipped : int
        Gone through so far, in all, and those that can't be read.
    folder : str
        Its name; empty for drawn scenes.
    left_out : int
        Annotations of the folder that can't be used, as those of pictures that are missing.
    first : Message or None
        Why, of the first one.
    """

    names: tuple[str, ...]
    ap: npt.NDArray[np.float32]
    ap50: npt.NDArray[np.float32]
    milliseconds: tuple[float, ...]
    pictures: int
    of: int
    skipped: int
    folder: str
    left_out: int = 0
    first: Message | None = None

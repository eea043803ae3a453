"""What the page "Hybrid encoder" can ask for and what it is told. Imports no torch.

Sizes: A layers of AIFI, H heads, n tokens of the coarsest map (rows · columns, row by row), Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import Switch, looked, setting
from engines.core.protocol import Frame
from engines.rt_detr.asking import CHANGE, OfPicture
from engines.rt_detr.events import Floats, Ints

WAYS = ("Untouched", "AIFI off", "CCFF off", "Both off")  #: in the order of `engines.rt_detr.survey.PARTS`


@dataclass(frozen=True)
class HybridParams(OfPicture):
    """Settings of the page.

    Attributes without a control
    ----------------------------
    place : (x, y), optional
        Of the token whose row is shown, as shares of the picture; None: the one in the middle of the best box.
    """

    place: tuple[float, float] | None = looked(None, asked=False)
    aifi: bool = setting(
        True,
        Switch("AIFI", group=CHANGE, tip="Self-attention between the tokens of the coarsest map. Off: they stay as "
               "they are."),
        changes_model=True,
    )  # fmt: skip
    ccff: bool = setting(
        True,
        Switch("CCFF", group=CHANGE, tip="Convolutions that fuse the maps, down and up again. Off: the decoder gets "
               "each map as it is."),
        changes_model=True,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stage:
    """One map on its way through the encoder.

    Attributes
    ----------
    name, link : str
        ``S3``; what leads there, such as ``AIFI``.
    channels, rows, columns : int
    values : ndarray float32 (rows, columns)
        Mean size of a number over the channels.
    """

    name: str
    link: str
    channels: int
    rows: int
    columns: int
    values: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Encoded(Frame):
    """What the encoder does, and what is found then.

    Attributes
    ----------
    weights : ndarray float32 (A, H, n, n)
        Of AIFI, query by key; rows sum to 1. No layers where it is off: nothing attends then.
    shape : (rows, columns)
        Of the coarsest map.
    stages : tuple of Stage
        From the coarsest map through AIFI and CCFF to the decoder.
    boxes : ndarray float32 (Q, 4), scores : ndarray float32 (Q,), labels : ndarray int64 (Q,)
        After the last decoder layer.
    plain_boxes, plain_scores, plain_labels : ndarray
        Of the untouched model; the very same arrays where nothing is off.
    milliseconds : float
        Of encoder, choice and decoder, as they are set.
    """

    weights: Floats = field(repr=False)
    shape: tuple[int, int]
    stages: tuple[Stage, ...]
    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    plain_boxes: Floats = field(repr=False)
    plain_scores: Floats = field(repr=False)
    plain_labels: Ints = field(repr=False)
    milliseconds: float

    @property
    def touched(self) -> bool:
        """Whether something is off."""
        return self.boxes is not self.plain_boxes


@dataclass(frozen=True, eq=False)
class Ablated(Frame):
    """How well the model does on drawn scenes without each part, as `WAYS` names them.

    Attributes
    ----------
    ap, ap50 : ndarray float32 (4,)
    milliseconds : tuple of float
        For a picture.
    scenes, of : int
        Gone through so far, and in all.
    """

    ap: npt.NDArray[np.float32]
    ap50: npt.NDArray[np.float32]
    milliseconds: tuple[float, ...]
    scenes: int
    of: int

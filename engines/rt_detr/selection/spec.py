"""What the page "Selection" can ask for and what it is told. Imports no torch.

Sizes: S locations of all levels, finest level first, row by row; Q queries; N true objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Range, Switch, looked, setting
from engines.core.protocol import Frame
from engines.rt_detr.asking import CHANGE, OfPicture
from engines.rt_detr.events import Floats, Ints

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class SelectionParams(OfPicture):
    """Settings of the page."""

    queries: float = setting(
        1.0,
        Range(0.02, 1.0, 0.01, "Queries", group=CHANGE, percent=True,
              tip="Share of the model's queries that are chosen; the weights are the same for any number."),
        changes_model=True,
    )  # fmt: skip
    by_iou: bool = setting(
        False,
        Switch("Choose by true IoU", group=CHANGE, tip="Takes the locations whose boxes cover a drawn shape best, "
               "instead of those with the best scores: a choice that no model can make."),
        changes_model=True,
    )  # fmt: skip
    level: int = looked(
        1,
        Range(1, 3, 1, "Level", group="Selection", tip="Level of the pyramid whose map is shown, finest first."),
        asked=False,
    )


@dataclass(frozen=True, eq=False)
class Selected(Frame):
    """What each location says, which become queries, and what becomes of those.

    Attributes
    ----------
    shapes : tuple of (rows, columns)
        Of the levels.
    scores : ndarray float32 (S,)
        Sigmoid of the best class: what locations are chosen by.
    counts : ndarray bool (S,)
        Whether the location has an anchor; without one its content is blank.
    centers : ndarray float32 (S, 2)
        x and y of the locations, in 0..1.
    chosen : ndarray int64 (Q,)
        Best first.
    boxes : ndarray float32 (Q, 4)
        The chosen locations' own boxes.
    ious : ndarray float32 (Q,)
        Of them with the true object that each covers best; empty for a photo, whose objects nobody knows.
    correlation : float
        Of score and IoU over the chosen; NaN is never told, 0 where there are too few or all are alike.
    final_boxes : ndarray float32 (Q, 4), final_scores : ndarray float32 (Q,), final_labels : ndarray int64 (Q,)
        After the last decoder layer.
    seconds : float
        Of the decoder, at this number of queries.
    by_iou : bool
        They were chosen by IoU, not by their scores.
    """

    shapes: tuple[tuple[int, int], ...]
    scores: Floats = field(repr=False)
    counts: npt.NDArray[np.bool_] = field(repr=False)
    centers: Floats = field(repr=False)
    chosen: Ints = field(repr=False)
    boxes: Floats = field(repr=False)
    ious: Floats = field(repr=False)
    correlation: float
    final_boxes: Floats = field(repr=False)
    final_scores: Floats = field(repr=False)
    final_labels: Ints = field(repr=False)
    seconds: float
    by_iou: bool = False


@dataclass(frozen=True, eq=False)
class Layered(Frame):
    """How well the model does on drawn scenes, and how long it takes, with fewer decoder layers.

    Attributes
    ----------
    queries : int
    ap, ap50 : ndarray float32 (D + 2,)
        With 0, 1, … D layers, and with D and queries chosen by true IoU.
    milliseconds : tuple of float
        For a picture, of each.
    scenes, of : int
        Gone through so far, and in all.
    """

    queries: int
    ap: Floats
    ap50: Floats
    milliseconds: tuple[float, ...]
    scenes: int
    of: int

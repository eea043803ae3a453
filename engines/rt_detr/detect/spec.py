"""What the page "Detect" can ask for and what it is told. Imports no torch.

Layers and heads count from 1 on the sliders and from 0 in ``heads_off`` and in arrays, levels from 0, finest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import PIN, Range, Switch, drawn, looked, setting
from engines.core.protocol import Frame
from engines.rt_detr.asking import CHANGE, DRAW, OfPicture
from engines.rt_detr.events import Floats, Ints
from engines.rt_detr.interventions import Box, Placed

LOOK = "Selection"


@dataclass(frozen=True)
class DetectParams(OfPicture):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    query : int
        The query looked at, by the rank of its selection; -1: the one with the best score.
    heads_off : tuple of (layer, head)
    levels_off : tuple of int
    queries_off : tuple of int
        Queries that no other one sees, their boxes taken away.
    placed : tuple of (layer, query, head, point, x, y)
        Sampling points that were dragged, counted from 0.
    moved : (layer, query, box), optional
        A reference box that was dragged, as it goes into a decoder layer (from 0).
    """

    query: int = looked(-1, remembered=PIN)
    heads_off: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    levels_off: tuple[int, ...] = setting((), changes_model=True)
    queries_off: tuple[int, ...] = setting((), changes_model=True)
    moved: tuple[int, int, Box] | None = setting(None, changes_model=True)
    placed: tuple[Placed, ...] = setting((), changes_model=True)
    threshold: float = setting(
        0.5,
        Range(0, 1, 0.01, "Score threshold", live=True, group=LOOK,
              tip="Boxes with a lower score are hidden. Score: sigmoid of the best class; none is for no object."),
    )  # fmt: skip
    layer: int = looked(
        1,
        Range(1, 6, 1, "Layer", group=LOOK, tip="Decoder layer whose sampling points are shown. A number beyond the "
              "last selects the last."),
        asked=False,
    )  # fmt: skip
    head: int = looked(
        0,
        Range(0, 8, 1, "Head", group=LOOK, tip="Head whose points are shown; 0 shows those of all heads."),
        asked=False,
    )
    temperature: float = setting(
        1.0,
        Range(
            0.05, 20, 0.01, "Temperature", log=True, group=CHANGE, decimals=2,
            tip="Divides the scores of the points before their softmax, in all layers. 1 = untouched. (Hinton 2015)",
        ),
        changes_model=True,
    )  # fmt: skip
    spread: float = setting(
        1.0,
        Range(
            0, 4, 0.01, "Offsets", group=CHANGE, decimals=2,
            tip="Multiplies how far the points lie from the center of the box. 0: all of them in it. (Zhu 2021, eq. 3)",
        ),
        changes_model=True,
    )  # fmt: skip
    left_out: int = setting(
        0,
        Range(
            0, 5, 1, "Layers left out", group=CHANGE,
            tip="Last decoder layers that are not computed. Each predicts boxes itself, so they can go. (Zhao 2024)",
        ),
        changes_model=True,
    )  # fmt: skip
    frozen: bool = setting(
        False,
        Switch("Freeze points", group=CHANGE, tip="The points stay where they are while the box is dragged."),
        changes_model=True,
    )
    links: bool = drawn(True, Switch("Lines", group=DRAW, tip="From the center of the reference box to each point."))
    path: bool = drawn(
        True,
        Switch("Path", group=DRAW, tip="The reference box in the layers before the one shown, and the way of its "
               "center."),
    )  # fmt: skip
    summed: bool = drawn(
        False,
        Switch("Sum as a map", group=DRAW, tip="The weights of the points shown, laid on the tokens that they are read "
               "from."),
    )  # fmt: skip
    size: float = drawn(
        1.0,
        Range(0.3, 3.0, 0.1, "Point size", group=DRAW, tip="The area of a point is its weight times this."),
    )

    def changes(self) -> int:
        """A dragged box is one change, though it is told in three parts."""
        return super().changes() - (0 if self.moved is None else len(self.moved) - 1)


@dataclass(frozen=True, eq=False)
class Found(Frame):
    """What the decoder says, and where it looked. The same object comes again if nothing it shows has changed.

    Sizes: Q queries, D decoder layers that were computed, H heads, L levels, P points.

    Attributes
    ----------
    boxes : ndarray float32 (Q, 4), scores : ndarray float32 (Q,), labels : ndarray int64 (Q,)
        Of the last layer, by the rank of selection; score and label are those of the best class.
    on, passes : ndarray bool (Q,)
        Not switched off; on and above the threshold.
    plain_boxes, plain_scores, plain_labels, plain_passes : ndarray
        The same of the untouched model; the very same arrays where nothing is touched.
    layer_boxes, layer_scores, layer_labels : ndarray (D, Q, ·)
    levels : ndarray int64 (Q,)
        The level that each query was chosen from.
    query : int
        The one looked at.
    references : ndarray float32 (D, 4)
        Its boxes as they go into each layer.
    points : ndarray float32 (D, H, L·P, 2)
        Its sampling points, x and y in 0..1, level by level.
    weights : ndarray float32 (D, H, L·P)
        Sum to 1; to 0 where the head is switched off.
    inside : ndarray float32 (D, H, L·P)
        Which share of each point lies within the picture; the rest of its weight is lost.
    touched : bool
        An intervention is active.
    shapes : tuple of (rows, columns)
        Of the levels.
    """

    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    on: npt.NDArray[np.bool_] = field(repr=False)
    passes: npt.NDArray[np.bool_] = field(repr=False)
    plain_boxes: Floats = field(repr=False)
    plain_scores: Floats = field(repr=False)
    plain_labels: Ints = field(repr=False)
    plain_passes: npt.NDArray[np.bool_] = field(repr=False)
    layer_boxes: Floats = field(repr=False)
    layer_scores: Floats = field(repr=False)
    layer_labels: Ints = field(repr=False)
    levels: Ints = field(repr=False)
    query: int
    references: Floats = field(repr=False)
    points: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    inside: Floats = field(repr=False)
    touched: bool
    shapes: tuple[tuple[int, int], ...]

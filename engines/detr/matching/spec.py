"""What the page "Matching" can ask for and what it is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Params, Range, Switch, setting
from engines.core.protocol import Frame
from engines.detr.matching.scenes import FOUR, MatchingScene, scene_of

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check

Floats = npt.NDArray[np.float32]
Pairs = npt.NDArray[np.int64]

DETR, RT_DETR = (False, 1.0, 5.0, 2.0), (True, 2.0, 5.0, 2.0)  #: presets: focal, class, L1, GIoU
COSTS, LOSS = "Cost weights", "Loss"


@dataclass(frozen=True)
class MatchingParams(Params):
    """Settings of the page "Matching".

    Attributes without a slider
    ---------------------------
    scene : MatchingScene
    """

    scene: MatchingScene = field(default_factory=lambda: scene_of(FOUR), repr=False)

    class_cost: float = setting(
        1.0,
        Range(0, 10, 0.1, "Class", group=COSTS, tip="Weight of −p(class of the object). (Carion et al. 2020, eq. 1)"),
    )
    bbox_cost: float = setting(
        5.0,
        Range(
            0, 10, 0.1, "L1", group=COSTS, tip="Weight of |Δcx| + |Δcy| + |Δw| + |Δh|, relative to the picture's size."
        ),
    )
    giou_cost: float = setting(
        2.0,
        Range(
            0,
            10,
            0.1,
            "GIoU",
            group=COSTS,
            tip="Weight of −GIoU: IoU minus the fraction of the enclosing box that neither box covers. "
            "(Rezatofighi et al. 2019)",
        ),
    )
    focal: bool = setting(
        False,
        Switch(
            "Focal class cost",
            group=COSTS,
            tip="As in RT-DETR: each class has its own sigmoid, and costs the focal loss of a positive minus that "
            "of a negative, α = 0.25, γ = 2. (Zhao et al. 2024)",
        ),
    )
    eos_coef: float = setting(
        0.1,
        Range(
            0,
            1,
            0.01,
            "No-object weight",
            group=LOSS,
            tip='Weight of "no object" in the cross-entropy, since most predictions are unmatched. (A.4: 0.1)',
        ),
    )

    @property
    def weights(self) -> tuple[bool, float, float, float]:
        """Focal or not, and the three weights: what a preset sets."""
        return self.focal, self.class_cost, self.bbox_cost, self.giou_cost


@dataclass(frozen=True, eq=False)
class Matched(Frame):
    """Costs, assignments and losses, all of one scene. Q predictions, T objects, M = min(Q, T) pairs.

    Attributes
    ----------
    params : MatchingParams
        What all of this belongs to.
    class_cost, bbox_cost, giou_cost, total : ndarray float32 (Q, T)
        The terms without their weights, and the weighted sum.
    pairs, greedy : ndarray int64 (M, 2)
        (prediction, object), by object: the optimum of ``total``, and smallest cost first.
    order : ndarray int64 (M,)
        Rows of ``greedy`` as they were taken.
    cost, greedy_cost : float
        Sums of ``total`` over them.
    loss : ndarray float64 (M, 3)
        What each pair adds to the set loss: class (cross-entropy, RT-DETR's varifocal loss with the focal cost), L1
        and GIoU with their weights.
    none : ndarray float64 (Q,)
        What each unmatched prediction adds as "no object"; 0 for the matched ones.
    notes : tuple of Message
        What is special about this scene.
    error : Message or None
        Why it can't be matched; then all arrays are empty.
    seconds : float
        Taken for costs and assignment.
    """

    params: MatchingParams = field(repr=False)
    class_cost: Floats = field(repr=False)
    bbox_cost: Floats = field(repr=False)
    giou_cost: Floats = field(repr=False)
    total: Floats = field(repr=False)
    pairs: Pairs = field(repr=False)
    greedy: Pairs = field(repr=False)
    order: Pairs = field(repr=False)
    cost: float
    greedy_cost: float
    loss: npt.NDArray[np.float64] = field(repr=False)
    none: npt.NDArray[np.float64] = field(repr=False)
    notes: tuple[Message, ...] = ()
    error: Message | None = None
    seconds: float = 0.0

    @property
    def total_loss(self) -> float:
        """Class + weighted L1 + weighted GIoU of the whole set."""
        return float(self.loss.sum() + self.none.sum())

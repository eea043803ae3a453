"""What the page "Without NMS" can ask for and what it is told. Imports no torch.

Boxes are cxcywh as shares of the scene.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.params import Choice, Params, Range, setting
from engines.core.protocol import Frame
from engines.detr.objects import Box4

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check

Floats = npt.NDArray[np.float32]
Pairs = npt.NDArray[np.int64]

GAUSSIAN, LINEAR = "Gaussian decay", "Linear decay"
RESULT, SOFT = "Suppression", "Soft-NMS"


def shifted(box: Box4, iou: float) -> Box4:
    """A box of the same size beside this one, with which it has this IoU."""
    return box[0] + box[2] * (1 - iou) / (1 + iou), *box[1:]


LEFT: Box4 = (0.43, 0.5, 0.40, 0.62)


@dataclass(frozen=True)
class RawBoxes:
    """A detector's boxes before anything is dropped.

    Attributes
    ----------
    boxes, scores, labels : tuple
    kept : tuple of int
        Those the model itself counts as objects: its own set prediction.
    """

    boxes: tuple[Box4, ...]
    scores: tuple[float, ...]
    labels: tuple[int, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True)
class NmsParams(Params):
    """Settings of "Without NMS".

    Attributes without a slider
    ---------------------------
    things : tuple of boxes
        The true objects.
    kinds : tuple of int
        Their classes; empty where all are of one.
    raw : RawBoxes or None
        A real model's boxes; None: boxes are made from anchors near the objects.
    """

    things: tuple[Box4, ...] = (LEFT, shifted(LEFT, 0.7))
    kinds: tuple[int, ...] = ()
    raw: RawBoxes | None = None

    nms_iou: float = setting(
        0.5,
        Range(
            0.05,
            0.95,
            0.01,
            "IoU threshold",
            group=RESULT,
            tip="Of two boxes that overlap more than this, the one with the lower score is dropped.",
        ),
    )
    score: float = setting(
        0.3,
        Range(
            0,
            1,
            0.01,
            "Score threshold",
            group=RESULT,
            tip="Boxes with a lower score are dropped; by soft-NMS only after the decay.",
        ),
    )
    decay: str = setting(
        GAUSSIAN,
        Choice(
            (GAUSSIAN, LINEAR),
            "Score decay",
            group=SOFT,
            tip="How a score decays with the overlap. (Bodla et al. 2017)",
        ),
    )
    sigma: float = setting(
        0.5,
        Range(0.05, 2, 0.05, "Decay σ", group=SOFT, tip="Gaussian: score × exp(−IoU² / σ). Smaller is stricter."),
    )


@dataclass(frozen=True)
class Outcome:
    """What one way keeps of the raw boxes.

    Attributes
    ----------
    kept : ndarray int64 (K,), scores : ndarray float32 (K,)
        Best first.
    found : ndarray int64 (K,)
        The object that each finds (of its class, IoU at least 0.5, each object once), or −1: a duplicate or nothing.
    """

    kept: Pairs = field(repr=False)
    scores: Floats = field(repr=False)
    found: Pairs = field(repr=False)

    @property
    def hits(self) -> int:
        """Objects found."""
        return int((self.found >= 0).sum())


@dataclass(frozen=True, eq=False)
class Suppressed(Frame):
    """The same raw boxes, taken three ways.

    Attributes
    ----------
    params : NmsParams
    anchors : ndarray float32 (A, 4)
        cxcywh; empty for a real model's boxes.
    boxes : ndarray float32 (N, 4), scores : ndarray float32 (N,)
    greedy, soft, matched : Outcome
    iou : float
        Of the first two objects; 0 if there are fewer.
    error : Message or None
    """

    params: NmsParams = field(repr=False)
    anchors: Floats = field(repr=False)
    boxes: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    greedy: Outcome
    soft: Outcome
    matched: Outcome
    iou: float
    error: Message | None = None

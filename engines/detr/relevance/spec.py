"""What the page "Relevance" of the DETR tab asks for and is told. No torch: importing it is instant."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import Switch, looked, setting
from engines.core.protocol import Frame
from engines.detr.spec import DetrParams

PAINT = "Mask"


@dataclass(frozen=True)
class RelevanceParams(DetrParams):
    """What the model is asked, and what is wanted to be known of one query.

    Attributes without a slider
    ---------------------------
    masked_patches : tuple of (row, col)
        Cells of the feature map that are no keys any more, sorted; those it does not have are ignored.
    explained : int
        The query whose class is followed; -1: the one that is looked at.
    decoder_too : bool
        No keys of the decoder's cross-attention either, not of the encoder alone.
    """

    masked_patches: tuple[tuple[int, int], ...] = setting(())
    explained: int = looked(-1)

    decoder_too: bool = setting(
        True,
        Switch(
            "Hide from cross-attention too",
            group=PAINT,
            tip="Masked positions are no keys in the encoder; with this on, none in the cross-attention either.",
        ),
    )


@dataclass(frozen=True, eq=False)
class QueryRelevance(Frame):
    """What the model says without the masked patches, and which places one query's class rests on.

    Attributes
    ----------
    query, label : int
    boxes : ndarray (Q, 4)
        xyxy in pixels of the picture.
    scores, labels, passes : ndarray (Q,)
        Best real class with its probability, and whether it counts by threshold and decode rule.
    probability : float
        Of the class asked about, for the query.
    relevance : ndarray (h, w), optional
        Shares that sum to 1 (0 where nothing is found); None while it is being computed.
    grid : (rows, cols)
        Of the feature map.
    extent : (left, top, right, bottom)
        Where it lies on the picture, in pixels.
    masked : int
        How many patches are masked.
    """

    query: int
    label: int
    boxes: npt.NDArray[np.float32] = field(repr=False)
    scores: npt.NDArray[np.float32] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    passes: npt.NDArray[np.bool_] = field(repr=False)
    probability: float
    relevance: npt.NDArray[np.float32] | None = field(repr=False)
    grid: tuple[int, int]
    extent: tuple[float, float, float, float]
    masked: int

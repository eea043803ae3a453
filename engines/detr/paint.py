"""What the page "Relevance" of the DETR tab asks for and is told. No torch: importing it is instant."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Switch, setting
from engines.core.protocol import Frame

PAINT = "Paint"


@dataclass(frozen=True)
class PaintParams(Params):
    """Places of the picture that are taken away.

    Attributes
    ----------
    painted : tuple of (row, col)
        Cells of the feature map that are no keys any more, sorted; those it does not have are ignored.
    decoder_too : bool
        No keys of the decoder's cross-attention either, not of the encoder alone.
    """

    painted: tuple[tuple[int, int], ...] = ()

    decoder_too: bool = setting(
        True,
        Switch(
            "Hide from the queries too",
            group=PAINT,
            tip="Painted places are no keys of the encoder; with this no keys of the cross-attention either.",
        ),
    )


@dataclass(frozen=True)
class InsideAsk(Params):
    """One question: what the model on screen says without the painted places, and what a query rests on.

    Attributes
    ----------
    look : object
        The tab's settings (`engines.detr.spec.DetrParams`), whose answer is on screen.
    query, label : int
        The query, and the class whose logit is followed.
    """

    look: object = None
    query: int = 0
    label: int = 0


@dataclass(frozen=True, eq=False)
class QueryRelevance(Frame):
    """What the model says without the painted places, and which places one query's class rests on.

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
    painted : int
        How many places are taken away.
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
    painted: int

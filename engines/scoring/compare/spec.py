"""What the pages "Compare" and "Step through" are told. Imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame
from engines.scoring.spec import Floats, ScoringParams


@dataclass(frozen=True, eq=False)
class Compared(Frame):
    """The same queries and keys through all scoring functions.

    Attributes
    ----------
    params : ScoringParams
        What it was computed from.
    possible : ndarray bool (F,)
        Dot products need queries as long as keys; all numbers of the others are 0.
    queries, keys, values : ndarrays (Q, dq), (K, d), (K, dv)
    raw : ndarray (F, Q, K)
        Scores before any scaling; those of the dot product twice.
    scale : ndarray (F,)
        What the raw scores are divided by: 1, 1, √d.
    scores : ndarray (F, Q, K)
        raw / scale: what each scoring function gives.
    allowed : ndarray bool (Q, K)
    weights : ndarray (F, Q, K)
        softmax(scores / temperature) where allowed; a row with nothing left is all 0.
    output : ndarray (F, Q, dv)
    entropy : ndarray (F, Q)
        In bit.
    hidden : ndarray (Q, K, h)
        tanh(W_q q + W_k k) of each pair.
    w_q, w_k : ndarrays (h, dq), (h, d)
    w_v : ndarray (h,)
    mlp : ndarray (Q, K)
        The additive scores once more, by one MLP over [q; k].
    difference : float
        The largest between ``mlp`` and the additive ``raw``.
    """

    params: ScoringParams = dataclasses.field(repr=False)
    possible: npt.NDArray[np.bool_]
    queries: Floats = dataclasses.field(repr=False)
    keys: Floats = dataclasses.field(repr=False)
    values: Floats = dataclasses.field(repr=False)
    raw: Floats = dataclasses.field(repr=False)
    scale: Floats
    scores: Floats = dataclasses.field(repr=False)
    allowed: npt.NDArray[np.bool_] = dataclasses.field(repr=False)
    weights: Floats = dataclasses.field(repr=False)
    output: Floats = dataclasses.field(repr=False)
    entropy: Floats = dataclasses.field(repr=False)
    hidden: Floats = dataclasses.field(repr=False)
    w_q: Floats = dataclasses.field(repr=False)
    w_k: Floats = dataclasses.field(repr=False)
    w_v: Floats = dataclasses.field(repr=False)
    mlp: Floats = dataclasses.field(repr=False)
    difference: float

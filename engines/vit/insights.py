"""What the engine tells the pages beside "Watch": relevance, ablation, one head step by step, the logit lens.

No torch. Part of `engines.vit.spec`, which is where to import from; see there for how layers, heads and tokens count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame
from engines.vit.events import Floats, Prediction

RAW, ROLLED, GRADIENT, CHEFER = "Raw attention", "Rollout", "Gradient × attention", "Chefer's relevance"
METHODS = (RAW, ROLLED, GRADIENT, CHEFER)
CLASS_SPECIFIC = (GRADIENT, CHEFER)  #: they follow the chosen class; the others only look at attention
RANDOM_ORDERS = 5  #: orders drawn by lot that the methods are compared with


@dataclass(frozen=True)
class Insight(Frame):
    """Base of the frames of the pages beside "Watch".

    Attributes
    ----------
    target : int
        The class that is asked about; −1 for a model without a head.
    label : str
        Its name; empty without a head.
    candidates : tuple of int
        The (at most) five likeliest classes of the untouched model.
    """

    target: int
    label: str
    candidates: tuple[int, ...]


@dataclass(frozen=True)
class Relevance(Insight):
    """Four answers to "which patches matter", and how each fares when patches are taken away in its order.

    Attributes
    ----------
    layer : int
        Whose attention `RAW` and `GRADIENT` read.
    methods : tuple of str
        Of `METHODS`; without a head the class-specific ones are missing.
    maps : ndarray (M, rows, cols)
        Shares of the patches: each map sums to 1 (to 0 where a method finds nothing at all).
    removed : ndarray (K,)
        Share of the patches that is gone (deletion) or there (insertion) at each point measured so far, from 0.
    deletion, insertion : ndarray (M, K)
        Probability of the class, or without a head the cosine with the untouched class token, after the most
        relevant patches were painted in the mean color, or alone were left.
    random : ndarray (R, K)
        The same for patches that are covered in a random order. Read backwards it is the insertion of the
        opposite order, which is random as well, so it measures both.
    complete : bool
        Whether all points are measured; only then there are scores.
    """

    layer: int
    methods: tuple[str, ...]
    maps: Floats = field(repr=False)
    removed: Floats = field(repr=False)
    deletion: Floats = field(repr=False)
    insertion: Floats = field(repr=False)
    random: Floats = field(repr=False)
    complete: bool = False

    @property
    def deletion_scores(self) -> Floats:
        """Area under each deletion curve (M,): the lower, the better."""
        return area(self.deletion, self.removed)

    @property
    def insertion_scores(self) -> Floats:
        """Area under each insertion curve (M,): the higher, the better."""
        return area(self.insertion, self.removed)

    @property
    def random_score(self) -> float:
        """Mean area of the orders drawn by lot, the same for deletion and insertion."""
        return float(area(self.random, self.removed).mean())


def area(curves: Floats, x: Floats) -> Floats:
    """Area under curves (n, K) over x (K,) from 0 to 1, by trapezoids; the mean height of the curve."""
    widths = np.diff(x.astype(np.float64))
    found: Floats = (((curves[:, 1:] + curves[:, :-1]) / 2) @ widths).astype(np.float32)
    return found


@dataclass(frozen=True)
class Ablation(Insight):
    """What switching off each single head of the untouched model does.

    Attributes
    ----------
    done : ndarray of bool (L, H)
        Heads tried so far; the scan begins at the last layer, which is the quickest.
    probability, logit : ndarray (L, H)
        Change of the class's probability and logit; 0 where not done. Without a head both hold the change of
        the cosine with the untouched class token (so 0 or below).
    base : float
        The untouched model's probability (1 without a head).
    prediction : Prediction
        Of the model as it is set now, with painted patches and switched-off heads.
    """

    done: npt.NDArray[np.bool_] = field(repr=False)
    probability: Floats = field(repr=False)
    logit: Floats = field(repr=False)
    base: float
    prediction: Prediction

    @property
    def complete(self) -> bool:
        """Whether all heads have been tried."""
        return bool(self.done.all())


@dataclass(frozen=True)
class HeadSteps(Insight):
    """One query of one head, from the dot products to the weighted sum, in the numbers of the model.

    Attributes
    ----------
    layer, head, token : int
        ``token`` is the query.
    query : ndarray (d,)
    keys, values : ndarray (N, d)
    raw : ndarray (N,)
        q · k.
    divisor : float
        √d × temperature.
    scaled : ndarray (N,)
        raw ÷ divisor; what goes into the softmax.
    masked : ndarray of bool (N,)
        Keys that were painted away.
    weights : ndarray (N,)
        Sum to 1; 0 where masked.
    output : ndarray (d,)
        Σ weights × values, before the head is switched off, if it is.
    off : bool
        Whether the head is switched off.
    """

    layer: int
    head: int
    token: int
    query: Floats = field(repr=False)
    keys: Floats = field(repr=False)
    values: Floats = field(repr=False)
    raw: Floats = field(repr=False)
    divisor: float
    scaled: Floats = field(repr=False)
    masked: npt.NDArray[np.bool_] = field(repr=False)
    weights: Floats = field(repr=False)
    output: Floats = field(repr=False)
    off: bool = False


@dataclass(frozen=True)
class Lens(Insight):
    """What the head would say if the model ended after each layer (nostalgebraist 2020), token by token.

    Attributes
    ----------
    depths : int
        L + 1: the embeddings, then what each layer leaves. Arrays hold those read so far, which is all but while
        the first answer comes.
    top : ndarray of int (K, 5)
        The class token's likeliest classes at each depth; (K, 0) without a head.
    shares : ndarray (K, 5)
        Their probabilities.
    course : ndarray (K,)
        Probability of the class asked about; without a head the cosine with the class token at the end.
    patches : ndarray (K, rows, cols)
        The same, read from each patch token instead of the class token.
    says : ndarray of int (K, rows, cols)
        Each patch token's likeliest class; −1 without a head.
    sure : ndarray (K, rows, cols)
        Its probability; 0 without a head.
    """

    depths: int
    top: npt.NDArray[np.int64] = field(repr=False)
    shares: Floats = field(repr=False)
    course: Floats = field(repr=False)
    patches: Floats = field(repr=False)
    says: npt.NDArray[np.int64] = field(repr=False)
    sure: Floats = field(repr=False)

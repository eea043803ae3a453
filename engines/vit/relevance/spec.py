"""What the page "Relevance" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.core.params import Range, setting
from engines.vit.asking import MEASURE, OfClass, OfRollout
from engines.vit.events import Floats, OfOneClass

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: shares of what the patches add up to, not attention itself
RAW, ROLLED, GRADIENT, CHEFER = "Raw attention", "Rollout", "Gradient × attention", "Chefer's relevance"
METHODS = (RAW, ROLLED, GRADIENT, CHEFER)
CLASS_SPECIFIC = (GRADIENT, CHEFER)  #: they follow the chosen class; the others only look at attention
RANDOM_ORDERS = 5  #: random orders that the methods are compared with


@dataclass(frozen=True)
class RelevanceParams(OfClass, OfRollout):
    """What the engine of the page is asked with."""

    points: int = setting(
        10,
        Range(
            4,
            25,
            1,
            "Points of a curve",
            group=MEASURE,
            tip="Steps in which all patches are covered or uncovered; more take longer. (Petsiuk 2018)",
        ),
    )


@dataclass(frozen=True)
class Relevance(OfOneClass):
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

"""What the page "Arrows" is told. Imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from engines.core.protocol import Frame
from engines.scoring.spec import Floats, Place


@dataclass(frozen=True, eq=False)
class Pulled(Frame):
    """One query arrow among key arrows.

    Attributes
    ----------
    scores, weights : ndarrays (F, K)
    output : ndarray (F, 2)
    entropy : ndarray (F,)
        In bit.
    at : int
        The chosen key.
    field : ndarray (n, n)
        Its weight for queries in the middles of n × n cells of the plane, by the chosen function, top row first;
        empty unless asked for.
    """

    query: Place
    keys: tuple[Place, ...] = dataclasses.field(repr=False)
    values: tuple[Place, ...] = dataclasses.field(repr=False)
    scores: Floats = dataclasses.field(repr=False)
    weights: Floats = dataclasses.field(repr=False)
    output: Floats
    entropy: Floats
    at: int
    field: Floats = dataclasses.field(repr=False)

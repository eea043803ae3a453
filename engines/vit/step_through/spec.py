"""What the page "Step through" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame
from engines.vit.asking import OfToken
from engines.vit.events import Floats


@dataclass(frozen=True)
class StepParams(OfToken):
    """What the engine of the page is asked with."""


@dataclass(frozen=True)
class HeadSteps(Frame):
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
        Keys that are masked.
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

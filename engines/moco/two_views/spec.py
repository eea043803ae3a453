"""What the page "Two views" is told: `engines.moco.two_views.engine.Engine` answers `MocoParams`. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.errors import Message
from engines.core.protocol import Frame
from engines.moco.spec import Floats, Ints

Bytes: TypeAlias = npt.NDArray[np.uint8]

GALLERY = 24  #: pictures to choose an anchor from
SHOWN = 8  #: hardest negatives that are shown as pictures


@dataclass(frozen=True, eq=False)
class ViewsFrame(Frame):
    """One anchor, two views, and the contrast with the keys.

    Attributes
    ----------
    gallery : ndarray uint8 (G, 32, 32, 3)
        Pictures to choose from.
    anchor : ndarray uint8 (H, W, 3)
    label : str
        What the anchor shows; empty where nothing says so.
    view_q, view_k : ndarray uint8 (32, 32, 3)
    similarity : float
        Cosine of q and k.
    cosines : ndarray float32 (K,)
        Of q with the negatives, in the order of the queue.
    ages : ndarray int64 (K,)
        Of the negatives; −1 = noise.
    weights : ndarray float32 (1 + K,)
        Softmax of the logits, the positive first: they sum to 1.
    hardest : ndarray int64 (S,)
        The negatives most like q, the worst first.
    pictures : ndarray uint8 (S, 32, 32, 3)
        What they show; gray where it is noise.
    logit, rest, loss : float
        l⁺ / τ; log Σ exp of all logits over τ; InfoNCE, the latter minus the former.
    temperature : float
    step : int
        Of the run's state; −1 for other weights.
    source : str
        One of `ENCODERS`.
    """

    gallery: Bytes = field(repr=False)
    anchor: Bytes = field(repr=False)
    label: str
    view_q: Bytes = field(repr=False)
    view_k: Bytes = field(repr=False)
    similarity: float
    cosines: Floats = field(repr=False)
    ages: Ints = field(repr=False)
    weights: Floats = field(repr=False)
    hardest: Ints = field(repr=False)
    pictures: Bytes = field(repr=False)
    logit: float
    rest: float
    loss: float
    temperature: float
    step: int
    source: str


@dataclass(frozen=True)
class NotThere(Frame):
    """The pictures or the encoder asked for can't be had."""

    reason: Message

"""What the page "Logit lens" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.vit.asking import OfClass
from engines.vit.events import Floats, OfOneClass

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: what the head reads from tokens, not what they attend to


@dataclass(frozen=True)
class LensParams(OfClass):
    """What the engine of the page is asked with."""


@dataclass(frozen=True)
class LogitLens(OfOneClass):
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

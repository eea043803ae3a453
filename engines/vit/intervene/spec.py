"""What the page "Intervene" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.vit.asking import OfClass
from engines.vit.events import Floats, OfOneClass, Prediction

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: what a head is worth, not what it attends to


@dataclass(frozen=True)
class AblationParams(OfClass):
    """What the engine of the page is asked with."""


@dataclass(frozen=True)
class Ablation(OfOneClass):
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
        Of the model as it is set now, with masked patches and switched-off heads.
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

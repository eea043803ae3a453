"""What the page "Proofs" is made of and what its run tells. Imports no torch.

`engines.swin.proofs.training.Trainer` is the guest of the lane: `ProofBegan` once a run, then for each step a
`ProofStep`, and now and then a `FieldAccuracy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Range, setting
from engines.core.protocol import Record
from engines.core.training import Stepped, TrainingParams

SIDE, WINDOW, SHIFT = 16, 4, 2
OFFSET = (0, 2)  #: rows, columns: where a token finds its answer
STEPS = 400
FULL, NO_SHIFT, NO_MASK, NO_BIAS = "All on", "No shift", "No mask", "No bias"
SWITCHES = (FULL, NO_SHIFT, NO_MASK, NO_BIAS)
NEW_RUN = "Requires a new run"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: accuracies are shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class ProofParams(TrainingParams):
    """Settings of the page."""

    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip="Of the weights at the start and of the fields that are drawn.")
    )


@dataclass(frozen=True, eq=False)
class ProofBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    visible : ndarray of bool (4, side, side)
        Which tokens see their answer, for each of `SWITCHES`.
    predicted : tuple of float
        The accuracy that follows; −1 where none does (without position bias).
    """

    visible: npt.NDArray[np.bool_] = field(repr=False)
    predicted: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ProofStep(Stepped):
    """One step of all four nets.

    Attributes
    ----------
    losses : tuple of float
        Cross-entropy, for each of `SWITCHES`.
    """

    losses: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class FieldAccuracy(Record):
    """How well each token says its answer, on fields that were not trained on.

    Attributes
    ----------
    step : int
    accuracy : ndarray (4, side, side)
        Share of the fields, for each of `SWITCHES`.
    """

    step: int
    accuracy: npt.NDArray[np.float32] = field(repr=False)

    def measures(self) -> dict[str, float]:
        """Mean over all tokens, by what is switched off."""
        return {f"accuracy {name}": float(one.mean()) for name, one in zip(SWITCHES, self.accuracy, strict=True)}

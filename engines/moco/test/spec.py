"""What the page "Test" asks `engines.moco.test.tuning.Tuner`, which fine-tunes on a few labels, and is told.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.params import Params
from engines.core.protocol import Record
from engines.core.training import Weights
from engines.moco.settings import SHAPES


@dataclass(frozen=True)
class TuneParams(Params):
    """What is fine-tuned, and on how much.

    Attributes
    ----------
    weights : Weights, optional
        The run's state.
    data, paths : str, tuple of str
        See `Learning`.
    shots : int
        Labels per class.
    number : int
        Another number is another try.
    """

    weights: Weights | None = None
    data: str = SHAPES
    paths: tuple[str, ...] = ()
    shots: int = 10
    number: int = 0


@dataclass(frozen=True)
class Tuned(Record):
    """Test accuracy while fine-tuning on ``shots`` labels per class: from the run's weights, from random ones."""

    shots: int
    step: int
    last: int
    pretrained: float
    scratch: float

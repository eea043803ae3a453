"""Settings and events of the comparison between the two normalizations. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.errors import Message
from engines.core.params import Range, setting
from engines.core.protocol import Record
from engines.core.training import Stepped, TrainingParams
from engines.data.sequences import REVERSE

COMPARISON_STEPS = 2000


@dataclass(frozen=True)
class ComparisonSettings(TrainingParams):
    """Two models alike but for the normalization, trained with the same seed on the same batches.

    Attributes
    ----------
    task : str
    seed : int
    batch : int
        Examples in each step.
    padding : int
        Tokens of padding that are appended to each batch.
    count_padding : bool
        Padding counts in the statistics of batch normalization.
    """

    task: str = REVERSE
    seed: int = 0
    batch: int = 32
    padding: int = 0
    count_padding: bool = False
    until: int = setting(0, Range(0, COMPARISON_STEPS, 1, "Steps", live=True))


@dataclass(frozen=True)
class ComparisonStep(Stepped):
    """One step of both; pairs are layer normalization, batch normalization.

    Attributes
    ----------
    loss : tuple of float
        On the batch, nat; a model that has stopped keeps its last one.
    stopped : tuple of bool
        Whether a model's numbers left the finite, so that it goes no further.
    """

    loss: tuple[float, float]
    stopped: tuple[bool, bool]


@dataclass(frozen=True)
class ComparisonMeasured(Record):
    """How both do on held-out examples.

    Attributes
    ----------
    step : int
    evaluation : tuple of float
        Token accuracy in evaluation: batch normalization with its running statistics.
    training : tuple of float
        The same examples in training mode: batch normalization with the statistics of these examples.
    alone : tuple of float
        The same one at a time: batch normalization with the statistics of a single example.
    longest : tuple of float
        In evaluation, the longer half of the examples: of other statistics than those that were learned from.
    """

    step: int
    evaluation: tuple[float, float]
    training: tuple[float, float]
    alone: tuple[float, float]
    longest: tuple[float, float]


@dataclass(frozen=True)
class ComparisonBegan(Record):
    """Both stand at the beginning.

    Attributes
    ----------
    parameters : int
        Numbers that each of them learns.
    about : Message
        What they are.
    """

    parameters: int
    about: Message

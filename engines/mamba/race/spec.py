"""What the page "Race" is made of and what its run tells. No torch.

Sizes: K kinds of nets, S seeds of each, M lengths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range, drawn, setting
from engines.core.protocol import Event, Record
from engines.core.training import Stepped, TrainingParams

Floats = npt.NDArray[np.float32]

COPYING, INDUCTION = "Selective copying", "Induction"
TASKS = (COPYING, INDUCTION)
MAMBA, STILL, ATTENTION, BLIND = "Mamba", "Without selection", "Attention", "Attention, no positions"
KINDS = (MAMBA, STILL, ATTENTION, BLIND)
SYMBOLS = 8  #: to tell apart; who guesses is right one time in so many
TRAINED = 32  #: length that is trained on
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)  #: that are tried afterwards
STEPS = {COPYING: 1200, INDUCTION: 400}  #: of a run
LAST = max(STEPS.values())
LOOK_EVERY = 25  #: steps between two looks at the accuracy
NEW_RUN, LOOK = "Requires a new run", "View"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: accuracies are shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class RaceParams(TrainingParams):
    """Settings of the page."""

    task: str = setting(
        INDUCTION,
        Choice(TASKS, "Task", group=NEW_RUN, tip="Copy four symbols out of noise, or say what followed the trigger "
               "the first time. (Gu and Dao 2023, 4.1)"),
    )  # fmt: skip
    length: int = drawn(
        TRAINED,
        Range(LENGTHS[0], LENGTHS[-1], 1, "Length", log=True, group=LOOK, tip="Sequences that the trained nets are "
              "tried on. They were trained at 32."),
    )  # fmt: skip
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip="The first of the seeds: of the weights at the start and of "
                 "the sequences that are drawn.")
    )  # fmt: skip
    seeds: int = setting(
        1,
        Range(1, 3, 1, "Seeds", group=NEW_RUN, tip="Nets of each kind, trained side by side. Error bars are over "
              "them."),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RaceBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    task : str
    parameters : tuple of int
        Of a net of each of `KINDS`.
    """

    task: str
    parameters: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RaceStep(Stepped):
    """One step of all nets.

    Attributes
    ----------
    losses : tuple of float
        Cross-entropy of each of `KINDS`, mean over the seeds.
    """

    losses: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Standing(Event):
    """How the kinds stand on sequences as long as those that are trained on.

    Attributes
    ----------
    steps : ndarray (looks,)
    accuracy : ndarray (looks, K, S)
        Share of the held-out answers that are right.
    seconds : tuple of float
        What a step of one net of each kind takes: the median.
    """

    steps: npt.NDArray[np.int64] = field(repr=False)
    accuracy: Floats = field(repr=False)
    seconds: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class RaceLook(Record):
    """How the run in hand stands.

    Attributes
    ----------
    step : int
        Steps made so far.
    standing : Standing
    """

    step: int
    standing: Standing

    def measures(self) -> dict[str, float]:
        """Accuracy of each kind at the last look, mean over the seeds."""
        newest = self.standing.accuracy[-1:].mean(-1)  # (1, K); none before the first look
        return {f"accuracy {kind}": float(share) for row in newest for kind, share in zip(KINDS, row, strict=True)}


@dataclass(frozen=True, eq=False)
class AtLengths(Record):
    """The nets of the run in hand at other lengths than they were trained at.

    Attributes
    ----------
    step : int
    accuracy : ndarray (m, K, S)
        At the first m of `LENGTHS`, as they come.
    """

    step: int
    accuracy: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Beforehand(Record):
    """A whole race that was run beforehand.

    Attributes
    ----------
    task : str
    standing : Standing
    at_lengths : ndarray (M, K, S)
    """

    task: str
    standing: Standing
    at_lengths: Floats = field(repr=False)

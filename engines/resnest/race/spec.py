"""What the page "Race" is told, and what its run is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.blocks.differences import Difference
from engines.core.params import Range, setting
from engines.core.protocol import Event, Record
from engines.core.training import Stepped, TrainingParams

STEPS = 160
LOOK_EVERY = 10  #: steps between two looks at the accuracy
NONE, SE, SPLIT = "None", "SE", "ResNeSt"
KINDS = (NONE, SE, SPLIT)
NEW_RUN = "Requires a new run"
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class RaceParams(TrainingParams):
    """Settings of the page."""

    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=NEW_RUN, tip="The first of the seeds: of the weights at the start, of the "
                 "batches, and of the digits that are held out.")
    )  # fmt: skip
    seeds: int = setting(
        3,
        Range(2, 8, 1, "Seeds", group=NEW_RUN, tip="Nets of each kind, trained side by side. Error bars are over "
              "them."),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RaceBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    parameters : tuple of int
        Of a net of each of `KINDS`.
    trained, held_out : int
        Pictures.
    """

    parameters: tuple[int, ...]
    trained: int
    held_out: int


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
    """How the kinds stand.

    Attributes
    ----------
    steps : ndarray (looks,)
        Of each look at the accuracy.
    accuracy : ndarray (looks, 3, seeds)
        Share of the held-out pictures, for each of `KINDS`.
    seconds : tuple of float
        What a step of one net of each kind takes: the median.
    time : float
        Seconds that the quickest kind has had for all its steps.
    at_time : ndarray (3, seeds)
        Accuracy when each kind has had as much time.
    after_steps, after_time : tuple of Difference
        Each kind but the first against the first: after as many steps, and at this time.
    """

    steps: npt.NDArray[np.int64] = field(repr=False)
    accuracy: Floats = field(repr=False)
    seconds: tuple[float, ...]
    time: float
    at_time: Floats = field(repr=False)
    after_steps: tuple[Difference, ...]
    after_time: tuple[Difference, ...]


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
class Beforehand(Record):
    """A whole race that was run beforehand.

    Attributes
    ----------
    standing : Standing
    """

    standing: Standing

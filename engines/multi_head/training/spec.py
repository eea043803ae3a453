"""What the page "Training" can ask for and what its run tells. Imports no torch.

`engines.multi_head.training.train.Trainer` is the guest of the lane: `RunBegan` (once a run), then for each step a
`TrainStep`, for some of them a state to keep (see `kept`), and a `Now`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range, drawn, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Kept, Stepped, TrainingParams, Weights
from engines.multi_head.sizes import nearest_power

Floats: TypeAlias = npt.NDArray[np.float32]

BOTH, LEFT = "Both neighbors", "Left neighbor"
TASKS = (BOTH, LEFT)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTH = 8  #: tokens of a training sequence
UNORDERED = 2 / 4  #: right of two letters in both orders, where one answer is given to both: the letters differ
MOST_STEPS = 3000  #: steps of a training run
SAMPLES = 4  #: sequences of the fixed sample that is shown while training
AT_ONCE, NEW_RUN = "Applies immediately", "Requires a new run"


@dataclass(frozen=True)
class MultiHeadTraining(TrainingParams):
    """Settings of the page and of its run."""

    learning_rate: float = setting(
        3e-3,
        Range(
            1e-4,
            0.1,
            1e-4,
            "Learning rate",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="Learning rate of Adam, for both models. (Kingma & Ba 2015)",
        ),
    )
    pace: int = drawn(
        30,
        Range(
            1, 200, 1, "Steps per second", log=True, live=True, group=AT_ONCE, tip="Upper limit; slow enough to watch."
        ),
    )
    task: str = setting(
        BOTH,
        Choice(
            TASKS,
            "Task",
            group=NEW_RUN,
            tip="Each token predicts the letters to its left and right, on a ring. The left one alone is the "
            "control: one head can do it.",
        ),
    )
    train_width: int = setting(
        32, Range(16, 64, 1, "Width of both models", log=True, group=NEW_RUN, tip="The same for one head and for two.")
    )
    train_seed: int = setting(
        0, Range(0, 999, 1, "Seed of the run", group=NEW_RUN, tip="Weights and sequences; the same for both models.")
    )

    def following(self, before: Self) -> Self:
        """A width that both numbers of heads divide."""
        return replace(self, train_width=nearest_power(self.train_width))


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A training run stands at its beginning.

    Attributes
    ----------
    params : MultiHeadTraining
        What the run is made of.
    parameters : tuple of int
        Of the model with one head and of that with two: the same number.
    average : float
        The loss of a model that knows both letters but not which is which: ln 2; 0 if only one letter is asked for.
    letters : ndarray int64 (S, N)
        The sequences on which both are shown.
    targets : ndarray int64 (S, N, 2)
        Letters each token has to name.
    """

    params: MultiHeadTraining = field(repr=False)
    parameters: tuple[int, int]
    average: float
    letters: npt.NDArray[np.int64] = field(repr=False)
    targets: npt.NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True)
class TrainStep(Stepped):
    """One step.

    Attributes
    ----------
    loss, accuracy : tuple of float
        Of one head and of two on the step's batch: mean cross-entropy in nat, share of letters that are right.
    agreement : float
        Of the two heads' maps, 1 = the same.
    """

    loss: tuple[float, float]
    accuracy: tuple[float, float]
    agreement: float


@dataclass(frozen=True, eq=False)
class Snapshot:
    """How both models attend and answer at a step.

    Attributes
    ----------
    weights : ndarray float32 (3, N, N)
        Of the one head, and of the two; the same for all sequences; rows sum to 1.
    probabilities : ndarray float32 (S, 2, N, 2, V)
        Of one head and of two: for each token and each of its two places, over the letters.
    """

    step: int
    weights: Floats = field(repr=False)
    probabilities: Floats = field(repr=False)


def kept(shown: Snapshot) -> Kept:
    """A snapshot as a state to look back at."""
    return Kept(Weights(shown.step, {"weights": shown.weights, "probabilities": shown.probabilities}))


def snapshot(state: Weights) -> Snapshot:
    """What `kept` kept."""
    return Snapshot(state.step, state.arrays["weights"], state.arrays["probabilities"])


@dataclass(frozen=True, eq=False)
class Now(Frame):
    """The newest step."""

    shown: Snapshot = field(repr=False)

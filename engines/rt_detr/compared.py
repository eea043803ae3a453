"""What a run of detectors side by side tells. Imports no torch.

Shapes: A arms (kinds of training), S seeds of each, K looks, F figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame, Record
from engines.core.training import Stepped
from engines.data.detector_training import Example

Floats = npt.NDArray[np.float32]
FIGURES = ("ap", "ap50", "switched", "ap50_encoder", "correlation", "both")  #: of `engines.data.learners.Seen`
AP, AP50, SWITCHED, AP50_ENCODER, CORRELATION, BOTH = range(len(FIGURES))


@dataclass(frozen=True, eq=False)
class ArmsBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    names : tuple of str
        Of the arms.
    seeds : int
    parameters : tuple of (int, int)
        Of each arm's detector: all, and those that are learned.
    examples : tuple of Example
        Validation scenes that can be watched.
    classes : tuple of str
    validation : int
        Validation scenes.
    """

    names: tuple[str, ...]
    seeds: int
    parameters: tuple[tuple[int, int], ...]
    examples: tuple[Example, ...] = field(repr=False)
    classes: tuple[str, ...]
    validation: int


@dataclass(frozen=True)
class ArmsStep(Stepped):
    """One step of all detectors."""


@dataclass(frozen=True, eq=False)
class ArmsLook(Record):
    """How the run in hand stands.

    Attributes
    ----------
    step : int
    figures : ndarray float32 (F, A, S)
        `FIGURES`; −1 for what a detector does not have.
    seconds : tuple of float
        Of the processor, that one seed of each arm has taken for its steps.
    owners : tuple of tuples of ndarray
        For each arm, of its first seed, what owns each object (N,) of each scene that can be watched.
    points : tuple of ndarray float32 (2, M)
        For each arm, of its first seed, scores and IoUs of the chosen locations.
    """

    step: int
    figures: Floats
    seconds: tuple[float, ...]
    owners: tuple[tuple[npt.NDArray[np.int64], ...], ...] = field(repr=False)
    points: tuple[Floats, ...] = field(repr=False)

    def measures(self) -> dict[str, float]:
        """Each figure of each arm, mean over the seeds that have it."""
        found = {}
        for name, arms in zip(FIGURES, self.figures, strict=True):
            for at, seeds in enumerate(arms, 1):
                known = seeds[seeds >= 0]
                if len(known):
                    found[f"{name} {at}"] = float(known.mean())
        return found


@dataclass(frozen=True, eq=False)
class Beforehand(Frame):
    """Trainings that were run beforehand.

    Attributes
    ----------
    names : tuple of str
        Of the arms.
    steps : ndarray int64 (K,)
    figures : ndarray float32 (K, F, A, S)
    seconds : ndarray float32 (K, A)
        Of the processor, mean over the seeds.
    points : tuple of ndarray float32 (2, M)
        Scores and IoUs of some chosen locations, at the end, of the first seed of each arm.
    told : tuple of (str, str)
        How it was made: names and values.
    """

    names: tuple[str, ...]
    steps: npt.NDArray[np.int64]
    figures: Floats
    seconds: Floats
    points: tuple[Floats, ...] = field(repr=False)
    told: tuple[tuple[str, str], ...] = ()


def steps_to(steps: npt.NDArray[np.int64], values: Floats, goal: float, stays: bool = False) -> float:
    """The step at which values (K,) first reach a goal, by a straight line between two looks; NaN if they never do.

    Parameters
    ----------
    steps : ndarray (K,)
    values : ndarray (K,)
    goal : float
    stays : bool
        The step from which on no look is below the goal any more.
    """
    above = values >= goal
    if stays:
        above = np.logical_and.accumulate(above[::-1])[::-1]
    reached = np.flatnonzero(above)
    if not len(reached):
        return float("nan")
    at = int(reached[0])
    if at == 0:
        return float(steps[0])
    low, high = float(values[at - 1]), float(values[at])
    share = (goal - low) / (high - low)
    return float(steps[at - 1] + share * (steps[at] - steps[at - 1]))

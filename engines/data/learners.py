"""Detectors that learn side by side: what a topic offers so that another can train its detector beside its own.

The offer ``learner`` is a callable: `Lesson` -> `Learner`. All learners of a lesson see the same drawn scenes in the
same order, and are measured on the same validation scenes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from engines.core import offers

if TYPE_CHECKING:
    from engines.data.detector_trainer import DetectorRun

KIND = "learner"  #: of `engines.core.offers`
NONE = -1.0  #: a figure that a detector does not have


@dataclass(frozen=True)
class Lesson:
    """What is learned, and how.

    Attributes
    ----------
    scenes : str
        One of the options of `engines.data.detector_training.SCENES`.
    pretrained : bool
        The backbone is the bundled one and frozen; else all weights are random.
    batch : int
    learning_rate : float
    seed : int
        Of weights and scenes.
    """

    scenes: str
    pretrained: bool
    batch: int
    learning_rate: float
    seed: int


@dataclass(frozen=True, eq=False)
class Seen:
    """How a detector does on the validation scenes.

    Attributes
    ----------
    ap, ap50 : float
    switched : float
        Share of the objects that another query owns than at the look before; `NONE` at the first one.
    owners : tuple of ndarray int64 (N,)
        For each scene that can be watched, what owns each object: the number of a learned query, or the location that
        became the query; −1 for none.
    ap50_encoder, correlation, both : float
        Of the encoder's choice, where the detector has one: AP50, and how scores and IoUs go together.
    scores, ious : ndarray float32 (M,)
        Of the chosen locations.
    """

    ap: float
    ap50: float
    switched: float
    owners: tuple[npt.NDArray[np.int64], ...] = field(repr=False)
    ap50_encoder: float = NONE
    correlation: float = NONE
    both: float = NONE
    scores: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    ious: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)


class Learner(Protocol):
    """A detector on its way."""

    @property
    def title(self) -> str:
        """Its name."""

    @property
    def parameters(self) -> tuple[int, int]:
        """All, and those that are learned."""

    @property
    def stopped(self) -> bool:
        """Its numbers left the finite."""

    @property
    def made(self) -> int:
        """Steps made."""

    def step(self) -> Iterator[None]:
        """One step, with places to stop in it; one given up half way is made anew."""

    def look(self) -> Iterator[None]:
        """Measure it, with places to stop in it; `seen` has what was found."""

    @property
    def seen(self) -> Seen | None:
        """The newest look."""

    @property
    def looked(self) -> int:
        """The step of the newest look."""

    def state(self) -> dict[str, Any]:
        """All that it needs to go on, as copies."""

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""


class RunLearner(ABC):
    """A learner that is a run of its topic's page Training.

    Parameters
    ----------
    run : DetectorRun
    parameters : (int, int)
        All, and those that are learned.
    """

    APART = "told", "measured"  # of a run's state: what a learner does not go on from

    def __init__(self, run: DetectorRun, parameters: tuple[int, int]) -> None:
        self.run, self.parameters = run, parameters
        self.seen: Seen | None = None
        self.looked = 0

    @abstractmethod
    def seen_of(self, measured: Any) -> Seen:
        """What a measurement of the run says."""

    @property
    def stopped(self) -> bool:
        """Its numbers left the finite."""
        return self.run.stopped

    @property
    def made(self) -> int:
        """Steps made."""
        return self.run.step

    def step(self) -> Iterator[None]:
        """One step."""
        yield from self.run.parts(self.run.params)

    def look(self) -> Iterator[None]:
        """Measure it."""
        self.run.due = self.run.step
        yield from self.run.measuring()
        if self.run.measured is not None:
            self.seen, self.looked = self.seen_of(self.run.measured), self.run.step

    def state(self) -> dict[str, Any]:
        """All that it needs to go on, as copies."""
        run = {name: value for name, value in self.run.state().items() if name not in self.APART}
        return {"run": run, "seen": self.seen, "looked": self.looked}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.run.load({**state["run"], "told": self.run.losses, "measured": self.run.measured})
        self.seen, self.looked = state["seen"], state["looked"]


def others(topic: str) -> tuple[offers.Offer, ...]:
    """The learners of other topics."""
    return tuple(offer for offer in offers.found(KIND) if offer.topic != topic)

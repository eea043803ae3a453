"""The way that a run has come: with which live settings, and whether it can be gone again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engines.core.training import TrainingParams

Live = dict[str, Any]  # live settings by name


@dataclass(frozen=True)
class Left:
    """The run that a branch has left.

    Attributes
    ----------
    params : TrainingParams
    live : Live
        What it began with.
    step : int
        The newest that it has made.
    at : int
        Where the branch leaves it.
    why_not : str
        Why it can't be trained again; empty where it can.
    """

    params: TrainingParams
    live: Live
    step: int
    at: int
    why_not: str


class Way:
    """Of one run.

    Attributes
    ----------
    again : int or None
        The step up to which it is trained again, as it was.
    left : Left or None
        What it has branched off.
    """

    def __init__(self) -> None:
        self._lives: list[tuple[int, Live]] = []  # the step from which the run had them
        self.again: int | None = None
        self.left: Left | None = None
        self._with: Live = {}

    @property
    def first(self) -> Live:
        """The live settings that the run began with."""
        return self._lives[0][1]

    @property
    def is_known(self) -> bool:
        """Whether the run has begun with anything."""
        return bool(self._lives)

    def clear(self) -> None:
        """A new run begins."""
        self._lives, self.again, self.left = [], None, None

    def go_again(self, step: int, live: Live, left: Left | None = None) -> None:
        """Train up to a step with these settings, whatever the hand has set since, and branch off another run there."""
        self.again, self._with, self.left = step, live, left

    def ask(self, step: int, until: int, live: Live, rests: bool) -> tuple[int, Live]:
        """How far a run that is at ``step`` may go now, and with what, where that far and these are wanted.

        It ``rests`` until something of it is wanted: what is set before is what it begins with.
        """
        if self.again is not None and step >= self.again:
            self.again = None
        if self.again is not None:
            until, live = min(until, self.again), self._with
        if not self._lives or live != self._lives[-1][1]:
            if not step and rests:
                self._lives.clear()  # none was trained with
            self._lives.append((step, live))
        return until, live

    def why_not(self, params: TrainingParams | None, step: int) -> str:
        """Why a step can't be gone on from; empty where it can."""
        if params is None or params.resume:
            return "This run was continued from the disk: how it came to this step is not known."
        if any(live != self.first for at, live in self._lives if at < step):
            return "A setting was changed on the way to this step, which can't be trained again in the same way."
        return ""


def is_live(metadata: Any) -> bool:
    """Whether a field reaches a run that goes on."""
    return bool(getattr(metadata.get("rule"), "live", False))

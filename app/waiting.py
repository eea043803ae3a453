"""Which settings of a training wait for a new run, and which reach the one in hand."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any

from app.branching import is_live
from engines.core.training import TrainingParams

DRIVEN = ("run", "until", "keep", "resume", "branches")  #: set by what drives the run, not by the hand


class Waiting:
    """Of one run.

    Parameters
    ----------
    brought : tuple of str
        Live settings that others bring along: changed so they wait, too.
    """

    def __init__(self, brought: tuple[str, ...]) -> None:
        self._brought = brought
        self._seen: TrainingParams | None = None  # the settings when they were last looked at
        self._waits: set[str] = set()  # live settings that wait with those that brought them

    def begin(self, now: TrainingParams) -> None:
        """A run begins with these settings."""
        self._seen = now
        self._waits.clear()

    def count(self, now: TrainingParams, run: TrainingParams) -> int:
        """How many settings wait for a new run."""
        return sum(
            getattr(now, f.name) != getattr(run, f.name)
            for f in fields(now)
            if f.name not in DRIVEN and not self._reaches(f)
        )

    def live(self, now: TrainingParams) -> dict[str, Any]:
        """Those that reach the run in hand, as they are now."""
        return {f.name: getattr(now, f.name) for f in fields(now) if f.name not in DRIVEN and self._reaches(f)}

    def _reaches(self, one: Field[Any]) -> bool:
        return is_live(one.metadata) and one.name not in self._waits

    def see(self, now: TrainingParams, run: TrainingParams) -> None:
        """Live settings that changed along with what starts a new run wait with it, until the hand changes them."""
        before, self._seen = self._seen, now
        if before is None:
            return
        changed = {f.name for f in fields(before) if getattr(before, f.name) != getattr(now, f.name)}
        others = any(f.name in changed and f.name not in DRIVEN and not is_live(f.metadata) for f in fields(before))
        moved = changed.intersection(self._brought)
        self._waits = self._waits | moved if others else self._waits - moved
        if self.count(now, run) == sum(getattr(now, name) != getattr(run, name) for name in self._waits):
            self._waits.clear()  # nothing that brought them waits any more

"""Undo and redo of a tab's settings: since Params are frozen, a step is just the settings before it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from engines.core.params import Params
from engines.core.training import Weights

DEPTH = 200  #: steps kept


class History(QObject):
    """The settings a tab had, one entry an undo step.

    Changes with the same key are one step until `seal` ends it (the hand let go of the slider or box).

    A state of a training run is no part of a step: going back looks at the state that is looked at now. Kept with each
    step, the states of a long run would fill gigabytes, each of them another one.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._past: list[Params] = []
        self._future: list[Params] = []
        self._open = ""

    def record(self, before: Params, key: str) -> None:
        """Remember the settings as they were before a change of ``key``."""
        if key and key == self._open:
            return
        self._past = [*self._past[1 - DEPTH :], replace(before, **dict.fromkeys(_states(before)))]
        self._future.clear()
        self._open = key
        self.changed.emit()

    def seal(self) -> None:
        """The next change is a step of its own."""
        self._open = ""

    def undo(self, now: Params) -> Params | None:
        """The settings one step back; ``now`` is kept for `redo`. None at the beginning."""
        return self._move(self._past, self._future, now)

    def redo(self, now: Params) -> Params | None:
        """The settings one step forward; None at the end."""
        return self._move(self._future, self._past, now)

    def clear(self) -> None:
        """Forget everything: another picture or model is not a step of the hand."""
        self._past.clear()
        self._future.clear()
        self.seal()
        self.changed.emit()

    @property
    def newest(self) -> Params | None:
        """The settings that a step back leads to."""
        return self._past[-1] if self._past else None

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step forward."""
        return bool(self._future)

    def _move(self, source: list[Params], target: list[Params], now: Params) -> Params | None:
        if not source:
            return None
        states = _states(now)
        target.append(replace(now, **dict.fromkeys(states)))
        self.seal()
        found = source.pop()
        self.changed.emit()
        return replace(found, **states)


def _states(params: Params) -> dict[str, Any]:
    """The fields that hold a state of a run."""
    now = {f.name: getattr(params, f.name) for f in fields(params) if f.init}
    return {name: value for name, value in now.items() if isinstance(value, Weights)}

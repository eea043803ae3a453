"""Undo and redo of a tab's settings: since Params are frozen, a step is just the settings before it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from engines.core.params import Params

DEPTH = 200  #: steps kept


class History(QObject):
    """The settings a tab had, one entry an undo step.

    Changes with the same key are one step until `seal` ends it (the hand let go of the slider or box).
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
        self._past = [*self._past[1 - DEPTH :], before]
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
        target.append(now)
        self.seal()
        found = source.pop()
        self.changed.emit()
        return found

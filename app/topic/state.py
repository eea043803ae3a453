"""The settings that one or several pages of a tab show, with their undo steps and their place in the settings file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.history import History
from app.settings import Settings
from engines.core.params import Params, same_steps, with_role, with_selection_of


class State(QObject):
    """One Params object at a time, and the way from one to the next.

    Pages of a tab that declare the same Params share one state: what is set on one is set on the other.

    Parameters
    ----------
    place : str
        What it is remembered under, ``topic.page``.
    plain : Params
        The settings of the very first start.
    settings : Settings
        Remembers them.
    former : str
        What they were remembered under before pages had places of their own; read where ``place`` holds nothing.

    Signals
    -------
    changed : Params
        The settings before the change.
    stepped
        Another step can or can't be undone or redone.
    """

    changed = Signal(object)
    stepped = Signal()

    def __init__(
        self, place: str, plain: Params, settings: Settings, former: str = "", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._place, self._settings = place, settings
        found = settings.restored(place if settings.remembers(place) else former, plain)
        self.params: Any = found.following(found)  # a file may hold values that do not go together
        self._unsaid = self.params.changes()  # to the model, that the last time has left
        self.history = History(self)
        self.history.changed.connect(self.stepped)

    def take_restored(self) -> int:
        """How many changes to the model came with the start and are still in force; 0 once that was asked."""
        count: int = min(self._unsaid, self.params.changes())
        self._unsaid = 0
        return count

    def change(self, **fields: Any) -> None:
        """Set some fields; changes of the same ones are one step until `settle`.

        Looking is no step, nor is what follows from it.
        """
        before = self.params
        made = replace(before, **fields)
        new = made.following(before)
        if new == before:
            return
        if not same_steps(before, made):
            self.history.record(before, ",".join(sorted(fields)))
        self._use(new)

    def settle(self) -> None:
        """The hand let go: the next change is a step of its own."""
        self.history.seal()

    def step(self, **fields: Any) -> None:
        """Set some fields as one step of its own."""
        self.settle()
        self.change(**fields)
        self.settle()

    def put(self, **fields: Any) -> None:
        """Set some fields and forget all steps: another picture, model or run is no step of the hand."""
        before = self.params
        new = replace(before, **fields).following(before)
        self.history.clear()
        if new != before:
            self._use(new)

    def reset(self) -> None:
        """Bring the untouched model back, as one step."""
        new = self.params.untouched()
        if new != self.params:
            self.settle()
            self.history.record(self.params, "")
            self._use(new)

    def undo(self) -> None:
        """One step back; what is looked at stays."""
        self._go_to(self.history.undo(self.params))

    def redo(self) -> None:
        """One step forward, as `undo`."""
        self._go_to(self.history.redo(self.params))

    def _go_to(self, params: Params | None) -> None:
        if params is not None:
            back = with_selection_of(self.params, params)
            now = back.following(self.params)  # what is looked at may hang on what comes back
            self._use(with_selection_of(now, back))

    def _use(self, params: Params) -> None:
        before, self.params = self.params, params
        self._settings.keep_fields(self._place, params, with_role(params, "kept", True))
        self.changed.emit(before)

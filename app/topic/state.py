"""The settings that one or several pages of a tab show, with their undo steps and their place in the settings file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.history import History
from app.settings import Settings
from engines.core.params import PHOTO, PIN, SETTING, Params, rules, same_steps, with_role, with_selection_of
from engines.core.pictures import Picture


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
        Remembers them; of a photo its file, and what is pinned on it.
    former : str
        What they were remembered under before pages had places of their own; read where ``place`` holds nothing.

    Attributes
    ----------
    place, plain
        As given.
    awaited : str
        The file of the photo of the last time, or what a session calls it, until `photo_read` is told what has become
        of it.

    Signals
    -------
    changed : Params
        The settings before the change.
    stepped
        Another step can or can't be undone or redone.
    complete
        Nothing is awaited any more.
    """

    changed = Signal(object)
    stepped = Signal()
    complete = Signal()

    def __init__(
        self, place: str, plain: Params, settings: Settings, former: str = "", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.place, self.plain, self._settings = place, plain, settings
        found = settings.restored(place if settings.remembers(place) else former, plain)
        self.params: Any = found.following(found)  # a file may hold values that do not go together
        self._unsaid = self.params.changes()  # to the model, that the last time has left
        file, self._pins, self._pinned_in = settings.photo(place)
        self.awaited = file if with_role(self.params, "remembered", PHOTO) and os.path.isfile(file) else ""
        if not file:
            self.params = self._pinned(self.params)
        self.history = History(self)
        self.history.changed.connect(self.stepped)

    def take_restored(self) -> int:
        """How many changes to the model came with the start and are still in force; 0 once that was asked."""
        count: int = min(self._unsaid, self.params.changes())
        self._unsaid = 0
        return count

    def bring(self, params: Params, awaits: str, count: bool) -> None:
        """Take the settings of a session; all steps are forgotten.

        Parameters
        ----------
        params : Params
        awaits : str
            What the session calls the picture that `photo_read` is to be told of; empty for none. What is pinned on it
            comes with it.
        count : bool
            They are those of the last time, of whose changes to the model `take_restored` tells.
        """
        self.history.clear()
        self.awaited, self._pins, self._pinned_in = awaits, {}, []
        if awaits:
            plain, names = type(params)(), with_role(params, "remembered", PIN)
            pins = {name: getattr(params, name) for name in names}
            self._pins = {name: list(pin) if isinstance(pin, tuple) else pin for name, pin in pins.items()}
            self._pinned_in = _model_of(params)
            params = replace(params, **{name: getattr(plain, name) for name in names})
        self._unsaid = params.changes() if count else 0
        self._use(params.following(params))

    def photo_read(self, picture: Picture | None) -> None:
        """The photo of the last time was read, or could not be; where another was chosen meanwhile, that stays."""
        self.awaited = ""
        (field,) = with_role(self.params, "remembered", PHOTO)
        if picture is not None and getattr(self.params, field) is None:
            self._use(self._pinned(replace(self.params, **{field: picture})))
        self._keep()
        self.complete.emit()

    def _pinned(self, params: Any) -> Any:
        """With the pins of the last time, if the model is the same; one that is none by now is passed over."""
        if self._pinned_in != _model_of(params):
            return params
        for name in with_role(params, "remembered", PIN):
            value = self._pins.get(name)
            if _is_pin(value):
                params = replace(params, **{name: tuple(value) if isinstance(value, list) else value})
        return params

    def _keep(self) -> None:
        """The file of the photo and its pins go to the settings. One without a file can't be brought back."""
        for field in with_role(self.params, "remembered", PHOTO):
            picture = getattr(self.params, field)
            pins = {name: getattr(self.params, name) for name in with_role(self.params, "remembered", PIN)}
            if picture is not None and not picture.source:
                pins = {}
            file = "" if picture is None else picture.source
            if not self.awaited:
                self._settings.keep_photo(self.place, file, pins, _model_of(self.params))

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

    def differing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of some settings that are not as at the very first start, and that are no change to the model."""
        counted = with_role(self.params, "changes_model", True)
        steps = with_role(self.params, "role", SETTING)
        return tuple(
            name
            for name in names
            if name in steps and name not in counted and getattr(self.params, name) != getattr(self.plain, name)
        )

    def reset(self, names: Iterable[str] = ()) -> None:
        """Bring the untouched model back, and some other settings as at the very first start, as one step."""
        plain = {name: getattr(self.plain, name) for name in self.differing(names)}
        new = replace(self.params.untouched(), **plain)
        if plain:
            new = new.following(self.params)
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
        self._settings.keep_fields(self.place, params, with_role(params, "kept", True))
        self._keep()
        self.changed.emit(before)


def _model_of(params: Params) -> list[Any]:
    """What the settings say of the model and of nothing else: what is remembered without a rule."""
    ruled = rules(params)
    return [getattr(params, name) for name in with_role(params, "kept", True) if name not in ruled]


def _is_pin(value: object) -> bool:
    """A number, or the row and column of a place."""
    members = value if isinstance(value, list) and len(value) == 2 else [value]
    return all(type(member) is int for member in members)

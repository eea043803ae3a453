"""What a training dock offers of runs that were left, or killed: go on with one of them, or begin anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from app import words
from app.questions import ask
from app.sections import section
from app.shell import Host
from app.theme import S2, S3
from app.training import Training
from app.widgets import WideButton, col, quiet, rule
from app.words import say
from engines.core.errors import LabError, Message
from engines.core.keeping import SavedRun, first, forget, saved_runs
from engines.core.protocol import Event
from engines.core.training import Stepped

WORTH = 50  #: steps: what is less is trained again in a moment


@dataclass(frozen=True)
class Shelf:
    """Where the runs of a page are kept.

    Attributes
    ----------
    found : callable
        Those that are there, the newest first.
    first : callable
        Makes one the run that is gone on with; LabError where the disk refuses.
    told : callable
        The sentence about one.
    forget : callable, optional
        Removes one; without it there is no "Restart", for a new run puts the old one aside by itself.
    """

    found: Callable[[], list[SavedRun]]
    first: Callable[[SavedRun], None]
    told: Callable[[SavedRun], Message]
    forget: Callable[[SavedRun], None] | None = None


def shelf_at(place: Path | None) -> Shelf:
    """The shelf of a page whose runs lie in one place; None: of a page that keeps none."""

    def told(run: SavedRun) -> Message:
        return Message("A run of {n} {n:step|steps} was saved.", {"n": words.number(run.step)})

    if place is None:
        return Shelf(list, lambda run: None, told)
    return Shelf(lambda: saved_runs(place), lambda run: first(run, place), told, lambda run: forget(run, place))


class KeptRuns(QWidget):
    """The newest run on disk above its buttons; in sight only while there is one and none was trained since.

    Parameters
    ----------
    host : Host
        Hears that a run is kept, and what the disk refuses.
    training : Training
        Goes on with it.
    put : callable
        Brings its settings into the tab.
    shelf : Shelf
        Where to look; `offer` looks there.
    """

    def __init__(self, host: Host, training: Training, put: Callable[[dict[str, Any]], None], shelf: Shelf) -> None:
        super().__init__()
        self._host, self._training, self._put, self._shelf = host, training, put, shelf
        self._runs: list[SavedRun] = []
        self.said = quiet("", wrap=True)
        self.go_on, self.anew = WideButton("Continue it", "play"), WideButton("Restart", "reset")
        self.earlier = WideButton("An earlier run", "undo")
        ways = [self.go_on, *([] if shelf.forget is None else [self.anew]), self.earlier]
        self.setLayout(col(section("Saved run", col(self.said, *ways, gap=S2)), rule(), gap=S3))
        self.go_on.clicked.connect(lambda _checked=False: self._go_on())
        self.anew.clicked.connect(lambda _checked=False: self._begin_anew())
        self.earlier.clicked.connect(lambda _checked=False: self._show(self._runs[1:] + self._runs[:1]))
        training.arrived.connect(self._arrived)
        self._show([])

    def offer(self, tell: bool = False) -> None:
        """Look for runs; ``tell``: say so in the header, too."""
        self._show(self._shelf.found())
        if self._runs and tell:
            self._host.tell(self._shelf.told(self._runs[0]))

    def hide_all(self) -> None:
        """Offer none."""
        self._show([])

    def _show(self, runs: list[SavedRun]) -> None:
        self._runs = runs
        self.setVisible(bool(runs))
        self.earlier.setVisible(len(runs) > 1)
        self._training.offered = self._shelf.told(runs[0]) if runs else None
        if runs:
            say(self.said, "setText", self._shelf.told(runs[0]))

    def _arrived(self, event: Event) -> None:
        if isinstance(event, Stepped) and event.step and self._runs:
            self._show([])  # another run is trained now: this one is put aside

    def _go_on(self) -> None:
        run = self._runs[0]
        try:
            self._shelf.first(run)
            self._put(run.settings)
        except LabError as error:
            self._host.complain(error.message)
            return
        except (KeyError, TypeError, ValueError):  # of another version of the program
            self._host.complain(Message("The saved run has settings that this version does not support."))
            return
        self._show([])
        self._training.go_on(run.step)

    def _begin_anew(self) -> None:
        """Much is not thrown away at one click."""
        if self._runs[0].step < WORTH:
            self._throw_away()
            return
        text = Message("The saved run of {n} {n:step|steps} will be deleted.", {"n": words.number(self._runs[0].step)})
        ask(self, text, (("Delete it", self._throw_away),), "Cancel")

    def _throw_away(self) -> None:
        if self._shelf.forget is None or not self._runs:
            return
        try:
            self._shelf.forget(self._runs[0])
        except LabError as error:
            self._host.complain(error.message)
            return
        self._show(self._runs[1:])
        self._training.restart()

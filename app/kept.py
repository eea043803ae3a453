"""What a training dock offers of runs that were left, or killed: go on with one of them, or begin anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from app import words
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
    """

    def __init__(self, host: Host, training: Training, put: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._host, self._training, self._put = host, training, put
        self._runs: list[SavedRun] = []
        self.said = quiet("", wrap=True)
        self.go_on, self.anew = WideButton("Go on with it", "play"), WideButton("Start anew", "reset")
        self.earlier = WideButton("An earlier one", "undo")
        offer = col(self.said, self.go_on, self.anew, self.earlier, gap=S2)
        self.setLayout(col(section("Saved run", offer), rule(), gap=S3))
        self.go_on.clicked.connect(lambda _checked=False: self._go_on())
        self.anew.clicked.connect(lambda _checked=False: self._begin_anew())
        self.earlier.clicked.connect(lambda _checked=False: self._show(self._runs[1:] + self._runs[:1]))
        training.arrived.connect(self._arrived)
        self._show([] if training.place is None else saved_runs(training.place))
        if self._runs:
            host.tell(self._told())

    def _told(self) -> Message:
        return Message("A run of {n} steps is kept.", {"n": words.number(self._runs[0].step)})

    def _show(self, runs: list[SavedRun]) -> None:
        self._runs = runs
        self.setVisible(bool(runs))
        self.earlier.setVisible(len(runs) > 1)
        if runs:
            say(self.said, "setText", self._told())

    def _arrived(self, event: Event) -> None:
        if isinstance(event, Stepped) and event.step and self._runs:
            self._show([])  # another run is trained now: this one is put aside

    def _go_on(self) -> None:
        run, place = self._runs[0], self._training.place
        if place is None:
            return
        try:
            first(run, place)
            self._put(run.settings)
        except LabError as error:
            self._host.complain(error.message)
            return
        except (KeyError, TypeError, ValueError):  # of another version of the program
            self._host.complain(Message("The saved run has settings that this version does not know."))
            return
        self._show([])
        self._training.go_on(run.step)

    def _begin_anew(self) -> None:
        if self._training.place is None:
            return
        try:
            forget(self._runs[0], self._training.place)
        except LabError as error:
            self._host.complain(error.message)
            return
        self._show(self._runs[1:])
        self._training.restart()

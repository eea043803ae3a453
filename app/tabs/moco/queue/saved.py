"""What the dock offers of runs on disk, of the pictures and the method that are chosen."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app import words
from app.sections import section
from app.shell import Host
from app.tabs.moco.run import MocoRun
from app.topic.state import State
from app.widgets import WideButton, quiet
from app.words import say
from engines.core.errors import LabError, Message
from engines.core.protocol import Event
from engines.core.training import Stepped
from engines.moco.saved import SavedRun, bring_first, run_file, run_folder, saved_runs


class SavedRuns(QWidget):
    """The newest run on disk above its buttons; in sight only while there is one and none was trained since.

    Parameters
    ----------
    host : Host
        Hears what the disk refuses.
    state : State
        Takes the settings of a run that is gone on with.
    run : MocoRun
        Goes on with it.
    """

    def __init__(self, host: Host, state: State, run: MocoRun) -> None:
        super().__init__()
        self._host, self._state, self._training = host, state, run.training
        self._runs: list[SavedRun] = []
        self._asked: object = None  # the pictures and the method that they are of
        self.said = quiet("", wrap=True)
        self.go_on, self.earlier = WideButton("Go on with it", "play"), WideButton("An earlier one", "undo")
        self.setLayout(section("Saved run", self.said, self.go_on, self.earlier))
        self.go_on.clicked.connect(lambda _checked=False: self._go_on())
        self.earlier.clicked.connect(lambda _checked=False: self._show(self._runs[1:] + self._runs[:1]))
        self._training.arrived.connect(self._arrived)
        self._show([])

    def offer(self, again: bool = False) -> None:
        """Look for runs of what is chosen now; ``again`` even if that was looked for last."""
        params = self._state.params
        wanted = params.data, params.paths, params.method
        if wanted != self._asked or again:
            self._asked = wanted
            trained = self._training.step or self._training.runs
            self._show([] if trained else saved_runs(run_file(run_folder(), params)))

    def _show(self, runs: list[SavedRun]) -> None:
        self._runs = runs
        self.setVisible(bool(runs))
        self.earlier.setVisible(len(runs) > 1)
        if runs:
            values = {"n": words.number(runs[0].step), "what": Message(str(runs[0].settings["data"]))}
            say(self.said, "setText", Message("{what}: stopped at step {n}.", values))

    def _arrived(self, event: Event) -> None:
        if isinstance(event, Stepped) and self._runs:
            self._show([])

    def _go_on(self) -> None:
        run = self._runs[0]
        try:
            bring_first(run, run_file(run_folder(), self._state.params))
        except LabError as error:
            self._host.complain(error.message)
            return
        self._state.put(picture=None, anchor=0, **run.settings)
        self._training.go_on(run.step)

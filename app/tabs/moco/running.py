"""Drives the run and the fine-tuning of the tab, and hands the pages what is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

from app.tabs.moco.told import Told
from app.training import Training
from app.transport import Transport, training_stream
from engines.core.errors import LabError, Message
from engines.core.protocol import Ended, Progress
from engines.core.training import Weights
from engines.moco.saved import bring_first, saved_runs
from engines.moco.spec import (
    MOST_STEPS,
    Collapsed,
    KeptRun,
    MapFrame,
    Measured,
    MocoStep,
    QueueFrame,
    RunBegan,
    RunParams,
    SavedRun,
    Tuned,
    TuneParams,
    run_file,
    run_folder,
    run_params,
)

if TYPE_CHECKING:
    from app.tabs.moco.tab import MocoTab

REST = 400  # ms between two drawings of the curves; the ring is drawn at once
TRAINER, TUNER = "engines.moco.training:Trainer", "engines.moco.tuning:Tuner"


class Driver(Training):
    """A training whose restart forgets what was saved."""

    def __init__(self, tab: MocoTab, transport: Transport, settings: Callable[[], RunParams]) -> None:
        self.resumes = False
        super().__init__(tab, TRAINER, transport, settings, MOST_STEPS)

    def restart(self) -> None:
        """A new run with the present settings."""
        self.resumes = False
        super().restart()

    def go_on(self, step: int = 0) -> None:
        """Go on with the run on disk, at its ``step``."""
        self.resumes = True
        self._begin()


class Running:
    """The run, its history, and the fine-tuning."""

    def __init__(self, tab: MocoTab) -> None:
        self.tab = tab
        self.told = Told()
        self.looked: int | None = None
        self.state: Weights | None = None  # the one looked at, or the newest kept
        self.driver = Driver(tab, tab.transport, self._settings)
        self.driver.arrived.connect(self._arrived)
        self.driver.renewed.connect(self._renewed)
        self.driver.looked.connect(self._looked)
        self.driver.waiting.connect(tab.pending.show_count)
        self.tuner = training_stream(tab.shell.lane, TUNER, tab)
        self.tuner.arrived.connect(self._tuned)
        self._tries = 0
        self._soon = QTimer(tab)  # between two drawings of the curves: steps may come many times a second
        self._soon.setSingleShot(True)
        self._soon.setInterval(REST)
        self._soon.timeout.connect(tab.draw)

    def _settings(self) -> RunParams:
        return run_params(self.tab.params, str(run_folder()), self.driver.resumes)

    # -- acts
    def params_changed(self) -> None:
        """The tab's settings are others, or a page that shows the run came to the front."""
        self.driver.settings_changed()

    def saved(self) -> list[SavedRun]:
        """The runs on disk that can be gone on with: nothing was trained since the tab was opened."""
        return [] if self.driver.step or self.driver.runs else saved_runs(run_file(run_folder(), self.tab.params))

    def go_on(self, run: SavedRun) -> None:
        """Go on with a run on disk, whose settings the tab has."""
        try:
            bring_first(run, run_file(run_folder(), self.tab.params))
        except LabError as error:
            self.tab.complain(error.message)
            return
        self.driver.go_on()

    def tune(self) -> None:
        """Fine-tune the state looked at on k labels per class."""
        self._tries += 1
        params = self.tab.params
        self.tab.test.clear_tuning()
        self.tuner.request(TuneParams(self.state, params.data, params.paths, params.few, self._tries))

    # -- the run
    def _renewed(self) -> None:
        self.told.clear()
        self.looked, self.state = None, None
        self.tab.run_renewed()

    def _looked(self, weights: Weights | None) -> None:
        self.looked = None if weights is None else weights.step
        self.state = weights if weights is not None else self.driver.timeline.newest
        self.tab.state_changed()
        self.tab.draw()

    def _arrived(self, event: Any) -> None:
        told, tab = self.told, self.tab
        match event:
            case Progress():
                tab.tell(event.text)
            case RunBegan():
                told.clear()
                told.began = event
                tab.run_began(event)
            case MocoStep():
                if told.last is None:
                    tab.run_learned()
                told.step(event)
            case Measured():
                told.measure(event)
                self._draw_soon()
            case MapFrame():
                told.map = event
                self._draw_soon()
            case QueueFrame():
                told.queue = event
                tab.draw_ring()
                self._draw_soon()
            case KeptRun():
                told.keep(event, self.driver.timeline.steps)
                told.queue, told.map = event.queue, event.map
                if self.looked is None:
                    self.state = event.weights
                    tab.state_changed()
            case Collapsed():
                text = "The keys are nearly all the same (spread {s}) since step {n}: the features have collapsed."
                tab.complain(Message(text, {"s": round(event.spread, 3), "n": event.step}), "Start anew",
                             self.driver.restart, word="Note")  # fmt: skip
            case Ended():
                if event.error is not None:
                    tab.leave_empty(event.error)
                tab.draw()

    def _draw_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    # -- fine-tuning
    def _tuned(self, event: Any) -> None:
        match event:
            case Tuned():
                self.tab.test.take_tuned(event)
            case Ended() if event.error is not None:
                self.tab.complain(event.error, word="Note")
                self.tab.shell.log(event)

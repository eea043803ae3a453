"""The run that two pages show: its history, the bar that drives it, and the state that is looked at."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from app.shell import Host
from app.tabs.moco.history import RunHistory
from app.topic.state import State
from app.training import Training
from app.transport import Transport
from engines.core.errors import Message
from engines.core.protocol import Ended, Progress
from engines.core.training import Weights
from engines.moco.saved import run_folder
from engines.moco.spec import (
    MOST_STEPS,
    THIS_RUN,
    Collapsed,
    KeptRun,
    MapFrame,
    Measured,
    MocoStep,
    QueueFrame,
    RunBegan,
    RunParams,
    run_params,
)

TRAINER = "engines.moco.training:Trainer"


class MocoTraining(Training):
    """A training that goes on with what is saved only where the hand asks for it."""

    def __init__(self, host: Host, transport: Transport, state: State) -> None:
        self._state, self._resumes = state, False
        super().__init__(host, TRAINER, transport, self._run_params, MOST_STEPS)

    def _run_params(self) -> RunParams:
        return run_params(self._state.params, str(run_folder()), self._resumes)

    def go_on(self, step: int = 0) -> None:
        """Stand where the run on disk was left."""
        self._resumes = True
        self._begin()
        self._resumes = False


class MocoRun(QObject):
    """What has been told of the run so far; pages that show it come and go.

    Parameters
    ----------
    host : Host
        Says notes and errors, and owns the run.
    state : State
        The settings: a run begun now takes them, and the state that is looked at is handed to them.

    Attributes
    ----------
    training : MocoTraining
    transport : Transport
        One bar, on whichever page is in front.
    history : RunHistory
    refused : Message or None
        Why no run could be made.
    """

    def __init__(self, host: Host, state: State) -> None:
        super().__init__(host if isinstance(host, QObject) else None)
        self._host, self._state = host, state
        self.history = RunHistory()
        self.refused: Message | None = None
        self.transport = Transport(seed_tip="Seeds weights, order and views: same seed, same curve.")
        self.training = MocoTraining(host, self.transport, state)
        self.training.arrived.connect(self._arrived)
        self.training.renewed.connect(self._renewed)
        self.training.looked.connect(lambda _state: self._hand_on())
        self.transport.seeded.connect(lambda seed: state.step(seed=seed))
        state.changed.connect(lambda _before: self._settings_changed())

    @property
    def looked(self) -> int | None:
        """The step looked back at; None is live."""
        weights = self.training.weights
        return None if self.transport.selected is None or weights is None else weights.step

    @property
    def weights(self) -> Weights | None:
        """The state that is looked at."""
        return self.training.weights

    def _hand_on(self) -> None:
        """The settings look at the run where they say so."""
        if self._state.params.encoder == THIS_RUN:
            self._state.change(weights=self.weights)

    def _settings_changed(self) -> None:
        """What is live reaches a run that goes on, whichever page it is set on."""
        self._hand_on()
        if self.training.runs:
            self.training.settings_changed()

    def _renewed(self) -> None:
        self.history.clear()
        self.refused = None
        self._hand_on()

    def _arrived(self, event: Any) -> None:
        history = self.history
        match event:
            case Progress():
                self._host.tell(event.text)
            case RunBegan():
                history.clear()
                history.began = event
            case MocoStep():
                if history.last is None:  # from its first step on it is what the hand wants to look at
                    self._state.change(encoder=THIS_RUN, weights=self.weights)
                history.add_step(event)
            case Measured():
                history.add_measurement(event)
            case MapFrame():
                history.map = event
            case QueueFrame():
                history.queue = event
            case KeptRun():
                history.keep(event, self.training.timeline.steps)
                history.queue, history.map = event.queue, event.map
                self._hand_on()
            case Collapsed():
                text = "Since step {n} nearly all keys are the same (spread {s}): the representation has collapsed."
                values = {"s": round(event.spread, 3), "n": event.step}
                self._host.complain(Message(text, values), "Restart", self.training.restart, word="Note")
            case Ended() if event.error is not None:
                self.refused = event.error

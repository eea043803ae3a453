"""One engine's answers to one state: asks for what is not answered yet, and keeps the newest frames for pages."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.collecting import importing, unread
from app.shell import Shell
from app.stream import Stream
from app.topic.state import State
from engines.core.params import Params, for_engine, part_of
from engines.core.protocol import Ended, Engine, Event, Frame, Progress, Started, Subject


def make_engine(place: str) -> Engine[Any]:
    """Make an engine from ``module:Class``; for the compute thread alone, since it may import torch."""
    module, name = place.split(":")
    with importing(), unread():
        found = importlib.import_module(module)
    engine: Engine[Any] = getattr(found, name)()
    return engine


def make_remote(place: str, address: str) -> Engine[Any]:
    """The same on a cluster; it connects when it is first asked."""
    with importing(), unread():
        found = importlib.import_module("engines.studies.remote")
    engine: Engine[Any] = found.Remote(place, address)
    return engine


class Feed(QObject):
    """What an engine says about a state. Pages that show the same state through the same engine share it.

    Parameters
    ----------
    state : State
    engine : str
        ``module:Class``, made on the compute thread when it is first asked.
    shell : Shell
    asks : type or None
        Params whose fields are what it is asked with; None for those of the state.

    Attributes
    ----------
    asks : type or None
        As the page on screen has it.
    frames : dict
        The newest frame of each type, the oldest first, each after the `Subject` that it is about.
    failed : bool
        The last question ended in an error.

    Signals
    -------
    heard : Event
        All but the progress.
    progressed : Progress
    busy : bool
    """

    heard = Signal(object)
    progressed = Signal(object)
    busy = Signal(bool)

    def __init__(
        self,
        state: State,
        engine: str,
        shell: Shell,
        parent: QObject | None = None,
        asks: type[Params] | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._shell, self.asks = state, shell, asks
        self._place = engine
        self.stream = Stream(shell.lane, lambda: make_engine(engine), parent=self)
        self._here = self.stream.engine
        self._settle()
        self.stream.prepare()  # torch is imported while the page is built
        self.stream.arrived.connect(self._arrived)
        self.stream.busy.connect(self.busy)
        self.frames: dict[type[Event], Frame | Subject] = {}
        self.failed = False
        self._asked: Params | None = None
        self._cut = self._given_up = False  # ended by another's question; by the hand
        self._held = False  # asked before the photo of the last time was there
        state.complete.connect(self._complete)

    @property
    def params(self) -> Params:
        """The settings as they are now."""
        now: Params = self._state.params
        return now

    @property
    def is_busy(self) -> bool:
        """Whether an answer is on its way."""
        return self.stream.is_busy

    def ask(self, again: bool = False) -> None:
        """Ask what the settings ask for, if it was not asked last; ``again`` even then."""
        if self._state.awaited:
            self._held = True
            return
        wanted: Params = for_engine(self._state.params)
        if self.asks is not None:
            wanted = part_of(wanted, self.asks)
        if wanted == self._asked and not (again or self._given_up):
            return
        self._given_up, self._asked = False, wanted
        self.stream.request(wanted, again=again)

    def shown(self) -> None:
        """Its page came to the front: what failed, or was cut short by another page's question, is asked again."""
        if not self._given_up:
            self.ask(again=self.failed or (self._cut and not self.is_busy))

    def resume(self) -> None:
        """Ask again what another question has cut short, if nothing was asked since."""
        if self._cut and not self.is_busy and not self._given_up:
            self.ask(again=True)

    def move(self) -> None:
        """Compute where the settings say now; what was answered is asked again when its page is on screen."""
        self._settle()
        self._asked = None

    def _settle(self) -> None:
        address = self._shell.settings.cluster
        self.stream.device = "auto" if address else self._shell.settings.device
        self.stream.use(partial(make_remote, self._place, address) if address else self._here)

    def cancel(self) -> None:
        """End what is being computed; what is on screen stays."""
        self._given_up = True
        self.stream.stop()

    @property
    def given_up(self) -> bool:
        """Whether the last question was ended by the hand."""
        return self._given_up

    def _complete(self) -> None:
        if self._held:
            self._held = False
            self.ask()

    def _arrived(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)
            return
        if isinstance(event, Ended):
            if event.error is not None and self.is_busy:  # nobody asks for that any more
                self._shell.log(event)
                event = replace(event, error=None, memory=False, cancelled=True)
            self._cut = event.cancelled and not self._given_up
            if event.error is not None:
                self.failed = True
                self._shell.log(event)
        elif isinstance(event, Started):
            self.failed = False
        elif isinstance(event, Frame | Subject):
            self._keep(event)
        self.heard.emit(event)

    def _keep(self, event: Frame | Subject) -> None:
        if isinstance(event, Subject):
            if self.frames.get(type(event)) is event:
                return  # it stays before the frames that are about it
            self.frames = {kind: told for kind, told in self.frames.items() if isinstance(told, Subject)}
        self.frames.pop(type(event), None)  # the newest stands last
        self.frames[type(event)] = event

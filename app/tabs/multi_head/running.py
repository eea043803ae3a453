"""Drives the training run: start, pause, one step, start anew, and the pace in between.

The run steps no farther than ``until``; a timer raises it, so the lane is never kept waiting. What starts a new run
is counted when it is changed, and waits until the hand asks for it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app import words
from app.tabs.multi_head.training import TrainingPage
from app.transport import training_stream
from engines.core.errors import Message
from engines.core.protocol import Ended, Event
from engines.multi_head.spec import (
    MOST_STEPS,
    MultiHeadParams,
    Now,
    RunBegan,
    RunStopped,
    Snapshot,
    TrainStep,
)

if TYPE_CHECKING:
    from app.tabs.multi_head.tab import MultiHeadTab

TRAINER = "engines.multi_head.training:Trainer"
BEAT = 40  #: ms between two looks at the pace
DRAW = 100  #: ms between two drawings
AHEAD = 12  # steps that may be asked for before they are told
MADE_OF = ("task", "train_width", "train_seed")
PAGE = 1


class Running(QObject):
    """The run behind a `TrainingPage`."""

    def __init__(self, tab: MultiHeadTab, page: TrainingPage) -> None:
        super().__init__(tab)
        self._tab, self._page = tab, page
        self.stream = training_stream(tab.shell.lane, TRAINER, self)
        self.stream.arrived.connect(self._arrived)
        self.run: MultiHeadParams | None = None  # what the run began with
        self._number = 0
        self._due = 0.0  # steps the pace allows, with their fraction
        self._then = 0.0
        self._began_at, self._steps_then = 0.0, 0
        self._newest: Snapshot | None = None  # not drawn yet
        self._rest = QTimer(self)  # between two drawings
        self._rest.setSingleShot(True)
        self._rest.setInterval(DRAW)
        self._rest.timeout.connect(self._draw)
        self._timer = QTimer(self)
        self._timer.setInterval(BEAT)
        self._timer.timeout.connect(self._tick)
        bar = page.transport
        bar.toggled.connect(lambda on: self.play() if on else self.pause())
        bar.stepped.connect(self.step)
        bar.restarted.connect(self.restart)
        bar.looked.connect(page.look)

    # -- acts
    def play(self) -> None:
        """Go on until pause."""
        if self.run is None:
            self.restart()
        if self._page.step >= MOST_STEPS:
            self._tab.tell(Message("The run is at its last step."))
            return
        self._due = float(self._page.step)
        self._then = self._began_at = time.monotonic()
        self._steps_then = self._page.step
        self._page.transport.set_running(True)
        self._timer.start()

    def pause(self) -> None:
        """Stop after the step in hand."""
        self._timer.stop()
        self._page.transport.set_running(False)
        self._due = float(self._page.step)
        self._send()
        if not self.stream.is_busy:
            self._rests()

    def step(self) -> None:
        """One step, then rest."""
        if self.run is None:
            self.restart()
        self._due = float(min(MOST_STEPS, max(int(self._due), self._page.step) + 1))
        self._send()

    def restart(self) -> None:
        """A new run with the present settings; it goes on at once if the one before did."""
        runs = self._timer.isActive()
        self._timer.stop()
        self._number += 1
        self._due = 0.0
        now = self._tab.params
        made = {name: getattr(now, name) for name in MADE_OF}
        self.run = MultiHeadParams(run=self._number, learning_rate=now.learning_rate, **made)
        self._page.step = 0
        self._page.transport.set_step(0)
        self.stream.request(self.run)
        self._tab.show_pending(0)
        self._page.transport.set_running(False)
        if runs:
            self.play()

    def params_changed(self) -> None:
        """The settings are others: live ones are handed on; a run that has not begun takes the rest, too."""
        if not self._tab.isVisible() or self._tab.page != PAGE:
            return
        waits = self.pending()
        if self.run is None or (waits and not self._page.step and not self._timer.isActive()):
            self.restart()
            return
        self._tab.show_pending(waits)

    def pending(self) -> int:
        """How many settings differ from those of the run."""
        if self.run is None:
            return 0
        return sum(getattr(self._tab.params, name) != getattr(self.run, name) for name in MADE_OF)

    # -- the lane
    def _tick(self) -> None:
        now = time.monotonic()
        self._due += self._tab.params.pace * (now - self._then)
        self._then = now
        self._due = min(self._due, self._page.step + AHEAD, MOST_STEPS)
        self._send()

    def _send(self) -> None:
        if self.run is not None:
            self.run = replace(self.run, learning_rate=self._tab.params.learning_rate, until=int(self._due))
            self.stream.request(self.run)

    def _arrived(self, event: Event) -> None:
        page = self._page
        match event:
            case RunBegan():
                self._newest = None
                self._rest.stop()  # the first state of a run is drawn at once
                page.take_began(event)
                self._tab.show_size(event.parameters[1])
                for ready in page.cards:
                    ready.set_empty(None)
            case TrainStep():
                page.take_step(event)
            case Snapshot():
                page.take_snapshot(event)
            case Now():
                self._newest = event.shown
                if not self._rest.isActive():
                    self._draw()
                self._told()
            case RunStopped():
                self.pause()
                self._tab.complain(event.reason, "Start anew", self.restart, word="Note")
            case Ended() if event.error is not None:
                self._timer.stop()
                page.transport.set_running(False)
                self._tab.complain(event.error, "Start anew", self.restart)
                self._tab.shell.log(event)
            case Ended() if not self._timer.isActive():
                self._rests()

    def _rests(self) -> None:
        """Say where the run stands now that the step in hand is done."""
        if self._page.step:
            self._tab.tell(Message("Paused at step {n}", {"n": words.number(self._page.step)}))

    def _draw(self) -> None:
        """Draw the newest state, at most ten times a second."""
        newest, self._newest = self._newest, None
        if newest is not None:
            self._page.take_now(newest)
            self._rest.start()

    def _told(self) -> None:
        """Say the pace, and rest at the end."""
        if not self._timer.isActive():
            return
        if self._page.step >= MOST_STEPS:
            self.pause()
            return
        spent = time.monotonic() - self._began_at
        if spent > 1:
            rate = words.number((self._page.step - self._steps_then) / spent, 0)
            self._tab.tell(Message("Training: {n} steps/s", {"n": rate}))

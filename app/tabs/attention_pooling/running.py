"""Drives the training run of "Learned w": start, pause, one step, start anew, and the pace in between.

The run steps no farther than ``until``; a timer raises it, so the lane is never kept waiting. A run goes on with the
points that it began with: what is changed meanwhile is counted and waits for the next run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app import words
from app.tabs.attention_pooling.learned import LearnedPage
from app.transport import training_stream
from engines.attention_pooling.spec import (
    MOST_STEPS,
    Landscape,
    NowW,
    PoolingParams,
    RunBegan,
    RunStopped,
    TrainStep,
)
from engines.core.errors import Message
from engines.core.params import rules
from engines.core.protocol import Ended, Event

if TYPE_CHECKING:
    from app.tabs.attention_pooling.tab import PoolingTab

TRAINER = "engines.attention_pooling.training:Trainer"
AHEAD = 3  # steps that may be asked for before they are told
DATA = ("points", "samples", "noise", "seed")


class Running(QObject):
    """The run behind a `LearnedPage`."""

    def __init__(self, tab: PoolingTab, page: LearnedPage) -> None:
        super().__init__(tab)
        self._tab, self._page = tab, page
        self.stream = training_stream(tab.shell.lane, TRAINER, self)
        self.stream.arrived.connect(self._arrived)
        self.run: PoolingParams | None = None  # what the run began with
        self._number = 0
        self._until = 0
        self._goal = MOST_STEPS
        self._began_at = 0.0
        self._steps_then = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        bar = page.transport
        bar.toggled.connect(lambda on: self.play() if on else self.pause())
        bar.stepped.connect(self.step)
        bar.restarted.connect(self.restart)
        bar.looked.connect(self._look)

    # -- acts
    def play(self, goal: int = MOST_STEPS) -> None:
        """Go on until pause, up to step ``goal``."""
        if self.run is None:
            self.restart()
        self._goal = goal
        self._until = max(self._until, self._page.step)
        self._began_at, self._steps_then = time.monotonic(), self._page.step
        self._page.transport.set_running(True)
        self._timer.start(self._interval())
        self._tick()

    def pause(self) -> None:
        """Stop after the step in hand."""
        self._timer.stop()
        self._page.transport.set_running(False)
        self._until = min(self._until, self._page.step)
        self._tab.tell(Message("Paused at step {n}", {"n": words.number(self._page.step)}))
        self._send()

    def step(self) -> None:
        """One step, then rest."""
        if self.run is None:
            self.restart()
        self._until = min(MOST_STEPS, max(self._until, self._page.step) + 1)
        self._send()

    def restart(self) -> None:
        """A new run with the present settings, resting at its beginning."""
        self._timer.stop()
        self._page.transport.set_running(False)
        self._number += 1
        self._until = 0
        self.run = replace(self._tab.params, run=self._number, until=0, look=None)
        self._page.transport.set_step(0)
        self._page.path = []
        self.stream.request(self.run)
        self._tab.show_pending(0)

    def params_changed(self) -> None:
        """The settings are others: live ones are handed on, a run that has not begun takes the rest, too."""
        if self._timer.isActive():
            self._timer.setInterval(self._interval())
        if not self._tab.isVisible() or self._tab.page != 1:
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
        now, run = self._tab.params, self.run
        other = {name for name in (*DATA, "sees_itself", "start_seed") if getattr(now, name) != getattr(run, name)}
        return bool(other & set(DATA)) + len(other - set(DATA))

    # -- the lane
    def _interval(self) -> int:
        pace: int = self._tab.params.pace
        return max(16, 1000 // pace)

    def _tick(self) -> None:
        if self._until - self._page.step < AHEAD:
            self._until = min(self._goal, self._until + 1)
        self._send()

    def _send(self) -> None:
        if self.run is None:
            return
        now = self._tab.params
        self.stream.request(
            replace(
                self.run,
                learning_rate=now.learning_rate,
                optimizer=now.optimizer,
                pace=now.pace,
                until=self._until,
            )
        )

    def _arrived(self, event: Event) -> None:
        page = self._page
        match event:
            case RunBegan():
                page.take_began(event)
                for ready in page.cards:
                    ready.set_empty(None)
                made: dict[str, object] = {name: getattr(event.params, name) for name in rules(event.params)}
                for view in page.views:
                    view.settings = made
            case TrainStep():
                page.take_step(event)
            case Landscape():
                page.take_landscape(event)
            case NowW():
                page.take_now(event)
                self._told()
            case RunStopped():
                self.pause()
                self._tab.error.tell(event.reason, word="Note", kind="warning")
            case Ended() if event.error is not None:
                self._timer.stop()
                page.transport.set_running(False)
                self._tab.complain(event.error, "Start anew", self.restart)
                self._tab.shell.log(event)

    def _told(self) -> None:
        """Say the pace, and rest at the goal."""
        step = self._page.step
        if not self._timer.isActive():
            return
        if step >= self._goal:
            self.pause()
            return
        spent = time.monotonic() - self._began_at
        if spent > 1:
            rate = words.number((step - self._steps_then) / spent, 0)
            self._tab.tell(Message("Training: {n} steps/s", {"n": rate}))

    def _look(self, step: int | None) -> None:
        told = None if step is None else self._page.values_at(step)
        if told is None or self.run is None:
            self._page.look(None)
        else:
            self._tab.stream.request(replace(self.run, look=(told.step, told.w)))

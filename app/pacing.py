"""Drives a training run that is slow enough to watch. Knows no topic."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer

from app.shell import Host
from app.training import Training
from app.transport import Transport
from engines.core.training import TrainingParams

BEAT = 40  #: ms between two looks at the pace
AHEAD = 12  #: steps that may be asked for before they are told: the lane is never kept waiting


class PacedTraining(Training):
    """A run that goes no faster than the hand likes: a timer lets it go on by the steps that are due.

    Parameters
    ----------
    host, place, transport, settings, most, keep
        See `app.training.Training`.
    pace : callable
        Steps per second, at most; read at each beat.
    """

    def __init__(
        self,
        host: Host,
        place: str,
        transport: Transport,
        settings: Callable[[], TrainingParams],
        most: int,
        pace: Callable[[], float],
        keep: str = "",
    ) -> None:
        super().__init__(host, place, transport, settings, most, keep)
        self._pace, self._goal = pace, most
        self._due, self._then = 0.0, 0.0  # steps the pace allows, with their fraction; when they were counted
        self._beat = QTimer(self)
        self._beat.setInterval(BEAT)
        self._beat.timeout.connect(self._tick)

    def play(self) -> None:
        """Go on until pause."""
        self.play_to(self.most)

    def play_to(self, goal: int) -> None:
        """Go on up to a step, and rest there."""
        self._goal = goal
        super().play()

    def branch(self, step: int) -> None:
        """Go on from a step of the past, without an end."""
        self._goal = self.most
        super().branch(step)

    def _go(self) -> None:
        self._due, self._then = float(self.step), time.monotonic()
        self._beat.start()

    def _tick(self) -> None:
        if not self.runs:  # paused, stopped, or ended by an error
            self._beat.stop()
            return
        if self.step >= self._goal:
            self.pause()
            return
        if self.way.again is not None:  # the way is known: it is made as fast as it can be
            self._beat.stop()
            self._send(self.way.again)
            return
        now = time.monotonic()
        self._due = max(self._due, float(self.step))  # a run that is gone on with has told its steps at once
        self._due = min(self._due + self._pace() * (now - self._then), self.step + AHEAD, self._goal)
        self._then = now
        self._send(int(self._due))

"""What streaming a training run costs: steps per second of the bare loop, through the lane, and with its window open.

One function for every topic that trains:

    cost = streaming_cost(Watched("transformer", bare=…, trainer="engines.…:Trainer", params=…, page=0))
    cost.through_lane(), cost.with_window()  # two `Measured`: their share of the bare loop's steps per second

All three take turns, several times, so that a slow moment of the machine hits all alike; each runs with as many
threads as the window leaves (all cores but one).
"""

from __future__ import annotations

import importlib
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from PySide6.QtCore import QEventLoop, QTimer

from app.training import Training
from engines.core.device import leave_a_core
from engines.core.lane import Lane
from engines.core.params import Range, rules
from engines.core.protocol import Event, Job, Mailbox
from engines.core.training import Stepped, TrainingParams
from tests.benchmarks.table import Measured
from tests.benchmarks.window_rows import _spin, _window

SECONDS, ROUNDS = 3.0, 5  #: of one measurement, and of all three
WARM_UP = 5  #: steps before the clock runs
DRAIN = 0.016  #: seconds between two looks into the mailbox, as the window does


@dataclass(frozen=True)
class Watched:
    """A training topic.

    Attributes
    ----------
    topic : str
        Name of the tab.
    bare : callable
        Makes a new run and returns what makes one step of it.
    trainer : str
        The engine that streams it, ``module:Class``.
    params : TrainingParams
        The same run; ``until`` is filled in here.
    page : int
        The page of the tab that shows it.
    driver : callable
        The tab's `Training`; that of the page if not given.
    settings : tuple of (field, value)
        Changes to the tab's settings that ask for the same run.
    look : type, optional
        The event with which the page draws its maps and curves anew.
    """

    topic: str
    bare: Callable[[], Callable[[], object]]
    trainer: str
    params: TrainingParams
    page: int = 0
    driver: Callable[[Any], Training] = lambda tab: tab.now.training
    settings: tuple[tuple[str, Any], ...] = ()
    look: type[Event] | None = None


@dataclass(frozen=True)
class Cost:
    """Steps and looks per second, and the share of the time that the window's thread works; one figure a round."""

    bare: tuple[float, ...]
    lane: tuple[float, ...]
    window: tuple[float, ...]
    looks: tuple[float, ...]
    own: tuple[float, ...]

    def through_lane(self) -> Measured:
        """The lane's share of the bare loop's steps per second."""
        return self._share(self.lane, "events streamed, nothing masked")

    def with_window(self) -> Measured:
        """The same with the window open and painting."""
        own = statistics.median(self.own)
        found = self._share(self.window, f"window open, its page painting, its thread at work {own:.0%} of the time")
        return replace(found, details={**found.details, "window_thread": list(self.own)})

    def painted(self) -> Measured:
        """How often curves and maps are drawn anew while it trains."""
        return Measured(statistics.median(self.looks), "per s", details={"per_s": list(self.looks)})

    def _share(self, rates: tuple[float, ...], note: str) -> Measured:
        shares = [mine / bare for mine, bare in zip(rates, self.bare, strict=True)]
        return Measured(
            statistics.median(shares),
            "of bare",
            note=f"{note}; {statistics.median(rates):.1f} of {statistics.median(self.bare):.1f} steps/s",
            details={"steps_per_s": list(rates), "bare_steps_per_s": list(self.bare)},
        )


@cache
def streaming_cost(watched: Watched, seconds: float = SECONDS, rounds: int = ROUNDS) -> Cost:
    """Measure the bare loop, the lane and the window in turns."""
    found: tuple[list[float], ...] = ([], [], [])
    looks: list[float] = []
    own: list[float] = []

    def in_window(watched: Watched, seconds: float) -> float:
        rate, often, busy = window_rate(watched, seconds)
        looks.append(often)
        own.append(busy)
        return rate

    works = (bare_rate, lane_rate, in_window)
    for turn in range(rounds):
        order = range(3) if turn % 2 == 0 else reversed(range(3))
        for index in order:
            found[index].append(works[index](watched, seconds))
    bare, lane, window = (tuple(one) for one in found)
    return Cost(bare, lane, window, tuple(looks), tuple(own))


def bare_rate(watched: Watched, seconds: float) -> float:
    """Steps per second of the loop alone, on a thread of its own like the lane's."""
    rate: list[float] = []

    def work() -> None:
        leave_a_core()
        advance = watched.bare()
        for _ in range(WARM_UP):
            advance()
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            advance()
            count += 1
        rate.append(count / (time.perf_counter() - began))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return rate[0]


def lane_rate(watched: Watched, seconds: float) -> float:
    """Steps per second of the trainer as a guest of the lane, its mailbox drained as the window drains it."""
    module, name = watched.trainer.split(":")

    def make() -> Any:
        leave_a_core()
        return getattr(importlib.import_module(module), name)()

    mailbox, lane = Mailbox(), Lane()
    rule = rules(watched.params)["until"]
    assert isinstance(rule, Range)
    params = replace(watched.params, until=int(rule.high))
    job: Job[Any] = Job(params, make, mailbox.put, training=True, device="cpu")
    lane.submit(job)

    try:
        step = 0
        while step < WARM_UP:
            time.sleep(DRAIN)
            step = newest(mailbox.drain(), step)
        first, began = step, time.perf_counter()
        while time.perf_counter() - began < seconds:
            time.sleep(DRAIN)
            step = newest(mailbox.drain(), step)
        return (step - first) / (time.perf_counter() - began)
    finally:
        job.cancelled.set()
        lane.close(60)


def newest(events: Iterable[Event], step: int) -> int:
    """The last step that was told, ``step`` if none was since."""
    return max([step, *(event.step for event in events if isinstance(event, Stepped))])


def window_rate(watched: Watched, seconds: float) -> tuple[float, float, float]:
    """Steps and looks per second with the window open on the page, and the share of the time that its thread works."""
    with _window(watched.topic, **dict(watched.settings)) as (_, tab):
        tab.show_page(watched.page)
        driver = watched.driver(tab)
        driver.play()
        _spin(lambda: driver.step >= WARM_UP)
        looks = 0

        def count(event: object) -> None:
            nonlocal looks
            looks += watched.look is not None and isinstance(event, watched.look)

        driver.arrived.connect(count)

        def trained() -> int:
            """The page hears of its steps some times a second: those that it has not heard of count as well."""
            return newest(driver.stream.undelivered, driver.step)

        first, began, worked = trained(), time.perf_counter(), time.thread_time()
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop, loop.quit)
        loop.exec()
        spent = time.perf_counter() - began
        rate, often, own = (trained() - first) / spent, looks / spent, (time.thread_time() - worked) / spent
        driver.pause()
        _spin(lambda: not driver.stream.is_busy)
        driver.close()
        return rate, often, own

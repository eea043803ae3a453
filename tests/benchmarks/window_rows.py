"""Rows with the real window: starting, staying smooth, a slider in a hand, many maps in one view.

The window computes with the threads of its default: all cores, but one fewer while it paints.
"""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest

import main
from app.launch import start
from app.sliders import ParamRow
from app.stream import Stream
from app.views.mosaic import Mosaic
from app.window import Window
from engines.core.pictures import Picture
from engines.core.protocol import Event, Started
from engines.core.threads import cores
from engines.detr.spec import Detections
from engines.vit.asking import WHOLE_LAYER
from engines.vit.watch.spec import Answer, WatchParams
from tests.app import tabs
from tests.benchmarks.models import Reference, detr_processor, detr_r50, scratch, vit_b
from tests.benchmarks.table import Measured, in_ms, quantile

ROOT = Path(__file__).parents[2]
TICK = 16  #: ms, of the timer that listens
DRAG = 1000 / 60  #: ms between two changes of a slider in a drag
PATIENCE = 120_000  #: ms
AT_REST = 6.0  #: s that a program has after its very first start to put down what the next ones begin with


# -- a window to measure
def _spin(until: Callable[[], bool], patience: int = PATIENCE) -> None:
    """Run the event loop until something is so."""
    loop, watch = QEventLoop(), QTimer()
    watch.setInterval(5)
    watch.timeout.connect(lambda: loop.quit() if until() else None)
    watch.start()
    QTimer.singleShot(patience, watch, loop.quit)
    loop.exec()
    watch.stop()
    if not until():
        raise TimeoutError("the window did not come to rest")


@contextmanager
def _window(topic: str, **settings: Any) -> Iterator[tuple[Window, Any]]:
    """The window as main.py opens it, with one tab at rest."""
    _app, stored = start(main.arguments(["--lang", "en", "--theme", "light", "--device", "cpu"]))
    window = Window(stored)
    window.resize(1440, 900)
    window.show()
    tab: Any = window.show_topic(topic)
    tab.pages[tab.page].state.put(**settings)
    try:
        _spin(lambda: tabs.rests(tab) and any(stream.frames for stream in tab.findChildren(Stream)))
        if tab.failed:
            raise RuntimeError(f"the tab {topic} could not compute")
        yield window, tab
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def _noise(height: int, width: int, seed: int) -> Picture:
    return Picture(f"noise {seed}", np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


# -- starting
def first_paint(starts: int = 7) -> Measured:
    """From the spawn of ``python main.py`` to the first paint of its window, by the clock of the parent."""
    _first, spent, own = _started("first paint", starts)
    return Measured(
        statistics.median(spent),
        "s",
        note=f"median of {starts} starts after one; {statistics.median(own):.2f} s of it after Python had started",
        details={"starts_ms": in_ms(spent)},
    )


def first_map(starts: int = 5) -> Measured:
    """From the spawn of ``python main.py`` until its window has painted the attention on the first photo."""
    first, spent, _own = _started("first answer", starts, "--tab", "vit")
    return Measured(
        statistics.median(spent),
        "s",
        note=f"median of {starts} starts; {first:.2f} s the very first time, with no settings and an empty cache",
        details={"starts_ms": in_ms(spent), "very_first_ms": round(1000 * first)},
    )


def _started(told: str, starts: int, *options: str) -> tuple[float, list[float], list[float]]:
    """Seconds until a line of ``main.py`` that begins so: of the start in an empty home, of others in the same home.

    And of these by the program's own clock.
    """
    home = Path(tempfile.mkdtemp(dir=scratch()))
    env = os.environ | {"ATTENTION_LAB_TIMES": "1", "ATTENTION_LAB_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    spent, own = [], []
    try:
        for number in range(starts + 1):
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, "main.py", *options], cwd=ROOT, env=env, stderr=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, text=True)  # fmt: skip
            assert process.stderr is not None
            line = next((line for line in process.stderr if line.startswith(told)), "")
            spent.append(time.perf_counter() - began)
            if line and number == 0:
                time.sleep(AT_REST)  # what was put off until the first photo is there
            process.kill()
            process.communicate()
            if not line:
                raise RuntimeError(f"main.py ended without a {told}")
            own.append(float(line.split()[2]) / 1000)
    finally:
        shutil.rmtree(home)
    return spent[0], spent[1:], own[1:]


# -- staying smooth
class Ticks(QObject):
    """Listens how regularly the window's thread gets its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(lambda: self.at.append(time.perf_counter()))
        self._timer.start()

    def intervals(self) -> list[float]:
        """Milliseconds from one tick to the next."""
        return [1000 * (b - a) for a, b in itertools.pairwise(self.at)]


def _smoothness(
    topic: str, folder: Path, pictures: list[Picture], field: str, seconds: float
) -> tuple[list[float], int]:
    """Intervals while one picture after the other is computed from pixels to painted maps."""
    turn = itertools.cycle(pictures)
    with _window(topic, **{field: str(folder), "picture": next(turn)}) as (_, tab):
        done = 0

        def again(_fine: bool) -> None:
            nonlocal done
            done += 1
            QTimer.singleShot(2 * TICK, tab, lambda: tab.take_picture(next(turn)))  # a hand is not that quick

        tab.rested.connect(again)
        again(True)
        _spin(lambda: done > 1)  # the first one warms up
        done, ticks, until = 0, Ticks(), time.perf_counter() + seconds
        _spin(lambda: time.perf_counter() >= until)
        intervals = ticks.intervals()
        tab.rested.disconnect(again)
    return intervals, done


def tick_gap(seconds: float = 5.0) -> Measured:
    """Intervals of a 16 ms timer of the window's thread while ViT-B/16 and DETR-R50 compute without a rest."""
    parts, details = [], {}
    for topic, reference, field, size in (
        ("vit", vit_b(), "model", (480, 640)),
        ("detr", detr_r50(), "source", (480, 640)),
    ):
        pictures = [_noise(*size, seed) for seed in range(3)]
        intervals, done = _smoothness(topic, reference.folder, pictures, field, seconds)
        details[topic] = {
            "late_p99_ms": round(quantile(intervals, 0.99) - TICK, 2),
            "p50_ms": round(quantile(intervals, 0.5), 2),
            "p99_ms": round(quantile(intervals, 0.99), 2),
            "longest_ms": round(max(intervals), 2),
            "ticks": len(intervals),
            "pictures": done,
        }
        parts.append((quantile(intervals, 0.99), topic))
    said = ", ".join(
        f"{name}: p99 {one['p99_ms']}, longest {one['longest_ms']} ms, {one['ticks']} ticks, {one['pictures']} pictures"
        for name, one in details.items()
    )
    return Measured(max(parts)[0], "ms", note=f"intervals between ticks of {TICK} ms; {said}", details=details)


# -- a slider in a hand
@dataclass
class Change:
    """One move of the slider."""

    value: float
    made: float
    painted: float | None = None


class Drag(QObject):
    """Moves the temperature slider 60 times a second and notes when what it asked for has been painted."""

    def __init__(self, window: Window, tab: Any, positions: list[int]) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self._arrived, self._answers_to = 0, 0  # how many of the changes the newest answer serves
        self._tab, self._positions = tab, iter(positions)
        row = tab.now.form.control("temperature")
        assert isinstance(row, ParamRow)
        self._slider = row.slider
        self.over = False
        tab.now.feed.heard.connect(self._event)
        window.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._due = time.perf_counter()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._move)
        self._timer.start(0)

    def _move(self) -> None:
        position = next(self._positions, None)
        if position is None:
            self._slider.setSliderDown(False)
            self.over = True
            return
        self._due += DRAG / 1000
        self._timer.start(max(0, round(1000 * (self._due - time.perf_counter()))))
        self._slider.setSliderDown(True)
        made = time.perf_counter()
        self._slider.setValue(position)
        self.changes.append(Change(self._slider.number(), made))

    def _event(self, event: Event) -> None:
        if isinstance(event, Started):
            params = event.params
            assert isinstance(params, WatchParams)
            self._answers_to = max(
                (n for n, change in enumerate(self.changes, 1) if change.value == params.temperature), default=0
            )
        elif isinstance(event, Answer):
            self._arrived = max(self._arrived, self._answers_to)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window is about to repaint what has changed: once that is done, the answer is on screen."""
        if event.type() == QEvent.Type.UpdateRequest and self._arrived:
            QTimer.singleShot(0, self, lambda arrived=self._arrived: self._painted(arrived))
        return False

    def _painted(self, arrived: int) -> None:
        now = time.perf_counter()
        for change in self.changes[:arrived]:
            if change.painted is None:
                change.painted = now

    def spent(self) -> list[float]:
        """Seconds from each change until it, or a newer one, was painted."""
        return [change.painted - change.made for change in self.changes if change.painted is not None]


def temperature_drag(
    reference: Reference | None = None, seconds: float = 2.0, rounds: int = 3, layer: int = 0
) -> Measured:
    """Drags of the temperature of a layer of ViT-B (the last one: 0), in turn with transformers' forward.

    Both on as many threads.
    """
    threads = max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(threads)
    reference = reference or vit_b()
    size = reference.net.config.image_size
    pixels = torch.randn(1, 3, size, size)

    @torch.inference_mode()
    def forwards(count: int = 5) -> list[float]:
        spent = []
        for _ in range(count):
            began = time.perf_counter()
            reference.net(pixel_values=pixels)
            spent.append(time.perf_counter() - began)
        return spent

    wanted = {
        "model": str(reference.folder),
        "picture": _noise(480, 640, 0),
        "layer": layer or reference.net.config.num_hidden_layers,
        "scope": WHOLE_LAYER,
    }
    whole, ours, unserved = [], [], 0
    with _window("vit", **wanted) as (window, tab):
        forwards(2)
        for number in range(rounds + 1):
            drag = Drag(window, tab, _there_and_back(round(seconds * 1000 / DRAG) if number else 30, number))
            _spin(lambda d=drag: d.over and not tab.is_busy)
            _spin(lambda d=drag: d.changes[-1].painted is not None, 2000)
            window.removeEventFilter(drag)
            tab.now.feed.heard.disconnect(drag._event)
            if number:  # the first one warms up
                ours += drag.spent()
                unserved += sum(change.painted is None for change in drag.changes)
                whole += forwards()
    return Measured(
        1000 * quantile(ours, 0.99),
        "ms",
        1000 * statistics.median(whole),
        sound=not unserved,
        note=f"change to painted, p50 {1000 * statistics.median(ours):.1f} ms, p99 of {len(ours)} changes "
        f"in {rounds} drags, {unserved} unserved; {threads} torch thread(s); reference: median forward",
        details={"ours_ms": in_ms(sorted(ours)), "reference_ms": in_ms(whole)},
    )


def first_layer_drag() -> Measured:
    """Of layer 1: all others are to be computed again."""
    return temperature_drag(layer=1)


class Drops(QObject):
    """Drops one picture after the other and notes when its boxes are painted."""

    def __init__(self, window: Window, tab: Any, pictures: list[Picture]) -> None:
        super().__init__()
        self.spent: list[float] = []
        self._tab, self._pictures = tab, iter(pictures)
        self._began, self._there = 0.0, False
        tab.now.feed.heard.connect(self._event)
        window.installEventFilter(self)

    def drop(self) -> None:
        """The next one."""
        self._began = time.perf_counter()
        self._there = False
        self._tab.take_picture(next(self._pictures))

    def _event(self, event: Event) -> None:
        if isinstance(event, Detections):
            self._there = True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The window is about to repaint what has changed."""
        if event.type() == QEvent.Type.UpdateRequest and self._there and self._began:
            began, self._began = self._began, 0.0
            QTimer.singleShot(0, self, lambda: self.spent.append(time.perf_counter() - began))
        return False


def photo_drop(reference: Reference | None = None, size: tuple[int, int] = (480, 640), drops: int = 7) -> Measured:
    """A photo dropped on DETR until its boxes are painted, beside all that transformers does for them."""
    threads = cores()  # as many as the window gives an answer while it hardly paints
    reference = reference or detr_r50()
    processor = detr_processor()
    pictures = [_noise(*size, seed) for seed in range(drops + 3)]

    @torch.inference_mode()
    def theirs(picture: Picture) -> float:
        torch.set_num_threads(threads)
        began = time.perf_counter()
        found = reference.net(**processor(images=picture.rgb, return_tensors="pt"))
        processor.post_process_object_detection(found, threshold=0.5, target_sizes=[size])
        return time.perf_counter() - began

    whole = []
    with _window("detr", source=str(reference.folder), picture=pictures[0]) as (window, tab):
        hand = Drops(window, tab, pictures[1:])
        for number in range(drops + 2):
            count = len(hand.spent)
            hand.drop()
            _spin(lambda n=count: len(hand.spent) > n and not tab.is_busy)
            spent = theirs(pictures[number])
            if number >= 2:  # the first ones warm up
                whole.append(spent)
        window.removeEventFilter(hand)
        tab.now.feed.heard.disconnect(hand._event)
    ours = hand.spent[2:]
    return Measured(
        1000 * statistics.median(ours),
        "ms",
        1000 * statistics.median(whole),
        note=f"median of {len(ours)}; {threads} torch threads for transformers, at most as many for ours",
        details={"ours_ms": in_ms(ours), "reference_ms": in_ms(whole)},
    )


def _there_and_back(count: int, phase: int) -> list[int]:
    """Positions of a slider of 200 steps, up and down; none comes twice, so that each answer tells its change."""
    cycle = [*range(4, 198, 2), *range(195, 4, -2)]
    if count > len(cycle):
        raise ValueError(f"a drag has at most {len(cycle)} changes")
    return [cycle[(41 * phase + step) % len(cycle)] for step in range(count)]


# -- many maps
def mosaic(maps: int = 144, side: int = 197, seconds: float = 3.0) -> Measured:
    """New maps of all layers and heads of ViT-B into one mosaic and repainted, as fast as it goes."""
    start(main.arguments(["--lang", "en", "--theme", "light"]))
    view = Mosaic(columns=round(maps**0.5), captions=False, headers=True)
    view.resize(1280, 800)
    rng = np.random.default_rng(0)
    contents = [rng.integers(0, 256, (maps, side, side), np.uint8) for _ in range(3)]
    rates = {}
    for name, values in (("uint8", contents), ("float32", [c.astype(np.float32) / 255 for c in contents])):
        view.set_maps(values[0])
        view.show()
        QTest.qWaitForWindowExposed(view)  # until then a real screen is given nothing, at no cost
        spent, until, turn = [], time.perf_counter() + seconds, itertools.cycle(values)
        while time.perf_counter() < until:
            began = time.perf_counter()
            view.set_maps(next(turn))
            view.viewport().repaint()
            spent.append(time.perf_counter() - began)
        rates[name] = 1 / statistics.median(spent)
    block = view.reduced()
    view.close()
    view.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return Measured(
        rates["uint8"],
        "per s",
        note=f"other uint8 maps each time; {rates['float32']:.0f} per s from float32; "
        f"one pixel shows {block} × {block} values",
        details=rates,
    )

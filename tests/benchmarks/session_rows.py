"""What keeping the session costs the hand, and how soon a session of all tabs is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QTimer

import main
from app.launch import start
from app.topics import topics
from app.window import Window
from engines.core.pictures import Picture
from tests.app import tabs
from tests.benchmarks.table import Measured, Row, quantile
from tests.benchmarks.window_rows import TICK
from tests.benchmarks.window_rows import _spin as spin

SIDE = 4000  #: of a photo that was pasted, so that it has to be packed: as many pixels as are kept
BEATS = 40


@contextmanager
def opened_window() -> Iterator[Window]:
    """A window with nothing in it."""
    _app, stored = start(main.arguments(["--lang", "en", "--theme", "light", "--device", "cpu"]))
    window = Window(stored)
    window.resize(1280, 800)
    window.show()
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def all_tabs(window: Window) -> None:
    """Show every page of every tab, so that all has settings of its own."""
    for topic in topics():
        tab = window.show_topic(topic.name)
        for at in range(len(tab.pages)):
            tab.show_page(at)
        spin(lambda tab=tab: tabs.rests(tab))


def opening() -> Measured:
    """From the call that opens a session of all tabs until its first tab is in front and painted; all is imported."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "all.attnlab"
        with opened_window() as window:
            all_tabs(window)
            window.session.save(file)
            spin(lambda: not window.session.busy)
        with opened_window() as window:
            began = time.perf_counter()
            window.session.open(file)
            spin(lambda: window.tab is not None and not window.session.busy)
            QCoreApplication.processEvents()
            spent = time.perf_counter() - began
        return Measured(1000 * spent, "ms", details={"file_kB": round(file.stat().st_size / 1000)})


def keeping() -> Measured:
    """The longest beat of the window's timer that keeps a session of all tabs, with a pasted photo of 16 Mpx."""
    with opened_window() as window:
        all_tabs(window)
        tab = window.show_topic("detr")
        tab.show_page(0)
        spin(lambda: tabs.rests(tab))
        gaps: list[float] = []
        beats: list[float] = []
        last = time.perf_counter()

        def tick() -> None:
            nonlocal last
            now = time.perf_counter()
            gaps.append(1000 * (now - last))
            last = now

        timer = QTimer(interval=TICK)
        timer.timeout.connect(tick)
        timer.start()
        noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        tab.now.state.params = replace(tab.params, picture=Picture("noise", noise))
        for _ in range(BEATS):
            tab.now.state.params = replace(tab.params)  # others, of which nobody is told
            began = time.perf_counter()
            window.session.beat()
            beats.append(1000 * (time.perf_counter() - began))
            spin(lambda: window.session._writing is None or window.session._writing.done())
        timer.stop()
        return Measured(
            max(beats),
            "ms",
            note=f"ticks of {TICK} ms meanwhile: p99 {quantile(gaps, 0.99):.0f}, at most {max(gaps):.0f} ms",
        )


def rows() -> list[Row]:
    """Opening and keeping."""
    return [
        Row("session", "opening a session of all tabs, to the first tab", opening, most=2000),
        Row("session-kept", "keeping the session, in the window's thread, worst of 40", keeping, most=20),
    ]

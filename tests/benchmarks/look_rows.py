"""What holds the window up: opening each tab for the first time, and another theme with all of them open.

Own time of the window's thread, so that engines at work beside it do not count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

import app.views  # noqa: F401  (brings pyqtgraph, which a window does in the idle time after its first paint)
import main
from app import theme
from app.launch import start
from app.topics import topics
from app.window import Window
from tests.benchmarks.table import Measured, Row, in_ms

TURNS = 3  #: of the event loop, in which a tab is laid out and painted
SWITCHES = 4


def rows() -> list[Row]:
    """Rows of this module."""
    return [
        Row("open", "the slowest tab opened for the first time", opening, most=0.35),
        Row("theme", "another theme with all tabs open, what is in sight", switching, most=0.5),
    ]


@contextmanager
def _window() -> Iterator[Window]:
    app, stored = start(main.arguments(["--lang", "en", "--theme", "light", "--device", "cpu"]))
    window = Window(stored)
    window.resize(1280, 800)
    window.show()
    app.processEvents()
    try:
        yield window
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def _turn() -> float:
    """Seconds of own time that the event loop takes to paint what is new."""
    began = time.thread_time()
    for _ in range(TURNS):
        QCoreApplication.processEvents()
    return time.thread_time() - began


def _open(window: Window, name: str) -> list[float]:
    """Seconds of own time for building a tab, for showing it, and for its first paint."""
    began = time.thread_time()
    window._build(name)
    built = time.thread_time()
    window.show_topic(name)
    shown = time.thread_time()
    return [built - began, shown - built, _turn()]


def opening() -> Measured:
    """Building, showing and painting each tab, its modules imported."""
    for topic in topics():
        topic.tab_class()
    with _window() as window:
        spent = {topic.name: _open(window, topic.name) for topic in topics()}
    slowest = max(spent, key=lambda name: sum(spent[name]))
    piece = max(max(turns) for turns in spent.values())
    return Measured(
        sum(spent[slowest]),
        "s",
        note=f"own time; the slowest is {slowest}; {1000 * piece:.0f} ms in one piece at most",
        details={name: in_ms(turns) for name, turns in spent.items()},
    )


def switching() -> Measured:
    """Each step of a change of what is in sight, to its paint; the slowest of some changes."""
    with _window() as window:
        for topic in topics():
            tab = window.show_topic(topic.name)
            for page in range(len(tab.pages)):
                tab.show_page(page)
                _turn()
        changes = []
        for index in range(SWITCHES):
            steps, spent, done = theme.steps(window, ("dark", "light")[index % 2]), [], object()
            while True:
                began = time.thread_time()
                over = next(steps, done) is done
                spent.append(time.thread_time() - began)
                if over:
                    break
            spent.append(_turn())
            changes.append(spent)
            theme.finish(window)
            _turn()  # the layouts of what is hidden, too
        widgets = len(window.findChildren(QWidget))
    return Measured(
        max(map(sum, changes)),
        "s",
        note=f"own time, {widgets} widgets; {1000 * max(map(max, changes)):.0f} ms in one piece at most",
        details={"changes_ms": [in_ms(spent) for spent in changes]},
    )

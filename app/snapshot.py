"""Pictures of the tabs without anybody watching: ``--snapshot FOLDER``.

Files are called ``<tab>.png``, with ``--page`` ``<tab>-<page>.png``.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app import export
from app.placing import FIRST
from app.settings import Settings
from app.stream import Stream
from app.topic.tab import Tab
from app.topics import topics
from app.window import Window
from engines.core.files import WriteError, write

PATIENCE = 180_000  #: ms that a tab may take to its first full result
SETTLE = 60  #: ms for the last repaint


def take(options: Namespace, settings: Settings) -> int:
    """Write ``<tab>.png`` of each tab asked for; 1 if one of them ended in an error."""
    folder: Path = options.snapshot
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"{folder}: {error.strerror}", file=sys.stderr)
        return 1
    window = Window(settings)
    window.resize(*(options.size or FIRST.toTuple()))
    window.show()
    failed = False
    for name in options.tab or [t.name for t in topics()]:
        tab = window.show_topic(name)
        good, refusal = wait(tab), ""
        if options.page is not None:
            good = turn(tab, options.page) and good
        if options.files:
            window.take_paths([str(f) for f in options.files])
            good = wait_for_files(window, tab) and good
            window.show_topic(name)  # a model that belongs to another topic has brought that one to the front
            refusal = tab.error.reason()
            good = good and not refusal
        pause(SETTLE)
        path = folder / (f"{name}.png" if options.page is None else f"{name}-{options.page}.png")
        try:
            write(path, export.png(window.grab().toImage()))
        except WriteError as error:
            print(f"{name}: {error}", file=sys.stderr)
            good = False
        if not good:
            failure = window.last_failure
            why = refusal or (failure.error if failure and failure.error else "no result in time")
            print(f"{name}: {why}", file=sys.stderr)
        failed |= not good
    window.close()
    QApplication.processEvents()
    return int(failed)


def turn(tab: Tab, number: int) -> bool:
    """Turn to a page, or to the last one, and let it compute; pages may have streams of their own."""
    tab.show_page(min(number, len(tab.pages)) - 1)
    left = PATIENCE
    pause(SETTLE)
    while left > 0 and any(stream.is_busy for stream in tab.findChildren(Stream)):
        pause(SETTLE)
        left -= SETTLE
    return wait(tab)


def wait(tab: Tab) -> bool:
    """Let the tab compute until it rests; False if it failed or took too long."""
    if not tab.is_busy:
        return not tab.failed
    results: list[bool] = []
    loop = QEventLoop()
    tab.rested.connect(results.append)
    tab.rested.connect(loop.quit)
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(loop.quit)
    timer.start(PATIENCE)
    loop.exec()
    tab.rested.disconnect(loop.quit)
    tab.rested.disconnect(results.append)
    return bool(results) and results[-1]


def wait_for_files(window: Window, tab: Tab) -> bool:
    """Let dropped files be read and shown."""
    while window.intake.reading:
        pause(20)
    pause(20)
    return wait(tab)


def pause(ms: int) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()

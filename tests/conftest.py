"""One process, no screen, no network, nothing of the person who runs the tests; and nothing is left behind."""

from __future__ import annotations

import gc
import itertools
import os
import random
import sys
import threading
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["PYTHONDONTWRITEBYTECODE"] = ""  # as the Makefile has it: else each program compiles 400 files anew

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from app.qtlog import leave_out_noise

collect_ignore = ["toy"]  # a topic that is none of ours; see test_new_topic.py
LONG = ("test_walk.py", "test_survival.py")
PATIENCE = 300_000  #: ms that a wait may take at least: what is met costs nothing, and a machine under load is slow
POLL = 1, 20  #: ms between two looks at what is waited for, at first and at most; each takes time from what computes
SHARE = 0.1  # of the time waited so far, that may pass between two looks

sys.dont_write_bytecode = False  # nor does this one

leave_out_noise()  # of what Qt says between two tests; within one, pytest-qt listens


class PatientBot(QtBot):
    """Waits longer than the 5 s of pytest-qt, and never less than `PATIENCE`."""

    def waitUntil(self, callback, *, timeout=PATIENCE):
        __tracebackhide__ = True
        began, waited = time.monotonic(), 0.0
        loop, timer = QEventLoop(), QTimer()
        timer.timeout.connect(loop.quit)
        while waited < max(timeout, PATIENCE):
            try:
                if callback() in (None, True):  # as pytest-qt has it: what only asserts returns nothing
                    return
            except AssertionError:
                pass
            timer.start(int(min(max(POLL[0], SHARE * waited), POLL[1])))
            loop.exec()
            timer.stop()
            waited = 1000 * (time.monotonic() - began)
        super().waitUntil(callback, timeout=POLL[0])  # says what it waited for

    def waitSignal(self, signal, *, timeout=PATIENCE, raising=None, **options):
        if raising is not False:  # else the wait is for nothing to come
            timeout = max(timeout, PATIENCE)
        return super().waitSignal(signal, timeout=timeout, raising=raising, **options)


def pytest_addoption(parser):
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in an order drawn from SEED")


def pytest_collection_modifyitems(items, config):
    """The longest tests first: what is short fills up the other process, so that both end together."""
    seed = config.getoption("--shuffle")
    if seed is None:
        items.sort(key=lambda item: item.path.name not in LONG)
    else:
        random.Random(seed).shuffle(items)


def pytest_collection_finish():
    """What the tests import stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def qtbot(qapp, request):
    return PatientBot(request)


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """Makes new folders; each ``mktemp`` would look through all that are there."""
    above = tmp_path_factory.mktemp("homes")
    return (above / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_home(homes, monkeypatch):
    """Settings and caches of the app go to a folder of the test's own."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("ATTENTION_LAB_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_widget_left():
    """Deletes windows and menus without an owner that a test leaves: each new style sheet would polish them, too.

    No others: those of a tab that could not be built still hold on to each other.
    """
    before = set(top_levels())
    yield
    for widget in set(top_levels()) - before:
        if widget.parent() is None and type(widget).__name__ in ("Window", "QMenu"):
            widget.deleteLater()
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def top_levels():
    """Windows and menus of the process; none before Qt's widgets are imported."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    return [] if widgets is None else widgets.QApplication.topLevelWidgets()


@pytest.fixture
def one_thread():
    """For tests of equal bits: with more threads a library may share a sum out otherwise each time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_thread_left():
    """Fails a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def dispose(widget):
    """Close a window, delete it now, and let nothing of it wait in a queue."""
    widget.close()
    lane = getattr(widget, "lane", None)
    if lane is not None:
        lane.close(60)  # a machine under load may take longer than the window waits
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()


@pytest.fixture
def open_window(qapp, no_thread_left, monkeypatch):
    """Opens main windows that are closed, joined and deleted at the end (``qtbot.addWidget`` would abort the run).

    They measure on few pictures, see `tests.examples.shorten`.
    """
    from app import theme, words
    from app.settings import Settings
    from app.window import Window
    from tests import examples

    examples.shorten(monkeypatch)
    windows = []

    def make(width=1280, height=800, look="light", language="en"):
        words.set_language(language)
        theme.use(look)
        window = Window(Settings.load())
        window.resize(width, height)
        window.show()
        windows.append(window)
        return window

    yield make
    for window in windows:
        dispose(window)
    words.set_language("en")
    theme.use("light")
    theme.set_motion(True)

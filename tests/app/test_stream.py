"""Requests out, events in: what a slider drag feels like."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import weakref
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QRectF
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.onepaint import PaintedOnce, come, put_off
from app.plots.curves import Curve, Curves
from app.stream import HASTE, OFTEN, PATIENCE, SELDOM, SHARE, SLACK, TICK, Allowance, Cadence, Stream
from app.views.matrix import Matrix
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap
from app.views.tokenmap import TokenMap
from engines.core.lane import Lane
from engines.core.params import Params, Range, setting
from engines.core.protocol import Ended, Frame, Record, Started


@dataclass(frozen=True)
class N(Params):
    n: int = 3
    rate: float = setting(0.1, Range(0, 1, 0.1, "rate", live=True))


@dataclass(frozen=True)
class Loss(Record):
    i: int


@dataclass(frozen=True)
class Picture(Frame):
    n: float


class Count:
    def run(self, job):
        for i in range(job.params.n):
            yield Loss(i)
        yield Picture(job.params.n)


class Gated:
    """Reads the params, then waits to be let go before it shows them."""

    def __init__(self, field="n"):
        self.field, self.at, self.go = field, threading.Semaphore(0), threading.Semaphore(0)

    def run(self, job):
        value = getattr(job.params, self.field)
        self.at.release()
        assert self.go.acquire(timeout=120)
        yield Picture(value)


@pytest.fixture
def lane():
    lane = Lane()
    yield lane
    assert lane.close(60)  # a machine under load may take longer than a window waits


def listen(stream):
    got = []
    stream.arrived.connect(got.append)
    return got


def idle(qtbot, stream):
    return qtbot.waitSignal(stream.busy, check_params_cb=lambda on: not on, timeout=10_000)


def test_events_arrive_in_the_gui_thread_in_order(qtbot, lane):
    stream, who = Stream(lane, Count), set()
    got = listen(stream)
    stream.arrived.connect(lambda e: who.add(threading.current_thread()))
    with idle(qtbot, stream):
        stream.request(N(20))
    assert [e.i for e in got if isinstance(e, Loss)] == list(range(20))
    assert isinstance(got[0], Started)
    assert isinstance(got[-1], Ended)
    assert who == {threading.main_thread()}
    assert stream.frames == 1


def test_a_thousand_changes_end_on_the_last_and_nothing_stays_unserved(qtbot, lane):
    stream = Stream(lane, Count)
    got = listen(stream)
    with idle(qtbot, stream):
        for n in range(1000):
            stream.request(N(n % 7))
        stream.request(N(9))
    assert [e.n for e in got if isinstance(e, Picture)][-1] == 9
    assert sum(isinstance(e, Ended) for e in got) == 1001


def test_answers_come_sixty_times_a_second_though_each_look_is_late():
    cadence, now, made = Cadence(), 50.0, []
    for late in [0.0009, 0.003, 0.0, 0.002] * 25:
        early = cadence.early(now)
        assert early <= TICK / 1000
        now += early + late
        assert cadence.early(now) == 0
        cadence.delivered(now)
        made.append(now)
    apart = [b - a for a, b in itertools.pairwise(made)]
    assert sum(apart) / len(apart) == pytest.approx(TICK / 1000, rel=0.01)
    assert min(apart) >= (TICK - SLACK) / 1000 - 1e-9
    now += 1  # the hand rests, then goes on: nothing is caught up with
    cadence.delivered(now)
    assert cadence.early(now) == pytest.approx((TICK - SLACK) / 1000)


def test_a_live_value_does_not_restart(qtbot, lane):
    class Train:
        def run(self, job):
            while job.params.rate < 0.5:
                yield Loss(0)

    stream = Stream(lane, Train)
    got = listen(stream)
    with idle(qtbot, stream):
        stream.request(N())
        qtbot.waitUntil(lambda: any(isinstance(e, Loss) for e in got))
        stream.request(N(rate=0.9))
    assert sum(isinstance(e, Started) for e in got) == 1
    assert got[-1] == Ended(N(rate=0.9))


def test_a_live_value_that_comes_too_late_is_served_by_a_new_run(qtbot, lane):
    engine = Gated("rate")
    stream = Stream(lane, lambda: engine)
    got = listen(stream)
    engine.go.release(2)
    with idle(qtbot, stream):
        stream.request(N())
        assert engine.at.acquire(timeout=120)
        stream.request(N(rate=0.9))
    assert [e.n for e in got if isinstance(e, Picture)][-1] == 0.9


def test_a_request_right_after_stop_is_served(qtbot, lane):
    engine = Gated()
    stream = Stream(lane, lambda: engine)
    got = listen(stream)
    with idle(qtbot, stream):
        stream.request(N(1))
        assert engine.at.acquire(timeout=120)
        stream.stop()
        stream.request(N(1))
        engine.go.release(2)
    assert [type(e) for e in got].count(Ended) == 2
    assert not got[-1].cancelled


def test_two_tabs_share_the_lane(qtbot, lane):
    class Forever:
        def run(self, job):
            while True:
                yield Picture(0)

    first, second = Stream(lane, Forever), Stream(lane, Count)
    got = listen(first)
    first.request(N())
    qtbot.waitUntil(lambda: any(isinstance(e, Picture) for e in got))
    with idle(qtbot, first), idle(qtbot, second):
        first.stop()
        second.request(N())


def test_training_goes_on_while_another_tab_asks(qtbot, lane):
    class Train:
        def run(self, job):
            i = 0
            while True:
                yield Loss(i)
                i += 1

    train, ask = Stream(lane, Train, training=True), Stream(lane, Count)
    seen = []
    train.arrived.connect(lambda e: seen.append(e.i) if isinstance(e, Loss) else None)
    train.request(N())
    qtbot.waitUntil(lambda: len(seen) > 10)
    with idle(qtbot, ask):
        ask.request(N())
    before = len(seen)
    qtbot.waitUntil(lambda: len(seen) > before + 10)
    with idle(qtbot, train):
        train.stop()
    assert seen == list(range(len(seen)))


def test_threads_change_places_sooner_while_a_run_trains(qtbot, lane, monkeypatch):
    monkeypatch.setattr("app.stream._training", weakref.WeakSet())  # runs that other tests left count no more
    before = sys.getswitchinterval()
    stream = Stream(lane, Count, training=True)
    with idle(qtbot, stream):
        stream.request(N())
        assert sys.getswitchinterval() == pytest.approx(HASTE)
    assert sys.getswitchinterval() == pytest.approx(PATIENCE)
    sys.setswitchinterval(before)


def test_drawing_a_run_takes_its_share_of_the_thread():
    cheap, dear, endless = Allowance(), Allowance(), Allowance()
    for _ in range(20):
        assert cheap.spent(0.0005) == OFTEN
        dear.spent(0.012)
        endless.spent(3.0)
    assert dear.wait == pytest.approx(12 / SHARE, abs=1)
    assert endless.wait == pytest.approx(SELDOM, abs=1)
    assert cheap.spent(3.0) < SELDOM  # one that took long is not the rule


def test_the_pace_of_drawing_counts_what_is_heard_and_what_is_painted(qtbot, lane, monkeypatch):
    class Slow(QWidget):
        def paintEvent(self, event):
            burn(0.006)

    def burn(seconds):
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    window = PaintedOnce()
    qtbot.addWidget(window)
    window.setCentralWidget(Slow())
    window.show()
    qtbot.waitExposed(window)
    gated = Gated()
    stream = Stream(lane, lambda: gated, training=True)
    waits = []
    monkeypatch.setattr(Allowance, "spent", lambda _self, seconds: waits.append(seconds) or OFTEN)

    def hear(event):
        if isinstance(event, Picture):
            burn(0.004)
            window.centralWidget().update()

    stream.arrived.connect(hear)
    with idle(qtbot, stream):
        stream.request(N())
        gated.go.release()
    qtbot.waitUntil(lambda: bool(waits) and waits[-1] >= 0.010)


@pytest.fixture
def counting(qtbot):
    """A window that counts its paints."""

    class Counted(PaintedOnce):
        paints = 0

        def painted(self, seconds):
            self.paints += 1

    window = Counted()
    qtbot.addWidget(window)
    window.setCentralWidget(QLabel("0"))
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(30)
    return window


def drag(qtbot, stream, window, moves):
    """Each move changes the window, and so does its answer; returns the paints of the last ten moves."""
    for n in range(1, moves + 1):
        if n == moves - 9:
            before = window.paints
        window.centralWidget().setText(f"moved to {n}")
        with idle(qtbot, stream):
            stream.request(N(n=n % 3))
        for _ in range(3):  # the answer, too, comes on screen
            QCoreApplication.processEvents()
        qtbot.waitUntil(lambda: not (window._soon.isActive() or window._later.isActive()))
    qtbot.wait(30)
    return window.paints - before


def test_what_the_hand_moves_is_painted_with_an_answer_that_comes_at_once(qtbot, lane, counting, monkeypatch):
    monkeypatch.setattr("app.stream.QUICK", 0.5)  # on a machine under load, too
    stream = Stream(lane, Count)
    stream.arrived.connect(lambda e: isinstance(e, Picture) and counting.centralWidget().setText(f"answer {e.n}"))
    assert drag(qtbot, stream, counting, 40) == 10


def test_what_the_hand_moves_does_not_wait_for_an_answer_that_takes_long(qtbot, lane, counting):
    class Slow(Count):
        def run(self, job):
            time.sleep(0.05)
            yield from super().run(job)

    stream = Stream(lane, Slow)
    stream.arrived.connect(lambda e: isinstance(e, Picture) and counting.centralWidget().setText(f"answer {e.n}"))
    assert drag(qtbot, stream, counting, 15) == 20


def test_a_paint_is_put_off_for_a_moment_only(qtbot, counting):
    before = counting.paints
    put_off(0.05)
    counting.centralWidget().setText("1")
    qtbot.wait(10)
    assert counting.paints == before
    for _ in range(20):  # those that ask again and again keep nothing from the screen
        put_off(0.05)
        qtbot.wait(5)
    assert counting.paints > before


def test_qt_paints_without_a_method_of_python_that_keeps_the_interpreter(qtbot, counting):
    """A run that trains goes on meanwhile: whatever Python is called for a paint is called by Qt alone."""

    class Seen(pg.GraphicsObject):
        def boundingRect(self):
            return QRectF(0, 0, 20, 20)

        def paint(self, *_):
            callers.append(sys._getframe(1).f_code.co_name)

    callers = []
    views, seen = [Curves(), TokenMap(), Mosaic(), PhotoMap()], [Seen() for _ in range(4)]
    inside = QWidget()
    QVBoxLayout(inside)
    for view, item in zip(views, seen, strict=True):
        inside.layout().addWidget(view)
        view.scene().addItem(item)
    views[0].set_curves([Curve("a", np.arange(3.0), np.arange(3.0))])
    counting.setCentralWidget(inside)
    qtbot.wait(50)
    callers.clear()
    for item in seen:
        item.update()
    qtbot.waitUntil(lambda: len(callers) >= 4)
    assert set(callers) == {"_paint_now"}


def test_what_a_view_places_anew_is_painted_once(qtbot, counting):
    """New names place the cells anew; were that done in the paint, the scene would ask for a second one."""
    matrix, text = Matrix(), QLabel("0")
    matrix.set_values(np.zeros((4, 4)))
    both = QWidget()
    QVBoxLayout(both).addWidget(matrix)
    both.layout().addWidget(text)
    counting.setCentralWidget(both)
    qtbot.wait(50)
    before = counting.paints
    put_off(1)
    text.setText("moved")
    qtbot.wait(5)
    matrix.set_values(np.ones((4, 4)))  # the answer
    matrix.set_names("abcd", "efgh")
    come()
    qtbot.wait(50)
    assert counting.paints == before + 1


def test_a_window_that_is_gone_is_asked_nothing(qtbot):
    window = PaintedOnce()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    put_off(0.01)
    come()
    assert window is not None  # its Python half is there

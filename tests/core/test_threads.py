"""How many threads torch is given, and that the lane gives them before each step."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engines.core import later, threads
from engines.core.lane import Lane
from engines.core.params import Params
from engines.core.protocol import Ended, Job, Record
from engines.core.threads import Threads, cores, steady

ROOT = Path(__file__).parents[2]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def unasked(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def clock():
    return Clock()


def test_an_answer_has_all_cores_while_nothing_paints_and_leaves_one_while_it_does(clock):
    found = Threads(2, clock)
    assert (found.number(), found.most()) == (2, 2)
    found.painted(0.04)
    assert found.paints
    assert found.number() == 1
    clock.now += 1  # nothing was painted since
    assert not found.paints
    assert found.number() == 2


def test_a_moving_bar_is_no_painting_and_a_slider_in_a_hand_is(clock):
    for seconds, often, paints in ((0.0015, 25, False), (0.008, 30, True)):
        found = Threads(4, clock)
        for _ in range(2 * often):
            clock.now += 1 / often
            found.painted(seconds)
        assert found.paints == paints
        assert found.number() == (3 if paints else 4)


def test_a_training_keeps_one_number_whatever_is_painted(clock):
    found = Threads(4, clock)
    seen = [found.number(training=True)]
    found.painted(1.0)
    seen.append(found.number(training=True))
    clock.now += 100
    seen.append(found.number(training=True))
    assert seen == [3, 3, 3]


def test_what_the_hand_asks_for_holds_always_and_never_passes_the_cores(clock):
    found = Threads(2, clock)
    for wanted, number in ((1, 1), (2, 2), (64, 2)):
        found.wanted = wanted
        found.painted(1.0)
        assert (found.number(), found.number(training=True), found.most()) == (number,) * 3
    found.wanted = 0
    assert found.number(training=True) == 1


@pytest.mark.parametrize(("text", "most"), [("1", 1), ("3,2", 3), ("", 8), ("0", 8), ("many", 8), ("99", 8)])
def test_what_the_environment_allows_is_not_passed(monkeypatch, clock, text, most):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert Threads(8, clock).number() == most
    assert steady(8) == min(most, 7)


def test_one_core_is_enough():
    assert steady(1) == Threads(1).number() == 1
    assert cores() >= 1


class Count(Record):
    def __init__(self, number: int) -> None:
        self.number = number


class Counted:
    """Says at each step how many threads torch would use."""

    def run(self, _job):
        import torch

        for _ in range(3):
            yield Count(torch.get_num_threads())


@pytest.mark.parametrize("training", [False, True])
def test_the_next_step_has_the_number_that_is_wanted_now(training):
    lane, told, over = Lane(), [], threading.Event()
    lane.threads.count, lane.threads.wanted = 2, 1

    def deliver(event):
        if isinstance(event, Count):
            told.append(event.number)
            lane.threads.wanted = 3 - lane.threads.wanted
        elif isinstance(event, Ended):
            over.set()

    def engine():
        import torch

        assert torch.get_num_threads()
        return Counted()

    try:
        lane.submit(Job(Params(), engine, deliver, training=training))
        assert over.wait(120)
    finally:
        assert lane.close()
    assert told == [1, 2, 1]


# ------------------------------------------------------------------ the libraries, and what may wait
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is loaded beforehand")
def test_the_libraries_are_loaded_without_the_interpreter_and_torch_computes_with_them():
    code = """
import sys
from engines.core.preload import preload
thread = preload()
thread.join()
with open("/proc/self/maps") as file:
    assert "libtorch_cpu.so" in file.read()
assert "torch" not in sys.modules
import torch
assert float(torch.ones(3, 3).matmul(torch.ones(3, 3)).sum()) == 27
assert preload() is None
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_may_wait_is_done_later_or_given_up(no_thread_left):
    did = []
    later.later(0, lambda: did.append("soon"))
    later.wait()
    later.later(60, lambda: did.append("never"))
    later.give_up()
    assert did == ["soon"]


def test_a_lane_that_ends_leaves_what_another_does_later(no_thread_left):
    did, asked, ended = [], threading.Event(), threading.Event()

    def other():
        later.later(0.05, lambda: did.append("the other's"))
        asked.set()
        assert ended.wait(120)
        later.wait()

    thread = threading.Thread(target=other)
    thread.start()
    assert asked.wait(120)
    later.give_up()
    ended.set()
    thread.join()
    assert did == ["the other's"]


def test_waiting_threads_sleep_unless_the_environment_says_otherwise(monkeypatch):
    from app import command

    monkeypatch.setattr(command, "missing", lambda: ["nothing"])  # it ends at once
    for before, after in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        monkeypatch.delenv(threads.POLICY[0], raising=False)
        if before:
            monkeypatch.setenv(threads.POLICY[0], before)
        assert command.main([]) == 2
        assert command.os.environ[threads.POLICY[0]] == after
    monkeypatch.delenv(threads.POLICY[0])

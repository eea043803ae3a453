"""The lane, held still with gates: nothing here sleeps to make a race likely."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass

import pytest
import torch

from engines.core.errors import LabError, Message
from engines.core.lane import CPU_FULL, GPU_FULL, Lane
from engines.core.params import Params
from engines.core.protocol import Ended, Event, Frame, Job, Mailbox, Progress, Record, Started


@dataclass(frozen=True)
class N(Params):
    n: int = 3


@dataclass(frozen=True)
class Picture(Frame):
    i: int


@dataclass(frozen=True)
class Loss(Record):
    i: int


class Count:
    def run(self, job):
        for i in range(job.params.n):
            yield Picture(i)
            yield Loss(i)


class Gate:
    """An engine that stops before each event until the test lets it go on."""

    def __init__(self, event=lambda n: Picture(n)):
        self.at, self.go, self.closed = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
        self.event = event

    def run(self, job):
        try:
            while True:
                self.at.release()
                assert self.go.acquire(timeout=120)
                yield self.event(job.params.n)
        finally:
            self.closed.set()

    def wait(self):
        assert self.at.acquire(timeout=120)


class Log(list):
    """Collects events and wakes whoever waits for the n-th of a type."""

    def __init__(self):
        super().__init__()
        self._new = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._new:
            self.append(event)
            self._new.notify_all()

    def wait(self, n=1, kind=Ended):
        with self._new:
            assert self._new.wait_for(lambda: sum(isinstance(e, kind) for e in self) >= n, timeout=120), list(self)
        return self


@pytest.fixture
def lane():
    lane = Lane(grace=60)
    yield lane
    assert lane.close()


def test_mailbox_keeps_the_newest_frame_and_every_record_in_order():
    box = Mailbox()
    for i in range(5):
        box.put(Picture(i))
        box.put(Loss(i))
    box.put(Ended(N()))
    got = box.drain()
    assert [e.i for e in got if isinstance(e, Loss)] == [0, 1, 2, 3, 4]
    assert [e.i for e in got if isinstance(e, Picture)] == [4]
    assert isinstance(got[-1], Ended)
    assert box.replaced == 4
    assert box.drain() == []


def test_a_job_runs_to_its_end(lane):
    log = Log()
    lane.submit(Job(N(4), Count, log))
    log.wait()
    assert log[0] == Started(N(4))
    assert [e.i for e in log if isinstance(e, Loss)] == [0, 1, 2, 3]
    assert log[-1] == Ended(N(4))


def test_the_latest_wins_and_the_step_in_flight_is_shown(lane):
    log, gate, made = Log(), Gate(), []
    lane.submit(Job(N(1), lambda: gate, log))
    gate.wait()
    lane.submit(Job(N(2), lambda: made.append(2) or Count(), log))
    lane.submit(Job(N(3), lambda: made.append(3) or Count(), log))
    gate.go.release()
    log.wait(3)
    assert gate.closed.is_set()
    assert made == [3]
    assert Picture(1) in log
    assert [e.params.n for e in log if isinstance(e, Started)] == [1, 3]


@pytest.mark.parametrize("before", [Loss(0), Progress(1, 2, Message(""))], ids=["a record", "progress"])
def test_what_is_no_picture_does_not_count_as_shown(lane, before):
    """The one in flight is shown first: displaced before its first picture, a run goes on to that, and no further."""
    log, told = Log(), iter([before, Picture(1), Picture(2)])
    gate = Gate(lambda n: next(told))
    lane.submit(Job(N(1), lambda: gate, log))
    gate.wait()
    lane.submit(Job(N(0), Count, log))
    gate.go.release(3)
    log.wait(2)
    assert [e for e in log if not isinstance(e, Started | Ended)] == [before, Picture(1)]
    assert gate.closed.is_set()


def test_a_run_that_shows_nothing_is_displaced_once_its_grace_is_over():
    lane, log = Lane(grace=0), Log()
    gate = Gate(lambda n: Progress(1, 2, Message("")))
    lane.submit(Job(N(1), lambda: gate, log))
    gate.wait()
    lane.submit(Job(N(2), Count, log))
    gate.go.release()
    log.wait(2)
    assert gate.closed.is_set()
    assert lane.close()


def test_an_error_crosses_as_words_and_the_lane_survives(lane):
    class Boom:
        def run(self, job):
            yield Loss(0)
            raise ValueError("whoops")

    class Refuse:
        def run(self, job):
            raise LabError("{name}: not an image.", name="x.png")
            yield

    log = Log()
    lane.submit(Job(N(), Boom, log))
    last = log.wait()[-1]
    assert "whoops" in str(last.error)
    assert "Traceback" in last.details
    lane.submit(Job(N(), Refuse, log))
    last = log.wait(2)[-1]
    assert last.error == Message("{name}: not an image.", {"name": "x.png"})
    assert last.details == ""
    assert pickle.loads(pickle.dumps(last)) == last
    lane.submit(Job(N(), Count, log))
    assert log.wait(3)[-1] == Ended(N())


CUBLAS = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"


@pytest.mark.parametrize(
    ("error", "gpu"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"), True),
        (RuntimeError(CUBLAS), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.0 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"), False),
        (MemoryError(), False),
    ],
)
def test_out_of_memory_is_a_sentence_and_a_full_gpu_is_told_apart(lane, error, gpu):
    class Full:
        def run(self, job):
            raise error
            yield

    log = Log()
    lane.submit(Job(N(), Full, log))
    last = log.wait()[-1]
    assert last.error == Message(GPU_FULL if gpu else CPU_FULL)
    assert last.memory is gpu
    assert "Traceback" in last.details


def test_another_error_of_a_gpu_is_no_lack_of_memory(lane):
    class Broken:
        def run(self, job):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
            yield

    log = Log()
    lane.submit(Job(N(), Broken, log))
    last = log.wait()[-1]
    assert "illegal" in str(last.error)
    assert not last.memory


def test_a_training_run_is_suspended_and_goes_on(lane):
    train, ask, gate = Log(), Log(), Gate(Loss)
    job = Job(N(7), lambda: gate, train, training=True)
    lane.submit(job)
    gate.wait()
    lane.submit(Job(N(2), Count, ask))
    gate.go.release()
    ask.wait()
    gate.go.release()  # it was not ended: the next step comes from the same generator
    train.wait(2, Loss)
    assert not gate.closed.is_set()
    assert sum(isinstance(e, Started) for e in train) == 1
    lane.withdraw(job)
    gate.go.release()
    assert train.wait()[-1] == Ended(N(7), cancelled=True)
    assert gate.closed.is_set()


def test_a_training_run_that_is_held_rests_while_others_are_served(lane):
    class Holding:
        def run(self, job):
            for i in range(10**9):
                if i == 5:
                    lane.hold(True)
                yield Loss(i)

    train = Log()
    job = Job(N(), Holding, train, training=True)
    lane.submit(job)
    train.wait(6, Loss)
    for _ in range(2):
        lane.submit(Job(N(2), Count, ask := Log()))
        ask.wait()
    assert sum(isinstance(e, Loss) for e in train) == 6
    lane.hold(False)
    train.wait(8, Loss)
    lane.withdraw(job)
    train.wait()


def test_two_training_runs_share_the_lane(lane):
    logs = [Log(), Log()]
    jobs = [Job(N(), Forever, log, training=True) for log in logs]
    for job in jobs:
        lane.submit(job)
    for log in logs:
        log.wait(50, Loss)
    for job, log in zip(jobs, logs, strict=True):
        lane.withdraw(job)
        log.wait()


class Forever:
    def run(self, job):
        i = 0
        while True:
            yield Loss(i)
            i += 1


def test_live_values_reach_a_run_and_the_ending_names_those_it_read(lane):
    log, gate = Log(), Gate()
    job = Job(N(1), lambda: gate, log)
    lane.submit(job)
    gate.wait()
    job.update(N(2))
    gate.go.release()
    gate.wait()
    job.update(N(3))
    lane.withdraw(job)
    assert job.seen == N(2)
    gate.go.release()
    ended = log.wait()[-1]
    assert [e.i for e in log if isinstance(e, Picture)] == [2, 3]
    assert ended == Ended(N(3), cancelled=True)


def test_withdrawing_a_waiting_job_leaves_the_running_one_alone(lane):
    gate, first, second = Gate(), Log(), Log()
    one, two = Job(N(1), lambda: gate, first), Job(N(2), Count, second)
    lane.submit(one)
    gate.wait()
    lane.submit(two)
    lane.withdraw(two)
    assert second == [Ended(N(2), cancelled=True)]
    lane.withdraw(one)
    gate.go.release()
    first.wait()


def test_closing_in_mid_run_leaves_no_thread_and_ends_every_generator():
    lane, gate = Lane(), Gate(Loss)
    guest = Gate(Loss)
    lane.submit(Job(N(), lambda: guest, Log(), training=True))
    guest.wait()
    lane.submit(Job(N(), lambda: gate, Log()))
    guest.go.release()
    gate.wait()
    closer = threading.Thread(target=lane.close)
    closer.start()
    gate.go.release(100)
    closer.join(120)
    assert not lane.alive
    assert gate.closed.is_set()
    assert guest.closed.is_set()


def test_a_worker_far_ahead_is_slowed_but_never_held():
    box = Mailbox(room=3)
    for i in range(5):
        box.put(Loss(i))
    assert [e.i for e in box.drain()] == [0, 1, 2, 3, 4]


# ------------------------------------------------------------------ what is made beforehand
def test_what_is_prepared_is_made_while_no_job_waits_and_before_a_training(lane):
    order, gate, log = [], Gate(), Log()
    lane.submit(Job(N(), lambda: gate, log))
    gate.wait()
    lane.prepare(lambda: order.append("prepared"))
    job = Job(N(1), Count, lambda event: order.append(type(event).__name__))
    lane.submit(job)
    gate.go.release()
    log.wait()
    done = Log()
    lane.submit(Job(N(1), Count, done))
    done.wait()
    assert order[0] == "Started"  # a question that waits makes its engine itself
    made = threading.Event()
    lane.prepare(made.set)
    assert made.wait(120)
    assert "prepared" in order


def test_what_cannot_be_prepared_is_left_to_who_needs_it(lane):
    def fails():
        raise ImportError("no such module")

    lane.prepare(fails)
    log = Log()
    lane.submit(Job(N(1), Count, log))
    log.wait()
    assert log[-1].error is None
    assert lane.alive


def test_memory_is_given_back_once_each_time_that_nothing_is_left_to_do(monkeypatch):
    given = threading.Semaphore(0)
    monkeypatch.setattr("engines.core.lane.QUIET", 0.05)
    monkeypatch.setattr("engines.core.memory.give_back", given.release)
    lane = Lane()
    try:
        assert not given.acquire(timeout=0.3)  # nothing was done yet
        for _ in range(2):
            log = Log()
            lane.submit(Job(N(2), Count, log))
            log.wait()
            assert given.acquire(timeout=120)
            assert not given.acquire(timeout=0.3)
    finally:
        lane.close()

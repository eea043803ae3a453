"""A run that was killed goes on as if nothing had happened; its file is never a stranger's, and never in the way."""

from __future__ import annotations

import errno
import json
import os
import threading
import weakref
import zipfile
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

from engines.core import files, keeping, memory, pack
from engines.core.errors import LabError, Message
from engines.core.keeping import Keeping, first, forget, place_of, saved_runs
from engines.core.protocol import Frame, Job, Record
from engines.core.training import Finished, Kept, NotSaved, Stepped, TrainingParams, Weights

LAST = 100


@dataclass(frozen=True)
class Params(TrainingParams):
    rate: float = 0.5
    points: tuple[tuple[float, float], ...] = ((0.0, 1.0),)


@dataclass(frozen=True)
class Began(Record):
    text: str


@dataclass(frozen=True)
class Step(Stepped):
    loss: float
    norms: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Seen(Record):
    step: int
    found: np.ndarray
    why: Message


@dataclass(frozen=True)
class Shown(Frame):
    step: int


class Trainer:
    """Learns a random walk."""

    told = (Step, Seen)
    last = LAST

    def __init__(self):
        self.waiting = None
        self.now = None

    def run(self, job):
        if self.now is None or self.now["run"] != job.params.run:
            self.now, state, self.waiting = None, self.waiting, None
            random = np.random.default_rng(0)
            now = {"run": job.params.run, "step": 0, "w": np.zeros(3)}
            if state is not None:
                now |= {"step": state["step"], "w": state["w"]}
                random.bit_generator.state = state["random"]
            self.now, self.random = now, random
            yield Began("x")
            if state is None:
                yield Kept(Weights(0, {"w": now["w"].copy()}))
            yield Shown(now["step"])
        now = self.now
        while now["step"] < job.params.until:
            now["w"] = now["w"] + self.random.normal(size=3) * job.params.rate
            now["step"] += 1
            yield Step(now["step"], float(now["w"].sum()), tuple(now["w"].tolist()))
            if now["step"] % 5 == 0:
                yield Seen(now["step"], now["w"].astype(np.float32), Message("{n}", {"n": now["step"]}))
                yield Kept(Weights(now["step"], {"w": now["w"].copy()}))
            yield Shown(now["step"])

    def state(self):
        if self.now is None:
            return None
        return {"step": self.now["step"], "w": self.now["w"], "random": self.random.bit_generator.state}


@pytest.fixture(autouse=True)
def at_each_step(monkeypatch):
    monkeypatch.setattr(keeping, "EVERY", 0.0)
    monkeypatch.setattr(keeping, "REST", 0.0)
    monkeypatch.setattr(keeping, "LONGEST", 0.0)


@pytest.fixture
def place():
    return place_of("toy")


def drive(made, until, run=1, resume=False, **more):
    params = Params(run=run, until=until, keep=str(place_of("toy")), resume=resume, **more)
    job = Job(params, lambda: made, lambda event: None)
    events = list(made.run(job))
    made.join()
    return events


def killed(until=12, **more):
    """A run of which only its file is left."""
    made = Keeping(Trainer())
    events = drive(made, until, **more)
    made._keep()
    made.join()
    made._claim.release()
    return events


def plain(events):
    """What compares by value."""
    told = []
    for event in events:
        if isinstance(event, Seen):
            told.append((event.step, event.found.tolist(), event.why))
        elif isinstance(event, Kept):
            told.append((event.weights.step, event.weights.arrays["w"].tolist()))
        else:
            told.append(event)
    return told


def test_a_run_goes_on_bit_for_bit_and_tells_its_history_again(place):
    whole = (
        drive(Keeping(Trainer()), 20, keep="")
        if False
        else list(Trainer().run(Job(Params(run=1, until=20), None, None)))
    )
    before = killed(12)
    (run,) = saved_runs(place)
    assert (run.step, run.settings) == (12, {"rate": 0.5, "points": ((0.0, 1.0),)})
    resumed = drive(Keeping(Trainer()), 20, run=7, resume=True, **run.settings)
    records = [event for event in plain(resumed) if not isinstance(event, Shown)]
    assert sorted(map(str, records)) == sorted(map(str, plain(e for e in whole if not isinstance(e, Shown))))
    steps = [event.step for event in resumed if isinstance(event, Step)]
    assert steps == list(range(1, 21))
    assert isinstance(resumed[0], Began)
    assert len(before) < len(resumed)


def test_live_settings_are_those_of_the_last_step(place):
    made = Keeping(Trainer())
    drive(made, 3)
    drive(made, 6, rate=0.25)
    made._claim.release()
    assert saved_runs(place)[0].settings["rate"] == 0.25


def test_closing_keeps_the_last_step_and_lets_the_file_go(place, monkeypatch, no_thread_left):
    monkeypatch.setattr(keeping, "EVERY", 1e9)
    monkeypatch.setattr(keeping, "LONGEST", 1e9)
    monkeypatch.setattr(keeping, "REST", 1e9)
    made = Keeping(Trainer())
    drive(made, 9)
    assert not place.exists()
    made.close()
    assert saved_runs(place)[0].step == 9


def test_a_run_that_ends_or_is_begun_anew_is_not_kept(place):
    made = Keeping(Trainer())
    drive(made, 9)
    assert place.exists()
    drive(made, 0, run=2)
    assert not place.exists()
    drive(made, LAST, run=2)
    made.close()
    assert not place.exists()


def test_a_run_that_another_branches_off_stays_on_the_disk(place):
    made = Keeping(Trainer())
    drive(made, 9)
    drive(made, 0, run=2, branches=True)
    assert [run.step for run in saved_runs(place)] == [9]
    drive(made, 4, run=2, branches=True)
    made.close()
    assert [run.step for run in saved_runs(place)] == [4, 9]


def test_a_run_that_tells_that_it_is_over_is_not_kept(place):
    class Short(Trainer):
        def run(self, job):
            yield from super().run(job)
            yield Finished(5)

    made = Keeping(Short())
    drive(made, 5)
    made.close()
    assert not place.exists()


def test_an_undecided_run_is_put_aside_and_few_of_them_are_kept(place):
    for until in (3, 4, 5, 6, 7, 8):
        killed(until)
    assert [run.step for run in saved_runs(place)] == [8, 7, 6, 5]
    oldest = saved_runs(place)[-1]
    first(oldest, place)
    assert saved_runs(place)[0].step == 5
    assert {run.step for run in saved_runs(place)} >= {5, 8, 7}
    resumed = drive(Keeping(Trainer()), 6, resume=True)
    assert [e.step for e in resumed if isinstance(e, Step)] == [1, 2, 3, 4, 5, 6]


def test_a_kill_while_a_run_is_brought_to_the_front_loses_none(place, monkeypatch):
    for until in (3, 4, 5, 6):
        killed(until)
    replace, here = os.replace, []

    def kill(source, target):
        if here:
            raise KeyboardInterrupt
        here.append(target)
        replace(source, target)

    for done in (0, 1):  # before the first move that goes through os.replace, and after it
        here[:] = [None][done:]
        with monkeypatch.context() as patch:
            patch.setattr(keeping.os, "replace", kill)
            with suppress(KeyboardInterrupt):
                first(saved_runs(place)[-1], place)
        assert {run.step for run in saved_runs(place)} == {3, 4, 5, 6}


def test_what_was_decided_against_is_gone(place):
    killed(3)
    (run,) = saved_runs(place)
    forget(run, place)
    forget(run, place)
    assert saved_runs(place) == []


def test_two_windows_do_not_fight(place):
    one, two = Keeping(Trainer()), Keeping(Trainer())
    drive(one, 9)
    assert saved_runs(place) == []  # it is not for the other window to go on with
    with pytest.raises(LabError, match="Another window is continuing this run"):
        drive(two, 9, resume=True)
    (said,) = [event for event in drive(two, 12) if isinstance(event, NotSaved)]
    assert str(said.reason) == "The run can't be saved (another window saves its run there). It continues."
    one.close()
    two.close()
    assert saved_runs(place)[0].step == 9


def test_what_another_window_has_taken_since_stays_where_it_is(place):
    """Both windows were offered the runs; the other one was quicker."""
    killed(3)
    killed(4)
    newest, earlier = saved_runs(place)
    other = Keeping(Trainer())
    drive(other, 6, resume=True)
    for act in (first, forget):
        for run in (newest, earlier):
            with pytest.raises(LabError, match="Another window is continuing this run"):
                act(run, place)
    other.close()
    assert [run.step for run in saved_runs(place)] == [6, 3]


def test_a_full_disk_is_said_once_and_leaves_nothing(place, monkeypatch):
    made = Keeping(Trainer())
    drive(made, 3)
    made._keep()
    made.join()
    with monkeypatch.context() as disk:

        def full(*_args):
            raise OSError(errno.ENOSPC, "full")

        disk.setattr(files.os, "write", full)
        told = [e for until in (6, 9, 12) for e in drive(made, until) if isinstance(e, NotSaved)]
    assert [str(e.reason) for e in told] == ["The run can't be saved (the disk is full). It continues."]
    assert {each.name for each in place.parent.iterdir()} == {"toy.npz", "toy.npz.lock"}
    drive(made, 15)
    made.close()
    assert saved_runs(place)[0].step == 15


def cut(content):
    return content[: len(content) // 2]


@pytest.mark.parametrize("how", ["cut", "text", "empty", "version", "class", "state", "more"])
def test_a_broken_or_older_file_is_put_aside_with_a_sentence(place, how, monkeypatch):
    killed(12)
    trainer = Trainer()
    if how in ("cut", "text", "empty"):
        content = place.read_bytes()
        place.write_bytes({"cut": content[: len(content) // 2], "text": b"hello", "empty": b""}[how])
        assert saved_runs(place) == []
    elif how == "version":
        monkeypatch.setattr(keeping, "VERSION", 2)
        assert saved_runs(place) == []
    elif how == "class":
        trainer.told = (Step,)
    elif how == "state":
        monkeypatch.setattr(np.random, "default_rng", lambda *_: np.random.Generator(np.random.MT19937(0)))
    else:
        files.write(place, lambda out: np.savez_compressed(out, about=np.zeros(10**6), places=np.zeros(9)))
    made = Keeping(trainer)
    with pytest.raises(LabError, match=r"can't be read .*kept as toy-broken.npz"):
        drive(made, 13, resume=True)
    assert (place.parent / "toy-broken.npz").exists()
    assert isinstance(drive(made, 3, run=9)[0], Began)


def test_a_resumption_that_is_refused_or_cancelled_leaves_the_file(place):
    class Refuses(Trainer):
        def run(self, job):
            yield Shown(0)
            raise LabError("These are not the pictures that the run was saved with.")

    killed(12)
    made = Keeping(Refuses())
    with pytest.raises(LabError, match="not the pictures"):
        drive(made, 13, resume=True)
    other = Keeping(Refuses())
    steps = other.run(Job(Params(run=1, keep=str(place), resume=True), None, None))
    next(steps)
    steps.close()
    assert saved_runs(place)[0].step == 12


def test_copies_cost_little(monkeypatch):
    """A copy that takes long is made seldom, but once a minute at least."""
    for name, seconds in (("EVERY", 20.0), ("REST", 20.0), ("LONGEST", 50.0)):
        monkeypatch.setattr(keeping, name, seconds)
    clock = 0.0

    class Slow(Trainer):
        cost = 0.3

        def state(self):
            nonlocal clock
            clock += self.cost
            return super().state()

    trainer = Slow()
    made = Keeping(trainer)
    drive(made, 2)
    monkeypatch.setattr(keeping.time, "perf_counter", lambda: clock)
    made._keep()
    made.join()
    assert made._wait == pytest.approx(30)
    drive(made, 3)
    trainer.cost = 3
    made._keep()
    assert made._wait == keeping.LONGEST < 60
    made.close()


# ------------------------------------------------------------------ the file
def test_everything_comes_back_from_the_file(tmp_path):
    @dataclass(frozen=True)
    class Inner:
        name: str
        shares: tuple[float, ...]

    big = np.arange(30_000, dtype=np.float64)
    value = {
        "none": None, 3: (True, 1.5, float("inf"), "图", -(2**127)), "inner": Inner("x", (0.1, 0.2)),
        "arrays": {"big": big, "again": big, "empty": np.zeros((0, 4), np.float32), "bits": np.array([[True], [False]]),
                   "scalar": np.array(7), "order": np.arange(6, dtype=np.int16).reshape(2, 3).T},
        "number": np.float32(0.5),
    }  # fmt: skip
    arrays = pack.Arrays()
    tree = json.dumps(pack.packed(value, arrays))
    files.write(tmp_path / "x", lambda out: pack.fill(out, {"a": 1}, tree, arrays.all))
    assert len(arrays.all) == 5
    said, read, found = pack.load(tmp_path / "x")
    again = pack.unpacked(read, found, {"Inner": Inner})
    assert said == pack.about(tmp_path / "x") == {"a": 1}
    for name, array in value.pop("arrays").items():
        other = again["arrays"][name]
        assert other.dtype == array.dtype
        np.testing.assert_array_equal(other, array)
    again.pop("arrays")
    assert again == value
    with pytest.raises(TypeError, match="a set can't be kept"):
        pack.packed({1, 2}, arrays)


def test_no_pickle_is_ever_loaded(tmp_path):
    np.savez(tmp_path / "x.npz", about=np.array([{"a": 1}], object), tree=np.zeros(1), places=np.zeros(1))
    with pytest.raises(pack.DAMAGE):
        pack.about(tmp_path / "x.npz")
    with pytest.raises(pack.DAMAGE):
        pack.load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "head", ["{'descr': '|u1', (\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (10**15,)}"]
)
@pytest.mark.parametrize("secret", [False, True])
def test_a_run_that_the_disk_has_spoiled_is_not_offered(place, head, secret):
    """numpy reads the head of an array as Python, and gives it the room it asks for; zipfile wants a password."""
    place.parent.mkdir(parents=True, exist_ok=True)
    head = head.replace("10**15", str(10**15)).ljust(118 - 10) + "\n"
    entry = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + b"{}"
    with zipfile.ZipFile(place, "w") as parts:
        parts.writestr("about.npy", entry)
        parts.writestr("places.npy", entry)
    if secret:
        whole = place.read_bytes()
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            first_part, *others = whole.split(mark)
            spoiled = (part[: at - 4] + b"\x01" + part[at - 3 :] for part in others)  # the flag "encrypted"
            whole = mark.join([first_part, *spoiled])
        place.write_bytes(whole)
    assert saved_runs(place) == []


def test_the_writing_is_on_a_thread_of_its_own(place, monkeypatch):
    seen, gate = [], threading.Event()

    def slow(path, content):
        gate.wait(120)
        seen.append(threading.current_thread().name)

    monkeypatch.setattr(keeping.files, "write", slow)
    made = Keeping(Trainer())
    params = Params(run=1, until=30, keep=str(place))
    events = list(made.run(Job(params, None, None)))  # goes on while the disk is slow
    assert len([e for e in events if isinstance(e, Step)]) == 30
    assert not seen
    gate.set()
    made.close()
    assert set(seen) == {"keeping"}


class Large(Trainer):
    """One whose state is a copy that nobody else has."""

    def state(self):
        made = {**super().state(), "w": self.now["w"].copy()}
        self.copy = weakref.ref(made["w"])
        return made


def test_a_large_copy_goes_back_to_the_system_when_it_is_written(place, monkeypatch):
    engine, living = Large(), []
    monkeypatch.setattr(memory, "give_back", lambda: living.append(engine.copy() is not None))
    made = Keeping(engine)
    drive(made, 3)
    assert not living  # a trim holds the other threads up, so a small one is left to the allocator
    monkeypatch.setattr(memory, "MUCH", 1)
    drive(made, 6)
    made._drop()
    assert living
    assert not any(living)


def test_a_run_that_learned_goes_back_to_the_system_when_another_takes_its_place(place, monkeypatch):
    engine, steps = Trainer(), []
    monkeypatch.setattr(memory, "give_back", lambda: steps.append(engine.now["step"]))
    made = Keeping(engine)
    for run in (1, 2):  # settings changed before the first step
        drive(made, 0, run=run)
    drive(made, 8, run=2)
    assert not steps
    drive(made, 3, run=3)
    made._drop()
    assert steps == [0]


@dataclass(frozen=True)
class Grown:
    """What was written before `later` came."""

    first: int
    later: str = "by default"


@pytest.mark.parametrize(("values", "found"), [((3,), Grown(3)), ((3, "said"), Grown(3, "said"))])
def test_a_run_of_an_older_version_is_read(values, found):
    assert pack.unpacked({"Grown": ["Grown", *values]}, [], {"Grown": Grown}) == found


@pytest.mark.parametrize("values", [(), (3, "said", "and more")])
def test_what_is_none_of_this_version_is_damage(values):
    with pytest.raises(pack.DAMAGE):
        pack.unpacked({"Grown": ["Grown", *values]}, [], {"Grown": Grown})

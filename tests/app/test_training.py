"""The driver of training runs, with a run that only counts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QWidget

from app import words
from app.settings import Settings
from app.topic.training_page import TrainingPage
from app.topics import topics
from app.training import Training
from app.transport import Transport, apart
from engines.core.errors import LabError, Message
from engines.core.lane import Lane
from engines.core.params import Range, setting
from engines.core.training import Finished, Kept, Stepped, Stopped, TrainingParams, Weights

MOST = 400
LONG = 1_000_000  # never reached


@dataclass(frozen=True)
class CountParams(TrainingParams):
    width: int = setting(4, Range(1, 8, 1, "Width"))
    rate: float = setting(1.0, Range(0, 9, 0.5, "Rate", live=True))


@dataclass(frozen=True)
class Counted(Stepped):
    rate: float


class Counter:
    """Counts; goes wrong at a rate of 9 and breaks at one of 8."""

    def __init__(self):
        self.params, self.step = None, 0

    def run(self, job):
        if self.params is None or self.params.run != job.params.run:
            self.params, self.step = job.params, 0
            yield Kept(Weights(0, {"w": np.zeros(2)}, job.params.width))
        while self.step < job.params.until:
            if job.params.rate == 9:
                yield Stopped(self.step, Message("Loss became NaN at step {n}. Stopped.", {"n": self.step + 1}))
                return
            if job.params.rate == 7 and job.device != "cpu":
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
            if job.params.rate == 6 and self.step == 3:
                yield Finished(self.step)
                return
            if job.params.rate == 8:
                raise LabError("{name}: not an image.", name="x")
            self.step += 1
            yield Counted(self.step, job.params.rate)
            if self.step % 10 == 0:
                yield Kept(Weights(self.step, {"w": np.full(2, self.step)}, job.params.width))


class Tab(QWidget):
    """As much of a tab as a run needs."""

    def __init__(self, shell):
        super().__init__()
        self.shell, self.now = shell, CountParams()
        self.notes, self.complaints = [], []

    def tell(self, note):
        self.notes.append(note)

    def complain(self, reason, action="", act=None, word="Error"):
        self.complaints.append((words.drawn(reason), action, act))


@pytest.fixture
def made(qtbot, request):
    most = getattr(request, "param", MOST)
    lane = Lane()
    shell = SimpleNamespace(lane=lane, settings=Settings.load(), log=lambda ended: None)
    tab, bar = Tab(shell), Transport()
    qtbot.addWidget(bar)
    qtbot.addWidget(tab)
    run = Training(tab, "tests.app.test_training:Counter", bar, lambda: tab.now, most)
    yield tab, bar, run
    run.close()
    assert lane.close(60)


def rest(qtbot, run):
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=20_000)


def test_what_a_page_says_of_a_run_that_is_over_stays(made, qtbot):
    tab, bar, run = made
    run.arrived.connect(lambda event: tab.tell(words.plain("All done.")) if isinstance(event, Finished) else None)
    tab.now = CountParams(rate=6.0)
    run.play()
    qtbot.waitUntil(lambda: run.step == 3 and not bar.runs, timeout=20_000)
    rest(qtbot, run)
    assert words.drawn(tab.notes[-1]) == "All done."
    tab.now = CountParams()
    run.begin_anew()
    run.one_step()
    rest(qtbot, run)
    assert words.drawn(tab.notes[-1]) == "Paused at step 1"


def test_a_run_goes_to_its_end_and_keeps_states(made, qtbot):
    tab, bar, run = made
    run.play()
    assert bar.runs
    qtbot.waitUntil(lambda: run.step == MOST and not bar.runs, timeout=20_000)
    rest(qtbot, run)
    assert run.timeline.steps == tuple(range(0, MOST + 1, 10))
    assert run.weights.step == MOST
    assert words.drawn(tab.notes[-1]) == f"Paused at step {MOST}"
    run.play()
    assert not bar.runs
    assert words.drawn(tab.notes[-1]) == "The run has reached its last step."


def test_the_pace_of_a_run_gone_on_with_counts_its_new_steps_alone(made, qtbot, monkeypatch):
    """Its history is told again within a blink; 300 of these 400 steps are of before."""
    tab, _, run = made
    run.go_on(300)
    monkeypatch.setattr(run, "_began_at", time.monotonic() - 10.0)
    run.step = 350
    run._draw()
    told = str(tab.notes[-1])
    assert told.endswith("steps/s")
    assert float(told.split()[1]) <= 5.0
    monkeypatch.setattr(tab.shell.settings, "cluster", "127.0.0.1:6379")  # where pages are computed, and this is not
    run._draw()
    assert str(tab.notes[-1]) == told.replace("Training", "Training on this computer")
    rest(qtbot, run)


@pytest.mark.parametrize("made", [LONG], indirect=True)
def test_one_step_is_one_step_and_pause_holds(made, qtbot):
    _, bar, run = made
    bar.step.click()
    rest(qtbot, run)
    bar.step.click()
    rest(qtbot, run)
    assert run.step == 2
    run.play()
    run.pause()
    rest(qtbot, run)
    at = run.step
    assert 2 <= at < LONG
    bar.step.click()
    rest(qtbot, run)
    assert run.step == at + 1


@pytest.mark.parametrize("made", [LONG], indirect=True)
def test_another_run_begins_at_nothing_and_goes_on_if_the_one_before_did(made, qtbot):
    tab, bar, run = made
    renewed = QSignalSpy(run.renewed)
    run.play()
    qtbot.waitUntil(lambda: run.step > 5, timeout=20_000)
    bar.again.click()
    assert bar.runs
    assert run.step == 0
    qtbot.waitUntil(lambda: run.step > 5, timeout=20_000)
    run.pause()
    rest(qtbot, run)
    assert renewed.count() == 2
    assert run.timeline.steps[0] == 0
    assert words.drawn(tab.notes[-1]).startswith("Paused at step ")
    bar.again.click()
    rest(qtbot, run)
    assert tab.notes[-1] is None  # at step 0 nothing is paused


def to_step(qtbot, run, step):
    while run.step < step:
        run.one_step()
        rest(qtbot, run)


def test_a_branch_goes_the_same_way_up_to_its_step_and_another_from_there(made, qtbot):
    tab, bar, run = made
    told, left = [], QSignalSpy(run.branching)
    to_step(qtbot, run, 25)
    run.arrived.connect(lambda event: told.append(event) if isinstance(event, Counted) else None)
    number = run.number
    bar.look(21)
    assert bar.branch.isEnabled()
    assert (bar.branch.isHidden(), bar.step.isHidden()) == (False, True)
    tab.now = CountParams(rate=2.0)
    bar.branch.click()
    assert (left.count(), run.number, bar.selected) == (1, number + 1, None)
    qtbot.waitUntil(lambda: run.step > 60, timeout=20_000)
    run.pause()
    rest(qtbot, run)
    assert [event.step for event in told] == list(range(1, run.step + 1))
    assert {event.rate for event in told[:20]} == {1.0}  # the state that was looked at is of step 20
    assert {event.rate for event in told[20:]} == {2.0}
    assert any("again, as it was" in str(note) for note in tab.notes)


def test_a_branch_is_not_offered_where_the_way_is_not_known(made, qtbot):
    tab, bar, run = made
    to_step(qtbot, run, 12)
    tab.now = CountParams(rate=3.0)
    to_step(qtbot, run, 30)
    bar.look(11)
    assert bar.branch.isEnabled()
    bar.look(29)
    assert not bar.branch.isEnabled()
    assert "changed on the way" in bar.branch.toolTip()
    number = run.number
    run.branch(20)
    assert run.number == number
    run.params = replace(run.params, resume=True)
    assert "from the disk" in str(run.why_no_branch(10))


def test_a_branch_that_is_paused_on_its_way_goes_on_to_its_step(made, qtbot):
    tab, bar, run = made
    to_step(qtbot, run, 12)
    bar.look(10)
    tab.now = CountParams(rate=2.0)
    rates = []
    run.arrived.connect(lambda event: rates.append(event.rate) if isinstance(event, Counted) else None)
    bar.branch.click()
    run.pause()
    rest(qtbot, run)
    to_step(qtbot, run, 14)
    assert rates == [1.0] * 10 + [2.0] * 4


@pytest.mark.parametrize("made", [LONG], indirect=True)
def test_a_new_run_hears_nothing_of_the_one_before(made, qtbot):
    _, bar, run = made
    told = []
    run.play()
    qtbot.waitUntil(lambda: run.step > 5, timeout=20_000)
    while not run.stream.undelivered:  # one of this run is on its way when it ends
        time.sleep(0.001)
    run.pause()
    run.restart()
    run.arrived.connect(told.append)
    rest(qtbot, run)
    assert (run.step, run.timeline.steps) == (0, (0,))
    assert not any(isinstance(event, Stepped) for event in told)
    bar.step.click()
    rest(qtbot, run)
    assert run.step == 1


def test_looking_back_finds_the_state_kept_before(made, qtbot):
    _, bar, run = made
    looked = []
    run.looked.connect(looked.append)
    run.play()
    qtbot.waitUntil(lambda: run.step == MOST and not bar.runs, timeout=20_000)
    bar.look(57)
    assert looked[-1].step == run.weights.step == 50
    bar.look(MOST)
    assert looked[-1] is None
    assert run.weights.step == MOST


@pytest.mark.parametrize("act", ["play", "one_step"])
@pytest.mark.parametrize("made", [LONG], indirect=True)
def test_what_goes_on_is_seen(made, qtbot, act):
    _, bar, run = made
    looked = []
    run.looked.connect(looked.append)
    run.play()
    qtbot.waitUntil(lambda: run.step > 20, timeout=20_000)
    run.pause()
    rest(qtbot, run)
    bar.look(10)
    assert bar.selected == 10
    getattr(run, act)()
    assert bar.selected is None
    assert looked[-1] is None
    run.pause()
    rest(qtbot, run)


@pytest.mark.parametrize("made", [LONG], indirect=True)
def test_two_runs_in_one_lane_tell_every_step(made, qtbot):
    tab, _, run = made
    hidden = Training(tab, "tests.app.test_training:Counter", Transport(), lambda: tab.now, LONG)
    told = {run: [], hidden: []}
    for one, steps in told.items():
        one.arrived.connect(lambda event, to=steps: to.append(event.step) if isinstance(event, Counted) else None)
        one.play()
    qtbot.waitUntil(lambda: all(one.step > 5000 for one in told))
    for one in told:
        one.pause()
        rest(qtbot, one)
    for one, steps in told.items():
        assert steps == list(range(1, one.step + 1))
    hidden.close()
    rest(qtbot, hidden)


def test_live_settings_reach_the_run_and_others_wait(made, qtbot):
    tab, _, run = made
    waiting, told = [], []
    run.waiting.connect(waiting.append)
    run.arrived.connect(told.append)
    run.one_step()
    rest(qtbot, run)
    tab.now = CountParams(rate=2.5, width=5)
    run.settings_changed()
    assert (waiting[-1], run.pending(), run.params.width) == (1, 1, 4)
    run.one_step()
    rest(qtbot, run)
    assert [e.rate for e in told if isinstance(e, Counted)] == [1.0, 2.5]
    run.restart()
    rest(qtbot, run)
    assert (waiting[-1], run.params.width, run.timeline.newest.made_of) == (0, 5, 5)


def test_what_another_setting_brings_along_waits_with_it(made, qtbot):
    tab, _, run = made
    run._waiting._brought = ("rate",)
    told = []
    run.arrived.connect(told.append)
    run.one_step()
    rest(qtbot, run)

    def then(**settings):
        tab.now = CountParams(**settings)
        run.settings_changed()
        run.one_step()
        rest(qtbot, run)
        return run.pending(), [e.rate for e in told if isinstance(e, Counted)][-1]

    assert then(width=5, rate=2.5) == (2, 1.0)  # the width brought it
    assert then(width=5, rate=3.0) == (1, 3.0)  # the hand
    assert then(width=6, rate=2.0) == (2, 3.0)
    assert then(width=4, rate=2.0) == (0, 2.0)  # the run's own width: nothing waits
    assert then(width=7, rate=1.5) == (2, 2.0)
    run.restart()
    rest(qtbot, run)
    assert (run.pending(), run.params.rate) == (0, 1.5)


def test_a_run_that_has_not_begun_takes_new_settings_at_once(made, qtbot):
    tab, _, run = made
    run.settings_changed()
    rest(qtbot, run)
    tab.now = CountParams(width=7)
    run.settings_changed()
    rest(qtbot, run)
    assert run.params.width == run.timeline.newest.made_of == 7


@pytest.mark.parametrize(("rate", "said"), [(9.0, "Loss became NaN at step 3. Stopped."), (8.0, "x: not an image.")])
def test_a_run_that_cannot_go_on_says_so_and_can_be_started_anew(made, qtbot, rate, said):
    tab, bar, run = made
    for _ in range(2):
        run.one_step()
        rest(qtbot, run)
    tab.now = CountParams(rate=rate)
    run.play()
    qtbot.waitUntil(lambda: bool(tab.complaints), timeout=20_000)
    reason, action, act = tab.complaints[0]
    assert (reason, action) == (said, "Restart")
    assert not bar.runs
    assert run.timeline.newest is not None
    rest(qtbot, run)
    tab.now = CountParams()
    act()
    run.one_step()
    rest(qtbot, run)
    assert run.step == 1


def test_the_scrubber_marks_only_what_can_be_told_apart(made):
    _, _, run = made
    for step in range(0, 3000, 3):
        run.timeline.add(Weights(step, {}))
    run.step = 3000
    marks = apart(run.timeline.steps, run.step)
    assert min(np.diff(marks)) > 30


def test_a_run_that_fills_the_gpu_begins_again_on_the_cpu(made, qtbot):
    tab, _, run = made
    tab.shell.choose_device = run.set_device
    tab.now = CountParams(rate=7)
    run.play()
    qtbot.waitUntil(lambda: bool(tab.complaints), timeout=20_000)
    reason, action, act = tab.complaints[0]
    assert (reason, action) == ("The device ran out of memory.", "Use the CPU")
    act()
    run.play()
    qtbot.waitUntil(lambda: run.step == MOST and not run.runs, timeout=20_000)
    assert len(tab.complaints) == 1


@pytest.mark.parametrize("rate", [1.0, 8.0, 9.0])
def test_what_was_said_of_the_work_does_not_stay(made, qtbot, rate):
    """Whether it rests before its first step, ends in an error, or stops by itself."""
    tab, _, run = made
    tab.now = CountParams(rate=rate)
    tab.tell(Message("Features by {name}", {"name": "mini-vit"}))
    if rate == 1.0:
        run.restart()
    else:
        run.play()
        qtbot.waitUntil(lambda: bool(tab.complaints), timeout=20_000)
    rest(qtbot, run)
    assert tab.notes[-1] is None


@pytest.mark.parametrize(
    ("keeps", "kept", "step", "said"),
    [
        (True, False, 1200, "A training of 1,200 steps is not kept."),  # over, or the disk refuses it
        (True, True, 1200, None),  # it is there at the next start
        (True, False, 49, None),  # trained again in a moment
        (False, False, 1200, None),  # it keeps what it makes in a way of its own
    ],
)
def test_closing_asks_before_a_training_is_lost(keeps, kept, step, said):
    run = SimpleNamespace(is_kept=kept, step=step)
    found = TrainingPage.at_stake(SimpleNamespace(keeps=keeps, training=run))
    assert (found and words.tr(found)) == said


def test_every_page_that_trains_asks():
    kinds = [kind for topic in topics() for kind in topic.page_classes() if issubclass(kind, TrainingPage)]
    assert len(kinds) > 5
    others = {kind.__name__ for kind in kinds if kind.at_stake is not TrainingPage.at_stake}
    assert others == {"DetrTrainingPage", "RtDetrTrainingPage"}  # what they have trained can be saved as a model

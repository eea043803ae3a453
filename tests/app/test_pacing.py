"""Runs with a pace, with a run that only counts: they go no farther than what is due, and rest at their goal."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app import words
from app.pacing import AHEAD, PacedTraining
from app.settings import Settings
from app.transport import Transport
from engines.core.lane import Lane
from tests.app.test_training import MOST, Tab, rest

TRAINER = "tests.app.test_training:Counter"


@pytest.fixture
def paced(qtbot):
    lane = Lane()
    tab, bar = Tab(SimpleNamespace(lane=lane, settings=Settings.load(), log=lambda ended: None)), Transport()
    for part in (tab, bar):
        qtbot.addWidget(part)
    pace = {"steps": 2000.0}
    run = PacedTraining(tab, TRAINER, bar, lambda: tab.now, MOST, lambda: pace["steps"])
    yield tab, bar, run, pace
    run.close()
    assert lane.close(60)


def test_it_rests_at_its_goal_and_goes_on_to_the_next(paced, qtbot):
    tab, bar, run, _ = paced
    for goal in (7, 30):
        run.play_to(goal)
        assert bar.runs
        qtbot.waitUntil(lambda: not bar.runs, timeout=20_000)
        rest(qtbot, run)
        assert run.step == goal
    assert words.drawn(tab.notes[-1]) == "Paused at step 30"
    bar.step.click()
    rest(qtbot, run)
    assert run.step == 31
    run.play()
    qtbot.waitUntil(lambda: run.step == MOST and not bar.runs, timeout=60_000)


def test_no_step_is_made_that_is_not_due(paced, qtbot):
    _, bar, run, pace = paced
    pace["steps"] = 0.0
    run.play()
    with qtbot.waitSignal(run._beat.timeout, timeout=20_000):
        pass
    rest(qtbot, run)
    assert run.step == 0
    assert bar.runs
    pace["steps"] = 1e9  # even then only so many are asked for before they are told
    run._then -= 100
    asked = []
    send = run._send
    run._send = lambda until: (asked.append(until - run.step), send(until))
    qtbot.waitUntil(lambda: run.step > 50, timeout=20_000)
    assert max(asked) <= AHEAD
    run.pause()
    rest(qtbot, run)


def test_a_run_that_goes_wrong_beats_no_more(paced, qtbot):
    tab, bar, run, _ = paced
    tab.now = replace(tab.now, rate=9.0)
    run.play()
    qtbot.waitUntil(lambda: bool(tab.complaints), timeout=20_000)
    assert not bar.runs
    qtbot.waitUntil(lambda: not run._beat.isActive(), timeout=20_000)

"""The long walk's own means, and the walk itself for some seconds (``make soak`` takes 25 minutes a seed)."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
import time

import numpy as np
import pytest

from app.training import Training
from engines.core.training import Weights
from tests.app.hands import Hands, without_dialogs
from tests.app.watch import Gap, Held, Watch, memory, stack_of
from tests.soak import Soak
from tests.soak_report import broken, row, worst_places


class Clocks:
    """Clocks that are set by hand."""

    def __init__(self) -> None:
        self.wall = self.cpu = self.queued = 100.0


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def watch(qapp, clocks):
    """Not started: no timer and no thread, ticks come by hand."""
    return Watch(lambda: clocks.wall, lambda: clocks.cpu, lambda: clocks.queued)


def test_a_late_tick_is_kept_with_what_was_done(watch, clocks):
    clocks.wall += 0.09
    watch.tick()
    watch.doing("drag_slider on vit 1")
    clocks.wall += 0.4
    clocks.cpu += 0.1
    clocks.queued += 0.25
    watch.tick()
    (gap,) = watch.gaps
    assert gap.acts == ["drag_slider on vit 1"]
    lengths = [gap.length(clock) for clock in ("wall", "fair", "cpu")]
    assert lengths == pytest.approx([0.4, 0.15, 0.1])
    assert gap.kind == ""


def test_what_the_hands_cost_is_nobodys_gap(watch, clocks):
    with watch.apart():
        clocks.wall += 3
        clocks.cpu += 2
    clocks.wall += 0.05
    watch.tick()
    assert not watch.gaps
    clocks.wall += 0.2  # and what was taken off is not taken off twice
    watch.tick()
    assert watch.gaps[0].wall == pytest.approx(0.2)


def test_a_gap_of_an_import_or_a_theme_is_of_its_own_kind(watch, clocks, monkeypatch):
    watch.mark("look")
    clocks.wall += 1
    watch.tick()
    monkeypatch.setattr("tests.app.watch.NEW", -1)
    clocks.wall += 1
    watch.tick()
    assert [gap.kind for gap in watch.gaps] == ["look", "first"]


def test_what_a_theme_leaves_to_paint_is_the_themes(watch, clocks):
    watch.mark("look")
    clocks.wall += 0.05
    watch.tick()
    clocks.wall += 0.3
    watch.tick()
    clocks.wall += 0.4  # began 0.3 s after the switch
    watch.tick()
    clocks.wall += 0.3  # and this one 0.7 s after it
    watch.tick()
    assert [gap.kind for gap in watch.gaps] == ["look", "look", ""]


def test_a_late_tick_shows_where_the_thread_stands(qapp):
    watch = Watch()
    watch.start()
    try:
        event = threading.Event()
        watch._wall = lambda: watch._then + 1  # the looker finds it late at once

        def stand() -> None:
            while not watch._seen:
                event.wait(0.005)

        stand()
        found = [line for stack in watch._seen for line in stack]
    finally:
        watch.stop()
    assert any(line.startswith("tests/app/test_soak.py") and line.endswith(" stand") for line in found)
    assert watch._gc not in gc.callbacks


def test_a_stack_is_that_of_the_thread_asked_for(tmp_path):
    inside, over = threading.Event(), threading.Event()

    def elsewhere() -> None:
        inside.set()
        over.wait()

    other = threading.Thread(target=elsewhere)
    other.start()
    inside.wait()
    with (tmp_path / "stacks").open("w+") as file:
        (there, importing), (here, _) = stack_of(other.ident, file), stack_of(threading.get_ident(), file)
    over.set()
    other.join()
    assert not importing
    assert any(line.endswith(" elsewhere") for line in there)
    assert here[-1].endswith(" stack_of")


def test_an_import_in_any_thread_is_seen(tmp_path, monkeypatch):
    (tmp_path / "heavy_module.py").write_text("import threading\nthreading.current_thread().meet.wait()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    other = threading.Thread(target=lambda: importlib.import_module("heavy_module"))
    other.meet = threading.Barrier(2)
    other.start()
    with (tmp_path / "stacks").open("w+") as file:
        while other.meet.n_waiting == 0:
            time.sleep(0.001)
        assert stack_of(threading.get_ident(), file)[1]
        other.meet.wait()
        other.join()
        assert not stack_of(threading.get_ident(), file)[1]
    del sys.modules["heavy_module"]


HELD = Held(1000.0, {"QLabel": 4000, "QTimer": 10}, ["MainThread", "compute"], 10)
LIMITS = {
    "within": ({}, [Gap(0.24, 0.1)], None),
    "a gap of its own": ({}, [Gap(0.26, 0.1)], "1 gaps over 250 ms"),
    "a theme": ({}, [Gap(0.49, 0.1, kind="look")], None),
    "a long theme": ({}, [Gap(0.51, 0.1, kind="look")], "over 500 ms at all"),
    "memory": ({"memory": 1160.0}, [], "memory grew"),
    "objects": ({"objects": {"QLabel": 4100, "QTimer": 10}}, [], "objects grew from 4010 to 4110: {'QLabel': 100}"),
    "threads": ({"threads": ["MainThread", "compute", "hub"]}, [], "threads grew"),
    "files": ({"files": 13}, [], "open files grew"),
}


@pytest.mark.parametrize(("later", "gaps", "told"), LIMITS.values(), ids=LIMITS)
def test_a_limit_broken_is_named(later, gaps, told):
    held = [vars(HELD), {**vars(HELD), **later}]
    found = {"acts": 1, "minutes": 25, "gaps": [gap.as_data() for gap in gaps], "held": held, "problems": []}
    said = broken(found, "wall")
    assert len(said) == (told is not None) + (told == "over 500 ms at all" and gaps[0].kind == "")
    assert told is None or any(told in text for text in said)
    assert not broken({**found, "held": held[:1] * 2}, "cpu")


def quick(monkeypatch):
    """No pauses, and no large model is read."""
    for name in ("PAUSE", "LOOK", "STILL"):
        monkeypatch.setattr(f"tests.soak.{name}", 1)
    monkeypatch.setattr("tests.soak.catalog.available", lambda topic: [])


def test_a_short_walk(qapp, open_window, tmp_path, monkeypatch):
    quick(monkeypatch)
    with without_dialogs(tmp_path):
        soak = Soak(open_window(), 1, [], 0, names=["attention_pooling"], least=4)
        found = soak.run()
    assert found["acts"] == 8
    assert not found["problems"]
    assert len(found["held"]) == 2
    assert set(soak.window.tabs) >= {"attention_pooling"}
    assert found["peak"] >= found["held"][0]["memory"]
    assert row(1, found, "cpu").split()[:2] == ["1", str(found["acts"])]
    assert worst_places({**found, "gaps": [Gap(0.3, 0.1, stack=["app/x.py:1 f"]).as_data()]}, "wall", 5)


def test_hands_that_hold_no_file_drop_none(qapp, open_window, tmp_path):
    with without_dialogs(tmp_path):
        assert Hands(open_window(), 1, []).drop() == "nothing"


def walked(window, tmp_path, monkeypatch, act):
    """What a walk finds in which the one act is done between the two looks at what is held."""
    quick(monkeypatch)
    with without_dialogs(tmp_path):
        soak = Soak(window, 1, [], 0, names=["attention_pooling"], least=1)
        soak.hands.act = lambda: act(window) if soak.held else None
        return soak.run()


def test_a_fault_of_the_hands_ends_the_walk(qtbot, open_window, tmp_path, monkeypatch):
    with qtbot.captureExceptions() as faults:
        found = walked(open_window(), tmp_path, monkeypatch, lambda window: window.no_such_act)
    assert [kind for kind, *_ in faults] == [AttributeError]
    assert len(found["held"]) == 2


def hoarded(kept):
    def act(window):
        kept.append(np.ones(max(15_000_000, int(memory() * 1e6 / 32))))  # a quarter of what is held

    return act


def trained(window):
    (run,) = window.tabs["attention_pooling"].findChildren(Training)
    run.timeline.add(Weights(1, {"w": np.ones(15_000_000)}))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is known on Linux alone")
def test_a_leak_is_found_and_a_run_in_hand_is_none(qapp, open_window, tmp_path, monkeypatch):
    kept = []
    window = open_window()
    for act, leaks in ((trained, False), (hoarded(kept), True)):
        found = walked(window, tmp_path, monkeypatch, act)
        grown = found["held"][1]["memory"] - found["held"][0]["memory"]
        assert (grown > 100) == leaks, grown
        assert any("memory grew" in told for told in broken(found, "cpu")) == leaks
        assert found["peak"] > found["held"][0]["memory"] + 100

"""A branch of each kind of run makes the very same steps up to where it leaves."""

from __future__ import annotations

import numpy as np
import pytest

from app import words
from app.plots.scatterplot import ScatterPlot
from app.topic.training_page import TrainingPage
from app.topics import topics
from engines.core.training import Stepped

PAGES = [
    (topic.name, at)
    for topic in topics()
    for at, kind in enumerate(topic.page_classes())
    if issubclass(kind, TrainingPage)
]
#: Their bar drives a study of many runs, which has no steps of its own to look back at.
WITHOUT = {("moco", 2), ("vit", 5), ("transfer", 0), ("swin", 2), ("resnest", 1), ("rt_detr", 6), ("gnn", 2)}


def to_step(qtbot, run, goal):
    while run.step < goal:
        before = run.step
        run.one_step()
        qtbot.waitUntil(lambda before=before: run.step > before and not run.stream.is_busy, timeout=120_000)


def curves(plot):
    """What is drawn over the steps."""
    return plot._lines if isinstance(plot, ScatterPlot) else plot.curves()


@pytest.mark.proof
@pytest.mark.parametrize(("name", "at"), [pair for pair in PAGES if pair not in WITHOUT])
def test_a_branch_goes_the_same_way(open_window, qtbot, name, at):
    tab = open_window().show_topic(name)
    tab.show_page(at)
    page, run = tab.now, tab.now.training
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=60_000)
    told = []
    run.arrived.connect(lambda event: told.append(event) if isinstance(event, Stepped) else None)
    to_step(qtbot, run, 4)
    before = {event.step: repr(event) for event in told}
    state = run.timeline.at(3)
    page.transport.look(3)
    left = 3 if page.transport._state is None else page.transport._state  # a page may keep states of its own
    assert page.transport.branch.isEnabled(), run.why_no_branch(3)
    number = run.number
    told.clear()
    drawn = [plot for plot in page.histories() if any(len(curve.x) for curve in curves(plot))]
    assert drawn
    page.transport.branch.click()
    assert run.number == number + 1
    for plot in drawn:
        assert words.drawn(plot.past_named()) == f"Dotted: before the branch at step {left}"
    run.pause()
    to_step(qtbot, run, 4)
    assert all(plot.past() for plot in drawn)
    after = {event.step: repr(event) for event in told}
    assert len(after) >= 3
    assert [after[step] for step in (1, 2, 3)] == [before[step] for step in (1, 2, 3)]
    again = run.timeline.at(3)
    assert (again is None) == (state is None)
    if state is not None:
        assert again.step == state.step
        for key, array in state.arrays.items():
            np.testing.assert_array_equal(again.arrays[key], array, key)
    told.clear()
    assert tab.header.undo_button.isEnabled()
    tab.undo()
    assert run.number == number + 2
    qtbot.waitUntil(lambda: run.step >= 4 and not run.stream.is_busy, timeout=120_000)
    assert {event.step: repr(event) for event in told if event.step in before} == before
    assert words.drawn(drawn[0].past_named()) == f"Dotted: the branch from step {left}"
    run.begin_anew()
    assert not any(plot.past() for plot in drawn)


def test_a_run_begins_with_what_is_set_before_its_first_step(open_window, qtbot):
    """And can be branched off; what is set on the way can't be gone again."""
    tab = open_window().show_topic("attention_pooling")
    tab.show_page(1)
    page, run = tab.now, tab.now.training
    qtbot.waitUntil(lambda: run.params is not None and not run.stream.is_busy, timeout=30_000)
    page.change(learning_rate=0.2, pace=50)
    run.play()
    qtbot.waitUntil(lambda: run.step >= 3, timeout=30_000)
    run.pause()
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=30_000)
    assert run.why_no_branch(2) == ""
    assert run.way.first["learning_rate"] == 0.2
    page.change(learning_rate=0.4)
    run.pause()  # asks for nothing, with what is set now
    kept, made = page.run_now(), run.way.first
    assert kept.again
    assert kept.params.learning_rate == 0.2
    run.begin_anew()
    assert not run.step
    assert run.bring_back(kept.params, 3, None, False)
    qtbot.waitUntil(lambda: run.step >= 3 and not run.runs and not run.stream.is_busy, timeout=30_000)
    assert run.way.first == made  # and not with what the page has now
    assert run.why_no_branch(3) == ""
    to_step(qtbot, run, run.step + 1)
    assert "changed" in run.why_no_branch(run.step)

"""A branch of each kind of run makes the very same steps up to where it leaves."""

from __future__ import annotations

import numpy as np
import pytest

from app.topic.training_page import TrainingPage
from app.topics import topics

PAGES = [
    (topic.name, at)
    for topic in topics()
    for at, kind in enumerate(topic.page_classes())
    if issubclass(kind, TrainingPage)
]
#: Of these no state is kept in so few steps, or their run is a study of many.
WITHOUT = {("moco", 2), ("vit", 5), ("transfer", 0), ("swin", 2), ("resnest", 1), ("rt_detr", 6), ("gnn", 2)}


@pytest.mark.proof
@pytest.mark.parametrize(("name", "at"), [pair for pair in PAGES if pair not in WITHOUT])
def test_a_branch_goes_the_same_way(open_window, qtbot, name, at):
    tab = open_window().show_topic(name)
    tab.show_page(at)
    page, run = tab.now, tab.now.training

    def rests():
        return not run.stream.is_busy

    qtbot.waitUntil(rests, timeout=60_000)
    for step in range(1, 5):
        run.one_step()
        qtbot.waitUntil(lambda step=step: run.step >= step and rests(), timeout=120_000)
    state = next(one for one in (run.timeline.at(at) for at in (3, 0)) if one is not None)
    page.transport.look(3)
    if not page.transport.branch.isEnabled():
        pytest.fail(str(run.why_no_branch(3)))
    number = run.number
    page.transport.branch.click()
    assert run.number == number + 1
    run.pause()
    while run.step < 4:
        before = run.step
        run.one_step()
        qtbot.waitUntil(lambda before=before: run.step > before and rests(), timeout=120_000)
    again = run.timeline.at(state.step)
    assert again.step == state.step
    assert again.arrays.keys() == state.arrays.keys()
    for key, array in state.arrays.items():
        np.testing.assert_array_equal(again.arrays[key], array, key)

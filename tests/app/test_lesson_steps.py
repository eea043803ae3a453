"""What a step of a lesson does to its page: it begins a run, and opens the section of what it speaks of."""

from __future__ import annotations

from dataclasses import replace

from app.lessons.condition import Condition
from app.lessons.lesson import lesson
from app.sections import Section


def test_a_run_that_a_step_asks_for_goes_on_where_it_is_asked_for_again(open_window, qtbot):
    """A second press of the button begins none anew, but for one of other settings."""
    window = open_window()
    found = lesson("multi_head")
    step = replace(found.steps[0], page="training", show={"learning_rate": 0.02}, run=True, done=Condition("step < 0"))
    window.guide.open(replace(found, steps=(step,)), 0)
    run, button = window.tab.now.training, window.guide.panel.show_me
    qtbot.waitUntil(lambda: run.params is not None and not run.stream.is_busy)
    window.tab.now.change(learning_rate=0.05)
    run.one_step()
    qtbot.waitUntil(lambda: run.step == 1 and not run.stream.is_busy)
    other = run.number
    button.click()
    assert run.number > other
    qtbot.waitUntil(lambda: run.step >= 1)
    number = run.number
    button.click()
    assert (run.number, run.runs) == (number, True)
    run.pause()
    qtbot.waitUntil(lambda: not run.stream.is_busy)


def test_a_control_that_a_step_speaks_of_is_not_left_in_a_folded_section(open_window):
    """A dock folds its sections where it has too little height; what the hand folds stays so."""
    window = open_window()
    window.guide.open(lesson("attention_pooling"), 2)
    control = next(one for one in window.tab.now.forms if "bandwidth" in one.fields()).control("bandwidth")
    section = next(one for one in window.findChildren(Section) if one.isAncestorOf(control))
    section.by_hand = False
    section.fold(True)
    window.guide.look()
    assert not section.folded
    section.title.click()
    window.guide.look()
    assert section.folded
    section.title.click()

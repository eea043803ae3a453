"""Settings of a page: what is a step, what undo brings back, what an engine sees, what is remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from app.history import DEPTH
from app.settings import Settings
from app.topic.state import State
from engines.core.params import Params, Range, drawn, for_engine, looked, setting


@dataclass(frozen=True)
class Shape(Params):
    width: float = setting(1.0, Range(0, 10, 0.1, "Width"), changes_model=True)
    cells: tuple[int, ...] = setting((), changes_model=True)
    height: float = setting(2.0, Range(0, 10, 0.1, "Height"))
    query: int = looked(0)
    opacity: float = drawn(0.5, Range(0, 1, 0.1, "Opacity"))
    order: str = drawn("up", kept=True)

    def following(self, before):
        return replace(self, cells=()) if self.height != before.height else self


@pytest.fixture
def state(qapp) -> State:
    return State("toy.shape", Shape(), Settings(), "toy")


def test_a_drag_is_one_step_and_a_step_stands_alone(state):
    for width in (1.5, 2.0, 2.5):
        state.change(width=width)
    state.settle()
    state.change(width=3.0)
    state.step(height=4.0)
    state.undo()
    assert (state.params.width, state.params.height) == (3.0, 2.0)
    state.undo()
    assert state.params.width == 2.5
    state.undo()
    assert state.params.width == 1.0
    assert not state.history.can_undo
    state.redo()
    assert state.params.width == 2.5


def test_two_hundred_steps_can_be_taken_back_and_no_more(state):
    """The oldest goes when another comes, so that a long day of sliders takes a bounded memory."""
    assert DEPTH == 200
    widths = [round(1 + 0.01 * step, 2) for step in range(DEPTH + 11)]
    for width in widths[1:]:
        state.step(width=width)
    for width in widths[-2 : -2 - DEPTH : -1]:
        assert state.history.can_undo
        state.undo()
        assert state.params.width == width
    assert not state.history.can_undo
    for width in widths[-DEPTH:]:
        state.redo()
        assert state.params.width == width
    assert not state.history.can_redo


def test_looking_is_no_step_and_undo_leaves_it_where_it_is(state):
    state.change(query=3)
    assert not state.history.can_undo
    state.step(width=2.0)
    state.change(query=5)
    state.undo()
    assert (state.params.width, state.params.query) == (1.0, 5)


def test_what_follows_from_looking_is_no_step():
    @dataclass(frozen=True)
    class Linked(Params):
        layer: int = drawn(0)
        at: int = looked(0)

        def following(self, before):
            return replace(self, layer=self.at) if self.at != before.at else self

    linked = State("toy.linked", Linked(), Settings(), "toy")
    linked.change(at=3)
    assert linked.params.layer == 3
    assert not linked.history.can_undo
    linked.change(layer=2)
    assert linked.history.can_undo


def test_what_is_only_drawn_is_a_step_that_the_engine_never_sees(state):
    before = for_engine(state.params)
    state.step(opacity=0.9)
    assert state.history.can_undo
    assert for_engine(state.params) == before
    state.change(query=2)
    assert for_engine(state.params) != before


def test_changes_to_the_model_are_counted_and_reset_is_one_step(state):
    state.step(width=2.0, cells=(1, 2))
    state.step(opacity=0.1)
    assert state.params.changes() == 3
    state.reset()
    assert state.params.changes() == 0
    assert state.params.opacity == 0.1
    state.undo()
    assert state.params.changes() == 3


def test_what_hangs_on_a_field_follows_it(state):
    state.step(cells=(1, 2))
    state.step(height=3.0)
    assert state.params.cells == ()


def test_putting_another_picture_forgets_the_steps(state):
    state.step(width=2.0)
    state.put(query=4)
    assert not state.history.can_undo
    assert state.params.width == 2.0


def test_setting_the_same_value_tells_nobody(state):
    told = []
    state.changed.connect(told.append)
    state.change(width=1.0)
    state.put(query=0)
    state.reset()
    assert told == []
    state.change(width=1.5)
    assert told == [Shape()]


def test_it_is_remembered_by_topic_and_page_and_read_from_where_it_was(qapp):
    settings = Settings()
    settings.keep_fields("toy", Shape(width=5.0), ("width", "query"))
    state = State("toy.shape", Shape(), settings, "toy")
    assert state.params.width == 5.0
    state.step(width=6.0, order="down", cells=(1,))
    again = State("toy.shape", Shape(), settings, "toy")
    assert (again.params.width, again.params.order) == (6.0, "down")
    assert again.params.cells == ()  # has no rule, and is not declared to be kept
    assert State("toy.other", Shape(), settings, "toy").params.width == 5.0

"""Reading beside the compute lane: nothing is lost, and it is given up at a place to stop."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from engines.core.aside import aside
from engines.core.errors import LabError
from engines.core.reading import finish

GATE = 60


def gated(gate, told=(1, 2)):
    yield from told
    assert gate.wait(GATE)
    yield 3
    return "read"


def test_what_is_told_and_returned_comes_through(no_thread_left):
    gate = threading.Event()
    steps = aside(gated(gate), 0)
    assert set(islice(steps, 3)) <= {0, 1, 2}
    while next(steps) != 2:
        pass
    gate.set()
    assert finish(steps) == "read"


def test_a_refusal_is_raised_where_it_is_waited_for(no_thread_left):
    def refused():
        yield 1
        raise LabError("{name}: the file is empty.", name="x")

    with pytest.raises(LabError, match="x: the file is empty"):
        list(aside(refused(), 0))


def test_a_reading_that_is_given_up_ends_at_its_next_place_to_stop(no_thread_left):
    ended, gate = threading.Event(), threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            ended.set()

    steps = aside(endless(), 0)
    next(steps)
    steps.close()
    assert ended.wait(GATE)
    gate.set()

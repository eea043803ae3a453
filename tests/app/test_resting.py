"""What leaves the window waits for what is pinned to be shown, and for nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.resting import at_rest, page_of, rest
from engines.core.protocol import Ended, Frame, Started
from tests.app.paged import PoolParams


class Feed(QObject):
    heard = Signal(object)
    busy = Signal(bool)
    is_busy = False


class Pointed(QWidget):
    """A view that asks its page something when the pointer leaves it."""

    def __init__(self, page):
        super().__init__(page)
        self.page, self.asks = page, False

    def point_nowhere(self):
        if self.asks:
            self.page.state.params = replace(self.page.state.params, query=0)
            self.page.feed.is_busy = True


class Page(QWidget):
    def __init__(self):
        super().__init__()
        self.state, self.feed = SimpleNamespace(params=PoolParams(query=7)), Feed(self)

    def exported(self):
        return {}


@pytest.fixture
def page(qtbot):
    made = Page()
    qtbot.addWidget(made)
    made.view = Pointed(made)
    return made


def test_where_nothing_is_asked_it_is_done_at_once(page):
    done = []
    at_rest(page.view, lambda: done.append(1))
    assert done == [1]
    assert page_of(page.view) is page


def test_the_answer_for_what_is_pinned_is_waited_for_and_not_one_before(page):
    done = []
    page.view.asks = page.feed.is_busy = True  # an answer for the patch under the pointer is on its way
    at_rest(page.view, lambda: done.append(1))
    page.feed.heard.emit(Frame())
    assert not done
    page.feed.heard.emit(Started(page.state.params))
    assert not done
    page.feed.heard.emit(Frame())
    assert done == [1]
    page.feed.heard.emit(Frame())
    page.feed.busy.emit(False)
    assert done == [1]


def test_a_long_run_is_not_waited_for(page):
    done = []
    page.feed.is_busy = True
    at_rest(page.view, lambda: done.append(1))
    page.feed.heard.emit(Frame())
    assert done == [1]


@pytest.mark.parametrize("error", [False, True])
def test_a_run_that_brings_nothing_ends_the_waiting(page, error):
    done = []
    page.view.asks = True
    at_rest(page.view, lambda: done.append(1))
    page.feed.heard.emit(Ended(page.state.params, cancelled=not error))
    assert not done
    page.feed.busy.emit(True)
    assert not done
    page.feed.busy.emit(False)
    assert done == [1]


def test_a_view_without_a_page_is_let_go_of_too(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    let = []
    one = QWidget(window)
    one.point_nowhere = lambda: let.append(1)
    rest(one)
    assert let

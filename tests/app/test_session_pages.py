"""Save, start anew, open: every page of every tab is the same to the pixel."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtWidgets import QApplication

from app import theme
from app.session.values import lasting
from app.settings import HOME_VARIABLE
from app.steady import is_settled
from app.topics import topics
from engines.core.params import Range, Switch
from tests import examples
from tests.app import tabs

QUICK = ("scoring", "gnn")  #: these stand for all of them in the suite
TOPICS = [pytest.param(one.name, marks=() if one.name in QUICK else pytest.mark.proof) for one in topics()]


def rest(tab, qtbot):
    """Wait until nothing is read, computed or laid out."""
    for _ in range(2):
        qtbot.waitUntil(lambda: tabs.rests(tab) and not tab.awaited() and not tab.shell.session.busy and is_settled())
        for _ in range(4):
            QApplication.processEvents()


def others(page) -> dict[str, object]:
    """Settings that are not those of the first start: all switches, and some numbers."""
    found: dict[str, object] = {}
    for name, rule in tabs.controls(page).items():
        value = getattr(page.params, name)
        if isinstance(rule, Switch):
            found[name] = not value
        elif isinstance(rule, Range) and len(found) < 3:
            lower = value - rule.step
            found[name] = type(value)(lower if lower >= rule.low else min(rule.high, value + rule.step))
    return found


def quick(tab) -> dict[str, object]:
    """What keeps the computing of a topic short."""
    fields = [one for found in examples.of_topic(tab.topic.name).values() for one in found.items()]
    return {name: value for name, value in fields if name in vars(tab.params)}


def pictures(tab, qtbot) -> dict[str, object]:
    """Each page as it stands."""
    found = {}
    for at in range(len(tab.pages)):
        tab.show_page(at)
        rest(tab, qtbot)
        tab.setFocus()
        found[tab.now.name()] = tab.grab().toImage()
    tab.show_page(0)
    rest(tab, qtbot)
    return found


class Ticking(threading.local):
    """A clock of each thread that goes on when it is looked at: what is measured by it is always the same."""

    at = 0

    def __call__(self):
        self.at += 1
        return self.at / 1024  # exact, and so are differences


@pytest.mark.parametrize("topic", TOPICS)
def test_every_page_is_the_same_after_a_new_start(topic, open_window, qtbot, tmp_path, monkeypatch):
    theme.set_motion(False)
    monkeypatch.setattr(time, "perf_counter", Ticking())
    window = open_window()
    tab = window.show_topic(topic)
    for at in range(len(tab.pages)):
        tab.show_page(at)
        if model := quick(tab).get("model"):
            tab.take_model(str(model))
        tab.now.state.put(**{name: value for name, value in quick(tab).items() if name != "model"})
        rest(tab, qtbot)
        tab.now.state.put(**others(tab.now))
        rest(tab, qtbot)
    before = pictures(tab, qtbot)
    settings = {state.place: state.params for state in tab.states}
    file = tmp_path / "all.attnlab"
    window.session.save(file)
    qtbot.waitUntil(lambda: not window.session.busy)
    window.close()
    window.lane.close(60)

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "another machine"))
    later = open_window()
    later.session.open(file)
    qtbot.waitUntil(lambda: not later.session.busy and later.tab is not None)
    pictures(later.tab, qtbot)  # a header names what pages that were looked at have told
    after = pictures(later.tab, qtbot)
    for state in later.tab.states:
        for name in lasting(type(state.params)):
            one, other = getattr(settings[state.place], name), getattr(state.params, name)
            assert repr(one) == repr(other), f"{state.place}: {name}"
    differ = {name for name, one in before.items() if after[name] != one}
    assert not differ

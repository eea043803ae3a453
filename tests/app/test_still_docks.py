"""Nothing in a dock moves under the hand that drags a slider, whatever is said of the changes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget

from app.params_form import ParamsForm
from app.pending import Pending
from app.sections import Section
from app.sliders import ParamRow
from app.topic.training_page import TrainingPage
from app.topics import Topic, topics
from engines.core.lane import Lane


def settle() -> None:
    for _ in range(5):  # layouts ask for layouts
        QApplication.processEvents()


def y_of(part: QWidget, dock: QWidget) -> int:
    return part.mapTo(dock, QPoint(0, 0)).y()


def counted(dock: QWidget) -> list[ParamRow]:
    """The sliders whose changes wait for a new run; of the dock of another page all of them."""
    named = [(form.control(name), rule) for form in dock.findChildren(ParamsForm) for name, rule in form._rules.items()]
    some = bool(dock.findChildren(Pending))
    return [row for row, rule in named if isinstance(row, ParamRow) and not (some and rule.live)]


def places(dock: QWidget) -> dict[str, tuple[int, bool]]:
    """Where each of these sliders stands on the dock, and which sections are folded."""
    rows = {f"{i} {row.name.text()}": row for i, row in enumerate(counted(dock))}
    found = {name: (y_of(row, dock), row.isVisibleTo(dock)) for name, row in rows.items()}
    return found | {part.title.text(): (0, part.folded) for part in dock.findChildren(Section)}


@pytest.mark.parametrize("height", [600, 800])
@pytest.mark.parametrize("topic", topics(), ids=lambda found: found.name)
def test_no_control_moves_when_changes_are_told(open_window, monkeypatch, topic: Topic, height: int):
    told = 0
    monkeypatch.setattr(Lane, "submit", lambda *_: None)  # nothing need be computed
    window = open_window(1024, height)
    tab = window.show_topic(topic.name)
    for at in range(len(tab.pages)):
        tab.show_page(at)
        settle()
        dock = tab.now.dock
        waiting = dock.findChildren(Pending)
        for part in dock.findChildren(Section):
            if part.folded and any(part.isAncestorOf(each) for each in waiting):
                part.open()  # the hand does, to get at the sliders in it
        settle()
        before = places(dock)
        for each in waiting:
            each.show_count(3)
        dock.set_changes(12)
        for row in dock.findChildren(ParamRow):
            if row.isVisibleTo(dock):
                row.set_number(row.field._scale.high)  # which marks its name
        settle()
        assert places(dock) == before, tab.now.title
        told += len(waiting)
    assert bool(told) == any(issubclass(kind, TrainingPage) for kind in tab.pages.kinds)

"""Nothing in a dock moves under the hand that drags a slider, whatever is said of the changes; none is too wide."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget

from app.params_form import ParamsForm
from app.pending import Pending
from app.sections import Foldable, Section
from app.sliders import ParamRow
from app.topic.training_page import TrainingPage
from app.topics import Topic, topics
from engines.core.lane import Lane


def settle() -> None:
    for _ in range(8):  # layouts ask for layouts
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


def told(dock: QWidget) -> bool:
    """Say that settings wait and that sliders were changed, and see that nothing moves; whether any can wait."""
    waiting = dock.findChildren(Pending)
    for part in dock.findChildren(Section):
        if part.folded and any(part.isAncestorOf(each) for each in waiting):
            part.open()  # the hand does, to get at the sliders in it
    settle()
    before = places(dock)
    rows = [row for row in dock.findChildren(ParamRow) if row.isVisibleTo(dock)]
    numbers = [row.number() for row in rows]
    for each in waiting:
        each.show_count(3)
    dock.set_changes(12)
    for row in rows:
        row.set_number(row.field._scale.high)  # which marks its name
    settle()
    assert places(dock) == before
    for row, number in zip(rows, numbers, strict=True):  # as it was built, for another height
        row.set_number(number)
    for each in waiting:
        each.show_count(0)
    dock.set_changes(0)
    for part in dock.findChildren(Section):
        part.by_hand = False
    dock.findChild(Foldable).fit()
    return bool(waiting)


def scrolls(dock: QWidget) -> bool:
    """Open all sections, and see that it is as wide as its place, also beside the bar; whether there is one."""
    inside = dock.findChild(Foldable)
    for part in inside.findChildren(Section):
        if part.folded:
            part.title.click()
    settle()
    assert inside.widget().width() <= inside.viewport().width()
    assert not inside.horizontalScrollBar().maximum()
    return inside.verticalScrollBar().maximum() > 0


@pytest.mark.parametrize("topic", topics(), ids=lambda found: found.name)
def test_no_control_moves_when_changes_are_told_and_no_dock_is_too_wide(open_window, monkeypatch, topic: Topic):
    """Each tab is built once for all heights."""
    monkeypatch.setattr(Lane, "submit", lambda *_: None)  # nothing need be computed
    window = open_window(1024, 600)
    tab = window.show_topic(topic.name)
    waited = scrolled = 0
    for at in range(len(tab.pages)):
        tab.show_page(at)
        for height in (800, 600):
            window.resize(1024, height)
            settle()
            waited += told(tab.now.dock)
        scrolled += scrolls(tab.now.dock)
    assert bool(waited) == any(issubclass(kind, TrainingPage) for kind in tab.pages.kinds)
    assert scrolled or topic.name != "detr"

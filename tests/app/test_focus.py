"""The focus stays in its place where the control that had it goes away or is switched off by its own click."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from app.topic.tab import Tab
from app.widgets import box, col
from tests.app import paged


@pytest.fixture
def window(open_window, monkeypatch):
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (paged.TOPIC,))
    monkeypatch.setattr("app.window.topic", lambda name: paged.TOPIC if name == "paged" else None)
    return open_window()


@pytest.fixture
def tab(window, qtbot) -> Tab:
    tab = window.show_topic("paged")
    window.activateWindow()
    qtbot.waitUntil(lambda: window.isActiveWindow() and not tab.is_busy)
    return tab


def click(control: QWidget) -> None:
    control.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.mouseClick(control, Qt.MouseButton.LeftButton)


def inside(tab, part: QWidget) -> bool:
    focus = tab.window().focusWidget()
    return focus is part or part.isAncestorOf(focus)


def test_reset_that_is_switched_off_leaves_the_focus_in_the_dock(tab):
    tab.now.change(temperature=4.0)
    dock = tab.now.dock
    click(dock.reset_button)
    assert not dock.reset_button.isEnabled()
    assert inside(tab, dock)
    assert not isinstance(tab.window().focusWidget(), QPushButton)  # Space presses nothing


def test_a_banner_that_closes_leaves_the_focus_in_the_tab(tab):
    tab.complain("It went wrong.", "Try again", lambda: None)
    click(tab.error._close)
    assert tab.error.isHidden()
    assert tab.window().focusWidget() is tab


def test_a_group_that_is_hidden_leaves_it_to_what_is_around(tab, qtbot):
    first, second = QPushButton("first"), QPushButton("second")
    group = box(col(first, second))
    tab.above.addWidget(group)
    qtbot.waitUntil(group.isVisible)
    second.clicked.connect(group.hide)
    click(second)
    assert tab.window().focusWidget() is tab
    group.show()
    first.clicked.connect(lambda: group.setEnabled(False))
    click(first)
    assert tab.window().focusWidget() is tab


def test_tab_goes_on_as_ever(tab, qtbot):
    first, second = QPushButton("first"), QPushButton("second")
    tab.above.addWidget(box(col(first, second)))
    qtbot.waitUntil(second.isVisible)
    first.setFocus()
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert tab.window().focusWidget() is second

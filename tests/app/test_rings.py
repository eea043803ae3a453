"""A focus ring is drawn for the keyboard, and not for the mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app import theme, words
from app.controls import Check
from app.sections import Title
from app.side import Side
from app.sliders import Scale, Slider
from app.topic.dock import Dock
from app.topics import topics
from app.widgets import Button, Segments, WideButton, box, col

ELSEWHERE = QPoint(-50, -50)


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    theme.set_motion(False)
    yield
    theme.set_motion(True)


def dock_button():
    dock = Dock()
    dock.set_changes(1)
    return dock.reset_button, dock


def side_button():
    side = Side(topics(), (), Button("Start here"))
    return side.findChildren(Button)[3], side


def alone(part: QWidget):
    return part, part


MADE = {
    "button": lambda: alone(Button("Press", kind="boxed")),
    "primary": lambda: alone(Button("Start", kind="primary")),
    "wide": lambda: alone(WideButton("Resample the batch")),
    "check": lambda: alone(Check("Reduce motion")),
    "slider": lambda: alone(Slider(Scale(0, 100, 1, 0), 50)),
    "reset": dock_button,
    "topic": side_button,
    "segment": lambda: (lambda made: (made.findChildren(Button)[0], made))(Segments(["Light", "Dark"])),
}


@pytest.fixture
def window(qtbot):
    """Shows a control in a window, beside another that has the focus."""

    def make(part: QWidget) -> QWidget:
        other = Button("Another")
        window = box(col(part, other), "window")
        shown.append(window)
        qtbot.addWidget(window)
        window.resize(320, 300)
        window.show()
        window.activateWindow()
        other.setFocus()
        QApplication.processEvents()
        return window

    shown: list[QWidget] = []
    return make


@pytest.fixture(params=MADE)
def control(request, window):
    part, around = MADE[request.param]()
    window(around)
    return part


def ringed(control: QWidget) -> bool:
    """Whether it looks otherwise with its focus than without it."""
    assert control.hasFocus()
    with_focus = control.grab().toImage()
    before = control.focusPolicy()
    control.clearFocus()
    without = control.grab().toImage()
    control.setFocus(Qt.FocusReason.OtherFocusReason)
    assert control.focusPolicy() == before
    return with_focus != without


def clicked(control: QWidget) -> None:
    QTest.mouseClick(control, Qt.MouseButton.LeftButton, pos=control.rect().center())
    QTest.mouseMove(control.window(), QPoint(1, 1))
    QApplication.processEvents()


def test_no_ring_after_a_click_and_one_after_a_key(control):
    clicked(control)
    assert not ringed(control)
    QTest.keyClick(control, Qt.Key.Key_Shift)  # a modifier alone says nothing
    assert not ringed(control)
    QTest.keyClick(control, Qt.Key.Key_Left)
    if not control.hasFocus():  # among its like the arrow goes on to the next
        control = QApplication.focusWidget()
    assert ringed(control)
    clicked(control)
    assert not ringed(control)


def test_tab_brings_a_ring_and_a_menu_or_another_window_does_not_take_it(control):
    control.setFocus(Qt.FocusReason.TabFocusReason)
    assert ringed(control)
    for reason in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
        control.clearFocus()
        control.setFocus(reason)
        assert ringed(control)
    clicked(control)
    for reason in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
        control.clearFocus()
        control.setFocus(reason)
        assert not ringed(control)


def test_the_title_of_a_section_has_a_ring_from_the_keyboard_alone(window):
    title = Title("Model")
    window(title)
    clicked(title)
    assert not title.hasFocus()
    title.setFocus(Qt.FocusReason.MouseFocusReason)
    assert not ringed(title)
    title.clearFocus()
    title.setFocus(Qt.FocusReason.TabFocusReason)
    assert ringed(title)

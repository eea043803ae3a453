"""Presses that change the look of the whole window: said first, and never one behind the other."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QLabel, QWidget

from app import theme, words
from app.dressing import Dressing


@pytest.fixture
def changes(monkeypatch):
    """What is done, in order; the change itself is that of the tokens alone."""
    done = []

    def steps(root, look=None, language=None):
        assert not root.updatesEnabled()
        done.append((look, language))
        yield
        done.append("further")
        if look:
            monkeypatch.setattr(theme._state, "name", look)
        if language:
            monkeypatch.setattr(words._state, "language", language)

    monkeypatch.setattr(theme, "steps", steps)
    return done


@pytest.fixture
def dressing(qapp, changes):
    root = QWidget()
    yield Dressing(root, lambda busy: changes.append(busy))
    root.deleteLater()


def test_ten_quick_presses_are_one_change(dressing, changes, qtbot):
    for _ in range(9):
        dressing.ask(theme="light" if dressing.theme == "dark" else "dark")
    dressing.ask(language="zh")
    assert changes == [True]  # nothing is done yet, and it was said once
    qtbot.waitUntil(lambda: False in changes)
    assert changes == [True, ("dark", "zh"), "further", False]
    assert dressing.parent().updatesEnabled()


def test_what_was_pressed_twice_is_left_alone(dressing, changes, qtbot):
    dressing.ask(theme="dark")
    dressing.ask(theme="light")
    qtbot.waitUntil(lambda: False in changes)
    assert changes == [True, False]
    assert (dressing.theme, dressing.language) == ("light", "en")


def test_what_is_pressed_in_the_middle_of_a_change_is_done_after_it(dressing, changes, qtbot, monkeypatch):
    whole = theme.steps

    def pressed(root, look=None, language=None):
        for step in whole(root, look, language):
            if look == "dark":
                dressing.ask(theme="light")
                dressing._change()  # even if its time comes at once
            yield step

    monkeypatch.setattr(theme, "steps", pressed)
    dressing.ask(theme="dark")
    qtbot.waitUntil(lambda: False in changes)
    assert changes == [True, ("dark", None), "further", ("light", None), "further", False]


def test_a_change_that_fails_leaves_a_window_that_paints(dressing, changes, qtbot, monkeypatch):
    def failing(root, look=None, language=None):
        raise RuntimeError("no sheet")
        yield

    monkeypatch.setattr(theme, "steps", failing)
    dressing.ask(theme="dark")
    with qtbot.captureExceptions() as caught:
        qtbot.waitUntil(lambda: False in changes)
    assert [kind for kind, *_ in caught] == [RuntimeError]
    assert dressing.parent().updatesEnabled()


def test_trainings_rest_while_the_window_changes(open_window, changes, qtbot, monkeypatch):
    window = open_window()
    monkeypatch.setattr(window.lane, "hold", lambda on: changes.append(f"hold {on}"))
    window.toggle_theme()
    qtbot.waitUntil(lambda: len(changes) == 4)
    assert changes == ["hold True", ("dark", None), "further", "hold False"]


class Paints(QObject):
    """Which text stood on a widget when it was painted."""

    def __init__(self, target):
        super().__init__(target)
        self._target, self.texts = target, []
        target.installEventFilter(self)

    def eventFilter(self, _watched, event):
        if event.type() == QEvent.Type.Paint:
            self.texts.append(self._target.text())
        return False


def test_the_window_says_that_it_changes_before_it_does(open_window, changes, qtbot):
    window = open_window()
    paints = Paints(window.status.text)
    window.status.update()
    qtbot.waitUntil(lambda: bool(paints.texts))
    paints.texts.clear()
    window.toggle_theme()
    assert paints.texts == ["Switching the theme"]  # on screen when the press has been heard
    assert not changes
    qtbot.waitUntil(lambda: changes == [("dark", None), "further"])
    assert window.status.text.text() != "Switching the theme"
    assert window.settings.theme == "dark"
    paints.texts.clear()
    window.toggle_language()
    assert paints.texts == ["Switching the language"]
    qtbot.waitUntil(lambda: ("zh" in str(changes)) and window.status.text.text() != "Switching the language")


def test_a_change_of_language_gives_the_window_its_turns(open_window, monkeypatch):
    """All is said and dressed anew in pieces; what is gone meanwhile is passed over."""
    window = open_window()
    window.show_topic("scoring")
    monkeypatch.setattr("app.pieces.PIECE", 0.0)
    lost = QLabel("x", window)
    words.say(lost, "setText", "Cancel")
    steps = theme.steps(window, language="zh")
    turns = 0
    for turns, _ in enumerate(steps, 1):
        if turns == 3:
            shiboken6.delete(lost)
    assert turns > len(window.findChildren(QObject))
    assert window.tab.header.undo_button.toolTip() == words.tr("Undo (Ctrl+Z)")

"""Questions that a person has to answer before something that can't be undone; the window goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox, QWidget

from app import words
from app.words import Text
from engines.core.errors import joined

if TYPE_CHECKING:
    from app.window import Window


def ask(parent: QWidget, text: Text, ways: Sequence[tuple[Text, Callable[[], object]]], otherwise: Text) -> QMessageBox:
    """Ask, without holding the window up.

    Parameters
    ----------
    parent : QWidget
        Whose window the question belongs to; one that is open there already is answered first.
    text : str or Message
    ways : sequence of (str, callable)
        What can be done, the least harmful first: Enter does that one. A single way loses something.
    otherwise : str
        What Esc does: nothing. Enter does it, too, where the only other way loses something.
    """
    window = parent.window()
    for open_one in window.findChildren(QMessageBox):
        if open_one.isVisible():
            return open_one
    question = QMessageBox(window)
    question.setText(words.tr(text))
    for name, act in ways:
        button = question.addButton(words.tr(name), QMessageBox.ButtonRole.AcceptRole)
        button.clicked.connect(lambda _checked=False, act=act: act())
    stay = question.addButton(words.tr(otherwise), QMessageBox.ButtonRole.RejectRole)
    if len(ways) == 1:
        question.setDefaultButton(stay)
    question.finished.connect(question.deleteLater)
    question.open()
    return question


def ask_to_close(window: Window) -> bool:
    """Ask before a window closes that would lose something; False where it would lose nothing, and nothing is asked."""
    lost = [one for tab in window.tabs.values() for one in tab.at_stake()]
    if lost:
        ask(window, joined(lost), (("Close anyway", window.close),), "Cancel")
    return bool(lost)

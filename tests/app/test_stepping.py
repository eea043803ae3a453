"""Back and forward in the head of a card."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from app import theme, words
from app.stepping import ALONE, BESIDE, BackAndForward
from app.widgets import row


@pytest.fixture
def head(qtbot):
    """The buttons at the end of a row, and what they were pressed for."""
    made, gone = QWidget(), []
    made.buttons, made.gone = BackAndForward(gone.append), gone
    made.setLayout(row(1, made.buttons))
    qtbot.addWidget(made)
    made.resize(400, 40)
    made.show()
    QApplication.processEvents()
    yield made
    words.set_language("en")


def styles(head):
    return {one.toolButtonStyle() for one in (head.buttons.back, head.buttons.forward)}


def test_they_go_back_and_forward(head):
    head.buttons.forward.click()
    head.buttons.back.click()
    assert head.gone == [1, -1]
    head.buttons.set_ends(first=True, last=False)
    assert (head.buttons.back.isEnabled(), head.buttons.forward.isEnabled()) == (False, True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_go_where_the_row_is_too_narrow_and_come_back(head, language):
    theme.switch(head, language=language)
    QApplication.processEvents()
    need = head.buttons.sizeHint()
    assert styles(head) == {BESIDE}
    for one in (head.buttons.back, head.buttons.forward):
        assert one.width() >= one.minimumSizeHint().width()  # no letter is cut
    head.resize(head.minimumSizeHint())
    QApplication.processEvents()
    assert styles(head) == {ALONE}
    assert head.buttons.sizeHint() == need
    assert head.buttons.back.width() == head.buttons.forward.width()
    assert head.buttons.forward.toolTip() == words.tr("One step forward: period")
    head.resize(400, 40)
    QApplication.processEvents()
    assert styles(head) == {BESIDE}


def test_words_of_another_language_have_their_own_width(head):
    before = head.buttons.sizeHint().width()
    head.resize(before + 1, 40)
    QApplication.processEvents()
    theme.switch(head, language="zh")
    QApplication.processEvents()
    assert head.buttons.sizeHint().width() != before
    assert styles(head) == {BESIDE}
    assert head.buttons.back.width() >= head.buttons.back.minimumSizeHint().width()

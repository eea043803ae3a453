"""Sections of a dock fold to their titles where there is no room, and open again where there is."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app import sections, words
from app.sections import Foldable, Section, section
from app.widgets import box, col, quiet

ROW = 100  #: px that a section of these holds
TALL = 400


def block(high: int = ROW) -> QWidget:
    made = QWidget()
    made.setFixedHeight(high)
    return made


def settle():
    for _ in range(6):
        QApplication.processEvents()


@pytest.fixture(autouse=True)
def bare(qapp):
    """Whatever style sheet other tests of this process have put on."""
    before = qapp.styleSheet()
    qapp.setStyleSheet("")
    yield
    qapp.setStyleSheet(before)


@pytest.fixture
def dock(qtbot):
    """Three sections of 100 px, the second one nested as forms nest theirs."""
    parts = [Section(name, block()) for name in ("Model", "Data", "View")]
    area = Foldable(col(parts[0], box(col(parts[1])), parts[2], 1))
    area.parts = parts
    qtbot.addWidget(area)
    area.resize(250, TALL)
    area.show()
    settle()
    return area


def folded(dock) -> list[bool]:
    return [part.folded for part in dock.parts]


def test_each_control_is_asked_twice_for_its_height_where_nothing_changed(dock, monkeypatch):
    """With what is not planned for and without; not once more for each section."""
    dock.parts[0].title.click()
    settle()
    asked: Counter[QWidget] = Counter()
    ask = sections._item_height
    monkeypatch.setattr(sections, "_item_height", lambda item, *how: asked.update([item.widget()]) or ask(item, *how))
    dock._fit()
    controls = [part.body.layout().itemAt(0).widget() for part in dock.parts]
    assert [asked[one] for one in controls] == [1, 2, 2]  # of what is folded only what opening it would take


def test_a_low_section_behind_a_high_one_that_folds_stays_open(qtbot):
    parts = [Section(name, block(high)) for name, high in (("Model", ROW), ("Data", 3 * ROW), ("View", ROW // 2))]
    area = Foldable(col(*parts, 1))
    qtbot.addWidget(area)
    area.resize(250, TALL - ROW)
    area.show()
    settle()
    assert [part.folded for part in parts] == [False, True, False]


def test_with_room_all_are_open_and_without_the_last_ones_fold(dock):
    assert folded(dock) == [False, False, False]
    for high, expected in ((330, [False, False, True]), (230, [False, True, True]), (TALL, [False, False, False])):
        dock.resize(250, high)
        settle()
        assert folded(dock) == expected, high
        assert [part.body.isVisible() for part in dock.parts] == [not one for one in expected]
        assert not dock.verticalScrollBar().maximum()


def test_the_first_section_never_folds(dock):
    dock.resize(250, 80)
    settle()
    assert folded(dock) == [False, True, True]
    assert dock.verticalScrollBar().maximum() > 0  # what is still too high scrolls


def test_gaps_shrink_before_anything_folds(qtbot):
    inside = col(*(Section(name, block(), block(), block()) for name in ("Model", "Data")), gap=12)
    area = Foldable(inside)
    qtbot.addWidget(area)
    area.resize(250, 1000)
    area.show()
    settle()
    need = area.widget().sizeHint().height()
    area.resize(250, need - 8)
    settle()
    assert not any(part.folded for part in area.findChildren(Section))
    assert not area.verticalScrollBar().maximum()
    area.resize(250, need)
    settle()
    assert area.widget().sizeHint().height() == need  # and grow again


def test_what_the_hand_opens_stays_and_others_make_room(dock, qtbot):
    dock.resize(250, 330)
    settle()
    qtbot.mouseClick(dock.parts[2].title, Qt.MouseButton.LeftButton)
    settle()
    assert folded(dock) == [False, True, False]
    assert not dock.verticalScrollBar().maximum()
    qtbot.mouseClick(dock.parts[0].title, Qt.MouseButton.LeftButton)  # folded by hand
    settle()
    assert folded(dock) == [True, False, False]
    dock.resize(250, 1000)
    settle()
    assert folded(dock) == [True, False, False]


def test_controls_that_come_and_go_fold_and_open_the_others(dock):
    extra = block(200)
    dock.parts[0].body.layout().addWidget(extra)
    settle()
    assert folded(dock) == [False, True, True]
    extra.hide()
    settle()
    assert folded(dock) == [False, False, False]
    dock.parts[1].hide()  # one that is not there takes no room
    dock.resize(250, 280)
    settle()
    assert folded(dock) == [False, False, False]


def test_a_bar_that_comes_takes_no_room_from_the_controls(qtbot):
    inside = col(Section("Model", block(1000)), pad=16)
    area = Foldable(inside)
    area.setStyleSheet("QScrollBar:vertical { width: 8px; }")
    qtbot.addWidget(area)
    widths = []
    for high in (2000, 300):
        area.resize(268, high)
        area.show()
        settle()
        widths.append(area.findChild(Section).width())
    assert area.viewport().width() == 268 - 8
    assert widths == [268 - 32] * 2


def test_words_that_wrap_are_counted_in_the_width_they_have(qtbot):
    long = "The model is untouched: turn up its temperature, or switch a head off. " * 3
    area = Foldable(col(box(section("Model", quiet(words.plain(long), wrap=True))), Section("View", block()), pad=16))
    qtbot.addWidget(area)
    area.resize(200, 1000)
    area.show()
    settle()
    need = area.widget().heightForWidth(area.viewport().width())
    area.resize(200, need)
    settle()
    last = area.findChildren(Section)[-1]
    assert not last.folded
    area.resize(200, need - 30)
    settle()
    assert last.folded


def test_keys_fold_and_the_title_shows_its_arrow(dock, qtbot):
    title = dock.parts[0].title
    title.setFocus()
    qtbot.keyClick(title, Qt.Key.Key_Space)
    settle()
    assert dock.parts[0].folded
    title.clearFocus()
    shut = title.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    dock.parts[0].fold(False)
    opened = title.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert shut != opened
    assert title.accessibleName() == "Model"


def test_a_dock_that_fits_lets_no_event_go_round(dock, monkeypatch):
    """Folding asks for a layout, which asks for folding: it must come to rest."""
    dock.resize(250, 230)
    settle()
    planned = []
    plan = Foldable._plan
    monkeypatch.setattr(Foldable, "_plan", lambda *args: planned.append(1) or plan(*args))
    settle()
    assert not planned


def test_a_folded_section_that_needs_less_is_open_when_the_page_is_turned_to(qtbot):
    inside = block(300)
    last = Section("View", inside)
    area = Foldable(col(Section("Model", block()), last, 1))
    qtbot.addWidget(area)
    area.resize(250, 330)
    area.show()
    settle()
    assert last.folded
    inside.setFixedHeight(ROW)
    area.hide()
    area.show()
    settle()
    assert not last.folded
    inside.setFixedHeight(300)
    settle()
    assert last.folded
    inside.setFixedHeight(ROW)
    qtbot.waitUntil(lambda: not last.folded)

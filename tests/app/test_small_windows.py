"""Small windows: what rows, header and status bar do with little room.

Each page of each topic is looked at in both sizes of `tests.app.small` at the beginning of its walk (`test_walk`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QGridLayout, QMenu, QSizePolicy, QWidget

from app.header import Header
from app.room import Room
from app.status import Status
from app.widgets import box, button, col, label
from engines.core.errors import Message
from tests.app import reading

ROOT = Path(__file__).parents[2]
HELD, SMALL = QSize(1280, 800), QSize(1024, 600)


# ------------------------------------------------------------------ what scrolls, what folds
class Wanting(QWidget):
    """Wants more than it needs."""

    def __init__(self):
        super().__init__()
        self.setMinimumSize(300, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self):
        return QSize(5000, 5000)


@pytest.fixture
def room(qtbot):
    made = Room(box(col(Wanting(), gap=0)))
    qtbot.addWidget(made)
    made.show()
    return made


def bars(area):
    return area.horizontalScrollBar().maximum() > 0, area.verticalScrollBar().maximum() > 0


@pytest.mark.parametrize(
    ("size", "scrolls"),
    [((900, 700), (False, False)), ((324, 224), (False, False)), ((323, 300), (True, False)),
     ((500, 223), (False, True)), ((324, 223), (True, True)), ((200, 150), (True, True))],
)  # fmt: skip
def test_cards_take_all_the_room_and_scroll_only_where_they_need_more(room, size, scrolls):
    room.resize(*size)
    QApplication.processEvents()
    assert bars(room) == scrolls
    assert room.widget().size() == room.viewport().size().expandedTo(QSize(324, 224))


def test_cards_that_grow_begin_to_scroll(room, qtbot):
    room.resize(400, 300)
    inside = room.findChild(Wanting)
    inside.setMinimumHeight(400)
    qtbot.waitUntil(lambda: bars(room) == (False, True))
    inside.setMinimumHeight(100)
    qtbot.waitUntil(lambda: bars(room) == (False, False))


def test_wrapped_words_get_the_height_they_need(qtbot):
    words = label("one two three four five six seven eight nine ten " * 6, wrap=True)
    room = Room(box(col(words, Wanting(), gap=0)))
    qtbot.addWidget(room)
    room.resize(400, 260)
    room.show()
    QApplication.processEvents()
    assert words.height() >= words.heightForWidth(words.width())
    assert bars(room) == (False, True)


def test_a_header_folds_from_title_to_tools_and_back(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1500, 100)
    pages = [f"Page number {i}" for i in range(5)]
    header = Header("A long title of a topic", pages, [button("A model", kind="boxed")])
    header.setParent(window)
    window.show()
    turned, undone = [], []
    header.paged.connect(turned.append)
    header.undo.connect(lambda: undone.append(True))
    seen = []
    for width in (*range(1400, 200, -20), *range(200, 1400, 20)):
        header.resize(width, 56)
        QApplication.processEvents()
        seen.append(header._form)
        if width >= header.minimumSizeHint().width():
            assert not list(reading.cut(header))
            shown = [w for w in header.children() if isinstance(w, QWidget) and w.isVisible() and w.width()]
            assert all(header.rect().contains(w.geometry()) for w in shown)
            assert not any(a.geometry().intersects(b.geometry()) for a in shown for b in shown if a is not b)
    assert set(seen) == {0, 1, 2, 3, 4}
    assert seen[0] == seen[-1] == 0
    header.resize(header.minimumSizeHint())
    header.set_page(2)
    assert header.turn.text().strip() == "Page number 2"
    lines = opened(header.turn.menu())
    assert [line.isChecked() for line in lines] == [False, False, True, False, False]
    lines[4].trigger()
    assert turned == [4]
    assert header.turn.text().strip() == "Page number 4"
    header.set_steps(True, False)
    undo, redo, *_ = opened(header.more.menu())
    assert (undo.isEnabled(), redo.isEnabled()) == (True, False)
    undo.trigger()
    assert undone == [True]


def opened(menu: QMenu):
    menu.aboutToShow.emit()
    return menu.actions()


def test_the_status_bar_leaves_out_what_has_no_room(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1500, 100)
    status = Status()
    status.setParent(window)
    status.set_memory(1_234_000_000)
    status.set_note(Message("off"))
    window.show()
    text = Message("Reading {name}: {done} of {total} MB, {speed} MB/s",
                   {"name": "ViT-B/16", "done": "212", "total": "346", "speed": "8.1"})  # fmt: skip
    seen = []
    for width in range(1400, 440, -20):
        status.resize(width, 32)
        status.set_busy(True)
        status.set_progress(text, 212, 346)
        status._announce()
        QApplication.processEvents()
        shown = [w for w in status.children() if isinstance(w, QWidget) and w.isVisible() and not w.isWindow()]
        assert {status.devices, status.text, status.cancel} <= set(shown)
        assert all(status.rect().contains(w.geometry()) for w in shown), width
        assert not any(a.geometry().intersects(b.geometry()) for a in shown for b in shown if a is not b), width
        assert not list(reading.cut(status)), width
        seen.append(tuple(part.isVisible() for part in (status.bar, status.memory, status.fps)))
        status.set_busy(False)
        assert not status.bar.isVisible()
        assert not status.cancel.isVisible()
    yes, no = True, False
    assert list(dict.fromkeys(seen)) == [(yes, yes, yes), (yes, yes, no), (yes, no, no), (no, no, no)]


# ------------------------------------------------------------------ scaled screens
PROBE = """
from PySide6.QtWidgets import QApplication, QScrollArea
from PySide6.QtCore import QRect, QPoint
app = QApplication([])
from app import theme, words
from app.settings import Settings
from app.window import Window
from engines.core.lane import Lane
Lane.prepare = Lane.submit = lambda *_: None  # nothing need be computed: torch would take longer than all the rest
words.set_language("en"); theme.use("light"); theme.set_motion(False)
window = Window(Settings()); window.show()
tab = window.show_topic("scoring")
for _ in range(5): app.processEvents()
room = app.primaryScreen().availableGeometry()
status = QRect(window.status.mapToGlobal(QPoint(0, 0)), window.status.size())
assert room.contains(window.frameGeometry()), (room, window.frameGeometry())
assert room.contains(status) and status.bottom() <= window.geometry().bottom(), (room, status)
assert window.minimumSize().boundedTo(room.size()) == window.minimumSize()
window.resize(window.minimumSize())
for _ in range(5): app.processEvents()
assert tab.header.minimumSizeHint().width() <= tab.header.width()
assert QRect(window.status.pos(), window.status.size()).bottom() == window.height() - 1
side = window.side.findChild(QScrollArea)
last = list(window.side._buttons.values())[-1]
side.ensureWidgetVisible(last)
assert not last.visibleRegion().isEmpty()
print(window.size().toTuple())
window.close()
"""


@pytest.mark.parametrize(("screen", "factor"), [((1280, 800), "2"), ((1366, 768), "1.5")])
def test_a_window_never_demands_more_than_the_screen(screen, factor, tmp_path):
    """Checked by a program of its own, since the factor is read once."""
    one = {"name": "only", "x": 0, "y": 0, "width": screen[0], "height": screen[1], "logicalDpi": 96,
           "logicalBaseDpi": 96, "dpr": 1}  # fmt: skip
    (tmp_path / "screen.json").write_text(json.dumps({"screens": [one]}))
    environment = os.environ | {
        "QT_QPA_PLATFORM": f"offscreen:configfile={tmp_path / 'screen.json'}",
        "QT_SCALE_FACTOR": factor,
        "ATTENTION_LAB_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------ what rows can be squeezed to
def test_rows_of_wrapped_words_are_squeezed_to_what_they_need(qtbot):
    """Qt alone takes what each row would like for what it needs, and would scroll from 5,000 px on."""
    grid = QGridLayout()
    for at in range(4):
        grid.addWidget(box(col(label("some words that wrap " * 4, wrap=True), (Wanting(), 1))), at // 2, at % 2)
    room = Room(box(grid))
    qtbot.addWidget(room)
    room.resize(900, 600)
    room.show()
    for _ in range(4):
        QApplication.processEvents()
    assert bars(room) == (False, False)
    assert all(each.height() >= 200 for each in room.findChildren(Wanting))
    assert not list(reading.cut(room))
    room.resize(900, 440)  # twice 200, and the words
    for _ in range(4):
        QApplication.processEvents()
    assert bars(room) == (False, True)
    assert all(each.height() >= 200 for each in room.findChildren(Wanting))

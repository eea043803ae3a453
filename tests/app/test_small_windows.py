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
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QApplication, QGridLayout, QMenu, QSizePolicy, QWidget

from app.arranged import Folding
from app.cards import card
from app.folds import SLACK
from app.header import Header
from app.room import LOW, Room
from app.rows import Rows, shared
from app.status import Status
from app.theme import S3
from app.views.flow import lines
from app.widgets import box, button, col, label, row
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


# ------------------------------------------------------------------ what goes below each other
HIGH = 900  # px: rooms of this height have no bar at the right before cards fold


def cards(count):
    """So many of 300 px width, that have names."""
    made = []
    for at in range(count):
        view = Wanting()
        view.setMinimumSize(300 - 2 * S3, 60)
        made.append(card(Message(str(at)), view))
    return made


def places(parts):
    for _ in range(4):
        QApplication.processEvents()
    found = [QRect(one.mapTo(one.window(), QPoint(0, 0)), one.size()) for one in parts]
    assert not any(a.intersects(b) for a in found for b in found if a is not b)
    assert all(place.width() >= 300 for place in found)
    return found


def thirds(width, height):
    wide = (width - 2 * S3) // 3
    return [QRect(at * (wide + S3), 0, wide, height) for at in range(3)]


#: How three cards are put into a page, and in how many lines they stand in rooms that hold three, two and one of them.
WAYS = {
    "row": (lambda a, b, c: box(col((row((a, 2), (b, 1), (c, 1), gap=S3), 1), gap=S3)), (1, 3, 3)),
    "nested": (lambda a, b, c: box(row((col(row((a, 2), (b, 1), gap=S3), gap=S3), 3), (c, 1), gap=S3)), (1, 2, 3)),
    "rows": (lambda a, b, c: Rows([[(a, 2), (b, 1), (c, 1)]], (1,)), (1, 2, 3)),
    "arranged": (lambda a, b, c: Folding((a, b, c), thirds), (1, 2, 3)),
}


@pytest.mark.parametrize("way", WAYS)
def test_cards_that_are_too_wide_together_go_below_each_other(qtbot, way):
    parts, (make, counts) = cards(3), WAYS[way]
    room = Room(make(*parts))
    qtbot.addWidget(room)
    room.resize(1200, HIGH)
    room.show()
    wide = places(parts)
    for width, count in zip((1200, 700, 400, 700, 1200), (*counts, *counts[1::-1]), strict=True):
        room.resize(width, HIGH)
        assert len({place.y() for place in places(parts)}) == count, width
        assert not bars(room)[0]
        assert room.cramped == (count > 1 and way != "arranged")
    assert places(parts) == wide


def test_a_card_of_one_width_stays_at_the_side_while_the_others_can_fold_beside_it(qtbot):
    choices, *others = cards(3)
    choices.setFixedWidth(300)
    room = Room(box(row(choices, (box(row(*others, gap=S3)), 1), gap=S3)))
    qtbot.addWidget(room)
    room.resize(700, HIGH)
    room.show()
    first, second, third = places([choices, *others])
    assert first.y() == second.y() < third.y()
    assert first.right() < second.x() == third.x()
    room.resize(400, HIGH)
    first, second, third = places([choices, *others])
    assert second.y() < third.y() < first.y()  # what is chosen in it comes first
    assert not bars(room)[0]


def test_a_number_that_comes_and_goes_does_not_turn_cards_to_and_fro(qtbot):
    parts = cards(2)
    view = parts[0].findChild(Wanting)
    room = Room(box(row(*parts, gap=S3)))
    qtbot.addWidget(room)
    room.resize(640, HIGH)
    room.show()
    seen = []
    for more in (0, 8, 0, 8 - SLACK, -2 * SLACK, 0):
        view.setMinimumWidth(300 - 2 * S3 + more)
        for _ in range(4):
            QApplication.processEvents()
        seen.append(parts[0].y() == parts[1].y())
    assert seen == [True, False, False, False, True, True]


def test_what_starts_a_run_stands_above_the_cards_where_they_scroll(qtbot):
    *parts, start = cards(3)
    room = Room(box(col((col(*parts, gap=S3), 1), start, gap=S3)))
    qtbot.addWidget(room)
    room.lead()
    room.resize(600, HIGH)
    room.show()
    for high in (HIGH, LOW - 1, LOW, 300, HIGH):
        room.resize(600, high)
        first, second, bar = places([*parts, start])
        assert first.y() < second.y()
        assert bar.y() < first.y() if high < LOW else bar.y() > second.y()


def test_lengths_are_shared_as_in_a_row_of_qt(qtbot):
    for room, shares, needs in (
        (400, (1, 1, 1), (0, 0, 0)), (908, (20, 20, 24), (226, 254, 270)), (720, (10, 8, 8), (226, 176, 300)),
    ):  # fmt: skip
        parent = QWidget()
        qtbot.addWidget(parent)
        parts = [QWidget(parent) for _ in needs]  # theirs from the start: a layout without a parent owns nothing
        for one, need in zip(parts, needs, strict=True):
            one.setMinimumWidth(need)
        layout = row(*zip(parts, shares, strict=True), gap=0)
        parent.setLayout(layout)
        layout.setGeometry(QRect(0, 0, room, 10))
        ours = shared(room, shares, needs)
        assert ours == [one.width() for one in parts]
        assert sum(ours) == room
    assert shared(100, (0, 1), (30, 10)) == [30, 70]
    assert shared(100, (1, 1), (80, 70)) == [80, 70]


def test_a_flow_is_broken_into_even_lines():
    assert lines([100, 100, 100, 100], 400) == [range(4)]
    assert lines([100, 100, 100, 100], 399) == [range(2), range(2, 4)]
    assert lines([300, 100, 100, 100], 320) == [range(1), range(1, 4)]
    assert lines([500, 100], 320) == [range(1), range(1, 2)]


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

"""What a person shows to many: the keys, full screen, bare cards, the light, and everything larger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor

from app import launch, words
from app.keys import OF_WINDOW
from app.presenter import HALO, Halo, factor
from app.settings import Settings
from app.topic.training_page import TrainingPage
from app.topics import topics
from engines.core.errors import Message
from tests.app import tabs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def window(open_window, qtbot):
    made = open_window()
    tab = made.show_topic("scoring")
    qtbot.waitUntil(lambda: tabs.rests(tab))
    return made


def press(window, keys: str) -> None:
    """As the hand does, whatever has the focus."""
    (found,) = [key for key in OF_WINDOW if keys in key.keys]
    found.act(window)


def test_pages_and_tabs_go_round(window, qtbot):
    tab = window.tab
    for at in (1, 2, 3, 0):
        press(window, "Ctrl+PgDown")
        assert tab.page == at
    press(window, "Ctrl+PgUp")
    assert tab.page == 3
    names = [one.name for one in topics()]
    before = names[names.index("scoring") - 1]
    press(window, "Ctrl+Shift+Tab")
    qtbot.waitUntil(lambda: window.tab.topic.name == before)
    press(window, "Ctrl+Tab")
    qtbot.waitUntil(lambda: window.tab is tab)


def test_side_and_dock_hide_on_every_page_and_come_back(window):
    press(window, "F9")
    assert not window.side.isVisible()
    assert not window.tab.now.dock.isVisible()
    window.tab.show_page(1)  # made since
    assert not window.tab.now.dock.isVisible()
    press(window, "F9")
    assert window.side.isVisible()
    assert all(not page.dock.isHidden() for page in window.tab.pages.made)


def test_full_screen_and_back_as_it_was(window):
    window.showMaximized()
    press(window, "F11")
    assert window.isFullScreen()
    press(window, "F11")
    assert window.isMaximized()
    assert not window.isFullScreen()


def test_the_light_goes_with_the_pointer_and_takes_no_click(window, qtbot):
    press(window, "F8")
    halo = window.findChild(Halo)
    QCursor.setPos(window.mapToGlobal(QPoint(300, 200)))
    halo.follow()
    middle = halo.geometry().center()
    assert window.mapFromGlobal(QCursor.pos()) - middle in (QPoint(0, 0), QPoint(1, 1))
    assert window.childAt(middle) not in (None, halo)
    assert halo.width() == HALO
    press(window, "F8")
    qtbot.waitUntil(lambda: window.findChild(Halo) is None)


def test_a_topic_that_can_train_says_so(window):
    for one in topics():
        can = any(issubclass(kind, TrainingPage) for kind in one.page_classes())
        assert one.trains == can, one.name
        line = window.side.button_of(one.name)
        assert line.accessibleDescription() == ("Can train" if can else "")


def test_a_topic_that_trains_is_marked(window, qtbot, monkeypatch):
    tab = window.tab
    window._look()
    line = window.side.button_of("scoring")
    assert not line.trains
    monkeypatch.setattr(type(tab.now), "trains", True)
    before = line.grab().toImage()
    window._look()
    assert line.trains
    assert line.accessibleDescription() == "Training"
    assert line.grab().toImage() != before


# ------------------------------------------------------------------ size
def test_the_size_is_kept_and_the_window_starts_anew(window, own_home, monkeypatch):
    with monkeypatch.context() as staying:
        staying.setattr(window, "close", lambda: None)
        for keys, zoom in (("Ctrl++", 125), ("Ctrl+=", 150), ("Ctrl+-", 125), ("Ctrl+0", 100)):
            press(window, keys)
            assert window.settings.zoom == zoom
    assert window.presenter.starts_anew
    window.settings.zoom = 200
    window.presenter.starts_anew = False
    press(window, "Ctrl++")  # there is no more
    assert not window.presenter.starts_anew
    assert window.tab.note.values == {"n": 200}
    window.settings.save()
    assert Settings.load().zoom == 200


@pytest.mark.parametrize("odd", [0, 130, "150", True, None])
def test_a_size_that_is_none_is_passed_over(odd):
    settings = Settings()
    settings._take({"zoom": odd})
    assert settings.zoom == 100


def test_a_run_at_stake_is_asked_for(window, monkeypatch):
    from PySide6.QtWidgets import QMessageBox

    monkeypatch.setattr(
        window.tab, "at_stake", lambda: [Message("A training of {n} {n:step|steps} is not kept.", {"n": 9})]
    )
    press(window, "Ctrl++")
    (question,) = window.findChildren(QMessageBox)
    assert "9 steps" in question.text()
    assert window.settings.zoom == 100
    assert not window.presenter.starts_anew
    question.reject()


def test_the_factor_stands_beside_that_of_the_system(monkeypatch):
    assert [factor(150, own) for own in ("", "2", "odd")] == ["1.5", "3", "1.5"]
    ran: list[object] = []
    monkeypatch.setattr(launch.os, "name", "posix")
    monkeypatch.setattr(launch.os, "execv", lambda *said: ran.append(said))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "main.py", "--tab", "vit", "a.png"])
    monkeypatch.setattr(sys, "argv", ["main.py", "--tab", "vit", "a.png"])
    monkeypatch.setenv(launch.FACTOR, "3")
    launch.start_anew("2")
    assert os.environ[launch.FACTOR] == "2"
    launch.start_anew(None)
    assert launch.FACTOR not in os.environ
    assert ran == [(sys.executable, [sys.executable, "-X", "dev", "main.py"])] * 2


PROBE = """
import sys
from PySide6.QtCore import QSize
from app.command import arguments
from app.launch import start
app, settings = start(arguments(["--lang", sys.argv[2]]))
from app import theme
from app.window import Window
from engines.core.lane import Lane
from tests.app.small import wrong
Lane.prepare = Lane.submit = lambda *_: None  # nothing need be computed
theme.set_motion(False)
size = QSize(*map(int, sys.argv[1].split("x")))
window = Window(settings)
window.show()
assert window.devicePixelRatio() == settings.zoom / 100, window.devicePixelRatio()
for name in sys.argv[3:]:
    tab = window.show_topic(name)
    window.resize(size)
    for page in range(len(tab.pages)):
        tab.show_page(page)
        for _ in range(6):
            app.processEvents()
        for line in wrong(window, size):
            print(f"{name} {page + 1}: {line}")
print("looked")
window.close()
"""


QUICK = ("scoring", "gnn")  #: these stand for all of them in the suite


@pytest.mark.parametrize("names", [QUICK, pytest.param((), marks=pytest.mark.proof)], ids=["some", "all"])
@pytest.mark.parametrize(("zoom", "size", "language"), [(150, "1280x720", "en"), (200, "960x600", "zh")])
def test_nothing_is_cut_when_everything_is_larger(zoom, size, language, names, own_home):
    """A projector of 1920 × 1080 (of 1200 at 200 %); a program of its own, since Qt reads the factor once."""
    (own_home / "settings.json").write_text(json.dumps({"zoom": zoom}))
    command = [sys.executable, "-c", PROBE, size, language, *(names or [one.name for one in topics()])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["looked"], done.stderr


def test_it_goes_on_as_it_was_shown_after_a_change_of_size(window, open_window, own_home, monkeypatch):
    """Bare, lit and over what was maximized; once: the start after that is a plain one."""
    window.showMaximized()
    for keys in ("F11", "F9", "F8"):
        press(window, keys)
    assert words.drawn(window.tab.note) == "F9 shows the side list and the dock again."
    with monkeypatch.context() as staying:
        staying.setattr(window, "close", lambda: None)
        press(window, "Ctrl++")
    window.keep_everything()
    window.presenter.toggle_light()
    window.close()
    later = open_window()
    tab = later.show_topic("scoring")
    later.showFullScreen()  # a real desktop brings that back by itself
    assert later.presenter.bare
    assert later.presenter.lit
    assert not later.side.isVisible()
    assert not tab.now.dock.isVisible()
    press(later, "F11")
    assert later.isMaximized()
    later.keep_everything()
    assert Settings.load().presents == []


def test_what_is_said_of_the_way_back_goes_with_it(window):
    press(window, "F9")
    press(window, "F9")
    assert window.tab.note is None
    press(window, "F11")
    assert "F11" in words.drawn(window.tab.note)
    window.tab.tell(Message("Copied as a picture."))
    press(window, "F11")
    assert words.drawn(window.tab.note) == "Copied as a picture."

"""The session of a window: kept, given back, saved, opened, dropped, copied as text."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from app import words
from app.drops import sort_drop
from app.dropzone import foreseen, kinds
from app.session import dialogs, session
from app.session.file import SETTINGS
from app.settings import HOME_VARIABLE, Settings
from engines.core.files import WriteError
from engines.core.pictures import Picture
from tests.app import paged, tabs
from tests.app.test_session_file import GOOD, zipped
from tests.app.test_small_windows import opened
from tests.conftest import dispose

LAST = Path("sessions") / "last-1.attnlab"


@pytest.fixture
def paged_only(monkeypatch):
    """A window of one topic that is small."""
    for module in ("app.topics", "app.window", "app.intake", "app.session.session"):
        monkeypatch.setattr(f"{module}.topics", lambda: (paged.TOPIC,))
    monkeypatch.setattr("app.window.topic", lambda name: paged.TOPIC if name == "paged" else None)
    monkeypatch.setattr("app.session.content._KIND", __import__("re").compile(r"tests(\.\w+)+:\w+"))
    monkeypatch.setattr("app.session.content._topic_of", lambda module: "paged")


@pytest.fixture
def window(paged_only, open_window):
    return open_window()


def photo(folder: Path, name: str, gray: int = 90) -> str:
    path = folder / name
    Image.fromarray(np.full((6, 9, 3), gray, np.uint8)).save(path)
    return str(path)


def said(place: Path) -> dict[str, object]:
    with zipfile.ZipFile(place) as parts:
        return json.loads(parts.read(SETTINGS))


def still(window, qtbot):
    qtbot.waitUntil(lambda: not window.session.busy and all(not tab.awaited() for tab in window.tabs.values()))


def pasted(window, qtbot, seed: int = 0) -> Picture:
    """A picture without a file."""
    made = Picture("Pasted picture", np.random.default_rng(seed).integers(0, 256, (6, 9, 3), np.uint8))
    window.take_shown(made)
    assert window.tab.params.picture is made
    return made


# ------------------------------------------------------------------ kept
def test_what_no_setting_remembers_is_there_again(window, open_window, own_home, qtbot):
    """A token looked at, a picture that was pasted, what was pinned on it, and a second page in front."""
    tab = window.show_topic("paged")
    rgb = pasted(window, qtbot).rgb
    tab.now.change(query=5, token=7, rate=0.25)
    tab.show_page(1)
    window.session.beat()  # what the window does each second; it is never closed
    window.session._writing.result()
    assert said(own_home / LAST)["pages"] == {"paged": "two_words"}
    window.session._claim.release()  # as a killed program does
    later = open_window()
    tab = later.show_topic("paged")
    still(later, qtbot)
    now = tab.params
    assert (now.query, now.token, now.rate, tab.page) == (5, 7, 0.25, 1)
    np.testing.assert_array_equal(now.picture.rgb, rgb)
    asked = [event.params for event in tab.now.told if isinstance(event, paged.Answer)]
    assert all(one.picture is not None for one in asked)  # the one to start with was not computed before


def test_a_beat_writes_only_what_changed_and_off_the_thread(window, own_home, monkeypatch):
    tab = window.show_topic("paged")
    window.session.keep()
    threads, write = [], session.files.write
    monkeypatch.setattr(session.files, "write", lambda *a, **k: threads.append(session_thread()) or write(*a, **k))
    window.session.beat()
    assert threads == []
    tab.now.change(token=3)
    window.session.beat()
    window.session._writing.result()
    assert threads == ["session_0"]


def session_thread() -> str:
    import threading

    return threading.current_thread().name


def test_pictures_without_a_file_lie_beside_it_and_go_when_nobody_names_them(window, own_home, qtbot, tmp_path):
    folder = own_home / LAST.parent / LAST.stem
    window.show_topic("paged")
    pasted(window, qtbot)
    window.session.keep()
    (first,) = folder.glob("*.png")
    pasted(window, qtbot, 1)
    window.session.keep()
    (second,) = folder.glob("*.png")
    assert second != first
    window.take_paths([photo(tmp_path, "a.png")])
    qtbot.waitUntil(lambda: window.tab.params.picture.name == "a.png")
    window.session.keep()
    assert list(folder.glob("*.png")) == []
    assert [one["file"] for one in said(own_home / LAST)["photos"].values()] == [str(tmp_path / "a.png")]


def test_a_photo_that_has_changed_since_is_not_taken_for_the_old_one(window, open_window, qtbot, tmp_path):
    tab = window.show_topic("paged")
    window.take_paths([photo(tmp_path, "a.png")])
    qtbot.waitUntil(lambda: tab.params.picture is not None)
    tab.now.change(query=5)
    window.session.keep()
    window.session._claim.release()
    photo(tmp_path, "a.png", 91)
    tab = open_window().show_topic("paged")
    qtbot.waitUntil(lambda: not tab.awaited())
    assert (tab.params.picture, tab.params.query) == (None, 0)
    assert tab.error.reason() == "a.png: the picture is not the one that the session was saved with."


def test_a_second_window_keeps_a_session_of_its_own(window, open_window, own_home):
    window.show_topic("paged").now.change(token=1)
    other = open_window()
    other.show_topic("paged").now.change(token=2)
    window.session.keep()
    other.session.keep()
    found = {
        file.name: said(file)["settings"]["paged.models"][1]["token"]
        for file in (own_home / "sessions").glob("*.attnlab")
    }
    assert found == {"last-1.attnlab": 1, "last-2.attnlab": 2}


def test_a_session_that_can_not_be_read_is_kept_aside(paged_only, open_window, own_home):
    (own_home / LAST).parent.mkdir()
    (own_home / LAST).write_bytes(b"broken")
    window = open_window()
    assert window.show_topic("paged").params == paged.PoolParams()
    assert (own_home / LAST).with_name("last-1-broken.attnlab").read_bytes() == b"broken"


def test_a_full_disk_is_told_once_and_the_old_file_stays(window, own_home, monkeypatch, qtbot):
    tab = window.show_topic("paged")
    window.session.keep()
    before = (own_home / LAST).read_bytes()

    def full(path, *_args, **_more):
        raise WriteError(path, session.files.reason(OSError(28, "")))

    monkeypatch.setattr(session.files, "write", full)
    heard = []
    window.session.refused.connect(heard.append)
    for token in (1, 2):
        tab.now.change(token=token)
        window.session.keep()
    qtbot.waitUntil(lambda: bool(heard))
    assert len(heard) == 1
    assert (own_home / LAST).read_bytes() == before


def test_snapshots_keep_nothing(paged_only, qapp, own_home, no_thread_left):
    from app.window import Window

    window = Window(Settings.load(temporary=True))
    window.show_topic("paged")
    window.session.keep()
    dispose(window)
    assert list(own_home.iterdir()) == []


# ------------------------------------------------------------------ files
def saved(window, qtbot, place: Path) -> Path:
    window.session.save(place)
    still(window, qtbot)
    return place


def test_a_file_brings_pictures_along_and_no_path(window, open_window, qtbot, tmp_path, own_home):
    tab = window.show_topic("paged")
    source = photo(tmp_path, "a.png")
    window.take_paths([source])
    qtbot.waitUntil(lambda: tab.params.picture is not None)
    tab.now.change(query=4, token=2, temperature=2.0)
    file = saved(window, qtbot, tmp_path / "one.attnlab")
    assert source.encode() not in file.read_bytes()
    assert str(tmp_path) not in json.dumps(said(file))
    assert window.settings.recent_sessions == [str(file)]
    Path(source).unlink()
    later = open_window()
    tab = later.show_topic("paged")
    tab.now.step(temperature=5.0)
    later.take_paths([str(file)])
    still(later, qtbot)
    now = tab.params
    assert (now.query, now.token, now.temperature, now.picture.name) == (4, 2, 2.0, "a.png")
    assert not tab.now.state.history.can_undo
    qtbot.waitUntil(lambda: not tab.is_busy)
    assert (tab.now.answers[-1].params.query, tab.now.answers[-1].params.picture) == (4, now.picture)
    assert not tab.error.isVisible()  # changes to the model came with the file, not from the last time


def test_tabs_that_are_not_built_are_kept_and_saved_as_they_were_read(paged_only, open_window, qtbot, tmp_path):
    window = open_window()
    window.show_topic("paged").now.change(token=9)
    pasted(window, qtbot)
    file = saved(window, qtbot, tmp_path / "one.attnlab")
    content, packed = window.session._checked(session.read(file), "one")
    later = open_window()
    later.session._store, later.session._photos.pngs = content, packed.pngs
    again = saved(later, qtbot, tmp_path / "two.attnlab")
    with zipfile.ZipFile(file) as one, zipfile.ZipFile(again) as two:
        assert sorted(one.namelist()) == sorted(two.namelist())
    assert said(again)["settings"] == said(file)["settings"]


def test_a_refused_file_changes_nothing_and_says_why(window, qtbot, tmp_path):
    tab = window.show_topic("paged")
    tab.now.change(token=4)
    bad = tmp_path / "bad.attnlab"
    bad.write_bytes(zipped((SETTINGS, json.dumps({**GOOD, "tab": "elsewhere"}).encode())))
    window.take_paths([str(bad)])
    still(window, qtbot)
    assert tab.error.isVisible()
    assert tab.error.reason() == "bad.attnlab: not a session that can be opened: there is no tab elsewhere."
    assert tab.params.token == 4
    assert window.settings.recent_sessions == []


def test_a_missing_file_is_said(window, qtbot, tmp_path):
    tab = window.show_topic("paged")
    window.session.open(tmp_path / "gone.attnlab")
    still(window, qtbot)
    assert "no such file" in tab.error.reason()


def test_a_dragged_session_says_what_it_will_do():
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/Lecture 3.ATTNLAB")])
    assert str(foreseen(kinds(data), "Here", "").text) == "Open the session Lecture 3.ATTNLAB"
    assert sort_drop(data).sessions == [Path("/tmp/Lecture 3.ATTNLAB")]
    assert sort_drop(data).refusal is None


def test_the_menu_and_its_dialogs(window, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: None)
    window.show_topic("paged").now.change(token=4)
    dialogs.ask_to_save(window)
    dialog = window.findChild(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "mine"))
    dispose(dialog)
    still(window, qtbot)
    assert (tmp_path / "mine.attnlab").is_file()
    assert window.tab.note.text == "Saved: {name}"
    window.tab.now.change(token=5)
    menu = QMenu()
    dialogs.add_recent(window, menu)
    (line,) = opened(menu.findChild(QMenu))
    assert line.text() == "mine.attnlab"
    line.trigger()
    still(window, qtbot)
    assert window.tab.params.token == 4
    dialogs.ask_to_open(window)
    window.findChild(QFileDialog).fileSelected.emit(str(tmp_path / "mine.attnlab"))
    still(window, qtbot)
    assert window.tab.note.text == "Opened: {name}"


# ------------------------------------------------------------------ text
def test_settings_go_through_the_clipboard_into_another_window(window, open_window, qtbot):
    window.show_topic("paged").now.change(token=6, temperature=2.0)
    window.take_sample("coffee")
    qtbot.waitUntil(lambda: window.tab.params.picture is not None)
    window.tab.now.change(query=3)
    dialogs.copy_settings(window)
    text = QGuiApplication.clipboard().text()
    assert "coffee" in text
    assert "opacity" not in text  # it stands where it stands at first
    later = open_window()
    later.show_topic("paged").show_page(2)
    later.paste()
    still(later, qtbot)
    now = later.tab.params
    assert (now.token, now.temperature, now.query, now.picture.name) == (6, 2.0, 3, "Cup of coffee")
    assert later.tab.page == 0


def test_a_picture_of_elsewhere_is_missed_in_words(window, open_window, qtbot):
    window.show_topic("paged").now.change(token=6)
    pasted(window, qtbot)
    text = window.session.copied()
    later = open_window()
    tab = later.show_topic("paged")
    assert later.session.paste(text)
    still(later, qtbot)
    assert (tab.params.token, tab.params.picture) == (6, None)
    assert tab.error.reason() == "Pasted picture: this picture is not in the session."
    assert not later.session.paste("the cat saw the dog")


# ------------------------------------------------------------------ runs
def test_a_run_is_back_at_its_step_and_at_the_one_looked_at(open_window, qtbot, tmp_path):
    """Trained again where no file keeps it: the same seed makes the same steps."""
    window = open_window()
    tab = window.show_topic("gnn")
    at = next(i for i, kind in enumerate(tab.pages.kinds) if kind.name() == "static_or_dynamic")
    tab.show_page(at)
    run = tab.now.training
    tab.now.step(seed=3) if "seed" in vars(tab.params) else None
    for _ in range(3):
        step = run.step
        run.one_step()
        qtbot.waitUntil(lambda step=step: run.step > step and not run.stream.is_busy)
    tab.now.transport.look(1)
    newest, drawn = run.weights, [plot.traces() for plot in tab.now.histories()]
    assert any(drawn)
    qtbot.waitUntil(lambda: tabs.rests(tab))
    file = saved(window, qtbot, tmp_path / "run.attnlab")
    assert said(file)["runs"]["gnn.static_or_dynamic"]["step"] == 3
    window.close()
    later = open_window()
    later.session.open(file)
    still(later, qtbot)
    page = later.tabs["gnn"].now
    for plot, traces in zip(page.histories(), drawn, strict=True):  # at once, and before a step is made
        for one, curve in zip(traces, plot.past(), strict=True):
            np.testing.assert_array_equal((one.x, one.y), (curve.x, curve.y))
        assert not traces or "up to step 3" in words.drawn(plot.past_named())
    qtbot.waitUntil(lambda: page.training.step == 3 and not page.training.stream.is_busy)
    assert page.transport.selected == 1
    assert not page.training.runs
    assert page.params == tab.now.params
    if newest is not None:
        for name, array in newest.arrays.items():
            np.testing.assert_array_equal(page.training.weights.arrays[name], array)
    assert [[one.y.tolist() for one in plot.traces()] for plot in page.histories()] == [
        [one.y.tolist() for one in traces] for traces in drawn
    ]
    page.training.begin_anew()
    assert not any(plot.past() for plot in page.histories())


def test_a_run_that_can_not_be_trained_again_comes_as_curves(open_window, qtbot, tmp_path, monkeypatch):
    """A live setting was changed on the way: the same settings would make other steps."""
    window = open_window()
    tab = window.show_topic("multi_head")
    tab.show_page(1)
    run = tab.now.training
    run.one_step()
    qtbot.waitUntil(lambda: run.step == 1 and not run.stream.is_busy)
    tab.now.change(learning_rate=0.05)
    run.one_step()
    qtbot.waitUntil(lambda: run.step == 2 and not run.stream.is_busy)
    drawn = tab.now.loss.traces()
    file = saved(window, qtbot, tmp_path / "run.attnlab")
    window.close()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
    later = open_window()
    later.session.open(file)
    still(later, qtbot)
    page = later.tabs["multi_head"].now
    qtbot.waitUntil(lambda: not page.training.stream.is_busy)
    assert (page.training.step, page.training.runs) == (0, False)
    assert "curves alone" in words.drawn(later.tab.note)
    assert [one.y.tolist() for one in page.loss.past()] == [one.y.tolist() for one in drawn]

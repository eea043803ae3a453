"""What is remembered, and what a broken file does: nothing worse than defaults and a note."""

from __future__ import annotations

import errno
import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QLockFile
from PySide6.QtWidgets import QWidget

from app import settingsfile
from app.settings import HOME_VARIABLE, Settings
from engines.core.params import Choice, Params, Range, Switch, rules, setting
from tests.fuzz import broken_json


@dataclass(frozen=True)
class Toy(Params):
    heads: int = setting(4, Range(1, 8, 1, "Heads"))
    rate: float = setting(0.1, Range(0, 1, 0.1, "Rate"))
    kind: str = setting("a", Choice(("a", "b"), "Kind"))
    mask: bool = setting(False, Switch("Mask"))
    source: str = ""


RULED = tuple(rules(Toy))
KEPT = (*RULED, "source")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "new folder"))
    return tmp_path / "new folder"


def test_everything_comes_back(home, qtbot, tmp_path):
    first = Settings.load()
    first.theme, first.language, first.tab, first.rail = "dark", "zh", "detr", True
    first.threads = 3
    first.keep_fields("toy", Toy(heads=7, kind="b", mask=True, source="x"), KEPT)
    first.set_page("toy", 1)
    for i in range(15):
        (tmp_path / f"图 {i}.png").touch()
        first.add_picture(str(tmp_path / f"图 {i}.png"))
    first.add_picture(str(tmp_path / "图 9.png"))
    (tmp_path / "图 13.png").unlink()
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(321, 234)
    first.remember(window)
    first.save()
    again = Settings.load()
    assert (again.theme, again.language, again.tab, again.rail, again.note) == ("dark", "zh", "detr", True, None)
    assert again.threads == 3
    assert again.restored("toy", Toy()) == Toy(heads=7, kind="b", mask=True, source="x")
    assert again.page("toy") == 1
    assert len(again.recent_pictures) == 9
    assert [Path(path).name for path in again.recent_pictures[:3]] == ["图 9.png", "图 14.png", "图 12.png"]
    window.resize(10, 10)
    assert again.place(window)
    assert window.width() == 321


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00\xff", '{"theme": '])
def test_a_broken_file_gives_defaults_and_a_note_and_is_kept(home, text):
    home.mkdir()
    (home / "settings.json").write_text(text, encoding="utf-8")
    settings = Settings.load()
    assert settings.theme == ""
    assert "Defaults" in str(settings.note)
    assert (home / "settings-broken.json").read_text(encoding="utf-8") == text
    settings.save()
    assert Settings.load().note is None


def test_values_that_do_not_fit_are_passed_over_one_by_one(home):
    home.mkdir()
    topics = {"toy": {"heads": 99, "rate": 0.5, "kind": "c", "mask": 1, "gone": 3, "source": None}, "odd": 3}
    odd = {
        "theme": "pink",
        "device": 3,
        "threads": True,
        "rail": "yes",
        "recent_pictures": [str(home), 1],
        "geometry": "é",
        "pages": {"x": -1},
    }
    (home / "settings.json").write_text(json.dumps(odd | {"topics": topics}), encoding="utf-8")
    settings = Settings.load()
    assert settings.restored("toy", Toy()) == Toy(rate=0.5)
    assert (settings.theme, settings.device, settings.rail, settings.page("x")) == ("", "auto", False, 0)
    assert settings.threads == 0
    assert settings.recent_pictures == [str(home)]


def test_a_temporary_object_touches_no_disk(home):
    settings = Settings.load(temporary=True)
    settings.theme = "dark"
    settings.save()
    assert not home.exists()


def test_a_disk_that_refuses_is_said_not_raised(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "file" / "below"))
    settings = Settings.load()
    settings.theme = "dark"
    settings.save()
    assert str(settings.take_note()) == "The settings could not be saved: part of the path is not a folder"
    settings.save()
    assert settings.take_note() is not None  # said again: it may be the last word


def test_the_file_is_replaced_in_one_go(home):
    """Who reads it while it is written, or after the machine went out meanwhile, finds the old one whole."""
    settings = Settings.load()
    settings.theme = "dark"
    settings.save()
    old = home / "as it was.json"
    os.link(home / "settings.json", old)
    before = old.read_bytes()
    settings.theme = "light"
    settings.save()
    assert old.read_bytes() == before  # another file took the place: this one was not written into
    assert Settings.load().theme == "light"
    assert sorted(os.listdir(home)) == ["as it was.json", "settings.json"]


def test_a_name_that_is_no_unicode_is_saved(home):
    settings = Settings.load()
    settings.recent_models = ["caf\udce9"]
    settings.save()
    assert Settings.load().recent_models == ["caf\udce9"]


# ------------------------------------------------------------------ as they change
def test_changes_are_written_without_waiting_for_the_end(home, no_thread_left):
    settings = Settings.load()
    settings.save_changes()
    settings.join()
    assert not home.exists()  # nothing was changed
    settings.theme = "dark"
    settings.save_changes()
    settings.join()
    assert Settings.load().theme == "dark"
    written = (home / "settings.json").stat().st_mtime_ns
    settings.save_changes()
    settings.save()
    assert (home / "settings.json").stat().st_mtime_ns == written


def test_a_full_disk_is_said_once_and_the_changes_are_saved_when_there_is_room(home, monkeypatch):
    settings = Settings.load()
    settings.theme = "dark"
    with monkeypatch.context() as full:

        def fails(*_args):
            raise OSError(errno.ENOSPC, "full")

        full.setattr("engines.core.files.os.write", fails)
        for told in ("The settings could not be saved: the disk is full", "None"):
            settings.save_changes()
            settings.join()
            assert str(settings.take_note()) == told
    assert [entry.name for entry in home.iterdir()] == []
    settings.save_changes()
    settings.join()
    assert Settings.load().theme == "dark"


def test_each_beat_of_the_window_saves(home, open_window):
    window = open_window()
    window.settings.theme = "dark"
    window._beat.timeout.emit()
    window.settings.join()
    assert Settings.load().theme == "dark"


# ------------------------------------------------------------------ two windows
def test_two_windows_keep_what_each_has_changed(home):
    first = Settings.load()
    first.theme, first.language, first.recent_models = "dark", "en", ["a", "b"]
    first.keep_fields("toy", Toy(heads=7, rate=0.5), RULED)
    first.keep_fields("other", Toy(), RULED)
    first.save()
    one, two = Settings.load(), Settings.load()
    one.theme, two.language = "light", "zh"
    one.keep_fields("toy", Toy(heads=2, rate=0.5), RULED)
    two.keep_fields("toy", Toy(heads=7, rate=0.9), RULED)
    two.set_page("toy", 3)
    one.add_model("one")
    two.add_model("two")
    one.save()
    two.save()
    now = Settings.load()
    assert (now.theme, now.language, now.page("toy")) == ("light", "zh", 3)
    assert now.restored("toy", Toy()) == Toy(heads=2, rate=0.9)
    assert now.restored("other", Toy(heads=1)) == Toy()
    assert now.recent_models == ["two", "one", "a", "b"]
    one.save()  # it has changed nothing since: what the other wrote stays
    assert Settings.load().language == "zh"


def test_recent_things_stay_few_and_those_that_vanished_go(home, tmp_path):
    for i in range(10):
        (tmp_path / f"{i}").touch()
    first = Settings.load()
    for i in range(10):
        first.add_picture(str(tmp_path / f"{i}"))
    first.save()
    (tmp_path / "3").unlink()
    one, two = Settings.load(), Settings.load()
    for settings, name in ((one, "one"), (two, "two")):
        (tmp_path / name).touch()
        settings.add_picture(str(tmp_path / name))
        settings.save()
    assert [Path(path).name for path in Settings.load().recent_pictures] == [
        "two", "one", "9", "8", "7", "6", "5", "4", "2", "1",
    ]  # fmt: skip


def test_what_a_newer_version_wrote_stays(home):
    home.mkdir()
    (home / "settings.json").write_text(json.dumps({"version": 2, "colors": {"a": 1}, "topics": {"new": {"x": 1}}}))
    settings = Settings.load()
    settings.theme = "dark"
    settings.save()
    there = json.loads((home / "settings.json").read_text())
    assert (there["colors"], there["topics"]["new"], there["theme"]) == ({"a": 1}, {"x": 1}, "dark")


def test_a_window_that_holds_the_file_is_waited_for_and_named(home, monkeypatch):
    home.mkdir()
    monkeypatch.setattr(settingsfile, "WAIT", 0)
    held = QLockFile(str(home / "settings.lock"))
    assert held.tryLock(0)
    settings = Settings.load()
    settings.theme = "dark"
    settings.save()
    assert "another window is writing it" in str(settings.take_note())
    held.unlock()
    settings.save()
    assert Settings.load().theme == "dark"
    assert sorted(entry.name for entry in home.iterdir()) == ["settings.json"]


def test_broken_files_put_aside_do_not_overwrite_each_other(home):
    home.mkdir()
    for text in ("{", "["):
        (home / "settings.json").write_text(text)
        Settings.load()
    assert (home / "settings-broken.json").read_text() == "{"
    assert (home / "settings-broken-2.json").read_text() == "["


@pytest.mark.timeout(120)
def test_a_pipe_in_place_of_the_settings_is_put_aside(home):
    home.mkdir()
    os.mkfifo(home / "settings.json")
    assert "could not be read" in str(Settings.load().take_note())


def test_broken_settings_give_defaults_and_at_most_a_note(home):
    first = Settings.load()
    first.theme, first.language, first.tab, first.rail = "dark", "zh", "detr", True
    first.threads = 3
    first.keep_fields("toy", Toy(heads=7, kind="b", mask=True, source="x"), KEPT)
    first.set_page("toy", 1)
    first.save()
    good = json.loads((home / "settings.json").read_text())
    for case in range(100):
        (home / "settings.json").write_bytes(broken_json(good, random.Random(case)))
        found = Settings.load()
        toy = found.restored("toy", Toy())
        assert 1 <= toy.heads <= 8
        assert found.theme in ("", "light", "dark")
        assert found.page("toy") >= 0
        note = found.take_note()
        assert note is None or "could not be read" in str(note)
        found.save()

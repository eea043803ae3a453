"""File dialogs open where they were used last, after a restart, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from app import export, pageexport
from app.lastfolder import OPENED, SAVED, keep, start_in
from app.settings import Settings
from tests.app import paged


@pytest.fixture
def window(open_window, monkeypatch):
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (paged.TOPIC,))
    monkeypatch.setattr("app.window.topic", lambda name: paged.TOPIC if name == "paged" else None)
    window = open_window()
    window.show_topic("paged")
    return window


@pytest.fixture
def opened(monkeypatch) -> list[QFileDialog]:
    dialogs: list[QFileDialog] = []
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: dialogs.append(dialog))
    return dialogs


def test_a_figure_is_saved_where_the_one_before_was(window, opened, tmp_path):
    view = QWidget(window)
    export._ask(view, ".png")
    assert Path(opened[-1].directory().path()) == Path.home()
    opened[-1].fileSelected.disconnect()  # nothing is to be written: only where it was is remembered
    keep(window, SAVED, tmp_path / "a.png")
    export._ask(view, ".svg")
    assert Path(opened[-1].directory().path()) == tmp_path
    assert opened[-1].selectedFiles() == [str(tmp_path / "view.svg")]
    window.settings.save()
    assert start_in(window, SAVED, "b") == tmp_path / "b"
    assert Settings.load().folders == {SAVED: str(tmp_path)}


def test_what_a_dialog_was_told_is_remembered(window, opened, tmp_path, qtbot):
    pageexport.ask(window)
    qtbot.waitUntil(lambda: bool(opened))
    opened[-1].fileSelected.emit(str(tmp_path / "all.png"))
    qtbot.waitUntil(lambda: not window.saving.busy)
    assert window.settings.folders == {SAVED: str(tmp_path)}


def test_folders_are_asked_for_where_the_last_one_was(window, monkeypatch, tmp_path):
    starts = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *said: starts.append(said[2]) or str(tmp_path))
    for _ in range(2):
        window.intake.ask_folder()
    assert starts == [str(Path.home()), str(tmp_path)]


def test_a_folder_that_is_gone_gives_place_to_home(window, tmp_path):
    keep(window, OPENED, tmp_path / "gone", folder=True)
    assert start_in(QDialog(window), OPENED) == Path.home()


def test_a_window_without_settings_starts_at_home(qapp):
    part = QWidget()
    keep(part, SAVED, "/somewhere/a.png")
    assert start_in(part, SAVED) == Path.home()

"""A training that would be lost asks first, and its model can be saved; detections of a folder come from Detect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app import words
from app.questions import ask_to_close
from app.topic import detector_saved as trained
from engines.checkpoints import layout
from engines.core.errors import Message
from engines.core.training import NotSaved
from engines.data import detector_pictures as training_data
from tests.app.detr_pages import TRAINING, open_pages
from tests.app.test_detr_training import PATIENCE, own_folder, train, wait


@pytest.fixture
def window(open_window, monkeypatch):
    monkeypatch.setattr(training_data, "VALIDATION", 4)
    monkeypatch.setattr(training_data, "WATCHED", 2)
    monkeypatch.setattr(trained, "WORTH", 2)
    return open_pages(open_window, monkeypatch)


@pytest.fixture
def page(window, qtbot):
    tab = window.show_topic("detr")
    tab.pages[TRAINING].state.put(batch=2, queries=3)
    tab.show_page(TRAINING)
    wait(qtbot, tab.now, lambda: tab.now.cards.history.newest is not None)
    return tab.now


def questions(page):
    return [one for one in page.window().findChildren(QMessageBox) if one.isVisible()]


def answer(page, text):
    (question,) = questions(page)
    next(button for button in question.buttons() if button.text() == text).click()
    return question.text()


def test_little_is_begun_anew_unasked_and_much_is_not(page, qtbot, monkeypatch, tmp_path):
    train(qtbot, page, 1)
    page.training.restart()
    assert not questions(page)
    wait(qtbot, page, lambda: page.training.step == 0)
    train(qtbot, page, 5)
    run = page.training.number
    page.training.restart()
    assert (page.training.number, page.training.step) == (run, 5)
    assert "5 steps" in answer(page, "Cancel")
    assert (page.training.number, page.training.step) == (run, 5)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    page.transport.again.click()
    answer(page, "Save the model")
    qtbot.waitUntil(lambda: page.training.number == run + 1, timeout=PATIENCE)  # once it is on the disk
    assert layout.is_model_folder(tmp_path / "mine")
    assert str(tmp_path / "mine") in page.shell.settings.recent_models
    train(qtbot, page, 5)
    page.training.restart()
    answer(page, "Discard it")
    assert page.training.number == run + 2
    wait(qtbot, page, lambda: page.training.step == 0)


def test_other_data_ask_first_too(page, qtbot, tmp_path):
    folder = own_folder(tmp_path)
    train(qtbot, page, 5)
    page.take([folder])
    assert page.params.folder == ""
    answer(page, "Cancel")
    assert page.params.folder == ""
    page.take([folder])
    answer(page, "Discard it")
    assert page.params.folder == str(folder)
    wait(qtbot, page, lambda: not page.cards.began.drawn)


def test_a_saved_model_is_no_loss_and_a_free_name_is_taken(page, qtbot, monkeypatch, tmp_path):
    train(qtbot, page, 5)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    assert page.trained.unsaved() == 5
    page.trained.save.click()
    qtbot.waitUntil(lambda: page.trained.unsaved() == 0, timeout=PATIENCE)
    page.trained.save.click()
    qtbot.waitUntil(lambda: (tmp_path / "mine-2" / layout.WEIGHTS).is_file(), timeout=PATIENCE)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    page.trained.save.click()  # thought better of it
    assert len(list(tmp_path.iterdir())) == 2


class Close:
    """A person closes the window."""

    def __init__(self):
        self.ignored = False

    def spontaneous(self):
        return True

    def ignore(self):
        self.ignored = True


def test_closing_asks_only_where_something_is_lost(page, qtbot):
    window = page.window()
    train(qtbot, page, 5)
    assert page.training.is_kept  # it is there at the next start
    assert not ask_to_close(window)
    page.training.stream.arrived.emit(NotSaved(5, Message("the disk is full")))
    event = Close()
    window.closeEvent(event)
    assert event.ignored
    assert window.isVisible()
    assert "5 steps" in answer(page, "Cancel")
    assert window.isVisible()
    assert ask_to_close(window)
    answer(page, "Close anyway")
    assert not window.isVisible()


def test_a_folder_is_detected_from_the_page_detect(open_window, qtbot, monkeypatch, tmp_path):
    tab = open_window().show_topic("detr")
    page = tab.now
    qtbot.waitUntil(lambda: page.info is not None and not page.feed.is_busy, timeout=PATIENCE)
    assert not page.folder.button.isVisibleTo(page)  # the toy sees drawn scenes only
    monkeypatch.setattr(training_data, "VALIDATION", 4)
    trainer = tab.pages[3]
    tab.show_page(3)
    trainer.state.put(batch=2, queries=3)
    folder = tmp_path / "own"
    folder.mkdir()
    tab.take_paths([own_folder(folder)])
    wait(qtbot, trainer, lambda: trainer.cards.began is not None and not trainer.cards.began.drawn)
    trainer.trained.use.click()
    assert tab.now is page
    qtbot.waitUntil(lambda: page.info.title == "Trained here" and not page.feed.is_busy, timeout=PATIENCE)
    assert page.folder.button.isVisibleTo(page)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "found"), ""))
    page.folder.button.click()
    place: Path = tmp_path / "found.json"
    qtbot.waitUntil(lambda: place.is_file() and not page.folder.stream.is_busy, timeout=PATIENCE)
    assert (tmp_path / "found-ground-truth.json").is_file()
    assert "found.json" in tab.error.reason()
    assert tab.error.property("kind") == "warning"
    assert not words.missing()
    for file in folder.glob("*.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file)

"""The page Draw boxes: real drags on a photo, names, undo, what is on the disk after each change."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QFileDialog

from app import theme, words
from engines.data import detector_pictures as training_data
from engines.data.boxes_folder import read_boxes_folder
from tests.app.detr_pages import at

PATIENCE = 60_000
TRAINING, DRAW = 3, 6


@pytest.fixture
def folder(tmp_path):
    for name in ("1.png", "2.png"):
        Image.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def tab(open_window, monkeypatch, folder):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    return open_window().show_topic("detr")


@pytest.fixture
def page(tab, qtbot):
    tab.show_page(DRAW)
    page = tab.now
    page.open.click()
    qtbot.waitUntil(lambda: page._photo is not None and not page.feed.is_busy, timeout=PATIENCE)
    return page


def drag(qtbot, page, first, last):
    view = page.canvas.viewport()
    start, end = (at(page.canvas, *place).toPoint() for place in (first, last))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, (start + end) / 2)
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)


def on_disk(folder):
    table = json.loads((folder / "boxes.json").read_text())
    names = {one["id"]: one["file_name"] for one in table["images"]}
    labels = {one["id"]: one["name"] for one in table["categories"]}
    return [(names[one["image_id"]], labels[one["category_id"]], one["bbox"]) for one in table["annotations"]]


def wait_for(qtbot, folder, labels):
    def there():
        return (folder / "boxes.json").is_file() and [label for _, label, _ in on_disk(folder)] == labels

    qtbot.waitUntil(there, timeout=PATIENCE)


def test_boxes_are_drawn_named_undone_and_saved_at_once(tab, page, qtbot, folder):
    assert not page.train.isEnabled()
    assert not list(folder.glob("*.json"))  # looking writes nothing
    page.label.setText("cat")
    page.label.textEdited.emit("cat")
    drag(qtbot, page, (0.25, 0.25), (0.5, 0.75))
    wait_for(qtbot, folder, ["cat"])
    ((photo, _, box),) = on_disk(folder)
    assert photo == "1.png"
    np.testing.assert_allclose(box, [40, 30, 40, 60], atol=2)
    page.label.textEdited.emit("dog")  # the chosen box is called so now
    page.label.editingFinished.emit()
    wait_for(qtbot, folder, ["dog"])
    page.walk(1)
    qtbot.waitUntil(lambda: page._photo.name == "2.png", timeout=PATIENCE)
    assert not page.canvas.boxes()
    drag(qtbot, page, (0.1, 0.1), (0.4, 0.4))
    wait_for(qtbot, folder, ["dog", "dog"])
    drag(qtbot, page, (0.25, 0.25), (0.35, 0.35))  # takes the box, which is under the pointer
    qtbot.waitUntil(lambda: on_disk(folder)[1][2][0] > 30, timeout=PATIENCE)
    np.testing.assert_allclose(on_disk(folder)[1][2], [32, 24, 48, 36], atol=3)
    tab.undo()
    qtbot.waitUntil(lambda: on_disk(folder)[1][2][0] < 20, timeout=PATIENCE)
    page.canvas.removed.emit(0)
    wait_for(qtbot, folder, ["dog"])
    tab.undo()
    wait_for(qtbot, folder, ["dog", "dog"])
    assert page.photos.item(1).text() == "2.png  (1)"


def test_a_box_inside_of_another(page, qtbot, folder):
    drag(qtbot, page, (0.1, 0.1), (0.9, 0.9))
    page.key(type("Key", (), {"key": lambda self: Qt.Key.Key_N})())
    drag(qtbot, page, (0.3, 0.3), (0.6, 0.6))
    wait_for(qtbot, folder, ["object", "object"])
    page.canvas.set_mode(True)
    page.escape()
    qtbot.mouseClick(page.canvas.viewport(), Qt.MouseButton.LeftButton, pos=at(page.canvas, 0.95, 0.95).toPoint())
    assert len(page.params.boxes) == 2  # a click draws nothing


def test_what_was_drawn_is_there_again_and_trained_on(tab, page, qtbot, folder, monkeypatch):
    monkeypatch.setattr(training_data, "VALIDATION", 4)
    drag(qtbot, page, (0.25, 0.25), (0.5, 0.75))
    wait_for(qtbot, folder, ["object"])
    boxes = page.params.boxes
    page.open.click()  # as after a kill: from the file
    qtbot.waitUntil(lambda: page.album is not None and not page.feed.is_busy, timeout=PATIENCE)
    np.testing.assert_allclose(page.params.boxes[0].box, boxes[0].box, atol=1e-3)
    assert len(read_boxes_folder(folder).training) == 1
    tab.pages[TRAINING].state.put(batch=2, queries=3)
    page.train.click()
    trainer = tab.now
    assert trainer is tab.pages[TRAINING]
    qtbot.waitUntil(lambda: trainer.cards.began is not None and not trainer.cards.began.drawn, timeout=PATIENCE)
    assert trainer.cards.began.classes == ("object",)
    trainer.data.draw.click()
    assert tab.now is page


def test_it_speaks_chinese(tab, page, qtbot):
    drag(qtbot, page, (0.25, 0.25), (0.5, 0.75))
    words.forget_missing()
    theme.switch(tab.window(), language="zh")
    assert not words.missing()
    assert page.canvas.on_screen(QPointF(0, 0)) is not None


def test_a_folder_that_can_not_be_drawn_on_is_said_and_let_go(tab, page, qtbot, folder):
    drag(qtbot, page, (0.25, 0.25), (0.5, 0.75))
    wait_for(qtbot, folder, ["object"])
    page.open_folder(str(folder / "nowhere"))
    qtbot.waitUntil(lambda: tab.error.isVisibleTo(tab) and page.params.folder == "", timeout=PATIENCE)
    assert not page.train.isEnabled()
    page.open_folder(str(folder))
    qtbot.waitUntil(lambda: len(page.params.boxes) == 1, timeout=PATIENCE)
    assert not tab.error.isVisibleTo(tab)
    assert [label for _, label, _ in on_disk(folder)] == ["object"]  # what was on screen went nowhere else


@pytest.mark.parametrize(("beside", "shake"), [((0.9, 0.9), 4), ((0.6, 0.6), 0), ((1.2, 0.5), 4)])
def test_a_click_beside_the_boxes_leaves_what_was_undone(tab, page, qtbot, folder, beside, shake):
    drag(qtbot, page, (0.1, 0.1), (0.3, 0.3))
    drag(qtbot, page, (0.5, 0.5), (0.8, 0.8))
    wait_for(qtbot, folder, ["object", "object"])
    tab.undo()
    wait_for(qtbot, folder, ["object"])
    view, place = page.canvas.viewport(), at(page.canvas, *beside).toPoint()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseMove(view, place + QPoint(shake, shake))  # a hand is not that steady
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place + QPoint(shake, shake))
    assert page.state.history.can_redo
    tab.redo()
    wait_for(qtbot, folder, ["object", "object"])


def test_a_folder_without_boxes_opened_for_training_is_offered_to_draw_on(tab, qtbot, folder):
    tab.show_page(TRAINING)
    page = tab.now
    page.data.open.click()  # asks the window for a folder
    assert tab.now is page
    assert tab.error.reason().startswith(f"{folder.name}: photos without boxes.")
    tab.error.action.click()
    assert tab.page == DRAW
    qtbot.waitUntil(lambda: tab.now.album is not None and list(tab.now.album.sizes) == ["1.png", "2.png"])
    tab.show_page(0)
    tab.window().take_paths([str(folder)])  # there they are photos to look at
    qtbot.waitUntil(lambda: tab.model.params.picture is not None, timeout=PATIENCE)
    assert tab.page == 0

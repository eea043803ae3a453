"""The page Training of the RT-DETR tab: a real run, small; what it tells is drawn, and can be looked back at."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication, QFileDialog

from app.room import Room
from app.topic import detector_saved
from engines.data import detector_pictures
from engines.rt_detr.training.spec import BUNDLED, SMALL, TOY

TRAINING = "training"
PATIENCE = 60_000


@pytest.fixture
def page(open_window, monkeypatch, qtbot):
    monkeypatch.setattr(detector_pictures, "VALIDATION", 8)
    monkeypatch.setattr(detector_pictures, "WATCHED", 3)
    tab = open_window(1280, 800).show_topic("rt_detr")
    at = [kind.name() for kind in tab.pages.kinds].index(TRAINING)
    tab.pages[at].state.put(batch=2, queries=5)
    tab.show_page(at)
    wait(qtbot, tab.now, lambda: tab.now.cards.history.newest is not None)
    return tab.now


def wait(qtbot, page, done):
    qtbot.waitUntil(lambda: done() and not page.training.stream.is_busy, timeout=PATIENCE)


def train(qtbot, page, until):
    while page.training.step < until:
        step = page.training.step
        page.training.one_step()
        wait(qtbot, page, lambda step=step: page.training.step > step)


def test_a_run_is_drawn_and_looked_back_at(page, qtbot):
    cards = page.cards
    first = cards.history.newest
    assert first.step == 0
    train(qtbot, page, 5)
    assert cards.history.steps == [0, 5]
    newest = cards.history.newest
    np.testing.assert_array_equal(cards.film.numbers()["owner_of_each_object"].T - 1,
                                  [one.found[0].owned_places for one in (first, newest)])  # fmt: skip
    assert len(cards.history.rows) == 5
    drawn = cards.other.numbers()
    assert any("noised" in name for name in drawn), drawn.keys()
    shown = cards.points.numbers()
    assert len(next(iter(shown.values()))) == 8 * 5
    assert "Correlation" in cards.points_said.text()
    # back to the beginning, and a query in every view
    page.transport.looked.emit(0)
    assert cards.on_scene == (first.found[0], 0)
    cards.choose(1)
    assert cards.film.at() == first.found[0].places[1]
    assert f"location {first.found[0].places[1] + 1}" in cards.query_text.text()
    cards.choose_owner(int(first.found[0].places[1]))  # the block of the same location lets it go
    assert (cards.query, cards.film.at()) == (-1, -1)


@pytest.mark.parametrize(("size", "lang"), [((1280, 800), "en"), ((1024, 600), "zh"), ((1024, 600), "en")])
def test_nothing_scrolls_sideways(page, size, lang):
    window = page.window()
    window.resize(*size)
    window.use_language(lang)
    tab = window.show_topic("rt_detr")
    for at, kind in enumerate(tab.pages.kinds):
        tab.show_page(at)
        QApplication.processEvents()
        assert (tab.now.findChild(Room).horizontalScrollBar().maximum(), kind.name()) == (0, kind.name())


def test_settings_go_together_and_wait_for_a_new_run(page, qtbot):
    train(qtbot, page, 1)
    page.step(begin=BUNDLED)
    assert (page.params.model, page.params.queries) == (TOY, 24)
    assert page.training.pending() == 4  # initialization, model, queries, and the learning rate that they bring
    page.step(model=SMALL)
    assert page.params.begin != BUNDLED
    page.step(groups=0)
    assert not page.form.control("box_noise").isEnabled()


def test_it_learns_from_a_folder_and_gives_way_to_one_that_is_gone(page, qtbot, tmp_path):
    coco = {"images": [], "annotations": [], "categories": [{"id": 3, "name": "brick"}, {"id": 9, "name": "ball"}]}
    rng = np.random.default_rng(1)
    for number in range(10):
        name = f"{number}.png"
        Image.fromarray(rng.integers(0, 255, (80, 120, 3), np.uint8)).save(tmp_path / name)
        coco["images"].append({"id": number, "file_name": name, "width": 120, "height": 80})
        for each in range(7 if number == 0 else 1):
            about = {"image_id": number, "category_id": 3 + 6 * (number % 2), "area": 1200, "iscrowd": 0}
            coco["annotations"].append({"id": 10 * number + each, "bbox": [10 + each, 10, 40, 30], **about})
    (tmp_path / "annotations.json").write_text(json.dumps(coco))
    assert page.accepts(tmp_path)
    page.take([tmp_path])
    wait(qtbot, page, lambda: page.cards.began is not None and not page.cards.began.drawn)
    began = page.cards.began
    assert sorted(began.classes) == ["ball", "brick"]
    assert began.largest == 7
    assert page.params.queries == began.params.queries == 9  # a quarter more than the fullest picture holds
    assert "2 classes" in page.data.note.text()
    train(qtbot, page, 1)
    page.step(folder=str(tmp_path / "gone"))
    page.training.restart()
    wait(qtbot, page, lambda: page.params.folder == "")


def test_a_trained_model_is_used_on_detect_and_saved(page, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(detector_saved, "WORTH", 2)
    train(qtbot, page, 5)
    tab, training = page.window().show_topic("rt_detr"), page
    training.trained.use.click()
    detect = tab.now
    assert detect.name() == "detect"
    qtbot.waitUntil(lambda: detect.info is not None and detect.info.title == "Trained here" and not tab.is_busy)
    assert (detect.info.queries, len(detect.found.scores)) == (5, 5)
    newest = training.cards.history.newest
    drawn_now = detect.found
    training.transport.looked.emit(0)  # another state of the run is looked at
    qtbot.waitUntil(lambda: detect.found is not drawn_now and not tab.is_busy)
    assert detect.params.weights.step == 0
    assert newest.step == 5
    tab.show_page([kind.name() for kind in tab.pages.kinds].index(TRAINING))
    training.transport.live.click()
    assert training.trained.unsaved() == 5
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    training.trained.save.click()
    qtbot.waitUntil(lambda: training.trained.unsaved() == 0, timeout=PATIENCE)
    assert str(tmp_path / "mine") in page.shell.settings.recent_models
    tab.show_page(0)
    tab.take_model(str(tmp_path / "mine"))  # as it is dropped on the window
    qtbot.waitUntil(lambda: detect.info.title == "mine" and not tab.is_busy)
    assert (detect.info.toy, detect.info.queries, len(detect.found.scores)) == (True, 5, 5)

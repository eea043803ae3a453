"""The page Training of the DETR tab: a real run, small; what it tells is drawn, and can be looked back at."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication

from app import export, theme, words
from app.room import Room
from app.topic.detector_places import train_places
from app.views.matchfilm import MatchFilm, stretches
from engines.core.training import Stopped
from engines.data import detector_pictures as training_data
from engines.detr.training.spec import BACKBONE, BUNDLED, SMALL, TOY, UP_TO_8, DetrTraining
from tests.app.detr_fake import texts
from tests.app.detr_pages import MATCHING, TRAINING, open_pages

PATIENCE = 60_000


@pytest.fixture
def window(open_window, monkeypatch):
    monkeypatch.setattr(training_data, "VALIDATION", 8)
    monkeypatch.setattr(training_data, "WATCHED", 3)
    return open_pages(open_window, monkeypatch)


@pytest.fixture
def tab(window):
    tab = window.show_topic("detr")
    tab.pages[TRAINING].state.put(batch=2, queries=5)
    return tab


@pytest.fixture
def page(tab, qtbot):
    tab.show_page(TRAINING)
    wait(qtbot, tab.now, lambda: tab.now.cards.history.newest is not None)
    return tab.now


def wait(qtbot, page, done):
    qtbot.waitUntil(lambda: done() and not page.training.stream.is_busy, timeout=PATIENCE)


def train(qtbot, page, until):
    """Step by step, so that the run ends exactly there."""
    while page.training.step < until:
        step = page.training.step
        page.training.one_step()
        wait(qtbot, page, lambda step=step: page.training.step > step)


def test_it_opens_on_the_untrained_model(tab, page):
    cards = page.cards
    assert page.training.step == 0
    assert len(cards.scene.boxes()) == 5 + len(cards.example.boxes)
    assert len(cards.scene._links) == len(cards.example.boxes)
    assert cards.slots.numbers()["maps"].shape == (5, 8, 8)
    assert cards.film.numbers()["steps"].tolist() == [0]
    assert "Drawn scenes" in texts(page.dock)
    assert not tab.failed


def test_steps_are_drawn_and_looked_back_at(tab, page, qtbot):
    train(qtbot, page, 6)
    cards = page.cards
    assert cards.history.steps == [0, 5]
    qtbot.waitUntil(lambda: [c.x.tolist() for c in cards.loss.curves()] == [[1, 2, 3, 4, 5, 6]] * 3, timeout=PATIENCE)
    assert cards.on_scene[1] == 6  # the scene follows each step, measured or not
    film = cards.film.numbers()
    assert film["owner_of_each_object"].shape == (len(cards.example.boxes), 2)
    assert (
        film["switches"].tolist() == (film["owner_of_each_object"][:, 0] != film["owner_of_each_object"][:, 1]).tolist()
    )
    first = cards.history.measured[0]
    cards.transport.look(2)
    assert cards.on_scene == (first.found[0], 0)
    np.testing.assert_array_equal(cards.slots.numbers()["maps"], first.attention)
    assert page.training.weights.step == 0
    cards.transport.look(6)
    assert cards.on_scene[1] == 5


def test_start_and_pause(page, qtbot):
    page.cards.transport.play.click()
    qtbot.waitUntil(lambda: page.training.step >= 2, timeout=PATIENCE)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert not page.training.runs
    wait(qtbot, page, lambda: True)
    rested = page.training.step
    train(qtbot, page, rested + 1)
    assert page.training.step == rested + 1


def test_what_starts_a_new_run_waits_and_can_be_undone(tab, page, qtbot):
    train(qtbot, page, 2)
    page.form.control("queries").changed.emit(7.0)
    page.form.control("queries").settled.emit(7.0)
    assert page.params.queries == 7
    assert page.pending.isVisibleTo(page.dock)
    assert "1 change since the run began" in texts(page.dock)
    tab.undo()
    assert page.params.queries == 5
    assert not page.pending.isVisibleTo(page.dock)
    tab.redo()
    page.pending.anew.click()
    wait(qtbot, page, lambda: page.cards.history.newest is not None and page.cards.history.newest.step == 0)
    assert page.training.step == 0
    assert page.cards.slots.numbers()["maps"].shape == (7, 8, 8)


def test_what_is_live_reaches_the_run_and_starts_none(tab, page, qtbot):
    train(qtbot, page, 1)
    page.form.control("learning_rate").changed.emit(0.005)
    assert page.training.pending() == 0
    train(qtbot, page, 2)
    assert page.training.params.learning_rate == 0.005


def test_bundled_weights_are_the_toy_models(tab, page):
    page.form.control("begin").chosen.emit(2)
    assert (page.params.model, page.params.queries) == (TOY, 16)
    assert not page.form.control("model").isEnabled()
    tab.undo()
    assert (page.params.model, page.params.queries) == (SMALL, 5)
    assert page.form.control("begin").at() == 1


def test_the_run_before_stays_behind_the_new_one(page, qtbot):
    train(qtbot, page, 10)
    page.training.restart()
    wait(qtbot, page, lambda: len(page.cards.history.measured) == 1)
    names = [words.drawn(curve.name) for curve in page.cards.precision.curves()]
    assert names == ["AP", "AP50", "the previous run"]
    assert "dashed: the previous run" in texts(page.cards.precision_card)


def test_a_query_is_marked_in_every_view(page):
    cards = page.cards
    owner = int(cards.history.newest.found[0].owners[0])
    cards.film.chosen.emit(owner)
    assert (cards.film.at(), cards.slots.at()) == (owner, owner)
    assert cards._rows[cards.scene.at()] == owner
    assert f"Query {owner + 1} is matched to A" in " ".join(texts(cards.scene_card))
    assert cards.scene.numbers()["heat"].sum() == pytest.approx(1, abs=1e-3)  # where it looks, on the photo
    page.escape()
    assert "heat" not in cards.scene.numbers()
    assert (cards.film.at(), cards.slots.at(), cards.scene.at()) == (-1, -1, -1)
    cards.slots.chosen.emit(1)
    assert cards.film.at() == 1
    cards.shown_maps.chosen.emit(1)


def test_another_scene_can_be_watched(page, qtbot):
    cards = page.cards
    first = cards.example
    cards.stepped_scene.emit(1)
    assert cards.example is not first
    assert len(cards.scene._links) == len(cards.example.boxes)
    assert len(cards.film.numbers()["objects"]) == len(cards.example.boxes)
    train(qtbot, page, 1)
    assert cards.on_scene[1] == 1
    cards.stepped_scene.emit(-1)
    assert cards.example is first


def test_a_step_s_weights_are_offered_as_the_model_and_follow_the_scrubber(page, qtbot):
    used, shown = [], []
    page.used.connect(lambda weights: used.append(weights.step))
    page.shows.connect(lambda weights: shown.append(weights.step))
    train(qtbot, page, 5)
    assert page.trained.use.text() == "Use on Detect"
    page.trained.use.click()
    assert used == [5]
    page.transport.look(1)
    page.transport.look(5)  # back to live
    assert shown == [0, 5]


def test_a_run_that_diverged_is_told(tab, page):
    page.training.stream.arrived.emit(Stopped(3, words.plain("Loss became NaN at step 4.")))
    assert tab.error.isVisibleTo(tab)
    assert not page.training.runs


def own_folder(folder):
    source = training_data.Drawn("", 64, np.random.default_rng(4))
    images, annotations = [], []
    for index, sample in enumerate(source.batch(10)):
        Image.fromarray(sample.rgb).save(folder / f"{index}.png")
        images.append({"id": index, "file_name": f"{index}.png", "width": 64, "height": 64})
        for x0, y0, x1, y1 in (sample.boxes * 64).tolist():
            annotations.append({"id": 1, "image_id": index, "category_id": 1, "bbox": [x0, y0, x1 - x0, y1 - y0]})
    annotations.append({"id": 9, "image_id": 77, "category_id": 1, "bbox": [0, 0, 5, 5]})
    table = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "blob"}]}
    (folder / "boxes.json").write_text(json.dumps(table, indent=1))
    return folder


def test_another_model_leaves_the_learning_rate_of_the_run_in_hand(page, qtbot):
    train(qtbot, page, 1)
    page.step(begin=BUNDLED)  # which wants gentler steps
    train(qtbot, page, 2)
    assert page.params.learning_rate < DetrTraining().learning_rate == page.training.params.learning_rate
    page.step(learning_rate=2e-3)
    train(qtbot, page, 3)
    assert page.training.params.learning_rate == 2e-3


def test_one_is_not_said_as_several(page):
    one = replace(
        page.cards.began, drawn=False, classes=("blob",), pictures=1, validation=1, objects=1, largest=1, skipped=0
    )
    page.data.show_run(one)
    assert page.data.note.text() == (
        "1 class; 1 picture for training, 1 with 1 object for validation; up to 1 object in a picture"
    )
    page.data.show_run(replace(one, drawn=True))
    assert page.data.note.text().endswith("with 1 object")
    page.cards.began = one
    page.cards._note_precision(False)
    assert "on 1 picture" in texts(page.cards.precision_card)


def test_a_dropped_folder_is_trained_on(tab, page, qtbot, tmp_path):
    folder = own_folder(tmp_path)
    tab.show_page(MATCHING)
    assert tab.takes_path(folder)
    tab.take_paths([folder])
    wait(qtbot, page, lambda: page.cards.began is not None and not page.cards.began.drawn)
    assert tab.now is page
    said = " ".join(texts(page.dock))
    assert folder.name in said
    assert not page.form.control("first_pixel").isVisibleTo(page.dock)  # COCO's boxes have no first pixel
    assert "annotations left out: 1" in said
    assert {words.drawn(box.tag)[2:] for box in page.cards.scene.boxes() if box.token == "truth"} == {"blob"}
    assert tab.error.isVisibleTo(tab)
    page._copy_faults(page.cards.began)
    assert "boxes.json, line " in QGuiApplication.clipboard().text()
    train(qtbot, page, 1)
    page.data.drawn.click()
    assert page.params.folder == ""
    assert page.training.pending() == 1
    theme.switch(tab.window(), language="zh")
    assert "boxes.json" in page.data.note.toolTip()
    assert "line" not in page.data.note.toolTip()


def test_how_a_folder_was_read_is_said_and_voc_can_be_switched(tab, page, qtbot, tmp_path):
    for name in "ab":
        Image.fromarray(np.zeros((80, 64, 3), np.uint8)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><object><name>blob</name><bndbox><xmin>0</xmin><ymin>20</ymin><xmax>40</xmax><ymax>60</ymax>"
            "</bndbox></object></annotation>"
        )
    assert not page.form.control("first_pixel").isVisibleTo(page)
    tab.take_paths([tmp_path])
    wait(qtbot, page, lambda: page.cards.began is not None and not page.cards.began.drawn)
    assert "0-based" in tab.error.reason()
    assert page.form.control("first_pixel").isVisibleTo(page.dock)
    page.step(first_pixel="From 1")
    page.training.restart()
    wait(qtbot, page, lambda: page.cards.began.params.first_pixel == "From 1")
    assert "1-based" in tab.error.reason()


def test_nothing_of_the_run_before_is_left_in_the_next(tab, page, qtbot, tmp_path):
    cards = page.cards
    cards.watch(2)
    cards.choose(4)
    page.training.play()
    qtbot.waitUntil(lambda: page.training.params.scene == 2 and page.training.step > 0, timeout=PATIENCE)
    page.change(queries=3, fit_queries=False)
    tab.take_paths([own_folder(tmp_path)])  # while it runs: the next run goes on at once
    qtbot.waitUntil(lambda: not cards.began.drawn and cards.history.newest is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.training.params.scene == cards.watched == 0, timeout=PATIENCE)
    assert page.training.runs
    assert cards.query == -1
    cards.choose(4)  # a block of the old film
    assert cards.query == -1
    page.training.pause()
    wait(qtbot, page, lambda: True)


def test_a_folder_that_can_not_be_used_leaves_the_drawn_scenes(tab, page, qtbot, tmp_path):
    (tmp_path / "boxes.json").write_text('{"images": [], "annotations": [], "categories": []}')
    tab.take_paths([tmp_path])
    qtbot.waitUntil(lambda: tab.error.isVisibleTo(tab), timeout=PATIENCE)
    wait(qtbot, page, lambda: True)
    assert page.params.folder == ""
    assert not tab.takes_path(tmp_path / "nowhere")


def test_it_speaks_chinese_and_fits_the_smallest_window(page, qtbot):
    words.forget_missing()
    theme.switch(page.window(), language="zh")
    train(qtbot, page, 1)
    page.cards.choose(0)
    assert not words.missing()
    for width, height in ((932, 560), (1200, 700), (1600, 900)):
        places = train_places(width, height)
        assert all(place.width() >= 240 and place.height() >= 200 for place in places)
        assert max(place.right() for place in places) == width - 1
        assert not any(a.intersects(b) for i, a in enumerate(places) for b in places[:i])


def test_nothing_scrolls_in_a_window_of_1280_by_800(page):
    bar = page.findChild(Room).horizontalScrollBar()
    assert (page.window().width(), bar.maximum()) == (1280, 0)


def test_the_settings_of_the_run_go_into_exported_files(page, qtbot):
    train(qtbot, page, 1)
    page.step(queries=7)  # waits for the next run
    for view in (*page.cards.plots, page.cards.scene, page.cards.film, page.cards.slots):
        assert export.settings_of(view)["queries"] == 5
        assert "until" not in export.settings_of(view)


def test_settings_of_before_are_read(window):
    window.settings._topics["detr.training"] = {
        "rate": 0.002,
        "auxiliary": False,
        "aids": True,
        "scenes": UP_TO_8,
        "seed": 7,
    }
    params = window.show_topic("detr").pages[TRAINING].params
    assert params == DetrTraining(
        learning_rate=0.002, auxiliary_losses=False, auxiliary_queries=True, scenes=UP_TO_8, seed=7
    )


def test_remembered_settings_that_do_not_go_together_are_mended(window):
    kept = {"begin": BUNDLED, "model": SMALL, "queries": 9, "batch": 1_000, "rate": "fast"}
    window.settings._topics["detr.training"] = kept
    params = window.show_topic("detr").pages[TRAINING].params
    assert (params.begin, params.queries, params.batch) == (BACKBONE, 9, DetrTraining().batch)
    assert params.learning_rate == DetrTraining().learning_rate


def test_a_kept_run_of_before_brings_its_settings(page):
    found = {
        "folder": "", "rate": 3e-3, "no_object": 0.2, "scene": 1, "begin": BUNDLED, "model": TOY, "scenes": UP_TO_8,
        "queries": 12, "batch": 4, "auxiliary": False, "backbone": True, "aids": True, "seed": 5,
    }  # fmt: skip
    page.put_run(found)
    now = page.params
    assert (now.learning_rate, now.auxiliary_losses, now.auxiliary_queries) == (3e-3, False, True)
    assert (now.begin, now.model, now.queries, now.seed) == (BUNDLED, TOY, 12, 5)


# ------------------------------------------------------------------ the film
def test_stretches_join_equal_owners():
    assert stretches(np.array([2, 2, 5, -1, -1])) == [(0, 2, 2), (2, 3, 5), (3, 5, -1)]
    assert stretches(np.array([], int)) == []


def test_the_film_says_who_owns_what(qapp):
    film = MatchFilm()
    film.resize(400, 200)
    film.set_film(["A", "B"], [0, 5, 10], np.array([[0, 1], [0, 2], [3, -1]]))
    assert film.switches().tolist() == [1, 2]
    seen = []
    film.hovered.connect(seen.append)
    film.chosen.connect(seen.append)
    middle = QPointF(film.block_rect(1, 1, 2).center())
    assert film.under(middle) == (1, 1)
    film._point((1, 1))
    assert film.report() == "B, step 5: query 3"
    film.enter()
    film.walk(0, 1)
    assert film.report() == "B, step 10: no query"
    assert not film.enter()
    assert seen == [(1, 5), 2, (1, 10)]
    assert film.column_of(7) == 1
    film.set_at(3)
    film.set_cursor(10)
    assert not film.grab().isNull()
    with pytest.raises(ValueError, match="owners"):
        film.set_film(["A"], [0], np.zeros((2, 2)))

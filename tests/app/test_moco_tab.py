"""The MoCo tab by hand: sliders of the views, a run with its queue, looking back, saving, dropped pictures."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import words
from engines.core.errors import Message
from engines.core.pictures import Picture
from engines.moco.saved import put_aside
from engines.moco.spec import (
    BANK,
    BUNDLED,
    FOLDER,
    PRESETS,
    RANDOM,
    THIS_RUN,
    Collapsed,
    Tuned,
    preset,
    run_file,
    run_folder,
    saved_run,
)

SLOW = 120_000  # ms, for a machine that has much else to do


@pytest.fixture
def small(monkeypatch):
    """Few shapes, so that a run is soon there."""
    from engines.moco import pictures

    pictures._shapes.cache_clear()
    monkeypatch.setattr(pictures, "DRAWN", 96)
    monkeypatch.setattr(pictures, "HELD_OUT", 32)
    yield
    pictures._shapes.cache_clear()


@pytest.fixture
def window(small, open_window):
    return open_window(1280, 800)


@pytest.fixture
def tab(window, qtbot):
    made = window.show_topic("moco")
    made.change(undoable=False, batch=16, queue_size=64)
    made.history.clear()
    rest(qtbot, made)
    return made


def rest(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.stream.is_busy and not tab.running.driver.stream.is_busy, timeout=SLOW)


def train(qtbot, tab, steps):
    driver = tab.running.driver
    for _ in range(steps):
        driver.one_step()
        rest(qtbot, tab)
    assert driver.step >= steps


@pytest.mark.parametrize(("language", "said"), [("en", "Encoder: bundled"), ("zh", "编码器：内置")])
def test_it_opens_on_the_bundled_encoder(small, open_window, qtbot, language, said):
    tab = open_window(language=language).show_topic("moco")
    rest(qtbot, tab)
    assert tab.params.encoder == BUNDLED
    assert tab.views.said.text().startswith(said)
    assert not tab.changes()
    assert tab.views.bars.numbers()["weights"].sum() == pytest.approx(1, abs=1e-3)


def test_a_run_that_settings_remember_is_not_there_at_the_start(tab, window, qtbot, open_window):
    tab.change(encoder=THIS_RUN)
    window.close()
    again = open_window().show_topic("moco")
    assert again.params.encoder == BUNDLED
    again.change(encoder=RANDOM)
    again.window().close()
    assert open_window().show_topic("moco").params.encoder == RANDOM


def test_without_bundled_weights_it_opens_on_the_run_to_come(small, open_window, qtbot, monkeypatch):
    monkeypatch.setattr("app.tabs.moco.tab.bundled", lambda: False)
    tab = open_window().show_topic("moco")
    rest(qtbot, tab)
    assert tab.params.encoder == THIS_RUN
    assert tab.views.said.text().startswith("Encoder: random weights")


def test_before_the_first_step_the_plots_wait_for_whole_steps(tab, qtbot):
    tab.show_page(1)
    rest(qtbot, tab)
    tab.show_page(2)
    queue, test = tab.queue, tab.test
    assert queue.loss.values_at(None) == [None, pytest.approx(np.log(65))]  # the guess is known at once
    for plot in (queue.loss, queue.distance, test.accuracy, test.spread, test.tuning):
        assert plot._x_end == 20
    assert queue.stale._x_end == 64 / 16  # the age that keys reach


def test_a_run_is_looked_at_from_its_first_step_until_the_hand_chooses(tab, qtbot):
    tab.show_page(1)
    rest(qtbot, tab)
    assert tab.params.encoder == BUNDLED
    train(qtbot, tab, 1)
    assert tab.params.encoder == THIS_RUN
    assert not tab.history.can_undo
    tab.show_page(0)
    rest(qtbot, tab)
    assert tab.views.said.text().startswith("Encoder: the run at step 1")
    tab.change(encoder=BUNDLED)
    tab.show_page(1)
    train(qtbot, tab, 2)
    assert tab.params.encoder == BUNDLED
    tab.running.driver.restart()
    rest(qtbot, tab)
    train(qtbot, tab, 1)
    assert tab.params.encoder == THIS_RUN


def test_a_slider_of_one_view_changes_that_view(tab, qtbot):
    before = [tile.rgb for tile in tab.views.trio._tiles]
    tab.views_form.control("color_2").slider.setValue(0)
    rest(qtbot, tab)
    after = [tile.rgb for tile in tab.views.trio._tiles]
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[2], after[2])
    assert tab.changes() == 1
    tab.undo()
    rest(qtbot, tab)
    assert np.array_equal(before[2], tab.views.trio._tiles[2].rgb)


def test_temperature_is_live_in_the_bars(tab, qtbot):
    weights = tab.views.bars.numbers()["weights"]
    tab.change(temperature=0.03)
    rest(qtbot, tab)
    sharp = tab.views.bars.numbers()["weights"]
    assert sharp.max() > weights.max()
    assert sharp.sum() == pytest.approx(1, abs=1e-3)
    QTest.mouseMove(tab.views.bars, tab.views.bars._upper.center().toPoint())
    assert tab.views.bars.under(QPointF(tab.views.bars._upper.x() + 2, 0)) == -1


def test_another_picture_by_click_by_drop_and_drawn_again(tab, qtbot):
    tab.views.gallery.chosen.emit(3)
    rest(qtbot, tab)
    assert tab.params.anchor == 3
    views = tab.views.trio._tiles[1].rgb
    tab.views.again.click()
    rest(qtbot, tab)
    assert not np.array_equal(views, tab.views.trio._tiles[1].rgb)
    tab.take_picture(Picture("mine", np.full((50, 70, 3), 90, np.uint8)))
    rest(qtbot, tab)
    assert tab.views.gallery._at == -1
    assert tab.views.trio._tiles[0].rgb.shape == (50, 50, 3)


def test_named_strengths_and_alike(tab, qtbot):
    tab._named(list(PRESETS).index("MoCo v2"))
    assert all(getattr(tab.params, name) == value for name, value in preset("MoCo v2").items())
    tab.change(crop_1=0.9)
    tab.alike.click()
    assert tab.params.crop_2 == 0.9
    assert tab.strengths.at() == len(PRESETS)  # the hand's own
    rest(qtbot, tab)


def test_a_run_fills_the_ring_and_can_be_looked_back_at(tab, qtbot):
    tab.show_page(1)
    rest(qtbot, tab)
    assert (tab.queue.ring.numbers()["ages"] == -1).all()
    train(qtbot, tab, 5)
    ages = tab.queue.ring.numbers()["ages"]
    assert sorted(set(ages.tolist())) == [0, 1, 2, 3]
    assert "oldest" in tab.queue.ring.report()
    ring = tab.queue.ring
    spot = ring._spot(0.5, 0.8)
    assert ring.under(spot) == 0
    assert ring.under(QPointF(ring._place.center())) is None
    assert len(tab.running.told.curve("loss")) == 5
    tab.transport._look(0)
    assert tab.running.looked == 0
    assert (tab.queue.ring.numbers()["ages"] == -1).all()
    tab.transport._look(5)
    assert tab.running.looked is None
    tab.show_page(0)
    rest(qtbot, tab)
    assert tab.params.weights.step == 5
    tab.show_page(2)
    assert tab.transport.isVisible()
    assert len(tab.test.map.numbers()["points"]) == 32
    assert tab.running.told.measured[0].step == 0


def test_structure_waits_for_a_new_run_and_live_settings_do_not(tab, qtbot):
    tab.show_page(1)
    rest(qtbot, tab)
    train(qtbot, tab, 2)
    tab.change(momentum=0.5)
    assert not tab.pending.anew.isVisible()
    tab.change(method=BANK)
    assert tab.pending.anew.isVisible()
    tab.pending.anew.click()
    rest(qtbot, tab)
    assert tab.running.driver.step == 0
    assert not tab.pending.anew.isVisible()
    assert len(tab.queue.ring.numbers()["ages"]) == 96  # one vector a picture
    train(qtbot, tab, 1)


def test_a_run_is_gone_on_with_after_closing(tab, window, qtbot, open_window):
    tab.show_page(1)
    rest(qtbot, tab)
    train(qtbot, tab, 3)
    tab.running.driver.close()
    assert saved_run(run_file(run_folder(), tab.params)).step == 3
    window.close()
    assert window.lane.close(60)
    again = open_window(1280, 800).show_topic("moco")
    again.show_page(1)
    rest(qtbot, again)
    assert again.saved_part.isVisible()
    again.go_on.click()
    rest(qtbot, again)
    assert again.running.driver.step == 3
    assert again.params.batch == 16
    assert not again.saved_part.isVisible()
    train(qtbot, again, 1)
    assert again.running.told.last.step == 4
    assert not again.running.driver.pending()


def test_a_run_put_aside_can_be_gone_on_with(tab, window, qtbot, open_window):
    tab.show_page(1)
    rest(qtbot, tab)
    train(qtbot, tab, 3)
    tab.running.driver.restart()
    rest(qtbot, tab)
    window.close()
    assert window.lane.close(60)
    file = run_file(run_folder(), tab.params)
    put_aside(file)
    for end in (".pt", ".json"):  # and a newer one in its place
        shutil.copy(file.with_name(f"{file.stem}-before{end}"), file.with_suffix(end))
    file.with_suffix(".json").write_text(file.with_suffix(".json").read_text().replace('"step": 3', '"step": 4'))
    again = open_window(1280, 800).show_topic("moco")
    again.show_page(1)
    rest(qtbot, again)
    assert "step 4" in again.saved_text.text()
    again.earlier.click()
    assert "step 3" in again.saved_text.text()
    again.go_on.click()
    rest(qtbot, again)
    assert again.running.driver.step == 3
    assert '"step": 3' in file.with_suffix(".json").read_text()


def test_a_dropped_folder_is_learned_from(tab, window, qtbot, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(12):
            Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(tmp_path / "set" / name / f"{i}.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "set"))])
    window.intake.dropped(data)
    assert tab.params.data == FOLDER
    tab.show_page(1)
    rest(qtbot, tab)
    assert tab.running.told.began.names == ("a", "b")
    tab.change(batch=64)
    tab.running.driver.restart()
    rest(qtbot, tab)
    assert tab.error.isVisible()
    assert any("fewer than the batch" in part.text() for part in tab.error.findChildren(QLabel))


def test_a_collapse_and_a_fine_tuning_are_said(tab, qtbot):
    tab.show_page(2)
    rest(qtbot, tab)
    tab.running._arrived(Collapsed(40, 0.01))
    assert tab.error.isVisible()
    for step in (0, 6):
        tab.test.take_tuned(Tuned(10, step, 60, 0.5 + step / 100, 0.4))
    assert "+16.0" in tab.test.tune_note.text()


def test_keys_walk_the_run_only_where_it_is_shown(tab, qtbot):
    QTest.keyClick(tab, Qt.Key.Key_Period)
    assert tab.running.driver.step == 0
    tab.show_page(1)
    rest(qtbot, tab)
    QTest.keyClick(tab, Qt.Key.Key_Period)
    rest(qtbot, tab)
    assert tab.running.driver.step == 1


def test_an_empty_folder_says_so_on_the_page(tab, qtbot):
    tab.change(data=FOLDER, paths=())
    rest(qtbot, tab)
    said = words.drawn(Message("Drop a folder of pictures here, or choose one."))
    assert tab.views.views_card._empty_text.text() == said

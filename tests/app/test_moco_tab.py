"""The MoCo tab by hand: sliders of the views, a run with its queue, looking back, saving, dropped pictures."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import export
from app.settings import Settings
from app.topic.state import State
from engines.core.pictures import Picture
from engines.core.training import Weights
from engines.moco.saved import put_aside, run_file, run_folder, saved_run
from engines.moco.settings import BANK, FOLDER, PRESETS, SHAPES, preset
from engines.moco.spec import BUNDLED, RANDOM, THIS_RUN, Collapsed, MocoParams
from engines.moco.test.spec import Tuned
from tests.app import tabs

VIEWS, QUEUE, TEST = range(3)
SLOW = 120_000  # ms, for a machine that has much else to do


@pytest.fixture
def small(monkeypatch):
    """Few shapes, so that a run is soon there."""
    from engines.moco import pictures

    pictures._bundled.clear()
    monkeypatch.setattr(pictures, "DRAWN", 96)
    monkeypatch.setattr(pictures, "HELD_OUT", 32)
    yield
    pictures._bundled.clear()


@pytest.fixture
def window(small, open_window):
    return open_window(1280, 800)


@pytest.fixture
def tab(window, qtbot):
    made = window.show_topic("moco")
    made.now.state.put(batch=16, queue_size=64)
    rest(qtbot, made)
    return made


def rest(qtbot, tab):
    qtbot.waitUntil(lambda: tabs.rests(tab), timeout=SLOW)


def turn(qtbot, tab, page):
    tab.show_page(page)
    rest(qtbot, tab)
    return tab.now


def train(qtbot, tab, steps):
    training = tab.run.training
    for _ in range(steps):
        training.one_step()
        rest(qtbot, tab)
    assert training.step >= steps


@pytest.mark.parametrize(("language", "said"), [("en", "Encoder: bundled"), ("zh", "编码器：内置")])
def test_it_opens_on_the_bundled_encoder(small, open_window, qtbot, language, said):
    tab = open_window(language=language).show_topic("moco")
    rest(qtbot, tab)
    assert tab.params.encoder == BUNDLED
    assert tab.pages[VIEWS].said.text().startswith(said)
    assert not tab.params.changes()
    assert tab.pages[VIEWS].bars.numbers()["weights"].sum() == pytest.approx(1, abs=1e-3)


def test_a_run_that_settings_remember_is_not_there_at_the_start(tab, window, qtbot, open_window):
    tab.now.change(encoder=THIS_RUN)
    window.close()
    again = open_window().show_topic("moco")
    assert again.params.encoder == BUNDLED
    again.now.change(encoder=RANDOM)
    again.window().close()
    assert open_window().show_topic("moco").params.encoder == RANDOM


def test_without_bundled_weights_it_opens_on_the_run_to_come(small, open_window, qtbot, monkeypatch):
    monkeypatch.setattr("app.tabs.moco.tab.bundled", lambda: False)
    tab = open_window().show_topic("moco")
    rest(qtbot, tab)
    assert tab.params.encoder == THIS_RUN
    assert tab.pages[VIEWS].said.text().startswith("Encoder: random weights")


def test_before_the_first_step_the_plots_wait_for_whole_steps(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    tab.show_page(TEST)
    queue, test = tab.pages[QUEUE], tab.pages[TEST]
    assert queue.loss.values_at(None) == [None, pytest.approx(np.log(65))]  # the guess is known at once
    for plot in (queue.loss, queue.distance, test.accuracy, test.spread, test.tuning):
        assert plot._x_end == 20
    assert queue.stale._x_end == 64 / 16  # the age that keys reach


def test_a_run_is_looked_at_from_its_first_step_until_the_hand_chooses(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    assert tab.params.encoder == BUNDLED
    train(qtbot, tab, 1)
    assert tab.params.encoder == THIS_RUN
    assert not tab.now.state.history.can_undo
    turn(qtbot, tab, VIEWS)
    assert tab.pages[VIEWS].said.text().startswith("Encoder: the run at step 1")
    tab.now.change(encoder=BUNDLED)
    tab.show_page(QUEUE)
    train(qtbot, tab, 2)
    assert tab.params.encoder == BUNDLED
    tab.run.training.restart()
    rest(qtbot, tab)
    train(qtbot, tab, 1)
    assert tab.params.encoder == THIS_RUN


def test_a_slider_of_one_view_changes_that_view(tab, qtbot):
    before = [tile.rgb for tile in tab.pages[VIEWS].trio.tiles()]
    tab.now.forms[0].control("color_2").slider.setValue(0)
    rest(qtbot, tab)
    after = [tile.rgb for tile in tab.pages[VIEWS].trio.tiles()]
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[2], after[2])
    assert tab.params.changes() == 1
    tab.undo()
    rest(qtbot, tab)
    assert np.array_equal(before[2], tab.pages[VIEWS].trio.tiles()[2].rgb)


def test_temperature_is_live_in_the_bars(tab, qtbot):
    weights = tab.pages[VIEWS].bars.numbers()["weights"]
    tab.now.change(temperature=0.03)
    rest(qtbot, tab)
    sharp = tab.pages[VIEWS].bars.numbers()["weights"]
    assert sharp.max() > weights.max()
    assert sharp.sum() == pytest.approx(1, abs=1e-3)
    QTest.mouseMove(tab.pages[VIEWS].bars, tab.pages[VIEWS].bars._upper.center().toPoint())
    assert tab.pages[VIEWS].bars.under(QPointF(tab.pages[VIEWS].bars._upper.x() + 2, 0)) == -1


def test_another_picture_by_click_by_drop_and_drawn_again(tab, qtbot):
    tab.pages[VIEWS].gallery.chosen.emit(3)
    rest(qtbot, tab)
    assert tab.params.anchor == 3
    views = tab.pages[VIEWS].trio.tiles()[1].rgb
    tab.pages[VIEWS].again.click()
    rest(qtbot, tab)
    assert not np.array_equal(views, tab.pages[VIEWS].trio.tiles()[1].rgb)
    tab.take_picture(Picture("mine", np.full((50, 70, 3), 90, np.uint8)))
    rest(qtbot, tab)
    assert tab.pages[VIEWS].gallery.at() == -1
    assert tab.pages[VIEWS].trio.tiles()[0].rgb.shape == (50, 50, 3)


def test_named_strengths_and_alike(tab, qtbot):
    tab.now.strengths.chosen.emit(list(PRESETS).index("MoCo v2"))
    assert all(getattr(tab.params, name) == value for name, value in preset("MoCo v2").items())
    tab.now.change(crop_1=0.9)
    tab.now.alike.click()
    assert tab.params.crop_2 == 0.9
    assert tab.now.strengths.at() == len(PRESETS)  # the hand's own
    rest(qtbot, tab)


def test_a_run_fills_the_ring_and_can_be_looked_back_at(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    assert (tab.pages[QUEUE].ring.numbers()["ages"] == -1).all()
    train(qtbot, tab, 5)
    ages = tab.pages[QUEUE].ring.numbers()["ages"]
    assert sorted(set(ages.tolist())) == [0, 1, 2, 3]
    assert "oldest" in tab.pages[QUEUE].ring.report()
    ring = tab.pages[QUEUE].ring
    spot = ring._spot(0.5, 0.8)
    assert ring.under(spot) == 0
    assert ring.under(QPointF(ring._place.center())) is None
    assert len(tab.run.history.curve("loss")) == 5
    tab.run.transport.look(0)
    assert tab.run.looked == 0
    assert (tab.pages[QUEUE].ring.numbers()["ages"] == -1).all()
    tab.run.transport.look(5)
    assert tab.run.looked is None
    turn(qtbot, tab, VIEWS)
    assert tab.params.weights.step == 5
    tab.show_page(TEST)
    assert tab.run.transport.isVisible()
    assert len(tab.pages[TEST].map.numbers()["points"]) == 32
    assert tab.run.history.measured[0].step == 0


def test_structure_waits_for_a_new_run_and_live_settings_do_not(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 2)
    tab.now.change(momentum=0.5)
    assert not tab.now.pending.anew.isVisible()
    tab.now.change(method=BANK)
    assert tab.now.pending.anew.isVisible()
    tab.now.pending.anew.click()
    rest(qtbot, tab)
    assert tab.run.training.step == 0
    assert not tab.now.pending.anew.isVisible()
    assert len(tab.pages[QUEUE].ring.numbers()["ages"]) == 96  # one vector a picture
    train(qtbot, tab, 1)


def test_a_run_is_gone_on_with_after_closing(tab, window, qtbot, open_window):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 3)
    tab.run.training.close()
    assert saved_run(run_file(run_folder(), tab.params)).step == 3
    window.close()
    assert window.lane.close(60)
    again = open_window(1280, 800).show_topic("moco")
    turn(qtbot, again, QUEUE)
    assert again.now.saved.isVisible()
    again.now.saved.go_on.click()
    rest(qtbot, again)
    assert again.run.training.step == 3
    assert again.params.batch == 16
    assert not again.now.saved.isVisible()
    train(qtbot, again, 1)
    assert again.run.history.last.step == 4
    assert not again.run.training.pending()


def test_a_run_put_aside_can_be_gone_on_with(tab, window, qtbot, open_window):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 3)
    tab.run.training.restart()
    rest(qtbot, tab)
    window.close()
    assert window.lane.close(60)
    file = run_file(run_folder(), tab.params)
    put_aside(file)
    for end in (".pt", ".json"):  # and a newer one in its place
        shutil.copy(file.with_name(f"{file.stem}-before{end}"), file.with_suffix(end))
    file.with_suffix(".json").write_text(file.with_suffix(".json").read_text().replace('"step": 3', '"step": 4'))
    again = open_window(1280, 800).show_topic("moco")
    turn(qtbot, again, QUEUE)
    assert "step 4" in again.now.saved.said.text()
    again.now.saved.earlier.click()
    assert "step 3" in again.now.saved.said.text()
    again.now.saved.go_on.click()
    rest(qtbot, again)
    assert again.run.training.step == 3
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
    turn(qtbot, tab, QUEUE)
    assert tab.run.history.began.names == ("a", "b")
    tab.now.change(batch=64)
    tab.run.training.restart()
    rest(qtbot, tab)
    assert tab.error.isVisible()
    assert any("fewer than the batch" in part.text() for part in tab.error.findChildren(QLabel))


def test_a_collapse_and_a_fine_tuning_are_said(tab, qtbot):
    turn(qtbot, tab, TEST)
    tab.run.training.arrived.emit(Collapsed(40, 0.01))
    assert tab.error.isVisible()
    for step in (0, 6):
        tab.pages[TEST].take_tuned(Tuned(10, step, 60, 0.5 + step / 100, 0.4))
    assert "+16.0" in tab.pages[TEST].tune_note.text()


def test_keys_walk_the_run_only_where_it_is_shown(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    turn(qtbot, tab, VIEWS)
    QTest.keyClick(tab, Qt.Key.Key_Period)
    assert not tab.run.training.stream.is_busy
    turn(qtbot, tab, QUEUE)
    QTest.keyClick(tab, Qt.Key.Key_Period)
    rest(qtbot, tab)
    assert tab.run.training.step == 1


def test_an_empty_folder_says_so_on_the_page(tab, qtbot, tmp_path):
    tab.take_paths([tmp_path])
    rest(qtbot, tab)
    assert tab.now.views_card.empty_text.text().startswith(f"{tmp_path.name}: no pictures")
    tab.now.change(paths=())
    rest(qtbot, tab)
    assert tab.params.data == SHAPES  # without any folder
    assert tab.data.at() == 0
    assert not tab.now.views_card.empty_text.isVisible()


def test_the_other_page_of_the_run_shows_what_was_told_before_it_was_built(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 3)
    assert [type(page).title for page in tab.pages.made] == ["Two views", "Queue"]
    test = turn(qtbot, tab, TEST)
    assert test.training is tab.pages[QUEUE].training
    assert tab.run.transport.parentWidget() is test.centre
    assert test.map.isVisible()  # the card waits no more
    assert len(test.map.numbers()["points"]) == 32
    assert len(test.spread.curves()[0].x) == 3
    turn(qtbot, tab, QUEUE)
    assert tab.run.transport.parentWidget() is tab.now.centre


def test_live_settings_reach_a_run_that_goes_on_from_any_page(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    tab.run.training.play()
    qtbot.waitUntil(lambda: tab.run.training.step > 0, timeout=SLOW)
    tab.show_page(VIEWS)
    tab.now.change(temperature=0.5)
    assert tab.run.training.params.temperature == 0.5
    tab.run.training.pause()
    rest(qtbot, tab)


def test_only_who_asks_for_it_goes_on_with_what_is_saved(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 2)
    training = tab.run.training
    training.go_on()
    rest(qtbot, tab)
    assert (training.params.resume, training.step) == (True, 2)
    training.restart()
    rest(qtbot, tab)
    assert (training.params.resume, training.step) == (False, 0)
    training.go_on()
    rest(qtbot, tab)
    training._begin()  # as another change does where the saved run could not be read
    assert not training.params.resume
    rest(qtbot, tab)


def test_an_undo_in_mid_run_leaves_the_state_that_is_looked_at():
    state = State("moco.two_views", MocoParams(), Settings.load(temporary=True))
    newest = Weights(30, {})
    state.step(momentum=0.5)
    state.change(encoder=THIS_RUN, weights=newest)
    state.undo()
    assert state.params.momentum == MocoParams().momentum
    assert (state.params.encoder, state.params.weights) == (THIS_RUN, newest)


def test_what_is_exported_of_a_run_are_its_own_settings(tab, qtbot):
    turn(qtbot, tab, QUEUE)
    train(qtbot, tab, 1)
    tab.now.change(method=BANK)
    settings = export.settings_of(tab.now.ring)
    assert (settings["method"], settings["batch"]) == ("MoCo", 16)
    assert "folder" not in settings
    tab.show_page(VIEWS)
    assert export.settings_of(tab.now.trio)["method"] == BANK
    rest(qtbot, tab)
    assert "sha256" not in export.settings_of(tab.now.trio)  # it shows the run

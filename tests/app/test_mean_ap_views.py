"""The views of the tab "Average precision", each alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from app import theme, words
from app.plots.precisioncurve import Line, PrecisionCurve, staircase
from app.views.boxes import Box
from app.views.boxview import BoxView
from app.views.countmatrix import CountMatrix
from app.views.detectionlist import ROW_H, DetectionList, Entry
from tests.app.views_help import click, drag, hover, is_drawn, pixels, show


def test_a_staircase_encloses_the_average_precision():
    recall, envelope = np.array([0.25, 0.25, 0.5, 0.75]), np.array([1.0, 0.75, 0.75, 0.6])
    x, y = staircase(recall, envelope)
    assert len(x) == len(y)
    assert np.trapezoid(y, x) == pytest.approx(0.25 * 1 + 0.25 * 0.75 + 0.25 * 0.6)


def test_a_class_of_very_many_steps_is_drawn_as_all_of_them(qtbot):
    """No more points than pixels are drawn, and the picture is the same."""
    rng = np.random.default_rng(0)
    right = rng.random(30_000) < np.linspace(1, 0, 30_000)
    recall, precision = right.cumsum() / 20_000, right.cumsum() / np.arange(1, 30_001)
    view = show(qtbot, PrecisionCurve(), 400, 260)
    line = Line(recall, precision, np.maximum.accumulate(precision[::-1])[::-1], changed=rng.random(30_000) < 0.5)
    view.set_line(line)
    assert len(view._curve.curve.getData()[0]) <= 12 * 400
    assert len(view.ringed()) < 1000 < line.changed.sum()

    def picture():
        image = view.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        return np.array(image.constBits()).reshape(image.height(), -1) < 200

    def near(drawn):
        wide = np.pad(drawn, 2)
        rows, cols = drawn.shape
        return np.any([wide[i : i + rows, j : j + cols] for i in range(5) for j in range(5)], axis=0)

    view.set_line(replace(line, changed=line.changed[:0]))
    few = picture()
    for item in (view._envelope, view._curve):
        item.setDownsampling(1, auto=False)
    every = picture()
    assert few.sum() > 400
    assert (few & ~near(every)).sum() < few.sum() / 100
    assert (every & ~near(few)).sum() < every.sum() / 100


def test_the_curve_is_walked_and_pointed_at(qtbot):
    view = show(qtbot, PrecisionCurve(), 400, 260)
    recall = np.array([0.5, 0.5, 1.0])
    precision = np.array([1.0, 0.5, 2 / 3])
    view.set_line(
        Line(recall, precision, np.array([1.0, 2 / 3, 2 / 3]), passing=2, changed=np.array([True, False, True]))
    )
    chosen = []
    view.chosen.connect(chosen.append)
    hover(view.viewport(), view.step_point(1))
    assert "2 of 3" in view.report()
    click(view.viewport(), view.step_point(2))
    QTest.keyClick(view, Qt.Key.Key_Left)
    QTest.keyClick(view, Qt.Key.Key_Left)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert chosen == [2, 1, 0]
    with pytest.raises(ValueError, match="NaN"):
        view.set_line(Line(recall, precision * np.nan, recall))
    view.set_line(Line(np.zeros(0), np.zeros(0), np.zeros(0)))
    hover(view.viewport(), QPointF(200, 100))
    assert view.report() == ""


def test_the_lit_step_follows_the_hand_along_the_curve_and_a_drag_beside_it_pans(qtbot):
    view = show(qtbot, PrecisionCurve(), 400, 260)
    recall = np.linspace(0.1, 1, 10)
    view.set_line(Line(recall, 1 - recall / 2, 1 - recall / 2, recall, recall, passing=4))
    chosen = []
    view.chosen.connect(lambda step: (chosen.append(step), view.set_at(step, f"step {step}")))
    view.set_at(2, "step 2")
    drag(view.viewport(), view.step_point(2), view.step_point(6))
    assert chosen[-1] == 6
    assert view.chip.toPlainText() == "step 6"
    assert view._threshold.value() == pytest.approx(0.4)
    before = view.box.viewRange()
    drag(view.viewport(), view.spot(0.2, 0.1), view.spot(0.4, 0.2))
    assert view.box.viewRange() != before
    assert chosen[-1] == 6
    view.fit()
    assert view.box.viewRange() == before


def test_a_chip_without_room_above_stands_below(qtbot):
    view = show(qtbot, PrecisionCurve(), 400, 260)
    view.set_line(Line(np.array([0.5]), np.array([1.0]), np.array([1.0])))
    view.set_at(0, "1: TP 0.99")
    chip = view.chip.mapRectToScene(view.chip.boundingRect())
    assert chip.top() > view.step_point(0).y()


def test_a_list_of_very_many_rows_makes_those_in_sight(qtbot):
    view, made = show(qtbot, DetectionList(), 400, 200), []

    def entry(i):
        made.append(i)
        return Entry("TP", "pred", 0.5, words.plain("why"), words.plain("where"))

    view.set_entries(1_000_000, entry, 500_000)
    assert is_drawn(view)
    assert len(set(made)) <= 200 // ROW_H + 3
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.at() == 999_999
    assert view.height() - ROW_H < view.place(999_999).bottom() <= view.height()
    assert view.under(view.place(999_998).center()) == 999_998
    view.set_entries(0, entry, 0)
    assert view.at() == -1


def test_counts_are_written_and_nothing_sinks_into_the_paper(qtbot):
    view = show(qtbot, CountMatrix(), 300, 200)
    view.set_counts(np.array([[900, 2], [3, 0]]), 1)
    assert view.numbers()["values"].tolist() == [[900, 2], [3, 0]]
    assert view.numbers()["scale"].tolist() == [0, 3]
    assert view.levels()[1, 1] == 255
    assert view.levels()[0, 0] == 0
    hover(view, view.cell_rect((1, 0)).center())
    assert view.report().endswith(": 3")
    assert view.said_at((1, 0)) == "3"
    assert view.top() == (3, True)


def test_of_very_many_classes_no_count_is_lost_and_the_pointer_names_them(qtbot):
    view = show(qtbot, CountMatrix(), 300, 200)
    names = [f"class {i}" for i in range(700)]
    view.set_names(names, names)
    counts = np.zeros((700, 700), int)
    counts[500, 333] = 4
    view.set_counts(counts, 699)
    view.arranged()
    assert view._block > 1
    levels = view.levels()
    assert (levels == 0).sum() == 1  # the strong end of the ramp
    assert levels[500 // view._block, 333 // view._block] == 0
    assert view.said_at((500, 333)) == "class 500, class 333: 4"
    counts[699, 5] = 90  # in the row "nothing there": what was taken for what is seen all the same
    view.set_counts(counts, 699)
    assert view.top() == (4, True)
    view.set_counts(np.zeros((0, 0), int))
    assert view.is_empty()
    view.set_counts(np.zeros((3, 3), int))
    assert view.top() == (1, False)


def many(view: CountMatrix) -> np.ndarray:
    """80 classes and the background; only three of them were there or said."""
    counts = np.zeros((81, 81), int)
    counts[7, 7], counts[7, 40], counts[79, 80], counts[80, 40] = 5, 2, 3, 1
    view.set_names([f"class {i}" for i in range(80)] + ["background"], [f"class {i}" for i in range(80)] + ["nothing"])
    view.set_counts(counts, 80)
    return counts


def test_of_eighty_classes_the_empty_ones_are_hidden_and_cells_keep_their_classes(qtbot):
    view = show(qtbot, CountMatrix(), 300, 200)
    counts = many(view)
    assert view.numbers()["values"].shape == (81, 81)
    assert view.empty() == 77
    view.set_at((7, 40))
    view.hide_empty(True)
    found = view.numbers()
    kept = [7, 40, 79, 80]
    np.testing.assert_array_equal(found["values"], counts[np.ix_(kept, kept)])
    assert found["rows"].tolist() == ["class 7", "class 40", "class 79", "background"]
    assert found["columns"].tolist() == ["class 7", "class 40", "class 79", "nothing"]
    assert view.at() == (0, 1)
    chosen, seen = [], []
    view.clicked.connect(chosen.append)
    view.hovered.connect(seen.append)
    click(view, view.cell_rect((2, 3)).center())
    hover(view, view.cell_rect((3, 1)).center())
    assert chosen == [(79, 80)]
    assert seen[-1] == (80, 40)
    assert "class 40" in view.report()
    view.set_lit((3, 3))  # of a class that is left out
    assert view.lit() is None
    view.hide_empty(False)
    assert view.at() == (79, 80)
    assert view.numbers()["values"].shape == (81, 81)


def test_of_eighty_classes_some_are_named_beside_the_cells_without_a_pointer(qtbot):
    view = show(qtbot, CountMatrix(), 420, 420)
    many(view)
    view.arranged()
    assert view.cell_rect((0, 0)).height() < 9  # no room for all names
    left = round(view.cell_rect((0, 0)).x())
    margin = (pixels(view)[:, :left].astype(int) != pixels(view)[0, 0]).any(-1).any(1)  # rows of pixels with ink
    lines = np.flatnonzero(np.diff(margin.astype(int)) == 1)
    assert 12 <= len(lines) <= 30
    view.set_at((41, 3))
    named = [*view._to_name(81, view.cell_rect((0, 0)).height(), 41)]
    gaps = np.diff(sorted(named)) * view.cell_rect((0, 0)).height()
    assert 41 in named
    assert gaps.min() >= 12


def test_names_of_classes_have_the_colors_asked_for_whichever_of_them_stand_there(qtbot):
    view = show(qtbot, CountMatrix(), 300, 200)
    many(view)
    view.hide_empty(True)
    blue, red = (theme.color(token).getRgb()[:3] for token in ("accent", "danger"))

    def inks() -> set[tuple[int, ...]]:
        return set(map(tuple, pixels(view).reshape(-1, 3).tolist()))

    assert not inks() & {blue, red}
    names = [f"{i}" for i in range(81)]
    view.set_names(names, names, ["danger" if i == 7 else "text2" for i in range(81)])
    assert inks() & {blue, red} == {red}
    view.set_names(names, names, (), ["accent" if i == 40 else "text2" for i in range(81)])
    assert inks() & {blue, red} == {blue}


def test_where_nothing_was_counted_all_classes_stay(qtbot):
    view = show(qtbot, CountMatrix(), 300, 200)
    view.hide_empty(True)
    view.set_counts(np.zeros((3, 3), int), 2)
    assert view.numbers()["values"].shape == (3, 3)


def test_a_wrong_detection_has_another_frame_than_a_right_one_in_gray_print_too(qtbot):
    view = show(qtbot, BoxView(), 200, 200)
    view.set_photo(np.full((100, 100, 3), 128, np.uint8))
    shots = []
    for dotted in (False, True):
        view.set_boxes([Box(0.5, 0.5, 0.6, 0.6, "", "text", dotted=dotted)])
        image = view.grab().toImage()
        y = round(view.box_rect(0).y())
        line = [image.pixelColor(x, y).lightness() for x in range(60, 140)]
        shots.append(max(line) - min(line))
    assert shots[0] < 30 < 100 < shots[1]

"""The tab of large kernels in the window: what the hand does on each page, and what is shown then."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app import words
from app.figure import caption_of
from app.sections import Section
from app.tabs.large_kernel.maps import DECADES, decades
from engines.core.pictures import Picture
from engines.large_kernel.field.spec import DepthsFrame
from engines.large_kernel.kernel.spec import SHAPES
from engines.large_kernel.merge.spec import CROSS
from engines.large_kernel.reach.spec import PlaceAccuracy, ReachStep

FIELD, MERGE, KERNEL, REACH, COST = range(5)


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window(1280, 800).show_topic("large_kernel")
    qtbot.waitUntil(lambda: made.now.shown is not None and not made.is_busy)
    return made


def turned(tab, qtbot, number):
    tab.show_page(number)
    page = tab.now
    if page.feed is not None:
        qtbot.waitUntil(lambda: bool(page.feed.frames) and not tab.is_busy)
    return page


def settled(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy)


def drag(view, start, end):
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.viewport(), (start + end) / 2)
    QTest.mouseMove(view.viewport(), end)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=end)


def titles(form):
    """Of the sections that are to be seen."""
    return [part.title.text() for part in form.findChildren(Section) if not part.isHidden()]


# ------------------------------------------------------------------ field
def test_the_place_goes_with_the_hand_and_squares_go_along(tab, qtbot):
    page, view = tab.now, tab.now.view
    assert page.shown.cell == (48, 48)
    before = view.square_rect(page.shown.sides[0])
    start = view.place_rect().center()
    photo = view.photo_rect()
    end = start - type(start)(photo.width() / 4, photo.height() / 8)
    drag(view, start.toPoint(), end.toPoint())
    qtbot.waitUntil(lambda: page.shown.cell != (48, 48) and not tab.is_busy)
    row, col = page.shown.cell
    assert abs(row - 36) <= 1
    assert abs(col - 24) <= 1
    assert view.square_rect(page.shown.sides[0]).center() != before.center()
    assert abs(view.square_rect(page.shown.sides[1]).width() - page.shown.sides[1] * photo.width() / 96) < 1
    view.walk(1, 0)
    qtbot.waitUntil(lambda: page.shown.cell == (row + 1, col))
    assert not page.state.history.can_undo  # looking is no step


def test_squares_end_where_the_photo_ends(tab, qtbot):
    page, view = tab.now, tab.now.view
    view.moved.emit((0.0, 0.0))
    qtbot.waitUntil(lambda: page.shown.cell == (0, 0) and not tab.is_busy)
    view.resize(view.width(), view.height() // 2)  # leaves room at the left
    photo = view.photo_rect()
    square = view.square_rect(page.shown.sides[1])
    assert square.left() < photo.left() - 4  # it would reach beyond
    assert photo.left() >= 4

    def drawn(squares):
        view.set_squares(squares)
        return view.grab().toImage()

    plain, lined = drawn(False), drawn(True)
    ratio, left = plain.devicePixelRatio(), photo.left()
    differ = [
        (x, y)
        for x in range(plain.width())
        for y in range(0, plain.height(), 2)
        if plain.pixel(x, y) != lined.pixel(x, y)
    ]
    assert differ
    assert min(x for x, _ in differ) >= int(left * ratio)


def test_another_net_has_layers_and_weights_and_its_figures_are_drawn(tab, qtbot):
    page = tab.now
    assert page.form.fields()["kernel"]
    assert not page.form.fields()["depth"]
    values = {f.name.text: f for verdict in page.figures.verdicts() for f in verdict.findings}
    assert values["Nothing beyond"].holds
    assert values["Apart"].holds is not None
    tab.take_model("mini-swin")
    qtbot.waitUntil(lambda: page.info.source == "mini-swin" and not tab.is_busy)
    assert not page.form.fields()["kernel"]
    assert page.form.fields()["depth"]
    assert tab.net_chooser.source == "mini-swin"
    assert "Random kernels" not in titles(page.form)  # nothing is left below it
    qtbot.waitUntil(lambda: len(page.depths.radius) == 6)
    assert page.form.control("depth").number() == 6  # it has no more
    assert page.exported()["depth"] == 6
    page.change(depth=1)
    qtbot.waitUntil(lambda: page.shown.depth == 1)
    assert page.shown.extent == (8, 8)
    settled(tab, qtbot)
    assert "Model: " in caption_of(page.view)
    assert page.exported()["sha256"] == page.weights.sha256
    page.change(random=True)
    qtbot.waitUntil(lambda: page.info.random)
    assert page.form.fields()["seed"]
    tab.take_model("")
    qtbot.waitUntil(lambda: page.info.source == "" and not tab.is_busy)
    assert "model" not in page.exported()
    assert "Random kernels" in titles(page.form)


def test_a_refused_model_leaves_the_net_on_screen(tab, qtbot):
    page = tab.now
    tab.take_model("timm/convnext_atto.d2_in1k")
    qtbot.waitUntil(lambda: tab.error.isVisible() and not tab.is_busy)
    assert "not downloaded" in tab.error.reason()
    assert page.params.model == ""
    assert page.info.source == ""


def test_powers_of_ten_and_shares_are_told_as_what_they_are(tab, qtbot):
    page = tab.now
    drawn = page.view.numbers()["field"]
    assert (page.view.values() == decades(drawn)).all()
    assert page.view.values().min() == -DECADES
    assert page.view.values().max() == 0
    page.view.set_hover(page.shown.cell)
    share = float(drawn[page.shown.cell])
    assert page.view.written(0.0).startswith(f"{100 * share:.1f}")
    page.step(scale="Linear")
    np.testing.assert_array_equal(page.view.values(), drawn)
    page.view.set_hover((0, 0))
    assert page.view.written(0.0) == "0 %"


def test_a_picture_is_shown_on_all_pages_that_show_one(tab, qtbot):
    made = Picture("gray", np.full((30, 40, 3), 99, np.uint8))
    tab.take_picture(made)
    qtbot.waitUntil(lambda: tab.now.photo.name == "gray" and not tab.is_busy)
    page = turned(tab, qtbot, KERNEL)
    qtbot.waitUntil(lambda: page.photo is not None and page.photo.name == "gray")
    other = Picture("white", np.full((30, 40, 3), 255, np.uint8))
    tab.take_picture(other)
    qtbot.waitUntil(lambda: page.photo.name == "white" and not tab.is_busy)
    assert tab.pages[FIELD].params.picture is other


# ------------------------------------------------------------------ merge
def test_the_difference_is_printed_and_the_mistake_is_seen(tab, qtbot):
    page = turned(tab, qtbot, MERGE)
    assert page.verdicts.verdicts()[0].findings[1].holds
    assert len(page.kernels.maps()) == 3
    page.kernels._hover = (0, 15, 15)
    weight = float(page.shown.kernels[0, 15, 15])
    assert page.kernels.report().endswith(words.number(weight, 4, signed=True))  # a number, and no share
    page.step(off=True)
    qtbot.waitUntil(lambda: page.shown.apart.max() > 0.1)
    assert not page.verdicts.verdicts()[0].findings[1].holds
    page.step(off=False, shape=CROSS, dilation=3)
    qtbot.waitUntil(lambda: len(page.kernels.maps()) == 4 and page.shown.apart.max() < 1e-3)
    assert page.verdicts.verdicts()[1].findings[0].name.values["n"] == 3
    page.change(large=5)
    assert page.params.small == 3
    page.state.undo()
    assert page.params.small == 5


# ------------------------------------------------------------------ kernel
def test_the_hand_paints_a_kernel_and_wipes_it(tab, qtbot):
    page = turned(tab, qtbot, KERNEL)
    grid = page.grid
    first = page.shown.answer.copy()
    drag(grid, grid.cell_rect((2, 2)).center().toPoint(), grid.cell_rect((2, 8)).center().toPoint())
    table = np.array(page.params.cells).reshape(15, 15)
    assert (table[2, 2:9] == 1).all()
    qtbot.waitUntil(lambda: not np.array_equal(page.shown.answer, first) and not tab.is_busy)
    np.testing.assert_allclose(page.shown.kernel, table, atol=1e-6)
    drag(grid, grid.cell_rect((2, 4)).center().toPoint(), grid.cell_rect((2, 5)).center().toPoint())
    table = np.array(page.params.cells).reshape(15, 15)
    assert table[2, 2:9].tolist() == [1, 1, 0, 0, 1, 1, 1]
    page.state.undo()
    assert np.array(page.params.cells).reshape(15, 15)[2, 4] == 1
    page.change(size=21)
    qtbot.waitUntil(lambda: page.shown.kernel.shape == (21, 21))
    assert (page.shown.kernel[5, 5:12] == 1).all()
    page.shapes.chosen.emit(0)
    assert (page.params.shape, page.params.cells) == (SHAPES[0], ())


# ------------------------------------------------------------------ reach
def test_a_run_is_told_with_what_was_predicted(tab, qtbot, monkeypatch):
    monkeypatch.setattr("engines.large_kernel.reach.training.BATCH", 1)
    page = turned(tab, qtbot, REACH)
    told = []
    page.training.arrived.connect(told.append)
    qtbot.waitUntil(lambda: page.accuracy is not None)
    predicted = [verdict.findings[0].value for verdict in page.verdicts.verdicts()]
    assert predicted == ["1.000", "1.000", "1.000", "0.250"]
    page.training.one_step()
    qtbot.waitUntil(lambda: page.accuracy.step == 1 and any(isinstance(event, ReachStep) for event in told))
    assert len(page.steps) == 1
    found = (1.0, 0.99, 0.25, 0.26)
    fields = page.accuracy.fields
    page.told(PlaceAccuracy(250, np.stack([np.full((24, 24), v, np.float32) for v in found]), fields))
    assert [verdict.findings[1].holds for verdict in page.verdicts.verdicts()] == [True, True, False, True]
    page.step(shown="Field")
    np.testing.assert_array_equal(page.maps.maps()[2], decades(fields[2]))
    assert page.maps._mark == (12, 22)  # where the answer stands
    page.step(shown="Accuracy")
    page.transport.set_step(250)
    page.transport.look(100)  # before the end there was only the look where it rested after one step
    assert page.accuracy.step == 1
    assert page.maps_card.note.text() == "step 1"
    page.transport.live.click()
    assert page.accuracy.step == 250
    assert page.training.pending() == 0
    page.change(offset=4)
    assert page.training.pending() == 1


# ------------------------------------------------------------------ cost
def test_the_cost_is_measured_and_another_map_ends_it(tab, qtbot, monkeypatch):
    monkeypatch.setattr("engines.large_kernel.cost.engine.TIMED", (3, 15))
    page = turned(tab, qtbot, COST)
    page.change(channels=8, side=10)
    settled(tab, qtbot)
    page.measure()
    qtbot.waitUntil(lambda: page._measured is not None and page._measured.done and not page.params.measure)
    assert (page._measured.seconds > 0).all()
    assert len(page.bars.bars()) == 4
    page.change(side=12)
    qtbot.waitUntil(lambda: page._formulas.side == 12)
    assert page._measured is None


def test_radii_come_layer_by_layer(tab, qtbot):
    page = tab.now
    page.change(layers=5, kernel=5)
    qtbot.waitUntil(lambda: DepthsFrame in page.feed.frames and len(page.depths.radius) == 5 and not tab.is_busy)
    assert (np.diff(page.depths.radius) > 0).all()
    assert len(page.curves.curves()) == 2
    page.change(skip=True)
    qtbot.waitUntil(lambda: not page.depths.law.any() and len(page.depths.radius) == 5)
    assert len(page.curves.curves()) == 1

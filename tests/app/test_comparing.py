"""A view pinned as A beside what it shows now, and the difference of their numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app import comparing, export, words
from app.figure import caption_of
from app.plots.curves import Curve, Curves
from app.plots.lines import Line
from app.plots.scatterplot import ScatterPlot
from app.session.content import Content, Hashes, told, understood
from app.session.pin import Pin, as_maps, curves_in, differences
from app.views.grid import GridView
from app.views.photomap import PhotoMap
from engines.core import limits
from tests.app import reading, tabs


@pytest.fixture
def window(open_window, qtbot):
    made = open_window()
    tab = made.show_topic("scoring")
    qtbot.waitUntil(lambda: tabs.rests(tab))
    return made


def weights(window) -> GridView:
    """The view of the page that shows the weights: their rows sum to one."""
    for view in window.tab.now.findChildren(GridView):
        first = np.asarray(next(iter(view.numbers().values()), 0.0))
        if view.isVisible() and first.ndim == 2 and first.size and np.allclose(first.sum(1), 1, atol=1e-3):
            return view
    raise LookupError


def chosen(view: QWidget, text: str) -> bool:
    """Whether the menu of a view offers something; then it is done."""
    menu = export.menu(view)
    found = [action for action in menu.actions() if action.text() == text]
    for action in found:
        action.trigger()
    menu.deleteLater()
    return bool(found)


def test_a_now_and_the_difference_stand_side_by_side(window, qtbot):
    view = weights(window)
    before = {name: np.array(array) for name, array in view.numbers().items()}
    assert not chosen(view, "Compare with A")
    assert chosen(view, "Pin as A")
    window.tab.now.change(temperature=4.0)
    qtbot.waitUntil(lambda: tabs.rests(window.tab))
    QTest.mouseMove(view, view.rect().center() / 2)
    qtbot.waitUntil(lambda: tabs.rests(window.tab))
    pointed = comparing.rgb_of(export.picture(view, 1))
    assert chosen(view, "Compare with A")
    qtbot.waitUntil(lambda: bool(window.findChildren(comparing.Comparison)))
    (sheet,) = window.findChildren(comparing.Comparison)
    shown = comparing.rgb_of(sheet.now._whole.toImage())
    np.testing.assert_array_equal(shown, comparing.taken(view).shown)  # with nothing pointed at
    assert not np.array_equal(shown, pointed)
    name = next(iter(sheet.found))
    np.testing.assert_allclose(sheet.found[name], np.asarray(view.numbers()[name], float) - before[name])
    np.testing.assert_allclose(sheet.maps.numbers()["maps"][0], sheet.found[name], rtol=1e-5)
    assert np.abs(sheet.found[name]).max() > 0
    assert "Temperature 1" in sheet.said.text()
    assert "Temperature 4" in sheet.says.text()
    window.tab.now.change(temperature=1.0)
    qtbot.waitUntil(lambda: tabs.rests(window.tab))
    sheet.look()
    assert np.abs(sheet.found[name]).max() == 0  # it follows
    for language in ("en", "zh"):
        words.forget_missing()
        window.use_language(language)
        for _ in range(3):
            QApplication.processEvents()
        assert not list(reading.cut(sheet))
        assert not words.missing()
    sheet._pin()
    assert "温度 1" in sheet.said.text()
    sheet.close()
    qtbot.waitUntil(lambda: not window.findChildren(comparing.Comparison))


def test_pins_are_in_the_session(window, open_window, qtbot):
    view = weights(window)
    comparing.pin(view)
    (place,) = window.session.pins
    window.session.keep()
    window.session._claim.release()
    later = open_window()
    tab = later.show_topic("scoring")
    qtbot.waitUntil(lambda: tabs.rests(tab))
    found = comparing.pinned(weights(later))
    pin = window.session.pins[place]
    np.testing.assert_array_equal(found.shown, pin.shown)
    assert found.arrays.keys() == pin.arrays.keys()
    assert all(np.array_equal(found.arrays[name], pin.arrays[name]) for name in pin.arrays)
    assert found.caption == pin.caption


def test_the_curves_of_a_lie_under_those_of_now(window, qtbot):
    view = Curves()
    view.setParent(window.tab.now.centre)
    view.show()
    x = np.arange(4.0)
    view.set_curves([Curve(words.plain("loss"), x, x + 1)])
    comparing.pin(view)
    view.set_curves([Curve(words.plain("loss"), x, 2 * x)])
    comparing.compare(view)
    (sheet,) = window.findChildren(comparing.Comparison)
    drawn = sheet.curves.curves()
    assert [(words.drawn(one.name), one.dashed) for one in drawn] == [("A: loss", True), ("loss", False)]
    np.testing.assert_array_equal(drawn[0].y, x + 1)
    np.testing.assert_array_equal(drawn[1].y, 2 * x)
    view.deleteLater()
    qtbot.waitUntil(lambda: not window.findChildren(comparing.Comparison))  # it goes with its view


def test_the_curves_of_a_run_in_a_scatter_plot_lie_under_each_other_too(window, qtbot):
    """And are said to be both, not their difference."""
    view, x = ScatterPlot(), np.arange(4.0)
    view.is_history = True
    view.setParent(window.tab.now.centre)
    view.show()
    view.set_points(x, x)
    view.set_lines([Line(words.plain("loss"), x, x + 1, filled=np.array([True, True, False, True]))])
    comparing.pin(view)
    view.set_lines([Line(words.plain("loss"), x, 2 * x)])
    comparing.compare(view)
    (sheet,) = window.findChildren(comparing.Comparison)
    before, now = sheet.curves.curves()
    assert (words.drawn(before.name), before.dashed, now.dashed) == ("A: loss", True, False)
    assert (before.x.tolist(), before.y.tolist()) == ([0, 1, 3], [1, 2, 4])
    assert now.y.tolist() == [0, 2, 4, 6]
    assert not sheet.which.isVisible()
    assert "A dashed, now solid" in [label.text() for label in sheet.findChildren(QLabel)]
    view.deleteLater()
    qtbot.waitUntil(lambda: not window.findChildren(comparing.Comparison))


def test_a_pin_does_not_say_how_far_its_run_was_let_go(open_window, qtbot):
    """That is the bar's business: "Steps 0" is no setting of anybody."""
    tab = open_window().show_topic("multi_head")
    tab.show_page(1)
    said = caption_of(tab.now.loss)
    assert "Learning rate" in said
    assert "Steps 0" not in said


def test_numbers_of_other_shapes_have_no_difference(window):
    view = weights(window)
    comparing.pin(view)
    (place,) = window.session.pins
    old = window.session.pins[place]
    window.session.pins[place] = Pin("", old.shown, {name: np.zeros((1, 1, 1, 9)) for name in old.arrays})
    comparing.compare(view)
    (sheet,) = window.findChildren(comparing.Comparison)
    assert sheet.found == {}
    assert sheet.none.isVisible()


# ------------------------------------------------------------------ numbers
def test_only_what_has_one_shape_is_subtracted():
    one = {"a": np.array([1, 2], np.uint8), "b": np.zeros((2, 2)), "c": np.array(["x"]), "d": np.zeros(0)}
    two = {"a": np.array([2, 0], np.uint8), "b": np.zeros(3), "c": np.array(["y"]), "d": np.zeros(0)}
    found = differences(one, two)
    assert list(found) == ["a"]
    assert found["a"].tolist() == [1.0, -2.0]  # signed, though bytes are not


@pytest.mark.parametrize(
    ("shape", "maps"), [((), (1, 1, 1)), ((5,), (1, 1, 5)), ((2, 3), (1, 2, 3)), ((4, 2, 3), (4, 2, 3)),
                        ((2, 3, 4, 5), (6, 4, 5)), ((8, 9, 3), (1, 8, 9))]
)  # fmt: skip
def test_any_numbers_become_maps(shape, maps):
    values = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    assert as_maps(values).shape == maps


def test_curves_are_found_by_their_ends():
    x = np.arange(3)
    assert list(curves_in({"a_x": x, "a_y": x, "b_x": x, "c_x": x, "c_y": x[:2], "z": x})) == ["a"]


def test_a_pin_keeps_every_bit():
    pin = Pin("温度 1", np.arange(12, dtype=np.uint8).reshape(2, 2, 3), {"w": np.array([[0.1]], np.float32)})
    said, parts = told(Content(pins={"x": pin}), Hashes(), lambda one: None)
    found = understood(json.loads(json.dumps(said)), parts).pins["x"]
    assert (found.caption, found.arrays["w"].dtype) == (pin.caption, np.float32)
    np.testing.assert_array_equal(found.shown, pin.shown)


def test_many_numbers_are_not_written_each_second(monkeypatch):
    monkeypatch.setattr(limits, "SESSION_PIN", 10)
    pin = Pin("", np.zeros((2, 2, 3), np.uint8), {"w": np.zeros(4)})
    said, parts = told(Content(pins={"x": pin}), Hashes(), lambda one: None)
    found = understood(json.loads(json.dumps(said)), parts).pins["x"]
    assert found.arrays == {}
    assert found.shown.shape == (2, 2, 3)


def test_the_oldest_pins_make_room(window, monkeypatch):
    monkeypatch.setattr(limits, "SESSION_PINS", 2)
    view = weights(window)
    window.session.pins |= {"one": comparing.taken(view), "two": comparing.taken(view)}
    comparing.pin(view)
    assert list(window.session.pins) == ["two", comparing.place_of(view)]


@pytest.fixture
def two_arrays(window):
    """A view pinned with two arrays, the name of one within that of the other, and the ends of its color bar."""
    view = weights(window)
    kept = comparing.taken(view)
    arrays = {"scale": np.zeros(2), "weights": np.zeros((2, 3)), "weights_of_rows": np.zeros(4)}
    return view, Pin(kept.caption, kept.shown, arrays), {name: array + 1 for name, array in arrays.items()}


def test_the_ends_of_a_color_bar_are_no_numbers_to_compare(two_arrays, monkeypatch):
    view, before, now = two_arrays
    monkeypatch.setattr(comparing, "numbers_of", lambda _view: now)
    sheet = comparing.Comparison(view, before)
    assert list(sheet.found) == ["weights", "weights_of_rows"]
    assert sheet.which.text().rstrip() == "Weights (2 × 3)"
    words.set_language("zh")
    words.retranslate(sheet)
    assert sheet.which.text().rstrip() == "权重（2 × 3）"
    words.set_language("en")
    before.arrays.clear()
    before.arrays["scale"] = now["scale"]
    sheet._seen = None
    sheet.look()
    assert list(sheet.found) == ["scale"]  # better than nothing


def test_the_chosen_array_stays_chosen_where_its_name_holds_that_of_another(two_arrays, monkeypatch):
    view, before, now = two_arrays
    monkeypatch.setattr(comparing, "numbers_of", lambda _view: dict(now))
    sheet = comparing.Comparison(view, before)
    sheet.which.pick(1)
    assert sheet.which.text().startswith("Weights of rows")
    now["weights"] = now["weights"] + 1
    sheet.look()
    assert sheet.which.text().startswith("Weights of rows")


def test_a_comparison_of_photos_opens_with_what_is_attended_to(qtbot):
    """Not with the ends of its color bar, which are alike more often than not."""
    view = PhotoMap()
    qtbot.addWidget(view)
    view.set_photo(np.zeros((6, 6, 3), np.uint8))
    view.set_grid(2, 2, class_token=False)
    view.set_map(np.full((2, 2), 0.25, np.float32))
    numbers = view.numbers()
    assert next(iter(differences(numbers, numbers))) == "attention"

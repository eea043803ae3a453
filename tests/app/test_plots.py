"""Plots: what is drawn, the cursor, what the hand brings into sight, what a long curve costs, what is exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtWidgets import QLabel

from app import export, theme, words
from app.plots.axes import Axis, digits_of
from app.plots.curves import BINS, Curve, Curves
from app.plots.items import Stroke
from app.plots.lines import Line
from app.plots.scatterplot import ScatterPlot
from app.session.trace import as_traces, thin
from tests.app.views_help import drag, hover, is_drawn, key, loud, pixels, show, wheel


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


both = pytest.mark.parametrize("name", theme.THEMES)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_ends_and_extremes(values, bins):
    y = np.array(values)
    x = np.arange(len(y), dtype=float)
    a, b = thin(x, y, bins)
    assert len(a) <= max(2 * bins, 2 * bins + 4)
    assert (np.diff(a) > 0).all()
    assert (a[0], a[-1]) == (x[0], x[-1])
    assert (b.min(), b.max()) == (y.min(), y.max())
    np.testing.assert_array_equal(b, y[a.astype(int)])


@pytest.fixture
def plot(qtbot):
    view = Curves()
    x = np.arange(0, 1000, 10)
    view.set_curves(
        [
            Curve("train", x, 1 / (x + 10.0), "cat0", raw=1 / (x + 8.0)),
            Curve("held-out", x, 1 - x / 1000, "cat1", dashed=True),
        ]
    )
    return show(qtbot, view, 420, 240)


@both
def test_curves_paint_with_band_and_nothing(qtbot, qtlog, name):
    theme.use(name)
    view = Curves(y_range=(0, 100))
    show(qtbot, view, 300, 200)
    view.set_curves([])
    empty = pixels(view)
    x = np.arange(5.0)
    view.set_curves([Curve("a", x, x * 20, low=x * 10, high=x * 25)])
    assert (pixels(view) != empty).any()
    view.set_curves([Curve("a", x[:1], x[:1])])
    view.set_curves([Curve("a", x[:0], x[:0])])
    assert is_drawn(view)
    assert not loud(qtlog)


def test_a_pen_is_one_pixel_wide_whatever_the_scale(qtbot):
    view = Curves(y_range=(0, 1e-3))
    x = np.arange(500.0)
    view.set_curves([Curve("flat", x, np.full(500, 5e-4), "cat0")])
    show(qtbot, view, 400, 200)
    color = theme.color("cat0")
    marks = (pixels(view) == [color.red(), color.green(), color.blue()]).all(2)
    assert marks.sum(0).max() == 1
    assert marks.any(0).sum() > 200


def test_cursor_reads_values_into_the_key(plot):
    plot.set_cursor(505.0)
    assert plot.values_at(505.0) == pytest.approx([1 / 510, 0.5])
    assert [value.text() for value in plot.key._values] == ["0.00", "0.50"]
    plot.set_cursor(None)
    assert plot.values_at(None)[1] == pytest.approx(0.01)
    assert plot.values_at(-5) == [None, None]
    assert "held-out 0.01" in plot.report()


def test_a_key_that_is_asked_for_late_says_what_is_there(plot):
    plot.set_cursor(505.0)
    labels = [label.text() for label in plot.key.findChildren(QLabel)]
    assert labels == ["train", "0.00", "held-out", "0.50"]
    plot.set_cursor(None)
    assert plot.key.findChildren(QLabel)[3].text() == "0.01"
    plot.set_curves([Curve("other", np.arange(3.0), np.arange(3.0))])
    assert [label.text() for label in plot.key.findChildren(QLabel) if not label.isHidden()][-2:] == ["other", "2.00"]


def test_a_curve_that_stays_is_not_made_anew(plot):
    items = [item for item in plot.box.addedItems if isinstance(item, Stroke)]
    told = []
    for item in items:
        item.sigPlotChanged.connect(told.append)
    train, held = plot.curves()
    plot.set_curves([train, replace(held, y=held.y + 0.1)])
    assert told == items[-1:]
    plot.set_curves([train, replace(held, x=held.x + 1, y=held.y + 0.1)])
    assert told == items[-1:] * 2


def test_a_curve_fills_the_place_that_pyqtgraph_says(plot):
    """All that is painted of it lies there, a pixel at its edges included."""
    for item in [item for item in plot.box.addedItems if isinstance(item, Stroke)]:
        other = pg.PlotCurveItem(*item.getData(), pen=item.opts["pen"])
        plot.plot.addItem(other)
        np.testing.assert_allclose(item.boundingRect().getRect(), other.boundingRect().getRect(), rtol=1e-6)
        plot.plot.removeItem(other)


def test_pointer_and_arrows_move_the_cursor(plot):
    said = []
    plot.pointed.connect(said.append)
    plot.pointed.connect(plot.set_cursor)
    hover(plot.viewport(), QPointF(220, 100))
    assert 300 < said[-1] < 700
    plot.set_cursor(500)
    key(plot, Qt.Key.Key_Right)
    key(plot, Qt.Key.Key_Left)
    key(plot, Qt.Key.Key_Escape)
    assert said[-3:] == [510.0, 500.0, None]


def test_wheel_zooms_and_zero_shows_everything(plot):
    box = plot.box
    before = box.viewRange()
    wheel(plot.viewport(), QPointF(220, 100), 3)
    assert box.viewRange() != before
    key(plot, Qt.Key.Key_0)
    np.testing.assert_allclose(box.viewRange(), before)


def test_one_point_can_be_seen(qtbot):
    view = show(qtbot, Curves())
    view.set_curves([Curve("loss", np.array([0.0]), np.array([1.0]))])
    color = theme.color("cat0").getRgb()[:3]
    assert (pixels(view) == color).all(-1).sum() >= 9
    view.set_curves([Curve("loss", np.zeros(0), np.zeros(0))])
    assert not (pixels(view) == color).all(-1).any()


def test_a_million_points_stay_few(qtbot):
    view = Curves()
    y = np.random.default_rng(0).normal(size=1_000_000)
    view.set_curves([Curve("long", np.arange(1_000_000.0), y)])
    show(qtbot, view, 400, 200)
    assert len(view._lines[-1].getData()[0]) <= 2 * BINS + 4
    assert len(view.numbers()["long_y"]) == 1_000_000


# ------------------------------------------------------------------ what is in sight
def in_sight(plot):
    return np.array(plot.box.viewRange())


def middle(plot):
    place = plot.box.sceneBoundingRect().center()
    return QPointF(plot.mapFromScene(place))


def test_a_drag_pans_and_a_double_click_shows_all(plot, qtbot):
    before = in_sight(plot)
    drag(plot.viewport(), middle(plot), middle(plot) + QPointF(60, 30))
    after = in_sight(plot)
    np.testing.assert_allclose(np.diff(after), np.diff(before))
    assert after[0, 0] < before[0, 0]  # the paper went to the right
    assert after[1, 1] > before[1, 1]
    qtbot.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=middle(plot).toPoint())
    np.testing.assert_allclose(in_sight(plot), before)


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.ShiftModifier])
def test_a_rectangle_is_zoomed_into(plot, modifier):
    start, end = middle(plot), middle(plot) + QPointF(80, 40)
    a, b = plot.value_at(start), plot.value_at(end)
    drag(plot.viewport(), start, end, modifier)
    np.testing.assert_allclose(in_sight(plot)[0], [a.x(), b.x()], rtol=0.05)
    np.testing.assert_allclose(in_sight(plot)[1], [b.y(), a.y()], rtol=0.05)


def test_what_the_hand_chose_stays_while_curves_grow(plot):
    wheel(plot.viewport(), middle(plot), 3)
    chosen = in_sight(plot)
    x = np.arange(0, 2000, 10)
    plot.set_curves([Curve("train", x, 1 / (x + 10.0))])
    np.testing.assert_allclose(in_sight(plot), chosen)
    plot.fit()
    assert in_sight(plot)[0, 1] > 1990
    plot.set_curves([Curve("train", 2 * x, 1 / (x + 10.0))])
    assert in_sight(plot)[0, 1] > 3980  # and follows again


# ------------------------------------------------------------------ axes
@pytest.mark.parametrize(
    ("spacing", "digits"),
    [(1, 0), (20, 0), (0.5, 1), (0.25, 2), (0.1, 1), (2.5, 1), (1e-4, 4), (0, 0), (float("nan"), 0)],
)
def test_digits_tell_ticks_apart(spacing, digits):
    assert digits_of(spacing) == digits


@pytest.mark.parametrize("reach", [(0, 1), (0, 100), (0, 2190), (-3.2, 4.1), (0.001, 0.0042), (1e-7, 3e-7), (5, 5.5)])
def test_ticks_have_texts_of_their_own(qapp, reach):
    axis = Axis("bottom")
    (spacing, values), *_ = axis.tickValues(*reach, 400)
    texts = axis.tickStrings(values, 1.0, spacing)
    assert 2 <= len(set(texts)) == len(values)
    assert "-" not in "".join(texts)  # the minus of all our numbers


def test_an_axis_follows_what_is_in_sight(plot):
    for side in ("left", "bottom"):
        before = pixels(plot)
        place = plot.plot.getAxis(side).sceneBoundingRect().toRect()
        drag(plot.viewport(), middle(plot), middle(plot) + QPointF(35, 25))
        there = np.s_[max(0, place.top()) : place.bottom(), max(0, place.left()) : place.right()]
        assert (pixels(plot)[there] != before[there]).any()


def test_powers_of_ten_are_written_out(qapp):
    axis = Axis("bottom")
    axis.setLogMode(True)
    assert axis.tickStrings([-2.0, 0.0, 3.0], 1.0, 1.0) == ["0.01", "1", "1,000"]


def test_nan_is_refused(qapp):
    with pytest.raises(ValueError, match="NaN"):
        Curves().set_curves([Curve("a", np.arange(2.0), np.array([1.0, np.nan]))])


def test_curves_are_exported(plot, tmp_path):
    for ending in (".png", ".svg", ".npz", ".csv"):
        export.save(plot, tmp_path / f"curves{ending}")
        assert (tmp_path / f"curves{ending}").stat().st_size > 60


# ------------------------------------------------------------------ what was left
@pytest.mark.parametrize("kind", [Curves, ScatterPlot])
def test_a_curve_that_is_gone_again_covers_its_dotted_copy(qtbot, kind):
    """As a run of a session that is trained again up to where it was; another one stays dotted behind it."""
    view, x = kind(), np.arange(6.0)

    def draw(*ys):
        if kind is Curves:
            view.set_curves([Curve(name, x[: len(y)], y) for name, y in zip("ab", ys, strict=True)])
        else:
            view.set_lines([Line(name, x[: len(y)], y) for name, y in zip("ab", ys, strict=True)])

    def dotted():
        """How many are drawn so, and whether it is said what they are."""
        items = view._faint if kind is Curves else view._curves._curves
        pens = [item.opts["pen"] for item in items if item.isVisible()]
        return sum(pen.style() == Qt.PenStyle.CustomDashLine for pen in pens), view._note.isVisible()

    show(qtbot, view, 420, 240)
    view.show_past(as_traces([("a", "cat0", x[:4], x[:4] ** 2), ("b", "cat1", x[:4], -x[:4])]), "Dotted: before")
    assert dotted() == (2, True)
    draw(x[:2] ** 2, -x[:2])  # on the way
    assert dotted() == (2, True)
    draw(x[:5] ** 2, -1.01 * x[:5])
    assert dotted() == (1, True)
    draw(x[:5] ** 2, -x[:5])
    assert dotted() == (0, False)
    assert len(view.past()) == 2


@both
def test_dots_are_as_loud_as_a_line_in_both_themes(qtbot, name):
    """Their own color stands against the paper, not a mixture with it."""
    theme.use(name)
    view, x = Curves(), np.linspace(0, 100, 60)
    view.set_curves([Curve("a", x, np.full(60, 5.0), "cat0")], 100)
    show(qtbot, view, 420, 240)
    view.keep_past("Dotted: before")
    view.set_curves([])
    QCoreApplication.processEvents()
    shown = np.array(pixels(view), int)[..., :3]
    apart = np.abs(shown - shown[2, 2]).sum(-1).max(1)
    wanted = np.abs(np.array(theme.color("cat0").getRgb()[:3]) - theme.color("surface").getRgb()[:3]).sum()
    middle = view.mapFromScene(view.box.mapViewToScene(QPointF(50, 5))).y()
    assert apart[middle - 2 : middle + 3].max() > 0.7 * wanted

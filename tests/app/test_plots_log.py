"""Plots over logarithmic axes and histograms: what is drawn where, the cursor under the hand, ticks, captions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app import theme, words
from app.plots.axes import LogAxis
from app.plots.heaps import Heap, Heaps
from app.plots.logplot import LogPlot, Trace
from app.plots.powerplot import Growth, PowerPlot, written
from app.plots.surface import link
from engines.core.errors import Message
from tests.app.views_help import click, drag, exported, is_drawn, key, loud, pixels, show, wheel

X = 2.0 ** np.arange(0, 11)


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


@pytest.fixture
def plot(qtbot):
    view = LogPlot("Growth", log_y=True)
    view.set_traces([Trace("root", X, np.sqrt(X)), Trace("flat", X, np.ones(11), "cat1", True)], (0.5, 64.0), "d")
    view.set_cursor(16.0)
    view.picked.connect(view.set_cursor)
    return show(qtbot, view, 420, 260)


def heard(view):
    said = []
    view.picked.connect(said.append)
    view.settled.connect(lambda: said.append("settled"))
    return said


# ------------------------------------------------------------------ the axis
@pytest.mark.parametrize(
    ("reach", "base", "said"),
    [
        ((1, 1024), 2, ["1", "4", "16", "64", "256", "1,024"]),
        ((0.5, 64), 2, ["1", "4", "16", "64"]),
        ((0.01, 100), 10, ["0.01", "0.1", "1", "10", "100"]),
        ((21, 45), 10, ["25", "30", "35", "40", "45"]),
        ((3, 3.9), 2, ["3.0", "3.2", "3.4", "3.6", "3.8"]),
    ],
)
def test_a_log_axis_has_whole_powers_or_round_numbers(qapp, reach, base, said):
    axis = LogAxis("bottom", base)
    (spacing, at), *_ = axis.tickValues(*(math.log10(v) for v in reach), 400)
    texts = axis.tickStrings(at, 1.0, spacing)
    assert [float(t.replace(",", "")) for t in texts] == pytest.approx([float(t.replace(",", "")) for t in said])
    assert len(set(texts)) == len(texts)


# ------------------------------------------------------------------ curves over log x
def test_curves_stand_where_their_numbers_say(plot):
    curve = plot.curves[0]
    x, y = curve.getData()
    np.testing.assert_allclose(10**x, X)
    np.testing.assert_allclose(10**y, np.sqrt(X))
    at = plot.meant(plot.value_at(plot.spot(64, 8)))
    assert (at.x(), at.y()) == pytest.approx((64, 8), rel=0.05)


def test_the_cursor_reads_between_points(plot):
    plot.set_cursor(math.sqrt(8 * 16))
    assert plot.value_of(plot._traces[0], math.sqrt(128)) == pytest.approx(128**0.25)
    assert [value.text() for value in plot.key._values] == ["3.36", "1.00"]
    assert "root 3.36, flat 1.00" in plot.report()


def test_the_line_is_dragged_and_tells_where(plot):
    said = heard(plot)
    drag(plot.viewport(), plot.spot(16, 3), plot.spot(256, 3))
    assert said[-2] == pytest.approx(256, rel=0.06)
    assert said[-1] == "settled"
    assert len(said) >= 3


def test_a_line_that_its_owner_keeps_stays(plot):
    plot.picked.disconnect(plot.set_cursor)
    drag(plot.viewport(), plot.spot(16, 3), plot.spot(256, 3))
    assert 10 ** plot.line.value() == pytest.approx(16)


def test_a_click_brings_the_line_and_a_drag_beside_it_pans(plot):
    said = heard(plot)
    click(plot.viewport(), plot.spot(128, 3))
    assert said[-2] == pytest.approx(128, rel=0.06)
    before, count = plot.box.viewRange(), len(said)
    drag(plot.viewport(), plot.spot(4, 20), plot.spot(16, 20))
    assert len(said) == count
    assert plot.box.viewRange() != before
    key(plot, Qt.Key.Key_0)
    np.testing.assert_allclose(plot.box.viewRange(), before)


def test_arrows_step_from_point_to_point(plot):
    said = heard(plot)
    key(plot, Qt.Key.Key_Right)
    key(plot, Qt.Key.Key_Left)
    assert [v for v in said if v != "settled"] == [32.0, 16.0]
    assert said[-1] == "settled"


def test_bands_and_a_named_level_are_drawn(qtbot, qtlog):
    view = show(qtbot, LogPlot("Entropy"), 420, 260)
    view.set_traces([Trace("a", X, np.full(11, 1.0), low=np.full(11, 0.5), high=np.full(11, 1.5))], (0.0, 3.0))
    plain = pixels(view)
    view.set_line(2.5, Message("equal weights: {bits} bits", {"bits": "2.50"}))
    assert (pixels(view) != plain).any()
    assert view.top_name.toPlainText() == "equal weights: 2.50 bits"
    inside = view.spot(30, 0.75).toPoint()
    assert pixels(view)[inside.y(), inside.x()].tolist() != list(theme.color("surface").getRgb()[:3])
    assert set(view.numbers()) == {"a_x", "a_y", "a_low", "a_high"}
    words.set_language("zh")
    theme.use("dark")
    view.retranslated()
    assert view.top_name.toPlainText() != "equal weights: 2.50 bits"
    assert is_drawn(view)
    view.set_traces([], (0.0, 1.0))
    assert not loud(qtlog)


def test_nan_is_refused(qapp):
    with pytest.raises(ValueError, match="NaN"):
        LogPlot("n").set_traces([Trace("a", X, np.full(11, np.nan))], (0.0, 1.0))


def test_linked_plots_show_the_same_x_and_are_whole_together(qtbot):
    room = QWidget()
    line = QHBoxLayout(room)
    plots = [LogPlot("a"), LogPlot("b")]
    for plot in plots:
        plot.set_traces([Trace("t", X, X / X)], (0.0, 2.0))
        line.addWidget(plot)
    link(plots)
    show(qtbot, room, 600, 240)
    whole = plots[0].box.viewRange()
    wheel(plots[1].viewport(), plots[1].spot(32, 1), 3)
    assert np.diff(plots[0].box.viewRange()[0]) < np.diff(whole[0])
    np.testing.assert_allclose(plots[0].box.viewRange()[0], plots[1].box.viewRange()[0])
    plots[0].set_traces([Trace("t", X, X / X)], (0.0, 2.0))  # what the hand chose stays
    assert np.diff(plots[0].box.viewRange()[0]) < np.diff(whole[0])
    plots[0].fit()
    np.testing.assert_allclose(plots[0].box.viewRange(), whole)
    np.testing.assert_allclose(plots[1].box.viewRange(), whole)


# ------------------------------------------------------------------ growth
@pytest.fixture
def growth(qtbot):
    view = PowerPlot("Operations", "operations")
    square = Growth("square", "cat0", X, X**2, X[:3], np.array([1.0, 0.0, 20.0]))
    nothing = np.zeros(0)
    view.set_lines([square, Growth("time", "cat1", nothing, nothing, X[:2], X[:2], 1, joined=True)], (1.0, 1024.0))
    view.set_cursor(16.0)
    return show(qtbot, view, 420, 260)


def test_what_is_not_above_0_is_left_out(growth):
    assert [len(curve.getData()[0]) for curve in growth.curves] == [11, 0, 0, 2]
    x, y = growth.dots.getData()
    np.testing.assert_allclose((10**x).tolist(), [1, 4, 1, 2])
    np.testing.assert_allclose((10**y).tolist(), [1, 20, 1, 2])


def test_whole_decades_are_in_sight(growth):
    (left, right), (low, high) = growth.box.viewRange()
    assert left < 0 < math.log10(1024) < right
    assert -0.2 < low < 0 < 7 < high < 7.2
    assert growth.report() == "16, square 256"


@pytest.mark.parametrize(
    ("value", "said"), [(1, "1"), (1000, "1,000"), (1e4, "10⁴"), (1e-3, "10⁻³"), (250, "250"), (2.5e6, "2.5·10⁶")]
)
def test_numbers_of_a_power_axis(value, said):
    assert written(value) == said


def test_arrows_go_on_by_a_factor_within_the_axis(growth):
    said = heard(growth)
    key(growth, Qt.Key.Key_Right)
    assert said[0] == pytest.approx(17.28)
    growth.set_cursor(1024.0)
    key(growth, Qt.Key.Key_Right)
    assert said[-2] == 1024


# ------------------------------------------------------------------ histograms
@pytest.fixture
def heaps(qtbot):
    view = Heaps("Scores")
    edges = np.linspace(-10, 10, 21)
    counts = np.arange(20)
    view.set_heaps([Heap("raw", edges, counts, 4.0, "cat3"), Heap("scaled", edges / 4, counts, 1.0, "cat0")], 10.0)
    return show(qtbot, view, 420, 260)


def test_each_histogram_reaches_its_own_peak(heaps):
    rows = [bars.opts for bars in heaps.bars]
    assert rows[0]["y0"][0] == 1
    assert rows[1]["y0"][0] == 0
    for each in rows:
        np.testing.assert_allclose(each["height"] / each["height"].max(), np.arange(20) / 19, atol=0.02)


def test_wide_bars_stand_apart_and_rare_ones_can_be_seen(heaps):
    wide, _ = heaps.box.viewPixelSize()
    apart = heaps.bars[0].opts["x0"][1:] - heaps.bars[0].opts["x1"][:-1]
    np.testing.assert_allclose(apart, wide)
    assert heaps.bars[0].opts["height"][0] == 0
    heaps.set_heaps([Heap("a", np.linspace(-10, 10, 4), np.array([1, 10**6, 0]), 1.0, "cat0")], 10.0)
    np.testing.assert_allclose(heaps.bars[0].opts["height"][[0, 2]], [heaps.box.viewPixelSize()[1], 0])


def test_the_deviation_is_a_bracket_with_its_number(heaps):
    assert [c.toPlainText() for c in heaps.said] == ["± 4.00", "± 1.00"]
    assert heaps.stds[0].opts["right"][0] == 4
    assert heaps.report() == "raw 4.00, scaled 1.00"


def test_a_caption_without_room_turns_round(heaps):
    caption = heaps.said[0]
    caption.setPos(10.0, 1.5)
    right = caption.mapRectToScene(caption.boundingRect()).right()
    assert right <= heaps.box.mapViewToScene(QPointF(10, 0)).x()


def test_histograms_zoom_and_export(heaps):
    before = heaps.box.viewRange()
    wheel(heaps.viewport(), QPointF(200, 100), 2)
    assert heaps.box.viewRange() != before
    heaps.fit()
    np.testing.assert_allclose(heaps.box.viewRange(), before)
    for ending in (".png", ".svg", ".npz", ".csv"):
        assert len(exported(heaps, ending)) > 100

"""The tab of attention pooling under the hand: query, points, paste, kernels, and a training run."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QLabel

from app import theme, words
from app.export import TAKERS, settings_of
from app.plots.lines import Line
from app.plots.marks import Mark
from app.plots.scatterplot import ADD, DELETE, ScatterPlot
from app.tabs.attention_pooling.kernel_regression.cues import nearest
from app.tabs.attention_pooling.tex import EQUATIONS
from app.theme import FORMULA
from app.topics import topics
from engines.attention_pooling.spec import KERNELS, PoolingParams, points_of
from tests.app.intervals import holds
from tests.app.views_help import click, drag, exported, hover, key, wheel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("attention_pooling")
    rest(tab, qtbot)
    return tab


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy and tab.pages[0].shown is not None, timeout=30_000)
    assert not tab.failed


def learn(tab, qtbot):
    tab.show_page(1)
    qtbot.waitUntil(lambda: bool(tab.now.path) and not tab.pages[1].training.stream.is_busy, timeout=30_000)
    return tab.now


def told(page):
    """The newest step once it is drawn, too; −1 in between."""
    return page.last if page._now is not None and page._now.step == page.last else -1


def pull(plot, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    """Drag from one pair of numbers to another."""
    drag(plot.viewport(), plot.spot(*start), plot.spot(*end), modifier)


# ------------------------------------------------------------------ kernel regression
def test_the_first_look_is_alive(tab):
    shown = tab.pages[0].shown
    assert len(shown.points) == 50
    assert shown.query == 2.5
    assert shown.query_weights.sum() == pytest.approx(1)
    assert tab.pages[0].formula.lines()[0].endswith(f"= {words.number(shown.output, 2)}")
    table = tab.pages[0].cues.numbers()
    assert table["output"][0] == pytest.approx((table["weights"] * table["values"]).sum())
    assert not tab.header.undo_button.isEnabled()


def test_the_printed_formulas_are_whole(tab, qtbot):
    """At the width that a lesson leaves; with a kernel to which u is all the same, too."""
    view = tab.pages[0].formula
    view.resize(600, view.height())
    for kernel in KERNELS:
        tab.now.change(kernel=kernel)
        rest(tab, qtbot)
        for line in view.lines():
            assert QFontMetricsF(theme.font(FORMULA, mono=True)).horizontalAdvance(line) <= view.width(), line
        numbers = EQUATIONS["kernel_regression"].numbers(tab.params, {"PooledFrame": tab.pages[0].shown})
        assert {"query", "key", "bandwidth", "u"} <= set(numbers)
        assert f"α({numbers['key'].strip('()')})" in view.lines()[1]  # the same key


def test_the_query_follows_the_hand_and_is_one_step(tab, qtbot):
    plot = tab.pages[0].plot
    y = plot.box.viewRange()[1][0] + 0.1  # below all points
    pull(plot, (2.5, y), (4.0, y))
    rest(tab, qtbot)
    assert tab.params.query == pytest.approx(4.0, abs=0.05)
    assert tab.pages[0].shown.query == tab.params.query
    row = tab.pages[0].map.at()[0]
    assert tab.pages[0].shown.queries[row] == pytest.approx(4.0, abs=0.2)
    tab.undo()
    assert tab.params.query == 2.5
    assert not tab.now.state.history.can_undo


def test_dragging_a_point_is_one_step_and_is_drawn_at_once(tab, qtbot):
    plot, before = tab.pages[0].plot, points_of(tab.params)
    x, y = before[0]
    pull(plot, (x, y), (x + 1, y + 2))
    moved = points_of(tab.params)[0]
    assert moved == pytest.approx((x + 1, y + 2), abs=0.05)
    assert plot.numbers()["points"][0] == pytest.approx(moved)  # before the engine answers
    rest(tab, qtbot)
    assert tab.pages[0].shown.points == tab.params.points
    assert tab.params.changes() == 1
    tab.undo()
    assert tab.params.points is None
    rest(tab, qtbot)
    assert tab.pages[0].shown.points == before
    tab.redo()
    assert points_of(tab.params)[0] == moved


def test_shift_keeps_x(tab, qtbot):
    plot = tab.pages[0].plot
    x, y = points_of(tab.params)[0]
    pull(plot, (x, y), (x + 1, y + 1), Qt.KeyboardModifier.ShiftModifier)
    assert points_of(tab.params)[0][0] == x
    assert points_of(tab.params)[0][1] == pytest.approx(y + 1, abs=0.05)


def test_points_come_and_go(tab, qtbot):
    plot = tab.pages[0].plot
    plot.mode = ADD
    click(plot.viewport(), plot.spot(4.2, 3.6))
    assert points_of(tab.params)[-1] == pytest.approx((4.2, 3.6), abs=0.05)
    rest(tab, qtbot)
    plot.mode = DELETE
    click(plot.viewport(), plot.spot(*points_of(tab.params)[-1]))
    assert len(points_of(tab.params)) == 50
    tab.undo()
    tab.undo()
    assert tab.params.points is None
    tab.now.change(points=((1.0, 2.0),))
    tab.now.remove_point(0)
    assert tab.params.points == ((1.0, 2.0),)
    rest(tab, qtbot)
    assert tab.pages[0].shown.output == 2


def test_a_point_by_keys(tab, qtbot):
    plot = tab.pages[0].plot
    first = points_of(tab.params)[0]
    qtbot.keyClick(plot, Qt.Key.Key_Down)
    qtbot.keyClick(plot, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert points_of(tab.params)[0][1] > first[1]
    qtbot.keyClick(plot, Qt.Key.Key_Delete)
    assert len(points_of(tab.params)) == 49
    query = tab.params.query
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert tab.params.query > query


def test_sliders_draw_new_points(tab, qtbot):
    tab.now.change(points=((1.0, 2.0), (3.0, 4.0)), known=False)
    tab.now.change(samples=80)
    rest(tab, qtbot)
    assert tab.params.points is None
    assert tab.params.known
    assert len(tab.pages[0].shown.points) == 80


@pytest.mark.parametrize("points", [((1.0, 2.0),), ((1.0, 2.0), (1.0, 2.0)), ((0.0, 1e6), (1e6, -1e6))])
def test_few_and_far_points(tab, qtbot, points):
    for kernel in KERNELS:
        tab.now.change(points=points, known=False, kernel=kernel, bandwidth=0.05)
        rest(tab, qtbot)
        assert not tab.grab().isNull()
    learn(tab, qtbot)
    tab.pages[1].training.one_step()
    qtbot.waitUntil(lambda: told(tab.pages[1]) == 1 or tab.error.isVisible(), timeout=10_000)
    assert not tab.grab().isNull()


def test_an_empty_window_is_a_gap(tab, qtbot):
    tab.now.change(kernel="Boxcar", bandwidth=0.05, samples=12, query=1.0)
    rest(tab, qtbot)
    shown = tab.pages[0].shown
    line = tab.pages[0].plot._lines[-1]
    assert not line.filled.all()
    assert line.filled.any()
    tab.now.change(query=float(shown.grid[np.flatnonzero(~shown.filled)[0]]))
    rest(tab, qtbot)
    assert tab.pages[0].shown.empty
    assert tab.pages[0].plot._asked.answer is None
    assert "neighbor" in tab.pages[0].formula.lines()[0]
    assert tab.pages[0].errs.text().endswith("no neighbor")
    assert not tab.grab().isNull()


def test_the_bandwidth_is_pulled_on_the_error_curve(tab, qtbot):
    plot = tab.pages[0].error
    pull(plot, (1.0, 0.1), (3.0, 0.1))
    assert tab.params.bandwidth == pytest.approx(3.0, rel=0.1)
    rest(tab, qtbot)
    assert tab.pages[0].error.query == tab.params.bandwidth
    tab.undo()
    assert tab.params.bandwidth == 1.0


def test_all_kernels_at_once(tab, qtbot):
    tab.now.change(all_kernels=True)
    rest(tab, qtbot)
    names = [words.drawn(line.name) for line in tab.pages[0].plot._lines]
    assert set(KERNELS[1:]) | {"fit", "true curve"} == set(names)
    styles = {(line.token, line.style) for line in tab.pages[0].plot._lines}
    assert len(styles) == len(names)


def test_what_is_pointed_at_lights_up_everywhere(tab):
    page = tab.pages[0]
    index = int(nearest(page.shown, 1)[0])
    page.plot.hovered.emit(index)
    assert page.map.lit() == (-1, int(np.flatnonzero(page.shown.order == index)[0]))
    assert page.cues._lit == index
    page.map.hovered.emit((3, 7))
    assert page.plot.hover() == page.shown.order[7]
    assert page.plot.cursor_at() == page.shown.queries[3]
    page.map.hovered.emit(None)
    assert page.plot.cursor_at() is None
    page.map.clicked.emit((3, -1))
    assert tab.params.query == page.shown.queries[3]


# ------------------------------------------------------------------ own points
def test_pasted_points_are_taken_and_bad_lines_named(tab, qtbot):
    QGuiApplication.clipboard().setText("x,y\n1,2\n3,4\nsix,7\n10,1")
    tab.window().activateWindow()
    qtbot.waitUntil(tab.window().isActiveWindow)
    tab.pages[0].plot.setFocus()
    qtbot.keyClick(tab.pages[0].plot, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert tab.params.points == ((1.0, 2.0), (3.0, 4.0), (10.0, 1.0))
    assert tab.error.isVisible()
    assert any("Line 4" in label.text() for label in tab.error.findChildren(QLabel))
    assert 1 <= tab.params.query <= 10
    rest(tab, qtbot)
    assert all(words.drawn(line.name) != "true curve" for line in tab.pages[0].plot._lines)
    tab.undo()
    assert tab.params.points is None
    assert tab.params.known


@pytest.mark.parametrize("text", ["", "hello", "nan,nan", "1,2,3"])
def test_what_is_no_points_is_refused_in_words(tab, text):
    before = tab.params
    assert not tab.now.take_text(text)
    assert tab.error.isVisible()
    assert tab.params == before


# ------------------------------------------------------------------ learned w
def test_one_step_and_start_anew(tab, qtbot):
    page = learn(tab, qtbot)
    assert page.last == 0
    page.transport.step.click()
    qtbot.waitUntil(lambda: told(page) == 1, timeout=10_000)
    assert page.path[1].w == pytest.approx(page.path[0].w - 0.5 * page.path[0].gradient)
    page.transport.again.click()
    qtbot.waitUntil(lambda: len(page.path) == 1 and told(page) == 0, timeout=10_000)


def test_nothing_has_overshot_before_the_first_step(tab, qtbot, monkeypatch):
    """A run may begin beyond the optimum, which is no fault of a step."""
    monkeypatch.setattr("app.tabs.attention_pooling.learned_w.page.CALM", 0.0)
    page = learn(tab, qtbot)
    assert page.land_card.note.text().startswith("optimum")
    page.transport.step.click()
    qtbot.waitUntil(lambda: told(page) == 1, timeout=10_000)
    assert page.land_card.note.text().startswith("overshot")


def test_start_pause_and_what_the_usual_recipe_does(tab, qtbot):
    page = learn(tab, qtbot)
    tab.now.change(pace=50, learning_rate=0.02)
    page.transport.play.click()
    assert page.transport.runs
    qtbot.waitUntil(lambda: page.last > 3, timeout=10_000)
    page.transport.play.click()
    assert not page.transport.runs
    qtbot.waitUntil(lambda: not tab.pages[1].training.stream.is_busy, timeout=10_000)
    rested = page.last
    tab.now.usual_recipe()
    qtbot.waitUntil(lambda: told(page) == 5 and not page.transport.runs, timeout=10_000)
    assert rested > 3
    assert tab.params.learning_rate == 0.5
    assert page.path[-1].w > page.began.best
    assert page.land_card.note.text().startswith(("overshot", "optimum"))
    for cell in (None, (3, 4), (10, 12), (49, 0)):
        page._say_weight(cell)
        assert holds(page.formula.text()) == 1  # the last two sides; those before have names or a sum


def test_a_point_that_sees_itself_overfits_and_it_is_said(tab, qtbot):
    page = learn(tab, qtbot)
    tab.now.change(sees_itself=True, pace=50)  # nothing to lose yet: the run starts anew by itself
    qtbot.waitUntil(lambda: page.began.params.sees_itself, timeout=10_000)
    tab.pages[1].training.play_to(30)
    qtbot.waitUntil(lambda: told(page) == 30, timeout=20_000)
    assert page.path[-1].loss < page.began.least < page.path[-1].held_out
    assert page.loss_card.note.text().endswith("overfitting")


def test_a_run_keeps_its_points_while_others_change(tab, qtbot):
    page = learn(tab, qtbot)
    tab.pages[1].training.one_step()
    qtbot.waitUntil(lambda: told(page) == 1, timeout=10_000)
    tab.show_page(0)
    tab.now.change(samples=30)
    rest(tab, qtbot)
    tab.show_page(1)
    assert page.last == 1
    assert len(page.began.params.points) == 50
    assert tab.pages[1].training.pending() == 1
    tab.now.take_text("1,2\n3,4")
    assert tab.pages[1].training.pending() == 1
    tab.undo()
    assert not tab.pages[1].pending.isHidden()
    tab.pages[1].pending.anew.click()
    qtbot.waitUntil(lambda: len(page.began.params.points) == 30 and told(page) == 0, timeout=10_000)
    assert tab.pages[1].pending.isHidden()


def test_looking_back_and_returning(tab, qtbot):
    page = learn(tab, qtbot)
    tab.now.change(learning_rate=0.02, pace=50)
    tab.pages[1].training.play_to(8)
    qtbot.waitUntil(lambda: told(page) == 8, timeout=10_000)
    tab.pages[1].transport.scrubber.setValue(2)
    qtbot.waitUntil(lambda: page.looked is not None and page.looked.step == 2, timeout=10_000)
    assert page.transport.count.text() == "Step 2"
    assert page.transport.live.isVisible()
    assert page.looked.w == page.path[2].w
    page.transport.live.click()
    assert page.looked is None
    assert page.transport.count.text() == "Step 8"
    assert not page.transport.live.isVisible()
    page.loss.pointed.emit(3.2)
    assert page.loss_card.note.text().startswith("step 3: ")
    page.loss.pointed.emit(None)
    assert not page.loss_card.note.text().startswith("step")


def test_keys_of_the_run(tab, qtbot):
    page = learn(tab, qtbot)
    page.loss.setFocus()
    qtbot.keyClick(page.loss, Qt.Key.Key_Period)
    qtbot.waitUntil(lambda: told(page) == 1, timeout=10_000)
    qtbot.keyClick(page.loss, Qt.Key.Key_Home)
    assert page.transport.selected == 0
    qtbot.keyClick(page.loss, Qt.Key.Key_End)
    assert page.transport.selected is None
    qtbot.keyClick(page.loss, Qt.Key.Key_Space)
    assert page.transport.runs
    qtbot.keyClick(page.loss, Qt.Key.Key_Space)
    assert not page.transport.runs


def test_another_seed_is_another_start(tab, qtbot):
    page = learn(tab, qtbot)
    first = page.began.w
    page.transport.seeded.emit(7)
    qtbot.waitUntil(lambda: page.began.params.start_seed == 7, timeout=10_000)
    assert page.began.w != first
    tab.undo()
    assert tab.params.start_seed == 0


def test_a_run_out_of_numbers_says_so(tab, qtbot):
    tab.now.change(points=((0.0, 0.0), (1.0, 1e6), (3.0, -1e6)), known=False, learning_rate=10.0)
    page = learn(tab, qtbot)
    tab.pages[1].training.play()
    qtbot.waitUntil(lambda: tab.error.isVisible(), timeout=10_000)
    assert not page.transport.runs


# ------------------------------------------------------------------ words, looks, exports
def test_everything_is_said_in_chinese(tab, qtbot):
    words.forget_missing()
    page = learn(tab, qtbot)
    theme.switch(tab.window(), theme="dark", language="zh")
    for fields in ({"all_kernels": True}, {"kernel": "Boxcar", "bandwidth": 0.05}, {"sees_itself": True}):
        for number in (0, 1):
            tab.show_page(number)
            tab.now.change(**fields)
            rest(tab, qtbot)
            tab.grab()
    tab.pages[1].training.one_step()
    qtbot.waitUntil(lambda: told(page) == 1, timeout=10_000)
    tab.now.take_text("1,2\nx,y\n3,4")
    tab.now.take_text("none")
    tab.now.change(start_seed=5)
    tab.grab()
    assert not words.missing() - {topic.title for topic in topics()}  # the side list names other topics, too


def test_every_view_exports_what_it_shows(tab, qtbot):
    page = learn(tab, qtbot)
    for view in (*tab.pages[0].views, *page.views):
        assert settings_of(view)["kernel"] == "Gaussian"
        numbers = view.numbers()
        assert numbers
        for array in numbers.values():
            assert array.dtype.kind != "f" or np.isfinite(array).all()
        for ending in TAKERS:
            assert exported(view, ending)


# ------------------------------------------------------------------ the plot itself
def plot_of(qtbot, **options):
    plot = ScatterPlot(**options)
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show()
    return plot


def test_lines_with_nan_are_refused(qtbot):
    plot = plot_of(qtbot)
    with pytest.raises(ValueError, match="NaN"):
        plot.set_lines([Line("a", np.arange(3.0), np.array([0, np.nan, 1]))])
    with pytest.raises(ValueError, match="3 x and 2 y"):
        plot.set_lines([Line("a", np.arange(3.0), np.zeros(2))])


def test_a_gap_stays_paper(qtbot):
    plot = plot_of(qtbot)
    x = np.linspace(0, 10, 101)
    plot.set_lines([Line("a", x, np.full(101, 0.37), "danger", (x < 3) | (x > 7), width=3)])
    plot.set_range((0, 10), (0, 1))
    image = plot.grab().toImage()

    def reddest(value):
        return image.pixelColor(plot.spot(value, 0.37).toPoint()) == theme.color("danger")

    assert reddest(1)
    assert reddest(9)
    assert not reddest(5)


@pytest.mark.parametrize("log_x", [False, True])
def test_places_and_numbers_are_each_others_inverse(qtbot, log_x):
    plot = plot_of(qtbot, log_x=log_x)
    plot.set_range((0.05, 100), (-3, 5))
    for x, y in ((0.05, -3), (1.0, 0.0), (99.0, 4.5)):
        meant = plot.meant(plot.seen(x, y))
        assert (meant.x(), meant.y()) == pytest.approx((x, y))


def test_wheel_zooms_and_a_double_click_brings_the_whole_back(qtbot):
    plot = plot_of(qtbot)
    plot.set_points(np.arange(5.0), np.arange(5.0))
    whole = plot.box.viewRange()
    where = plot.spot(2, 2)
    wheel(plot.viewport(), where, 1)
    assert np.diff(plot.box.viewRange()[0]) < np.diff(whole[0])
    assert plot.value_at(where).x() == pytest.approx(2, abs=0.05)
    qtbot.mouseDClick(plot.viewport(), LEFT, pos=where.toPoint())
    assert plot.box.viewRange() == whole


@pytest.fixture
def hand(qtbot):
    """A plot with points, stems and a query, and what it tells."""
    plot = plot_of(qtbot, strip=True)
    plot.editable = True
    x = np.arange(1.0, 6)
    plot.set_points(x, x, x / 5)
    plot.set_stems(x / 15, 1 / 3)
    plot.set_query(2.5, 2.5)
    told = []
    for name in ("query_moved", "query_settled", "point_moved", "point_settled", "point_added", "point_removed"):
        getattr(plot, name).connect(lambda *values, name=name: told.append((name, *values)))
    return plot, told


def test_a_click_beside_points_brings_the_query_and_on_a_point_chooses(hand, qtbot):
    plot, told = hand
    click(plot.viewport(), plot.spot(4.5, 2.0))
    assert [name for name, *_ in told] == ["query_moved", "query_settled"]
    assert told[0][1] == pytest.approx(4.5, abs=0.05)
    click(plot.viewport(), plot.spot(4.0, 4.0))
    assert plot._chosen == 3
    key(plot, Qt.Key.Key_Delete)
    assert told[-1] == ("point_removed", 3)
    qtbot.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert told[-2][:2] == ("point_moved", 3)
    assert told[-2][2] > 4
    key(plot, Qt.Key.Key_Escape)
    assert plot._chosen is None


def test_a_drag_beside_all_pans_and_moves_nothing(hand):
    plot, told = hand
    before = plot.box.viewRange()
    drag(plot.viewport(), plot.spot(4.5, 2.0), plot.spot(3.5, 2.5))
    assert not told
    assert plot.box.viewRange() != before


def test_the_query_is_pulled_in_the_strip_too(hand):
    plot, told = hand
    strip = plot.stems.box.sceneBoundingRect().center().y()
    start, end = (QPointF(plot.spot(x, 1).x(), strip) for x in (2.5, 3.5))
    drag(plot.viewport(), start, end)
    assert told[-1] == ("query_settled",)
    assert told[-2][1] == pytest.approx(3.5, abs=0.05)


def test_stems_stand_below_their_points_whatever_is_in_sight(hand):
    plot, _ = hand
    bars = plot.stems.bars.opts
    np.testing.assert_allclose(bars["x"], np.arange(1.0, 6))
    np.testing.assert_allclose(bars["height"], np.arange(1.0, 6) / 5)
    wheel(plot.viewport(), plot.spot(3, 3), 3)
    assert plot.stems.box.viewRange()[0] == pytest.approx(plot.box.viewRange()[0], rel=0.02)
    wide = plot.stems.bars.opts["width"] / plot.stems.box.viewPixelSize()[0]
    assert wide == pytest.approx(3, rel=0.01)


def test_the_nearest_point_says_its_numbers_and_the_strongest_is_on_top(hand):
    plot, _ = hand
    seen = []
    plot.hovered.connect(seen.append)
    hover(plot.viewport(), plot.spot(2.0, 2.0) + QPointF(3, 0))
    assert seen == [1]
    assert plot.chip.toPlainText() == "2.00, 2.00 · 13.3 %"
    assert "2: 2.00, 2.00" in plot.report()
    hover(plot.viewport(), plot.spot(4.5, 2.0))
    assert seen == [1, None]
    plot.set_points(np.zeros(2), np.zeros(2), np.array([1.0, 0.5]))
    assert plot.points.order.tolist() == [1, 0]


def test_marks_have_words_and_feet(qtbot):
    plot = plot_of(qtbot)
    plot.set_lines(
        [Line("a", np.arange(3.0), np.arange(3.0))], [Mark(1, 1, text="here", foot=True), Mark(2, 2, ring=True)]
    )
    marks = plot.marks
    assert [word.toPlainText() for word in marks.captions if word.isVisible()] == ["here"]
    x, y = marks.feet[0].getData()
    assert (x.tolist(), y[1]) == ([1, 1], 1)
    assert y[0] == plot.box.viewRange()[1][0]
    plot.set_lines([], [])
    assert not any(part.isVisible() for part in (*marks.captions, *marks.feet))


def test_empty_and_single_content_is_painted(qtbot):
    for log_x in (False, True):
        plot = plot_of(qtbot, log_x=log_x, strip=True)
        assert not plot.grab().isNull()
        plot.set_points(np.ones(1), np.ones(1), np.ones(1))
        plot.set_stems(np.ones(1), 1.0)
        plot.set_query(1.0, 1.0, (0.5, 1.5))
        assert not plot.grab().isNull()


def test_default_params_are_what_the_issue_names():
    params = PoolingParams()
    assert (params.samples, params.noise) == (50, 0.5)
    assert params.learning_rate == 0.5

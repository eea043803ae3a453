"""The Multi-head tab: what is drawn is what the layer computed, what the hand does, and the run beside it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import words
from app.export import settings_of
from app.tabs.multi_head import TOPIC
from app.tabs.multi_head.powers import Powers
from app.views.flow import Block, Flow
from app.views.maskmap import MaskMap
from engines.multi_head.heads.spec import HeadsParams
from engines.multi_head.training.spec import LEFT, UNORDERED, MultiHeadTraining
from tests.app.views_help import click, drag, hover, is_drawn, show

HEADS, TRAINING = range(2)


@pytest.fixture
def tab(open_window, monkeypatch, qtbot):
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: TOPIC if name == "multi_head" else None)
    window = open_window()
    tab = window.show_topic("multi_head")
    qtbot.waitUntil(lambda: tab.pages[HEADS].frame is not None and not tab.is_busy, timeout=30_000)
    return tab


def change(qtbot, tab, **fields):
    with qtbot.waitSignal(tab.rested, timeout=10_000):
        tab.now.change(**fields)


def texts(widget):
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


# ------------------------------------------------------------------ heads
def test_the_shapes_on_the_flow_are_those_of_the_arrays_and_change_live(tab, qtbot):
    assert tab.pages[HEADS].flow.shapes() == [
        "(1, 12, 64)", "(1, 4, 12, 16)", "(1, 4, 12, 12)", "(1, 4, 12, 16)", "(1, 12, 64)", "(64, 64)",
        "(1, 12, 64)", "(1, 12, 64)",
    ]  # fmt: skip
    change(qtbot, tab, heads=8, tokens=5, batch=3)
    assert tab.pages[HEADS].flow.shapes()[1:3] == ["(3, 8, 5, 8)", "(3, 8, 5, 5)"]
    assert "16,640 parameters with any number of heads" in texts(tab.pages[HEADS].centre)
    np.testing.assert_array_equal(tab.pages[HEADS].mosaic.numbers()["maps"], tab.pages[HEADS].frame.weights)
    assert len(tab.now.chips.chips.off()) == 0


def test_a_head_switched_off_shows_what_it_did(tab, qtbot):
    change(qtbot, tab, heads_off=(2,))
    frame = tab.pages[HEADS].frame
    share = words.percent(frame.change, 0)
    assert frame.change > 0
    assert f"Switching these heads off changes the output by {share} of its norm." in texts(tab.pages[HEADS].centre)
    np.testing.assert_array_equal(tab.pages[HEADS].flow.numbers()["Change"], frame.output - frame.untouched)
    assert tab.params.changes() == 1
    with qtbot.waitSignal(tab.rested):
        tab.now.state.reset()
    assert tab.params.heads_off == ()


def test_a_head_is_chosen_in_any_view_and_marked_in_all(tab):
    click(tab.pages[HEADS].mosaic, tab.pages[HEADS].mosaic.cell_rect(2).center())
    assert tab.params.head == tab.pages[HEADS].flow.at() == 2
    np.testing.assert_array_equal(tab.pages[HEADS].mask_map.numbers()["values"], tab.pages[HEADS].frame.weights[2])
    click(tab.pages[HEADS].flow, tab.pages[HEADS].flow.slice_rect(3, 1).center())
    assert tab.params.head == tab.pages[HEADS].mosaic.at() == 1
    click(tab.pages[HEADS].agreement, tab.pages[HEADS].agreement.cell_rect((3, 0)).center())
    assert tab.params.head == 3


def test_a_painted_mask_is_one_undo_step(tab, qtbot):
    mask = tab.pages[HEADS].mask_map
    start, end = mask.cell_rect((0, 4)).center(), mask.cell_rect((0, 8)).center()
    with qtbot.waitSignal(tab.rested):
        drag(mask, start, end)
    qtbot.waitUntil(lambda: not tab.is_busy)
    assert tab.params.blocked == tuple((0, k) for k in range(4, 9))
    assert (tab.pages[HEADS].frame.weights[:, 0, 4:9] == 0).all()
    with qtbot.waitSignal(tab.rested):
        tab.undo()
    assert tab.params.blocked == ()
    assert not tab.now.state.history.can_undo


def test_masks_by_button_and_a_row_with_nothing_left(tab, qtbot):
    with qtbot.waitSignal(tab.rested):
        tab.pages[HEADS].causal.click()
    assert len(tab.params.blocked) == 66
    change(qtbot, tab, blocked=tuple((1, k) for k in range(12)))
    expected = "Nothing is left to attend to for a2: weights and output of the heads are 0 there."
    assert expected in texts(tab.pages[HEADS].centre)
    with qtbot.waitSignal(tab.rested):
        tab.pages[HEADS].clear.click()
    assert tab.params.blocked == ()


def test_agreement_of_maps_or_of_outputs(tab):
    page = tab.pages[HEADS]
    np.testing.assert_array_equal(page.agreement.numbers()["values"], page.frame.map_agreement)
    page.kind.set_at(1)
    page.kind.chosen.emit(1)
    np.testing.assert_array_equal(page.agreement.numbers()["values"], page.frame.output_agreement)


def test_sliders_of_sizes_stop_at_powers_of_two(tab, qtbot):
    slider = tab.now.forms[0].control("heads").slider
    assert slider.number() == 4
    slider.setFocus()
    with qtbot.waitSignal(tab.rested):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    assert tab.params.heads == 8
    scale = Powers(1, 16)
    assert [scale.value(i) for i in range(5)] == [1, 2, 4, 8, 16]
    assert scale.parsed("5") == 4
    assert scale.parsed("nan") is None


def test_sizes_from_elsewhere_are_made_to_fit(tab, qtbot):
    change(qtbot, tab, heads=8, heads_off=(6,), head=7)
    change(qtbot, tab, heads=2)
    assert (tab.params.heads_off, tab.params.head) == ((), 1)
    tab.now.change(heads=5)
    assert tab.params.heads == 4


def test_settings_of_the_whole_tab_are_read_by_its_pages(open_window):
    window = open_window()
    window.settings.keep_fields("multi_head", SimpleNamespace(heads=5, tokens=9, pace=50), ("heads", "tokens", "pace"))
    tab = window.show_topic("multi_head")
    assert tab.pages[HEADS].params == HeadsParams(heads=4, tokens=9)  # 5 heads divide no width
    assert tab.pages[TRAINING].params == MultiHeadTraining(pace=50)


def test_an_export_names_the_head_as_it_is_seen(tab):
    tab.now.step(head=2)
    assert settings_of(tab.now.mask_map)["head"] == 3


# ------------------------------------------------------------------ training
@pytest.fixture
def run(tab, qtbot):
    tab.show_page(TRAINING)
    drawn = tab.pages[TRAINING].maps[0]
    qtbot.waitUntil(lambda: drawn.numbers()["values"].size > 0 and not tab.now.training.stream.is_busy, timeout=10_000)
    return tab.now.training


def test_the_page_opens_on_an_untrained_pair(tab, run):
    page = tab.pages[TRAINING]
    assert page.training.step == 0
    assert not tab.pages[TRAINING].transport.runs
    assert all(is_drawn(view) for view in page.views)
    assert "7,028 parameters each" in texts(tab)


def test_one_step_then_start_and_pause(tab, run, qtbot):
    page = tab.pages[TRAINING]
    page.transport.step.click()
    qtbot.waitUntil(lambda: page.training.step == 1 and not run.stream.is_busy, timeout=10_000)
    tab.now.change(pace=200)
    page.transport.play.click()
    qtbot.waitUntil(lambda: page.training.step >= 6, timeout=20_000)
    page.transport.play.click()
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=10_000)
    assert not page.transport.runs
    assert len(page.loss.numbers()["h = 1_x"]) > 1


def test_an_interactive_page_does_not_end_the_run(tab, run, qtbot):
    page = tab.pages[TRAINING]
    page.transport.step.click()
    qtbot.waitUntil(lambda: page.training.step == 1 and not run.stream.is_busy, timeout=10_000)
    tab.show_page(0)
    change(qtbot, tab, heads=2)
    tab.show_page(TRAINING)
    page.transport.step.click()
    qtbot.waitUntil(lambda: page.training.step == 2, timeout=10_000)


def test_a_new_task_waits_until_the_hand_starts_anew(tab, run, qtbot):
    page = tab.pages[TRAINING]
    page.transport.step.click()
    qtbot.waitUntil(lambda: page.training.step == 1 and not run.stream.is_busy, timeout=10_000)
    tab.now.change(task=LEFT)
    assert run.params.task != LEFT
    assert tab.now.pending.anew.isVisible()
    tab.now.pending.anew.click()
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=10_000)
    assert (run.params.task, page.training.step) == (LEFT, 0)
    assert not tab.now.pending.anew.isVisible()
    assert all(len(answer) == 1 for answer in page.answers.numbers()["h = 1"])


def test_looking_back_and_back_to_live(tab, run, qtbot):
    page = tab.pages[TRAINING]
    for step in (1, 2):
        page.transport.step.click()
        qtbot.waitUntil(lambda step=step: page.training.step == step and not run.stream.is_busy, timeout=10_000)
    qtbot.waitUntil(lambda: page._now.step == 2)
    live = page.maps[0].numbers()["values"].copy()
    page.transport.looked.emit(0)
    assert (page.maps[0].numbers()["values"] != live).any()
    page.transport.looked.emit(None)
    np.testing.assert_array_equal(page.maps[0].numbers()["values"], live)


def test_a_branch_is_drawn_beside_the_run_that_it_left(tab, run, qtbot):
    page = tab.pages[TRAINING]
    run.play_to(6)
    qtbot.waitUntil(lambda: run.step == 6 and not run.stream.is_busy, timeout=60_000)
    before = page.loss.curves()
    page.transport.look(5)
    state = run.weights
    tab.now.change(learning_rate=0.05)
    page.transport.branch.click()
    qtbot.waitUntil(lambda: run.step >= 9, timeout=60_000)
    run.pause()
    qtbot.waitUntil(lambda: not run.stream.is_busy, timeout=60_000)
    again = run.timeline.at(state.step)
    assert again is not state
    assert again.step == state.step > 0
    for name, array in state.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
    past, now = page.loss.past(), page.loss.curves()
    np.testing.assert_array_equal(past[0].y, before[0].y)
    np.testing.assert_array_equal(now[0].raw[: state.step], past[0].raw[: state.step])
    assert not np.array_equal(now[0].raw[: len(past[0].raw)], past[0].raw)
    assert any(name.endswith("_before_y") for name in page.loss.numbers())
    left = words.number(state.step)
    assert words.drawn(page.loss.past_named()) == f"Dotted: before the branch at step {left}"
    tab.now.change(learning_rate=0.02)
    tab.undo()  # what was set last
    assert (tab.params.learning_rate, run.way.left is None) == (0.05, False)
    tab.undo()  # then the branch
    assert (tab.params.learning_rate, run.way.left) == (0.05, None)
    qtbot.waitUntil(lambda: run.step == 6 and not run.stream.is_busy and not run.runs, timeout=60_000)
    np.testing.assert_array_equal(page.loss.curves()[0].y, before[0].y)
    run.begin_anew()
    assert page.loss.past() == ()


def test_a_token_is_chosen_in_the_answers_or_on_a_map(tab, run):
    page = tab.pages[TRAINING]
    click(page.answers, page.answers.place(6).center())
    assert page.answers.at() == 6
    click(page.maps[1], page.maps[1].cell_rect((2, 5)).center())
    assert page.answers.at() == 2
    QTest.keyClick(page.answers, Qt.Key.Key_Right)
    assert page.answers.at() == 3


def test_bars_are_the_probabilities_of_the_letters_asked_for(tab, run):
    page = tab.pages[TRAINING]
    shown, began = page._drawn, page._began
    at = page.answers.at()
    expected = [shown.probabilities[0, m, at, s, began.targets[0, at, s]] for s in (0, 1) for m in (0, 1)]
    np.testing.assert_allclose(page.bars.numbers()["values"][:, 0], expected, rtol=1e-6)


def test_what_one_head_names_is_counted_on_what_is_shown(tab, run):
    """Each letter that is counted stands in the answers, green, on one of the sequences."""
    page = tab.pages[TRAINING]
    right = np.zeros(2, int)
    for _ in range(len(page._began.letters)):
        answers = page.answers.numbers()
        for said, target in zip(answers["h = 1"], answers[words.tr("target")], strict=True):
            right += [one == other for one, other in zip(said, target, strict=True)]
        page.other.click()
    n = page._began.targets[..., 0].size
    told = f"On the {n} tokens shown it names {right[0]} left and {right[1]} right letters: "
    assert told + words.percent(right.sum() / (2 * n), 1) in page.parts.text()


def test_of_two_orders_with_one_answer_half_is_right(tab):
    """Whatever is answered: counted over all answers of four letters."""
    for answer in itertools.product("abcd", repeat=2):
        counted = sum(said == wanted for order in ("ab", "ba") for said, wanted in zip(answer, order, strict=True))
        assert counted <= 4 * UNORDERED
    assert UNORDERED == 0.5


def test_the_seed_of_the_transport_is_a_setting(tab, run, qtbot):
    tab.pages[TRAINING].transport.seeded.emit(7)
    qtbot.waitUntil(lambda: run.params.train_seed == 7 and not run.stream.is_busy, timeout=10_000)
    assert tab.params == MultiHeadTraining(train_seed=7)


# ------------------------------------------------------------------ views
def test_flow_cuts_values_by_head_and_shares_pixels_honestly(qtbot):
    flow = show(qtbot, Flow(), 300, 160)
    values = np.zeros((2, 4, 300), np.float32)
    values[1, 2, 250] = -3
    flow.set_blocks([Block("A", "(4, 4)", np.eye(4)), Block("B", "(2, 4, 300)", values, cut=True, seam=2)], 2)
    flow.set_at(1)
    assert is_drawn(flow)
    hover(flow, flow.slice_rect(0, 0).topLeft() + QPointF(0.2, 0.2))
    assert flow.report() == "A (4, 4): 1.00"
    painted = flow._painted(flow._blocks[1], flow.slice_rect(1, 1))[1]
    levels = {painted.pixelIndex(x, y) for x in range(painted.width()) for y in range(painted.height())}
    assert 0 in levels  # the one negative value is not lost among its neighbors
    with pytest.raises(ValueError, match="NaN"):
        flow.set_blocks([Block("A", "", np.array([[np.nan]]))], 1)


def test_mask_is_painted_along_the_way_and_by_keys(qtbot):
    mask = show(qtbot, MaskMap(), 300, 300)
    mask.set_values(np.full((6, 6), 1 / 6), 1.0, 0.0)
    got = []
    mask.painted.connect(got.append)
    drag(mask, mask.cell_rect((0, 0)).center(), mask.cell_rect((4, 4)).center())
    assert got[-1] == tuple((i, i) for i in range(5))
    drag(mask, mask.cell_rect((1, 1)).center(), mask.cell_rect((2, 2)).center())
    assert got[-1] == ((0, 0), (3, 3), (4, 4))
    mask.leaveEvent(None)
    mask.set_at((5, 5))
    assert mask.enter()
    assert (5, 5) in mask.blocked()
    assert mask.report().endswith("blocked")

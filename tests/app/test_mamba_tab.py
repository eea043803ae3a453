"""The Mamba tab in the window, with the bundled nets: what the hand does on each page, and what is shown then."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app import words
from app.figure import caption_of
from engines.core.training import Stepped
from engines.mamba.race.spec import AtLengths, RaceLook, Standing
from tests.engines.mamba import reference


@pytest.fixture
def tab(open_window, qtbot):
    made = open_window(1280, 800).show_topic("mamba")
    qtbot.waitUntil(lambda: made.now.shown is not None and not made.is_busy)
    return made


def turn(tab, qtbot, page):
    tab.show_page(page)
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=20_000)
    return tab.now


def test_the_input_is_drawn_with_the_mouse_and_all_follows(tab, qtbot):
    page = tab.now
    before = page.shown
    place = page.lanes.lane_rect(0)
    wide = place.width() / len(before.u)

    def at(step, share):
        return QPointF(place.x() + (step + 0.5) * wide, place.y() + share * place.height()).toPoint()

    view = page.lanes.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(10, 0.5))
    QTest.mouseMove(view, at(14, 0.0))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(14, 0.0))
    qtbot.waitUntil(lambda: page.shown is not before and not tab.is_busy)
    assert page.shown.u[14] > 1.8
    np.testing.assert_allclose(page.shown.u[10:15], np.linspace(page.shown.u[10], page.shown.u[14], 5), atol=1e-3)
    np.testing.assert_array_equal(page.lanes.lanes[0].values, page.shown.u)
    assert np.abs(page.shown.y[15:] - before.y[15:]).max() > 0.1
    tab.undo()
    qtbot.waitUntil(lambda: not tab.is_busy)
    np.testing.assert_array_equal(page.shown.u, before.u)  # one stroke is one step


def test_four_ways_are_shown_until_the_channel_selects(tab, qtbot):
    page = tab.now
    assert [lane.key for lane in page.ways.lanes] == [
        "by_recurrence", "by_convolution", "by_attention", "by_scan"
    ]  # fmt: skip
    page.change(select_delta=True)
    qtbot.waitUntil(lambda: len(page.ways.lanes) == 3)
    assert "selects" in page.way_card.note.text()
    assert page.verdicts.verdicts()[1].findings == ()
    page._theorem()
    qtbot.waitUntil(lambda: len(page.verdicts.verdicts()[1].findings) == 3)
    assert [one.holds for one in page.verdicts.verdicts()[1].findings] == [True, False, False]


def test_a_step_that_is_looked_at_is_marked_and_written_everywhere(tab, qtbot):
    page = tab.now
    page.lanes.chosen.emit(17)
    assert page.ways.at() == 17
    assert page.grid.at() == (17, -1)
    assert page.equation.text().startswith("t = 18: h = ")
    tab.escape()
    assert page.lanes.at() == -1


def test_watch_says_what_was_done_to_the_block(tab, qtbot):
    page = turn(tab, qtbot, 1)
    assert "mamba-induction" in caption_of(page.centre)
    assert not page.bars.bars()[0].note
    written = [words.number(float(lane.rows.max()), lane.digits) for lane in page.lanes.lanes if lane.kind == "bars"]
    assert not {"0.00", "0.01"} & set(written)  # two digits of each, however small it is
    page.change(freeze_delta=True, both=True)
    qtbot.waitUntil(lambda: page.bars.bars()[0].note != "")
    assert "now" in page.right.text()
    page.lanes.chosen.emit(5)
    assert page.hidden.at() == page.heads.at() == (5, -1)
    page.change(matrix="All channels")
    np.testing.assert_array_equal(page.hidden.values(), page.shown.hidden_all)


def test_the_race_that_comes_along_stands_until_a_run_has_made_steps(tab, qtbot):
    page = turn(tab, qtbot, 2)
    qtbot.waitUntil(lambda: len(page.before) == 2)
    assert "run beforehand" in page.step_card.note.text()
    words.set_language("zh")
    assert words.drawn(page.by_length.plot.getAxis("bottom")._title) == "长度"
    words.set_language("en")
    page.change(length=300)
    assert page.by_length.at() == 4  # 256
    assert "8 ×" in words.tr(page.verdicts.verdicts()[0].name)
    page.by_length.picked.emit(6)
    assert page.params.length == 1024
    accuracy = np.full((1, 4, 1), 0.25, np.float32)
    page.told(Stepped(25))
    page.told(RaceLook(25, Standing(np.array([25]), accuracy, (1.0, 1.0, 1.0, 1.0))))
    assert "step 25" in page.step_card.note.text()
    assert page.length_card.is_empty()
    page.told(AtLengths(25, np.full((2, 4, 1), 0.5, np.float32)))
    assert not page.length_card.is_empty()


def test_a_look_that_comes_while_its_step_is_looked_back_at_says_its_own_step(tab, qtbot):
    page = turn(tab, qtbot, 2)
    page.told(Stepped(12))
    page.transport.set_step(12)
    page.transport.look(3)
    page.told(RaceLook(25, Standing(np.array([25]), np.full((1, 4, 1), 0.25, np.float32), (1.0, 1.0, 1.0, 1.0))))
    assert "step 25" in page.step_card.note.text()
    assert page.transport.count.text() == "Step 25"


def test_memory_and_time_are_read_at_the_cursor(tab, qtbot):
    page = turn(tab, qtbot, 3)
    page.held.picked.emit(4096.0)
    assert page.params.length == 4096
    assert page.verdicts.verdicts()[0].findings[0].value == "4.2 MB"
    assert page.verdicts.verdicts()[0].findings[1].value == "9.7 kB"


def test_a_model_of_ones_own_goes_on_with_a_text(tab, qtbot, tmp_path):
    page = turn(tab, qtbot, 4)
    assert page.lane_card.is_empty()
    assert "model" not in page.exported()
    reference.save(reference.make(), tmp_path / "tiny")
    tab.take_model(str(tmp_path / "tiny"))
    qtbot.waitUntil(lambda: page.shown is not None and not tab.is_busy, timeout=20_000)
    assert not page.lane_card.is_empty()
    assert page.exported()["sha256"]
    QTest.keyClicks(page.line, " the")
    qtbot.waitUntil(lambda: page.params.text.endswith(" the") and not tab.is_busy)
    before = page.shown
    page.bars.clicked.emit(0)
    qtbot.waitUntil(lambda: page.shown is not before and not tab.is_busy)
    assert page.params.text == page.line.text()
    assert len(page.shown.tokens) == len(before.tokens) + 1
    page.on(dataclasses.replace(page.shown, pieces=("",) * 10))
    page.bars.clicked.emit(0)
    assert page.params.text == page.line.text()
    assert "part of a character" in words.tr(page.last_note)
    page.on(dataclasses.replace(page.shown, pieces=(" a",) * 10, cut=3))
    page.bars.clicked.emit(0)
    assert page.params.text == page.line.text()
    assert "shorten" in words.tr(page.last_note)
    page.change(token=2)
    page.remove_button.click()
    assert page.params.removed == 2
    qtbot.waitUntil(lambda: page.shown.removed == 2)
    assert "silent" in page.lane_card.note.text()
    page.change(text="something else")
    assert page.params.removed == -1
    assert page.forms[0].control("channel") is not None


def test_a_click_on_a_patch_asks_for_it(tab, qtbot):
    page = turn(tab, qtbot, 5)
    qtbot.waitUntil(lambda: page.shown is not None)
    page.view.clicked.emit((0, 2))
    qtbot.waitUntil(lambda: page.shown.patch == (0, 2))
    assert page.verdicts.verdicts()[0].findings[0].value == "3 / 64"
    page.change(directions="Two directions")
    qtbot.waitUntil(lambda: page.shown.directions == 2)
    assert page.verdicts.verdicts()[0].findings[0].value == "64 / 64"
    page.view.clicked.emit(None)
    assert page.params.patch == (0, 2)

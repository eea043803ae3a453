"""Guess first: the answer is covered until the hand has said what it expects."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app import theme, words
from app.guess import GuessFirst, curve_score, pick_score
from app.plots.scatterplot import ScatterPlot
from app.views.guesssheet import ASKED, OFF, SHOWN, CellSheet, CurveSheet
from app.views.scoregrid import ScoreGrid
from engines.core.errors import Message


def test_a_curve_is_judged_against_a_flat_one():
    truth = np.sin(np.linspace(0, 6, 50))
    assert curve_score(truth, truth) == 1
    assert curve_score(np.full(50, truth.mean()), truth) == pytest.approx(0.5)
    assert curve_score(4 * truth.mean() - 3 * truth, truth) == 0
    half = np.where(np.arange(50) < 25, truth, np.nan)  # what was not drawn is worth a flat line
    expected = 1 - np.abs(truth - truth.mean())[25:].sum() / np.abs(truth - truth.mean()).sum() / 2
    assert curve_score(half, truth) == pytest.approx(expected)
    assert curve_score(truth, np.full(50, np.nan)) == 0


def test_a_pick_is_worth_its_share_of_the_largest():
    assert pick_score([0.1, 0.4, 0.2], 1) == (1.0, 1)
    share, rank = pick_score([0.1, 0.4, 0.2], 2)
    assert (share, rank) == (pytest.approx(0.5), 2)


@pytest.fixture
def grid(qtbot):
    view = ScoreGrid("ember")
    qtbot.addWidget(view)
    view.resize(240, 120)
    view.set_table(np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]], np.float32), 1.0)
    view.show()
    return view


def color_at(view, place):
    return view.grab().toImage().pixelColor(place).name().upper()


def test_cells_are_covered_picked_and_shown_again(grid, qtbot):
    other = QWidget(grid)
    judged = []
    sheet = CellSheet(grid, lambda: [(0, k) for k in range(3)])
    guess = GuessFirst(grid, sheet, "Click.", lambda: judged.append(sheet.picks) or (0.5, Message("So.")), (other,))
    told_ = []
    guess.told.connect(lambda said: told_.append("" if said is None else words.drawn(said)))
    inside = grid.cell_rect((0, 1)).toRect().adjusted(4, 4, 0, 0).topLeft()
    told = color_at(grid, inside)
    guess.button.click()
    assert (guess.phase, guess.button.isEnabled()) == (ASKED, False)  # nothing to judge yet
    assert color_at(grid, inside) == theme.code("surface").upper() != told
    guess.go_on()  # as nothing was guessed, it is off again
    assert guess.phase == OFF
    guess.button.click()
    for cell in ((0, 2), (0, 1)):  # one is asked for: the second takes the place of the first
        QTest.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=grid.cell_rect(cell).center().toPoint())
    QTest.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=grid.cell_rect((1, 0)).center().toPoint())  # not asked for
    assert sheet.picks == ((0, 1),)
    guess.button.click()
    assert (guess.phase, judged, guess.scores) == (SHOWN, [((0, 1),)], [0.5])
    assert color_at(grid, inside) == told
    assert sheet.accessibleName() == "50 of 100. So."
    guess.settings_changed()
    assert (guess.phase, sheet.isVisible()) == (OFF, False)
    assert told_ == ["Click.", "", "Click.", "50 of 100. So.", ""]


def test_cells_are_picked_with_keys(grid):
    sheet = CellSheet(grid, lambda: [(0, k) for k in range(3)])
    sheet.set_phase(ASKED, Message("Click."))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(sheet, key)
    assert sheet.picks == ((0, 2),)
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert sheet.is_empty()


def test_a_curve_is_drawn_by_a_drag_and_has_no_holes(qtbot):
    plot = ScatterPlot(low=(260, 190))
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.set_range((0.0, 10.0), (-1.0, 1.0))
    plot.show()
    sheet = CurveSheet(plot, lambda: (np.array([5.0]), np.array([0.0])))
    sheet.set_phase(ASKED, Message("Draw."))
    ends = [plot.spot(x, y).toPoint() for x, y in ((1.0, -0.5), (9.0, 0.5))]
    QTest.mousePress(sheet, Qt.MouseButton.LeftButton, pos=ends[0])
    QTest.mouseMove(sheet, ends[1])
    x, y = sheet.curve()
    drawn = np.isfinite(y)
    assert drawn[(x > 1.2) & (x < 8.8)].all()
    assert not drawn[(x < 0.8) | (x > 9.2)].any()
    np.testing.assert_allclose(y[drawn], -0.5 + (x[drawn] - 1) / 8, atol=0.04)
    sheet.set_phase(ASKED, Message("Draw."))
    assert sheet.is_empty()
    QTest.keyClick(sheet, Qt.Key.Key_Up)
    assert not sheet.is_empty()
    assert sheet.geometry() == plot.rect()
    plot.resize(QPoint(300, 200).x(), 200)
    assert sheet.geometry() == plot.rect()

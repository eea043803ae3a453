"""Lanes: rows over one axis, what lies under the pointer, and the first lane under the hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.views.drawnlanes import DrawnLanes
from app.views.lanes import BARS, HEAT, Lane, Lanes
from tests.app.views_help import hover

LENGTH = 10


def three(values=None):
    u = np.zeros(LENGTH) if values is None else values
    return [
        Lane("u", u, low=-2, high=2, key="u"),
        Lane("w", np.arange(LENGTH, dtype=float), BARS, key="w"),
        Lane("h", np.linspace(-1, 1, 3 * LENGTH).reshape(3, LENGTH), HEAT, key="h"),
    ]


@pytest.fixture
def lanes(qtbot):
    made = DrawnLanes()
    qtbot.addWidget(made)
    made.resize(500, 240)
    made.set_lanes(three(), [chr(ord("a") + i) for i in range(LENGTH)])
    made.show()
    return made


def middle(view, lane, token, share=0.5):
    """Where a share of a lane's height stands over a token, from above."""
    place = view.lane_rect(lane)
    return QPointF(place.x() + (token + 0.5) * place.width() / LENGTH, place.y() + share * place.height())


def test_all_lanes_stand_over_one_axis(lanes):
    places = [lanes.lane_rect(i) for i in range(3)]
    assert len({(place.x(), place.width()) for place in places}) == 1
    assert all(a.bottom() < b.top() for a, b in itertools.pairwise(places))
    assert [lanes.column_at(middle(lanes, i, 7)) for i in range(3)] == [7, 7, 7]
    assert lanes.column_at(QPointF(0, 50)) is None
    assert lanes.height_of(1, 0.0) == pytest.approx(places[1].bottom())
    assert lanes.height_of(0, 0.0) == pytest.approx(places[0].center().y(), abs=1)


def test_a_token_under_the_pointer_is_said_in_all(lanes):
    told = []
    lanes.hovered.connect(told.append)
    hover(lanes, middle(lanes, 2, 4))
    assert told == [4]
    assert lanes.looked_at == 4
    assert lanes.report() == "e: u 0.00, w 4.00, h −0.72"


def test_a_click_below_the_first_lane_marks_a_token(lanes, qtbot):
    told = []
    lanes.chosen.connect(told.append)
    for _ in range(2):
        QTest.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=middle(lanes, 1, 3).toPoint())
    assert told == [3, -1]
    for key, at in ((Qt.Key.Key_Right, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_Left, 0)):
        QTest.keyClick(lanes, key)
        assert lanes.at() == at
    QTest.keyClick(lanes, Qt.Key.Key_Escape)
    assert lanes.at() == -1


def test_a_drag_draws_the_first_lane_without_gaps(lanes):
    drawn, ends = [], []
    lanes.drawn.connect(drawn.append)
    lanes.settled.connect(lambda: ends.append(True))
    QTest.mousePress(lanes, Qt.MouseButton.LeftButton, pos=middle(lanes, 0, 1, 0.0).toPoint())
    QTest.mouseMove(lanes, middle(lanes, 0, 5, 0.5).toPoint())
    assert lanes.drawing
    QTest.mouseRelease(lanes, Qt.MouseButton.LeftButton, pos=middle(lanes, 0, 5, 0.5).toPoint())
    assert ends == [True]
    values = drawn[-1]
    np.testing.assert_allclose(values[1:6], np.linspace(values[1], values[5], 5), atol=1e-9)
    assert values[1] == pytest.approx(2, abs=0.2)
    assert values[5] == pytest.approx(0, abs=0.2)
    assert not values[6:].any()
    assert lanes.at() == -1  # drawing marks nothing


def test_arrow_keys_move_the_marked_value(lanes):
    drawn = []
    lanes.drawn.connect(drawn.append)
    lanes.set_at(2)
    QTest.keyClick(lanes, Qt.Key.Key_Up)
    assert drawn[-1][2] == pytest.approx(0.2)
    lanes.set_lanes(three(np.full(LENGTH, 2.0)))
    QTest.keyClick(lanes, Qt.Key.Key_Up)
    assert drawn[-1][2] == 2  # not beyond the scale


def test_numbers_and_scales():
    lane = Lane("h", np.array([[-0.2, 0.5]]), HEAT)
    assert lane.ends() == (-0.5, 0.5)  # 0 in the middle
    assert Lane("d", np.array([0.2, 0.5]), HEAT, ramp="ember").ends() == (0, 0.5)
    assert Lane("z", np.zeros(3)).ends() == (0, 1)


def test_lanes_of_different_lengths_or_with_holes_are_refused(qtbot):
    view = Lanes()
    qtbot.addWidget(view)
    assert view.is_empty()
    with pytest.raises(ValueError, match="different lengths"):
        view.set_lanes([Lane("a", np.zeros(3)), Lane("b", np.zeros(4))])
    with pytest.raises(ValueError, match="NaN"):
        view.set_lanes([Lane("a", np.array([0, np.nan]))])
    view.set_lanes(three(), "abcdefghij")
    assert set(view.numbers()) == {"u", "w", "h", "tokens"}
    assert view.numbers()["h"].shape == (3, LENGTH)

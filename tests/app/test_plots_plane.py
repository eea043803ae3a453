"""Arrows on a plane under the hand: tips dragged, walked, snapped; names that cover no other; the field below."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt

from app import theme, words
from app.plots.plane import Arrow, Plane
from tests.app.views_help import click, drag, exported, is_drawn, key, pixels, show, wheel


@pytest.fixture
def plane(qtbot):
    words.set_language("en")
    theme.use("light")
    view = show(qtbot, Plane(4.0), 420, 380)
    view.set_arrows([Arrow(2, 1, "k1", "53 %"), Arrow(-1, 2, "k2"), Arrow(2, 2, "output", grip=False)])
    yield view
    theme.use("light")


def told(view):
    said = []
    for name in ("moved", "settled", "chosen"):
        getattr(view, name).connect(lambda *values, name=name: said.append((name, *values)))
    return said


def pull(view, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    drag(view.viewport(), view.place_of(*start), view.place_of(*end), modifier)


def test_a_tip_is_taken_moved_and_let_go(plane):
    said = told(plane)
    pull(plane, (2, 1), (1, -2))
    assert said[0] == ("chosen", 0)
    assert said[-1] == ("settled", 0)
    assert said[-2][:2] == ("moved", 0)
    assert said[-2][2:] == pytest.approx((1, -2), abs=0.05)
    assert plane._from is None


def test_tips_stay_within_the_plane_and_snap(plane):
    said = told(plane)
    pull(plane, (-1, 2), (-3.9, 2.2), Qt.KeyboardModifier.ControlModifier)
    assert said[-2] == ("moved", 1, -4.0, 2.0)
    wheel(plane.viewport(), plane.place_of(0, 0), -3)
    pull(plane, (2, 1), (4.6, 1.0))
    assert said[-2][2] == 4.0
    pull(plane, (2, 1), (3, 1.2), Qt.KeyboardModifier.ShiftModifier)
    assert said[-2][3] == 1.0


def test_what_has_no_grip_is_not_taken_and_a_drag_beside_tips_pans(plane):
    said = told(plane)
    before = plane.box.viewRange()
    pull(plane, (2, 2), (1, 3))
    pull(plane, (-2, -2), (-3, -2))
    assert said == []
    assert plane.box.viewRange() != before
    key(plane, Qt.Key.Key_0)
    np.testing.assert_allclose(plane.box.viewRange(), before)
    click(plane.viewport(), plane.place_of(-1, 2))
    click(plane.viewport(), plane.place_of(-3, -3))
    assert said == [("chosen", 1), ("chosen", -1)]


def test_arrows_that_are_gone_are_let_go(plane):
    plane._tips.held = 1
    plane.set_at(1)
    plane.set_arrows([Arrow(1, 1, "k1")])
    assert plane._tips.held is None
    assert plane.at() == 0


def test_names_cover_neither_tips_nor_each_other(plane):
    close = [Arrow(1, 1 + n / 10, f"k{n}", "20 %") for n in range(3)]
    plane.set_arrows(close)
    boxes = [c.mapRectToScene(c.boundingRect()) for c in plane._names]
    tips = [plane.box.mapViewToScene(QPointF(a.x, a.y)) for a in close]
    taken = boxes + [QRectF(tip.x() - 6, tip.y() - 6, 12, 12) for tip in tips]
    assert not any(a.intersects(b) for a, b in itertools.combinations(boxes, 2))
    assert not any(a.intersects(b) for a, b in itertools.product(boxes, taken[3:]))


def test_the_first_row_of_the_field_is_on_top(plane):
    field = np.zeros((8, 8))
    field[0] = 1.0
    plane.set_field(field)
    shot = pixels(plane)
    top, low = (plane.place_of(-3.3, y).toPoint() for y in (3.6, -3.6))
    ramp = theme.ramp("ember")
    assert shot[top.y(), top.x()].tolist() == ramp[255].tolist()
    assert shot[low.y(), low.x()].tolist() == ramp[0].tolist()
    plane.set_field(None)
    assert not plane._image.isVisible()


def test_themes_and_files(plane):
    theme.use("dark")
    plane.restyled()
    assert is_drawn(plane)
    for ending in (".png", ".svg", ".npz", ".csv"):
        assert len(exported(plane, ending)) > 60

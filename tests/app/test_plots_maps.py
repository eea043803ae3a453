"""Maps of vectors: what is in sight, shapes of classes, what the pointer finds."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app import theme, words
from app.plots.embedding import EmbeddingMap
from tests.app.views_help import exported, hover, is_drawn, show, wheel

POINTS = np.array([[0.5, 0.0], [0.0, -0.5], [-0.2, 0.3]])


@pytest.fixture
def plane(qtbot):
    words.set_language("en")
    theme.use("light")
    view = show(qtbot, EmbeddingMap(), 400, 300)
    view.set_map(POINTS, np.array([0, 7, -1]), np.array([[0.1, 0.1]]), [f"class {i}" for i in range(8)])
    yield view
    theme.use("light")


def test_both_axes_have_the_same_scale_and_the_origin_in_the_middle(plane):
    (left, right), (low, high) = plane.box.viewRange()
    assert (left, low) == pytest.approx((-right, -high))
    wide, tall = plane.box.viewPixelSize()
    assert wide == pytest.approx(tall)
    assert 0.5 < high < 0.7


def test_the_range_grows_in_steps_and_shrinks_only_for_much_less(plane):
    before = plane.box.viewRange()
    names = ["a"] * 8
    plane.set_map(POINTS * 0.9, np.zeros(3, int), np.zeros((0, 2)), names)
    assert plane.box.viewRange() == before
    plane.set_map(POINTS * 2, np.zeros(3, int), np.zeros((0, 2)), names)
    assert plane.box.viewRange()[1][1] > 1
    wheel(plane.viewport(), QPointF(200, 150), 3)
    chosen = plane.box.viewRange()
    plane.set_map(POINTS * 4, np.zeros(3, int), np.zeros((0, 2)), names)
    assert plane.box.viewRange() == chosen


def test_the_pointer_names_the_class_and_the_seventh_has_another_shape(plane):
    said = []
    plane.hovered.connect(said.append)
    hover(plane.viewport(), plane.screen_of(1) + QPointF(3, 0))
    assert plane.report() == plane.chip.toPlainText() == "class 7"
    hover(plane.viewport(), plane.screen_of(2))
    assert plane.report() == ""  # one without a class
    assert not plane.chip.isVisible()
    assert said == [1, 2]
    order = plane.dots.order.tolist()
    shapes = dict(zip(order, plane.dots.data["symbol"].tolist(), strict=True))
    assert shapes == {0: "o", 1: "t1", 2: "o"}


def test_themes_files_and_nan(plane):
    theme.use("dark")
    plane.restyled()
    assert is_drawn(plane)
    for ending in (".png", ".svg", ".npz", ".csv"):
        assert len(exported(plane, ending)) > 60
    with pytest.raises(ValueError, match="NaN"):
        plane.set_map(POINTS * np.nan, np.zeros(3, int), POINTS, ["a"])

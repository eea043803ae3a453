"""The page "Relevance" of the DETR tab, on the bundled model: paint, click a box, undo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent

from app import words
from tests.closeness import about

pytest.importorskip("torch")
PAGE = 5


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("detr")
    qtbot.waitUntil(lambda: tab.found is not None and not tab.stream.is_busy, timeout=60_000)
    tab.show_page(PAGE)
    page = tab.side[PAGE - 2]
    qtbot.waitUntil(lambda: page.found is not None and page.found.relevance is not None, timeout=60_000)
    rest(tab, page, qtbot)
    return tab


def rest(tab, page, qtbot):
    qtbot.waitUntil(lambda: not page.stream.is_busy and not tab.stream.is_busy, timeout=60_000)


def stroke(view, *cells):
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(cells) - 1), QEvent.Type.MouseButtonRelease]
    acts = [view.mousePressEvent, *[view.mouseMoveEvent] * (len(cells) - 1), view.mouseReleaseEvent]
    for kind, act, cell in zip(kinds, acts, [*cells, cells[-1]], strict=True):
        point = view.cell_rect(cell).center()
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        act(QMouseEvent(kind, point, view.mapToGlobal(point), button, held, Qt.KeyboardModifier.NoModifier))


def test_nothing_painted_is_what_the_tab_detects_bit_for_bit(tab):
    page, found = tab.side[PAGE - 2], tab.found
    np.testing.assert_array_equal(page.found.boxes, found.boxes)
    np.testing.assert_array_equal(page.found.scores, found.scores)
    np.testing.assert_array_equal(page.found.passes, found.passes)
    assert page.found.query == found.query
    assert page.found.relevance.sum() == about(1)
    assert "nothing painted" not in page.said.text()
    assert not words.missing()


def test_relevance_lies_on_the_object(tab, qtbot):
    """Most of what a detection rests on is near its box: a model that was trained has to look there."""
    page, found = tab.side[PAGE - 2], tab.found
    x0, y0, x1, y1 = found.boxes[found.query] / np.array([*tab.pictured.rgb.shape[1::-1]] * 2)
    rows, cols = page.found.grid
    down, across = (np.arange(rows) + 0.5) / rows, (np.arange(cols) + 0.5) / cols
    near = ((down > y0 - 0.1) & (down < y1 + 0.1))[:, None] & ((across > x0 - 0.1) & (across < x1 + 0.1))
    assert page.found.relevance[near].sum() > 2 * near.mean()


def test_a_stroke_hides_places_and_undo_gives_them_back(tab, qtbot):
    page = tab.side[PAGE - 2]
    before = page.found
    top = np.unravel_index(int(before.relevance.argmax()), before.grid)
    row, col = (int(min(max(1, at), size - 2)) for at, size in zip(top, before.grid, strict=True))
    stroke(page.paint, (row - 1, col), (row + 1, col))
    cells = tuple((at, col) for at in range(row - 1, row + 2))
    assert tab.params.paint.painted == cells
    qtbot.waitUntil(lambda: page.found.painted == 3 and page.found.relevance is not None, timeout=60_000)
    rest(tab, page, qtbot)
    assert page.found.probability != before.probability
    assert page.found.relevance[tuple(zip(*cells, strict=True))].max() <= page.found.relevance.max()
    assert "nothing painted" in page.said.text()
    assert "3 of" in page._paint_card.note.text()
    assert tab.found.touched is False  # the other pages show the untouched model
    tab.undo()
    assert tab.params.paint.painted == ()
    qtbot.waitUntil(lambda: page.found.painted == 0 and page.found.relevance is not None, timeout=60_000)
    np.testing.assert_array_equal(page.found.scores, before.scores)


def test_a_clicked_box_is_the_one_explained(tab, qtbot):
    page = tab.side[PAGE - 2]
    other = next(query for query in page._entries if query != page.found.query)
    before = page.found.relevance
    page.photo.clicked.emit(page._entries.index(other))
    qtbot.waitUntil(lambda: page.found.query == other and page.found.relevance is not None, timeout=60_000)
    assert not np.array_equal(before, page.found.relevance)
    assert page.said.text().startswith(f"Query {other + 1}:")
    assert page.escape()
    qtbot.waitUntil(lambda: page.found.query == tab.found.query, timeout=60_000)
    assert not page.escape()
    rest(tab, page, qtbot)


def test_a_clicked_query_is_no_other_model_s(tab, qtbot):
    page = tab.side[PAGE - 2]
    other = next(query for query in page._entries if query != page.found.query)
    page.photo.clicked.emit(page._entries.index(other))
    rest(tab, page, qtbot)
    page.show_model(tab.info, tab.pictured, tab.found)
    assert page._query == other
    page.show_model(replace(tab.info, source="another"), tab.pictured, tab.found)
    assert page._query == -1
    rest(tab, page, qtbot)


def test_another_scene_forgets_the_paint_of_another_picture(tab, qtbot):
    from engines.core.pictures import Picture

    page = tab.side[PAGE - 2]
    stroke(page.paint, (2, 2), (2, 3))
    tab.take_picture(Picture("gray", np.full((90, 90, 3), 120, np.uint8)))
    assert tab.params.paint.painted == ()
    qtbot.waitUntil(lambda: page.found is not None and page.found.painted == 0, timeout=60_000)
    rest(tab, page, qtbot)
    assert not tab.failed

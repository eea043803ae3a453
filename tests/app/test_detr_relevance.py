"""The page "Relevance" of the DETR tab, on the bundled model: paint, click a box, undo."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QMouseEvent

from app import words
from app.tabs.detr.tab import DETECT, RELEVANCE
from engines.core.pictures import Picture
from engines.detr.relevance.spec import QueryRelevance
from tests.closeness import about

pytest.importorskip("torch")


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("detr")
    qtbot.waitUntil(lambda: tab.model.newest is not None and not tab.is_busy, timeout=60_000)
    tab.show_page(RELEVANCE)
    rest(tab, qtbot)
    return tab


def gray():
    return Picture("gray", np.full((90, 90, 3), 120, np.uint8))


def rest(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.is_busy, timeout=60_000)


def stroke(view, *cells):
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(cells) - 1), QEvent.Type.MouseButtonRelease]
    acts = [view.mousePressEvent, *[view.mouseMoveEvent] * (len(cells) - 1), view.mouseReleaseEvent]
    for kind, act, cell in zip(kinds, acts, [*cells, cells[-1]], strict=True):
        point = view.cell_rect(cell).center()
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        act(QMouseEvent(kind, point, view.mapToGlobal(point), button, held, Qt.KeyboardModifier.NoModifier))


def test_nothing_painted_is_what_the_tab_detects_bit_for_bit(tab):
    page, found = tab.now, tab.now.found
    np.testing.assert_array_equal(page.explained.boxes, found.boxes)
    np.testing.assert_array_equal(page.explained.scores, found.scores)
    np.testing.assert_array_equal(page.explained.passes, found.passes)
    assert page.explained.query == found.query
    assert page.explained.relevance.sum() == about(1)
    assert "nothing masked" not in page.verdict.text()
    assert not words.missing()


def test_relevance_lies_on_the_object(tab, qtbot):
    """Most of what a detection rests on is near its box: a model that was trained has to look there."""
    page, found = tab.now, tab.now.found
    x0, y0, x1, y1 = found.boxes[found.query] / np.array([*page.pictured.rgb.shape[1::-1]] * 2)
    rows, cols = page.explained.grid
    down, across = (np.arange(rows) + 0.5) / rows, (np.arange(cols) + 0.5) / cols
    near = ((down > y0 - 0.1) & (down < y1 + 0.1))[:, None] & ((across > x0 - 0.1) & (across < x1 + 0.1))
    assert page.explained.relevance[near].sum() > 2 * near.mean()


def test_a_stroke_hides_places_and_undo_gives_them_back(tab, qtbot):
    page = tab.now
    before = page.explained
    top = np.unravel_index(int(before.relevance.argmax()), before.grid)
    row, col = (int(min(max(1, at), size - 2)) for at, size in zip(top, before.grid, strict=True))
    stroke(page.paint, (row - 1, col), (row + 1, col))
    cells = tuple((at, col) for at in range(row - 1, row + 2))
    assert tab.params.masked_patches == cells
    qtbot.waitUntil(lambda: page.explained.masked == 3 and page.explained.relevance is not None, timeout=60_000)
    rest(tab, qtbot)
    assert page.explained.probability != before.probability
    assert page.explained.relevance[tuple(zip(*cells, strict=True))].max() <= page.explained.relevance.max()
    assert "nothing masked" in page.verdict.text()
    assert "3 of" in page._paint_card.note.text()
    assert page.found.touched is False  # the other pages show the untouched model
    tab.undo()
    assert tab.params.masked_patches == ()
    qtbot.waitUntil(lambda: page.explained.masked == 0 and page.explained.relevance is not None, timeout=60_000)
    np.testing.assert_array_equal(page.explained.scores, before.scores)


def test_a_clicked_box_is_the_one_explained(tab, qtbot):
    page = tab.now
    other = next(query for query in page.entries if query != page.explained.query)
    before = page.explained.relevance
    page.photo.clicked.emit(page.entries.index(other))
    rest(tab, qtbot)
    assert page.explained.query == other
    assert not np.array_equal(before, page.explained.relevance)
    assert page.verdict.text().startswith(f"Query {other + 1}:")
    assert tab.params.query == -1  # the page Detect goes on looking at its own
    assert not page.state.history.can_undo
    tab.escape()
    rest(tab, qtbot)
    assert page.explained.query == page.found.query


def test_a_clicked_query_is_no_other_picture_s_or_model_s(tab, qtbot):
    page = tab.now
    for change in (lambda: tab.take_picture(gray()), lambda: tab.take_model(page.params.source)):
        other = next(query for query in page.entries if query != page.explained.query)
        page.photo.clicked.emit(page.entries.index(other))
        assert page.params.explained == other
        change()
        assert page.params.explained == -1
        rest(tab, qtbot)


def test_the_model_is_not_asked_again_for_what_it_has_said(tab, qtbot):
    """Both pages show one answer, the very same arrays; only Relevance asks for more."""
    page, told = tab.now, []
    page.feed.heard.connect(told.append)
    tab.show_page(DETECT)
    assert tab.now.found is page.found  # at once
    rest(tab, qtbot)
    assert tab.now.found is page.found
    assert not [event for event in told if isinstance(event, QueryRelevance)]
    tab.now.change(threshold=0.6)
    rest(tab, qtbot)
    tab.show_page(RELEVANCE)
    assert page.found is tab.pages[DETECT].found
    rest(tab, qtbot)
    assert [event for event in told if isinstance(event, QueryRelevance)]


def test_another_scene_forgets_the_paint_of_another_picture(tab, qtbot):
    page = tab.now
    stroke(page.paint, (2, 2), (2, 3))
    tab.take_picture(gray())
    assert tab.params.masked_patches == ()
    qtbot.waitUntil(lambda: page.explained is not None and page.explained.masked == 0, timeout=60_000)
    rest(tab, qtbot)
    assert not tab.failed

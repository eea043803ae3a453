"""The tab of graphs in the window: nodes and edges under the hand, files, a photo, a mask handed over, a run."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app import words
from app.plots.graphview import CUT, JOIN, GraphView, class_brushes
from app.tabs.gnn.watch.formulas import term
from engines.gnn.graph import arcs
from engines.gnn.spec import KARATE, OWN, PATCHES


@pytest.fixture
def tab(open_window, qtbot):
    window = open_window(1280, 800)
    made = window.show_topic("gnn")
    settled(made, qtbot)
    return made


def settled(tab, qtbot):
    qtbot.waitUntil(lambda: tab.now.answer is not None and not tab.is_busy, timeout=60_000)
    QApplication.processEvents()


def click(view, node):
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.place(node).toPoint())
    QApplication.processEvents()


def pairs(answer):
    return {tuple(pair) for pair in answer.arcs.T.tolist()}


def test_the_hand_chooses_joins_and_cuts(tab, qtbot):
    page = tab.now
    assert page.messages_card.note.text() == "into 1: 9 of 17, the strongest"
    click(page.view, 16)
    assert page.params.node == 16
    assert page.matrix.at() == (16, -1)
    assert page.messages_card.note.text() == "into 17: 3"
    assert "√(" in page.formula.text()
    page.modes.button(1).click()
    assert page.view.mode == JOIN
    for node in (16, 26):
        click(page.view, node)
    settled(tab, qtbot)
    assert {(16, 26), (26, 16)} <= pairs(page.answer)
    assert page.graph_card.note.text() == "34 nodes, 79 edges"
    page.modes.button(2).click()
    assert page.view.mode == CUT
    middle = (page.view.numbers()["places"][16] + page.view.numbers()["places"][26]) / 2
    assert page.view.arc_near(QPointF(*middle)) is not None
    page.view.joined.emit(16, 26)
    settled(tab, qtbot)
    assert (16, 26) not in pairs(page.answer)
    tab.undo()
    settled(tab, qtbot)
    assert (16, 26) in pairs(page.answer)
    page.change(sample="Ring")  # another graph has no edits
    assert page.params.edits == ()


def test_what_comes_into_an_empty_view_is_painted(qtbot):
    view = GraphView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    with qtbot.waitExposed(view):
        view.show()
    QApplication.processEvents()
    blank = on_screen(view)
    view.set_places(np.array([[-1.0, -1], [1, 1]]))
    view.set_nodes(["a", "b"], class_brushes(np.array([0, 1])))
    qtbot.waitUntil(lambda: on_screen(view) != blank)


def on_screen(view):
    return view.screen().grabWindow(view.winId()).toImage()


def weighed(answer):
    return dict(zip(map(tuple, answer.arcs.T.tolist()), answer.given.tolist(), strict=True))


def right_click(view, place):
    at = view.place_of(*place).toPoint()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at))
    QApplication.sendEvent(view.viewport(), event)
    QApplication.processEvents()


def test_a_right_click_cuts_and_what_was_cut_comes_back_as_it_was(tab, qtbot, monkeypatch):
    page, menus = tab.now, []
    monkeypatch.setattr("app.plots.view.export.open_menu", lambda view, _at: menus.append(view))
    before = weighed(page.answer)
    first, last = next(pair for pair, weight in before.items() if weight == 3)
    middle = page.view.numbers()["places"][[first, last]].mean(0)
    while page.view.arc_near(QPointF(*middle)) not in {(first, last), (last, first)}:
        first, last = page.view.arc_near(QPointF(*middle))
    right_click(page.view, middle)
    settled(tab, qtbot)
    assert not {(first, last), (last, first)} & pairs(page.answer)
    assert not menus
    page.view.joined.emit(last, first)
    settled(tab, qtbot)
    assert page.params.edits == ()
    after = weighed(page.answer)
    assert after == before
    right_click(page.view, page.view.numbers()["places"][0])
    assert menus == [page.view]


def test_a_node_is_dragged_in_one_step(tab):
    page = tab.now
    before = page.placed()[5].copy()
    for place in ((0.1, 0.2), (0.3, 0.4)):
        page.view._drag(5, QPointF(*place), Qt.KeyboardModifier.NoModifier)
    page.view.dropped.emit()
    assert page.params.moved == ((5, 0.3, 0.4),)
    np.testing.assert_allclose(page.placed()[5], (0.3, 0.4))
    tab.undo()
    np.testing.assert_allclose(page.view.numbers()["places"][5], before)


def test_nodes_beyond_the_hops_are_pale_and_weights_fill_the_matrix(tab, qtbot):
    page = tab.now
    page.change(layers=1, kind="Mean")
    settled(tab, qtbot)
    pale = [brush.color().alpha() < 255 for brush in page.view._brushes]
    assert pale.count(False) == 17
    np.testing.assert_allclose(page.matrix.values().sum(1), 1, atol=1e-5)
    page.change(kind="GAT", heads=3, head=2)
    settled(tab, qtbot)
    np.testing.assert_allclose(page.matrix.values().sum(1), 1, atol=1e-5)
    assert page.answer.coefficients.shape[1] == 3


def test_over_smoothing_is_shown_as_rank_collapse_is(tab, qtbot):
    tab.show_page([kind.__name__ for kind in tab.pages.kinds].index("DepthPage"))
    qtbot.waitUntil(lambda: tab.now.smoothing is not None and not tab.is_busy, timeout=60_000)
    page, shown = tab.now, tab.now.smoothing
    drawn = {words.drawn(line.name): line for line in page.smooth.lines()}
    assert np.array_equal(drawn["How much nodes differ"].y, shown.apart)
    assert np.array_equal(drawn["Bound, λ₂ to the k"].y, shown.bound)
    assert len(drawn) == 5
    page.smooth.picked.emit(9.7)
    assert page.smooth.cursor_at() == 10
    assert page.smooth.values_at(10)[0] == pytest.approx(float(shown.apart[10]))


def test_a_file_is_read_and_a_bad_one_leaves_what_is_there(tab, qtbot, tmp_path):
    page, good, bad = tab.now, tmp_path / "mine.csv", tmp_path / "bad.csv"
    good.write_text("a,b\nb,c\n")
    bad.write_text("a,b\nb\n")
    tab.take_paths([good])
    qtbot.waitUntil(lambda: page.info.graph.nodes == 3, timeout=60_000)
    settled(tab, qtbot)
    tab.take_paths([bad])
    qtbot.waitUntil(lambda: tab.error.isVisible(), timeout=60_000)
    assert "bad.csv, line 2: 1 column" in tab.error.reason()
    settled(tab, qtbot)
    assert page.info.graph.title == "mine.csv"
    assert page.params.file == str(good)
    assert type(page).accepts(tmp_path / "ind.cora.graph")


def test_a_bad_file_at_first_leaves_the_first_graph(tab, qtbot, tmp_path):
    page, bad = tab.now, tmp_path / "bad.csv"
    bad.write_text("a,b\nb\n")
    page._good = page.answer = None  # as if the file had come with the window
    tab.take_paths([bad])
    qtbot.waitUntil(lambda: tab.error.isVisible(), timeout=60_000)
    settled(tab, qtbot)
    assert "bad.csv, line 2: 1 column" in tab.error.reason()
    assert (page.params.sample, page.params.file) == (KARATE, "")
    assert page.info.graph.title == KARATE


def test_a_photo_becomes_its_patches(tab, qtbot):
    page = tab.now
    tab.shell.take_sample("coffee")
    qtbot.waitUntil(lambda: page.params.sample == PATCHES and page.info.graph.nodes > 100, timeout=60_000)
    settled(tab, qtbot)
    assert len(page.info.graph.colors) == page.info.graph.nodes


def test_the_mask_of_the_scoring_functions_comes_over_with_one_click(open_window, qtbot):
    window = open_window(1280, 800)
    scoring = window.show_topic("scoring")
    scoring.show_page(0)
    scoring.now.step(num_queries=4, num_keys=4, valid_lens=(), masked=((0, 3), (2, 1)))
    scoring.now.as_graph.click()
    tab = window.tab
    assert tab.topic.name == "gnn"
    qtbot.waitUntil(lambda: tab.now.info is not None and tab.now.info.graph.nodes == 4, timeout=60_000)
    settled(tab, qtbot)
    assert tab.params.sample == OWN
    found, _ = arcs(tab.now.info.graph, directed=True)
    assert {tuple(pair) for pair in found.T.tolist()} == {
        (key, query) for key in range(4) for query in range(4) if (query, key) not in ((0, 3), (2, 1))
    }
    assert not tab.now.form.fields()["directed"]
    answer = tab.now.answer
    for edge in range(answer.edges.shape[1]):  # with loops of its own: the live numbers are those of the layer
        said = term(answer, edge, 0, tab.now.info.graph.names)
        above, below, value = re.fullmatch(r".*: (.+) / √\((.+)\) = (.+)", said).groups()
        a, b = below.split(" · ")
        assert float(above) / math.sqrt(float(a) * float(b)) == pytest.approx(float(value), abs=6e-4)
    tab.now.change(kind="GAT", heads=1)
    settled(tab, qtbot)
    off = tab.now.matrix.values() == 0
    assert off[0, 3]
    assert off[2, 1]
    assert off.sum() == 2


def test_labels_are_set_by_clicks_and_learned(tab, qtbot):
    tab.show_page(1)
    page = tab.now
    qtbot.waitUntil(lambda: page.began is not None and len(page.placed()) == 34, timeout=60_000)
    click(page.view, 8)
    assert dict(page.params.labeled) == {0: 0, 8: 0, 33: 1}
    click(page.view, 8)
    assert dict(page.params.labeled) == {0: 0, 8: 1, 33: 1}
    click(page.view, 8)
    assert dict(page.params.labeled) == {0: 0, 33: 1}
    page.training.begin_anew()  # clicks in haste wait for a new run
    page.training.play()
    qtbot.waitUntil(lambda: page.training.step >= 30, timeout=60_000)
    page.training.pause()
    qtbot.waitUntil(lambda: not page.training.stream.is_busy, timeout=60_000)
    assert "2 labels told" in page.said.text()
    assert page.steps[-1].accuracy > 0.8
    click(page.view, 8)
    assert len(page.params.labeled) == 3
    assert "2 labels told" in page.said.text()  # of the run
    page.transport.scrubber.changed.emit(0)
    assert page.looks.seen.step == 0

"""Every plot and map goes nearer, pans and is shown whole; what is a list says so."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

import app
from app import theme, words
from app.tabs.detr.detect.matrix import QueryMatrix
from app.tabs.detr.layergrid import LayerGrid
from app.tabs.scoring.compare.mlp import MlpStrips
from app.tabs.vit.columns import LayerColumns
from app.views.bars import Bars, probability
from app.views.base import PixelView
from app.views.contrast import ContrastBars
from app.views.dragbars import DragBars
from app.views.paintmap import PaintMap
from app.views.pairbars import PairBars, PairRow
from app.views.photo import PhotoView
from app.views.photomap import PhotoMap
from app.views.pointing import HoverView, MarkView, PickView
from app.views.stagestrip import Small, StageStrip
from engines.core.errors import Message
from tests.app import nearer
from tests.app.views_help import click, drag, show, wheel


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")


def kinds(base):
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_plot_and_map_goes_nearer_and_lists_say_that_they_are_lists():
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    bases = {PixelView, HoverView, MarkView, PickView}
    own = {kind for kind in kinds(PixelView) if kind.__module__.startswith("app.")} - bases
    assert len(own) > 30
    still = {kind.__name__ for kind in own if not kind.zooms and not kind.is_list and not issubclass(kind, PhotoView)}
    assert not still
    assert not {kind.__name__ for kind in own if kind.zooms and kind.is_list}


@pytest.fixture(params=["photo", "paint", "bars", "pairs", "contrast", "stages", "layers", "columns", "mlp", "matrix"])
def drawn(request, qtbot):
    """A view that is a plot or map, with something to see."""
    values = np.random.default_rng(0).random((6, 6)).astype(np.float32)
    if request.param in ("photo", "paint"):
        view = PhotoMap() if request.param == "photo" else PaintMap()
        view.set_photo(np.zeros((60, 90, 3), np.uint8))
        view.set_grid(6, 9)
        view.set_map(np.ones((6, 9), np.float32))
    elif request.param == "bars":
        view = Bars()
        view.set_bars([probability(Message("cat"), 0.5), probability(Message("dog"), 0.2)])
    elif request.param == "pairs":
        view = PairBars(("Before", "After", "Ratio"), "off")
        view.set_rows([PairRow("a", 0.1, 1.0), PairRow("b", 2.0, 30.0)])
    elif request.param == "contrast":
        view = ContrastBars()
        view.set_contrast(np.linspace(5, -2, 30), np.linspace(1, 0.1, 30) / 20, np.arange(29), 0.1)
    elif request.param == "stages":
        view = StageStrip("Steps")
        view.set_stages([Small(name, values, "ember", 0.0, 1.0) for name in ("one", "two")])
    elif request.param == "layers":
        view = LayerGrid()
        view.set_frames(np.zeros((60, 90, 3), np.uint8), [(), ()], ["1", "2"])
    elif request.param == "columns":
        view = LayerColumns()
        view.set_values(np.linspace(0.2, 1, 12, dtype=np.float32), False)
    elif request.param == "mlp":
        view = MlpStrips()
    else:
        view = QueryMatrix()
        view.set_matrix(values, 1.0)
    return show(qtbot, view, 480, 300)


def test_the_hand_goes_nearer_pans_and_shows_all(drawn):
    assert not nearer.stiff(drawn)


def test_a_list_is_not_moved_by_the_hand(qtbot):
    bars = DragBars()
    bars.set_bars([probability(Message("cat"), 0.5)], 1.0)
    show(qtbot, bars, 300, 60)
    assert bars.box is None
    before = bars.value_at(QPointF(150, 30))
    wheel(bars.viewport(), QPointF(150, 30), 4)
    assert bars.value_at(QPointF(150, 30)) == before


def test_the_marked_query_stays_marked_while_the_weights_are_those_of_another_layer(qtbot):
    view = QueryMatrix()
    view.set_matrix(np.eye(8, dtype=np.float32), 1.0)
    view.set_at((3, -1))
    view.set_matrix(np.eye(9, dtype=np.float32), 1.0)
    assert view.at() == (3, -1)
    view.set_matrix(np.eye(3, dtype=np.float32), 1.0)
    assert view.at() is None


def test_only_the_left_button_alone_masks_patches(qtbot):
    view = PaintMap()
    view.set_photo(np.zeros((60, 90, 3), np.uint8))
    view.set_grid(6, 9, class_token=False)
    show(qtbot, view, 480, 300)
    said = []
    view.painted.connect(said.append)
    view.clicked.connect(said.append)
    start, end = view.cell_rect((1, 1)).center(), view.cell_rect((3, 5)).center()
    nearer.pull(view, nearer.RIGHT, start, end)
    assert view.zoom > 1
    nearer.pull(view, nearer.MIDDLE, start, end)
    view.fit()
    drag(view, start, end, Qt.KeyboardModifier.ShiftModifier)
    assert view.zoom > 1
    view.fit()
    click(view, start, Qt.KeyboardModifier.ShiftModifier)
    assert said == []
    drag(view, start, end)
    assert len(said[-1]) > 3
    assert view.zoom == 1

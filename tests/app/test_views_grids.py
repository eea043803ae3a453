"""Matrix and token map: pixels, names."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app import export, theme, words
from app.plots.mapimage import MapImage
from app.views.matrix import Matrix
from app.views.tokenmap import TokenMap, token
from engines.core.errors import Message
from tests.app.views_help import click, hover, is_drawn, key, loud, pixels, show


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    yield
    theme.use("light")


both = pytest.mark.parametrize("name", theme.THEMES)


@both
@pytest.mark.parametrize("kind", [Matrix, TokenMap])
def test_grids_paint_every_shape(qtbot, qtlog, name, kind):
    theme.use(name)
    view = show(qtbot, kind(), 300, 260)
    view.set_empty(Message("off"))
    for shape in [(0, 3), (1, 1), (7, 4), (1, 30), (30, 1), (100, 100), (900, 700)]:
        view.set_values(np.zeros(shape, np.float32))
        view.set_names([f"row {i}" for i in range(shape[0])], [f"a longer name {j}" for j in range(shape[1])])
        assert is_drawn(view)
        if shape[0]:
            view.set_values(np.random.default_rng(0).random(shape))
            view.set_at((0, 0))
            view.set_lit((0, -1))
            assert view.rect().toRectF().contains(view.cell_rect((-1, -1)))
            assert is_drawn(view)
    assert not loud(qtlog)


@both
def test_matrix_cells_take_the_ramp_and_low_stands_out(qtbot, name):
    theme.use(name)
    view = Matrix()
    view.set_values(np.array([[0, 1], [2, 4]], np.float32))
    show(qtbot, view, 300, 200)
    shot, tide = pixels(view), theme.ramp("tide")
    for cell, index in (((0, 0), 0), ((0, 1), 64), ((1, 0), 128), ((1, 1), 255)):
        place = view.cell_rect(cell)
        assert place.width() <= 84
        assert tuple(shot[int(place.y()) + 4, int(place.x()) + 4]) == tuple(tide[index])
    paper = theme.code("surface")
    colors = [f"#{r:02X}{g:02X}{b:02X}" for r, g, b in (tide[0], tide[255])]
    assert theme.contrast(colors[0], paper) > theme.contrast(colors[1], paper)


def test_the_cells_follow_values_scale_and_theme(qtbot):
    """A picture of pyqtgraph's that holds the values: each has the color of the nearest of the ramp's 256 steps."""
    view = show(qtbot, TokenMap(rows_only=False), 200, 200)
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)

    def painted():
        shot, places = pixels(view), [view.cell_rect((i, j)).center() for i in range(16) for j in range(16)]
        return np.array([shot[int(place.y()), int(place.x())] for place in places])

    view.set_values(values, 1.0, 0.0)
    np.testing.assert_array_equal(painted(), theme.ramp("ember"))
    images = [item for item in view.scene().items() if isinstance(item, pg.ImageItem) and item.isVisible()]
    assert len(images) == 1
    np.testing.assert_array_equal(images[0].image, values)
    view.set_values(values[::-1, ::-1], 1.0, 0.0)
    np.testing.assert_array_equal(painted(), theme.ramp("ember")[::-1])
    view.stretch((0.5, 1.0))
    assert (painted()[128:] == theme.ramp("ember")[0]).all()
    view.stretch(None)
    np.testing.assert_array_equal(painted(), theme.ramp("ember")[::-1])
    view.set_values(np.zeros((0, 0), np.float32))
    view.set_empty("Nothing yet")
    view.grab()
    assert not images[0].isVisible()


def test_matrix_marks_pairs_and_greedy_only_where_it_differs(qtbot):
    view = Matrix()
    view.set_values(np.random.default_rng(0).normal(size=(3, 3)))
    view.set_pairs([(0, 0), (1, 1)], [(0, 1), (1, 1)])
    show(qtbot, view, 300, 200)
    assert view.numbers()["greedy_where_it_differs"].tolist() == [[0, 1]]
    place, text = view.cell_rect((0, 0)), theme.color("text")
    assert tuple(pixels(view)[int(place.y()) + 1, int(place.center().x())]) == (text.red(), text.green(), text.blue())


def test_grid_hover_click_and_words(qtbot):
    view = Matrix()
    view.set_values(np.array([[0.5, -1.25], [2, 3]]))
    view.set_names(["1", "2"], ["A", "B"])
    show(qtbot, view, 300, 200)
    pointed, clicked = [], []
    view.hovered.connect(pointed.append)
    view.clicked.connect(clicked.append)
    hover(view, view.cell_rect((0, 1)).center())
    assert pointed == [(0, 1)]
    assert view.report() == "1, B: −1.25"
    click(view, view.cell_rect((0, 1)).center())
    key(view, Qt.Key.Key_Down)
    key(view, Qt.Key.Key_Down)
    assert clicked == [(0, 1), (1, 1)]


def test_token_map_chooses_rows(qtbot):
    view = TokenMap()
    view.set_values(np.eye(4), low=0)
    view.set_tokens(list("ab c"), list("wxyz"))
    show(qtbot, view, 300, 300)
    clicked = []
    view.clicked.connect(clicked.append)
    click(view, view.cell_rect((2, 1)).center())
    key(view, Qt.Key.Key_Up)
    assert clicked == [(2, -1), (1, -1)]
    assert token(" ") == "␣"
    assert view.report() == "b"


def test_cells_too_small_for_names_still_name_the_one_looked_at(qtbot):
    view = TokenMap()
    view.set_values(np.eye(30), 1.0, 0.0)
    view.set_tokens(["w"] * 30, ["w"] * 30)
    show(qtbot, view, 200, 200)
    place = view.cell_rect((-1, -1))
    assert view.cell_rect((0, 0)).height() < 9

    def beside():
        """Where the names of the rows and of the columns would stand."""
        shot = pixels(view)
        left, top = int(place.left()) - 4, int(place.top()) - 4
        return shot[:, :left], shot[:top]

    rows, cols = beside()
    assert (rows == rows[0, 0]).all()
    assert (cols == cols[0, 0]).all()
    view.set_at((12, -1))
    rows, cols = beside()
    assert (rows != rows[0, 0]).any()
    assert (cols == cols[0, 0]).all()
    hover(view, view.cell_rect((3, 20)).center())
    assert (beside()[1] != cols[0, 0]).any()


def test_new_weights_are_painted_without_the_names(qtbot, monkeypatch):
    """The cells alone are painted anew, and what then stands there is what painting everything gives."""
    random = np.random.default_rng(0)
    view = TokenMap()
    view.set_tokens(["first", "second", "third"], ["jolly", "Gypsy", "query"])
    view.set_values(random.random((3, 3)), 1.0, 0.0)
    view.set_at((2, -1))
    show(qtbot, view, 300, 300)
    image = view.grab().toImage()
    view.update()
    for _ in range(3):
        QApplication.processEvents()  # what showing and grabbing it left to paint
    regions = []

    class Watch(QObject):
        def eventFilter(self, target, event):
            if event.type() == QEvent.Type.Paint:
                regions.append(event.region())
            return False

    watch = Watch()
    view.viewport().installEventFilter(watch)
    written = []
    monkeypatch.setattr("app.views.grid.write", lambda *_, **__: written.append(1))
    view.set_values(random.random((3, 3)), 1.0, 0.0)
    view.set_at((2, -1))  # as before
    qtbot.waitUntil(lambda: bool(regions))
    view.viewport().removeEventFilter(watch)
    assert not written
    monkeypatch.undo()
    place = regions[0].boundingRect()
    assert len(regions) == 1
    assert view.rect().contains(place)
    assert place.top() > 10
    before = image.copy()
    QWidget.render(view.viewport(), image, place.topLeft(), regions[0], QWidget.RenderFlag.DrawChildren)
    assert image != before
    assert image == view.grab().toImage()
    view.set_at((1, -1))  # the name of the row too
    assert view.grab().toImage() != image


@pytest.mark.parametrize("size", [(3, 4), (70, 70)])  # pyqtgraph colors few values in another way
def test_values_take_the_colors_that_pyqtgraph_gives_them(qapp, size):
    values = np.random.default_rng(1).uniform(-0.2, 1.2, size).astype(np.float32)
    values[0, :3] = -0.1, 0.9, 0.4  # both ends, too
    ours, theirs, table = MapImage(), pg.ImageItem(axisOrder="row-major"), theme.ramp("ember")
    ours.show_values(values, -0.1, 0.9, table)
    half = 1 / 510
    theirs.setImage(values, levels=(-0.1 - half, 0.9 + half), lut=table)
    found = []
    for item in (ours, theirs):
        item.render()
        image = item.qimage.convertToFormat(QImage.Format.Format_RGB32)
        found.append(pg.functions.ndarray_from_qimage(image)[..., :3].astype(int))
    np.testing.assert_array_equal(*found)


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        Matrix().set_values(np.array([[np.inf]]))


def test_grids_are_exported(qtbot, tmp_path):
    matrix = Matrix()
    matrix.set_values(np.eye(3))
    show(qtbot, matrix)
    for view in (matrix,):
        for ending in (".png", ".svg", ".npz", ".csv"):
            export.save(view, tmp_path / f"{view.export_name}{ending}")
            assert (tmp_path / f"{view.export_name}{ending}").stat().st_size > 60

"""Every view paints in both themes whatever the shape of the data, pixel-exact, without a warning of Qt."""

from __future__ import annotations

import sys
from itertools import count, pairwise

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget

from app import fonts, theme, words
from app.plots.plane import Plane
from app.sliders import Scale, Slider
from app.steady import is_settled
from app.tabs.transformer.experiments.labviews import HalfBar
from app.views.bars import Bar, Bars, probability
from app.views.boxes import Box, detection, matched, truth, unmatched
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar, menu_of, scale_end
from app.views.contour import edges, top_share
from app.views.contrast import ContrastBars
from app.views.countmatrix import CountMatrix
from app.views.filmstrip import FilmStrip
from app.views.flow import Block, Flow
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap
from app.views.ring import QueueRing
from app.views.scoregrid import ScoreGrid
from app.views.table import QueryTable, Row
from app.views.tiling import block_max
from app.views.tokenmap import TokenMap
from engines.core.errors import Message
from tests.app.views_help import drag, is_drawn, loud, pixels, show


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")
    pg.setConfigOptions(mouseRateLimit=-1)  # a test's hand is quicker than pyqtgraph believes
    yield
    theme.use("light")


both = pytest.mark.parametrize("name", theme.THEMES)


def rgb(height=60, width=90):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


SHAPES = [(1, 1), (7, 1), (1, 9), (16, 24), (37, 37)]


@both
@pytest.mark.parametrize("photo", [(60, 90), (1, 500), (400, 1), (3, 3), (2000, 40)])
def test_photo_map_paints_every_shape(qtbot, qtlog, name, photo):
    theme.use(name)
    view = show(qtbot, PhotoMap())
    view.set_photo(rgb(*photo))
    for shape in SHAPES:
        view.set_grid(*shape)
        for values in (np.zeros(shape, np.float32), np.random.default_rng(1).random(shape, dtype=np.float32)):
            view.set_map(values, class_value=0.5)
            view.set_mass(0.5)
            view.set_pin((0, 0))
            assert is_drawn(view)
    assert not loud(qtlog)


def test_photo_map_cells_are_whole_equal_and_flat(qtbot):
    view = PhotoMap()
    view.set_photo(np.zeros((300, 450, 3), np.uint8))
    view.set_grid(2, 3, class_token=False)
    values = np.array([[0, 1, 2], [3, 4, 5]], np.float32)
    view.set_map(values, top=5)
    view.set_opacity(1.0)
    show(qtbot, view, 500, 350)
    shot = pixels(view)
    sizes = {(view.cell_rect((i, j)).width(), view.cell_rect((i, j)).height()) for i in range(2) for j in range(3)}
    assert sizes == {(166.0, 166.0)}
    ember = theme.ramp("ember").astype(float)
    for i in range(2):
        for j in range(3):
            place = view.cell_rect((i, j)).toRect().adjusted(2, 2, -2, -2)
            part = shot[place.top() : place.bottom(), place.left() : place.right()]
            assert len(np.unique(part.reshape(-1, 3), axis=0)) == 1
            share = values[i, j] / 5
            expected = ember[round(255 * share)] * min(1, 1.3 * share)  # over a black photo
            np.testing.assert_allclose(part[0, 0], expected, atol=2)


def test_area_of_the_grid_lands_on_the_right_pixels(qtbot):
    """A center crop: the grid covers the middle of the photo only."""
    photo = np.zeros((100, 200, 3), np.uint8)
    view = PhotoMap()
    view.set_photo(photo)
    view.set_grid(4, 4, area=(50, 0, 100, 100), class_token=False)
    view.set_map(np.ones((4, 4), np.float32), top=1)
    show(qtbot, view, 420, 220)
    whole, first, last = view.photo_rect(), view.cell_rect((0, 0)), view.cell_rect((3, 3))
    assert first.left() == pytest.approx(whole.left() + whole.width() / 4, abs=1)
    assert last.right() == pytest.approx(whole.right() - whole.width() / 4, abs=1)
    assert view.cell_at(first.center()) == (0, 0)
    assert view.cell_at(whole.topLeft() + (first.topLeft() - whole.topLeft()) / 2) is None
    shot = pixels(view)
    assert shot[int(first.center().y()), int(first.center().x())].sum() > 100
    assert shot[int(first.center().y()), int(whole.left()) + 5].sum() < 30


def shown_images(view):
    """The pictures below what a view paints, the lowest first."""
    return [item for item in view.items()[::-1] if isinstance(item, pg.ImageItem) and item.isVisible()]


def test_another_photo_has_no_map_until_its_own_comes(qtbot):
    """The one on screen is of the photo before, even where the grid is the same."""
    photos = [np.random.default_rng(seed).integers(0, 256, (40, 60, 3), np.uint8) for seed in range(2)]
    view, fresh = PhotoMap(), PhotoMap()
    show(qtbot, view)
    show(qtbot, fresh)
    for each in (view, fresh):
        each.set_mass(0.5)
    view.set_photo(photos[0])
    view.set_grid(2, 3)
    view.set_map(np.arange(6, dtype=np.float32).reshape(2, 3), class_value=0.3)
    for each in (view, fresh):
        each.set_photo(photos[1])
        each.set_grid(2, 3)
    assert not view.numbers()["attention"].any()
    assert "class_token" not in view.numbers()
    np.testing.assert_array_equal(pixels(view.viewport()), pixels(fresh.viewport()))
    view.set_map(np.ones((2, 3), np.float32))
    view.set_photo(photos[1])  # the same one
    assert view.numbers()["attention"].all()


def test_photo_and_map_are_two_pictures_that_hold_their_data(qtbot):
    view, values = PhotoMap(), np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    photo = np.full((40, 60, 3), 200, np.uint8)
    view.set_photo(photo)
    view.set_grid(2, 3, class_token=False)
    view.set_map(values, 1.0)
    show(qtbot, view, 300, 200)

    def seen():
        shot = pixels(view)
        places = [view.cell_rect((i, j)).center() for i in range(2) for j in range(3)]
        return np.array([shot[int(place.y()), int(place.x())] for place in places]).astype(int)

    view.grab()
    below, over = shown_images(view)
    np.testing.assert_array_equal(over.image, values)
    dim = int(below.image[0, 0, 0])
    for opacity in (0.0, 0.5, 1.0):
        view.set_opacity(opacity)
        cover = opacity * np.minimum(1, 1.3 * values.reshape(6, 1))
        ember = theme.ramp("ember").astype(float)[np.rint(255 * values.ravel()).astype(int)]
        assert np.abs(seen() - (dim + cover * (ember - dim))).max() <= 2
    view.stretch((0.0, 0.2))  # from the second value on all is at the end
    assert np.abs(seen()[1:] - theme.ramp("ember").astype(int)[255]).max() <= 2
    view.set_colors(np.full((2, 3, 3), 90, np.uint8))
    assert np.abs(seen() - 90).max() <= 2


def test_a_map_under_boxes_comes_goes_and_is_stretched(qtbot):
    view = show(qtbot, BoxView(), 300, 200)
    view.set_photo(np.full((40, 60, 3), 200, np.uint8))
    view.set_boxes([Box(0.5, 0.5, 0.1, 0.1)])
    view.grab()
    assert len(shown_images(view)) == 1
    view.set_heat(np.full((2, 3), 0.5, np.float32), 1.0, opacity=1.0)
    half = pixels(view)[10, 150]
    view.stretch((0.0, 0.5))
    assert (pixels(view)[10, 150] == theme.ramp("ember")[255]).all()
    assert view.numbers()["scale"].tolist() == [0.0, 0.5]
    view.stretch(None)
    assert (pixels(view)[10, 150] == half).all()
    view.set_heat(None)
    assert (pixels(view)[10, 150] == 200).all()
    assert len(shown_images(view)) == 1


def test_top_share_takes_the_fewest_cells():
    values = np.array([[0.5, 0.2], [0.2, 0.1]])
    assert top_share(values, 0.4).sum() == 1
    assert top_share(values, 0.5).sum() == 1
    assert top_share(values, 0.51).sum() == 2
    assert top_share(values, 1.0).all()
    assert not top_share(np.zeros((2, 2)), 0.5).any()
    assert not top_share(values, 0.0).any()


def test_edges_enclose_a_set_of_cells():
    assert len(edges(np.ones((2, 3), bool))) == 2 * (2 + 3)
    assert len(edges(np.zeros((2, 3), bool))) == 0
    assert {tuple(e) for e in edges(np.array([[True]])).tolist()} == {
        (0, 0, 1, 0),
        (0, 1, 1, 1),
        (0, 0, 0, 1),
        (1, 0, 1, 1),
    }


def test_mosaic_value_lands_at_its_index(qtbot):
    view = show(qtbot, Mosaic(captions=False))
    for value, index in [(0.0, 1), (1.0, 255), (0.5, 128), (2.0, 255), (-1.0, 1), (0.25, 65)]:
        view.set_maps(np.full((1, 2, 2), value, np.float32), top=1.0)
        place = view.cell_rect(0)
        assert (view.levels() == index).all()
        color = pixels(view)[int(place.center().y()), int(place.center().x())]
        assert (color == theme.ramp("ember", gap=True)[index]).all()


def test_mosaic_pixels_are_exact(qtbot):
    """Each value fills its own square of whole pixels; between the cells the paper shows."""
    maps = np.random.default_rng(2).random((5, 6, 7)).astype(np.float32)
    view = Mosaic(captions=False)
    view.set_maps(maps, top=np.linspace(0.5, 1.5, 5))
    show(qtbot, view, 400, 300)
    shot, table = pixels(view), theme.ramp("ember", gap=True)
    levels = np.rint(254 * np.clip(maps / np.linspace(0.5, 1.5, 5)[:, None, None], 0, 1)).astype(int) + 1
    for m in range(5):
        cell = view.cell_rect(m)
        step = round(cell.width() / 7)
        assert cell.width() == 7 * step
        assert cell.height() == 6 * step
        for row in range(6):
            for col in range(7):
                y, x = int(cell.y()) + row * step, int(cell.x()) + col * step
                assert (shot[y : y + step, x : x + step] == table[levels[m, row, col]]).all()
        paper = theme.color("surface")
        assert tuple(shot[int(cell.y()), int(cell.right()) + 1]) == (paper.red(), paper.green(), paper.blue())


def test_mosaic_gives_the_maps_the_room_of_long_words_where_they_would_be_specks(qtbot):
    view = show(qtbot, Mosaic())
    view.resize(230, 164)
    view.set_maps(np.zeros((12, 4, 4), np.float32))
    long = ["1.5 bits ↔ 1.2"] * 12
    view.set_captions([f"H{i}" for i in range(12)], long)
    assert view.cell_rect(0).width() >= 24
    view.resize(700, 500)
    spacious = view.cell_rect(0).width()
    view.set_captions([f"H{i}" for i in range(12)], [""] * 12)
    assert view.cell_rect(0).width() >= spacious >= 24
    view.set_captions([f"H{i}" for i in range(12)], long)
    view.set_at(3)
    assert long[3] in view.report()  # what is not drawn is still told


@both
@pytest.mark.parametrize("headers", [False, True])
def test_mosaic_paints_every_shape(qtbot, qtlog, name, headers):
    theme.use(name)
    view = show(qtbot, Mosaic(columns=12 if headers else 0, captions=not headers, headers=headers))
    for shape in [(1, 1, 1), (3, 9, 1), (12, 16, 24), (12, 1, 40), (144, 14, 14), (7, 200, 200)]:
        view.set_captions([Message("{n}", {"n": i}) for i in range(shape[0])], ["7.0 bit"] * shape[0])
        view.set_maps(np.zeros(shape, np.float32))
        view.set_at(0)
        view.set_off((shape[0] - 1,))
        assert is_drawn(view)
        view.set_maps((255 * np.random.default_rng(0).random(shape)).astype(np.uint8))
        assert is_drawn(view)
        inside = view.rect().adjusted(-1, -1, 1, 1).toRectF()
        assert all(inside.contains(view.cell_rect(i)) for i in range(shape[0]))
    assert not loud(qtlog)


def test_mosaic_reduces_by_block_maximum_and_says_so(qtbot):
    maps = np.random.default_rng(3).random((4, 197, 197)).astype(np.float32)
    view = Mosaic(columns=4, captions=False)
    view.set_maps(maps)
    show(qtbot, view, 300, 200)
    block = view.reduced()
    assert block > 1
    for m, small in zip(maps, view.levels(), strict=True):
        padded = np.pad(m, (0, -197 % block))
        largest = padded.reshape(-(-197 // block), block, -(-197 // block), block).max((1, 3))
        np.testing.assert_array_equal(small, np.rint(1 + 254 * largest))


def test_mosaic_a_little_too_large_fills_its_room(qtbot):
    """Between one and two values a pixel: the cell takes all the room, every value is in some pixel."""
    maps = np.random.default_rng(5).random((4, 32, 48)).astype(np.float32)
    view = Mosaic(columns=4, captions=False, gap=2)
    view.set_maps(maps)
    show(qtbot, view, 170, 120)
    wide, high = int(view.cell_rect(0).width()), int(view.cell_rect(0).height())
    assert 36 <= wide < 48
    assert view.reduced() == 2
    small = view.levels()
    assert small.shape == (4, high, wide)
    assert (small.max((1, 2)) == np.rint(1 + 254 * maps.max((1, 2)))).all()
    corner = view.cell_rect(2).topLeft()
    for y in range(high):
        for x in range(wide):
            index, row, col = view.under(corner + QPointF(x, y))
            value = view._value((index, row, col))
            assert small[2, y, x] == round(1 + 254 * value)
            assert view._spot((index, row, col)).topLeft() == corner + QPointF(x, y)


@pytest.mark.parametrize(("shape", "kind"), [((19, 23, 31), np.float32), ((3, 200, 700), np.uint8)])
def test_block_max_against_a_plain_loop(shape, kind):
    maps = (255 * np.random.default_rng(0).random(shape) - (100 if kind is np.float32 else 0)).astype(kind)
    for block in (1, 2, 3, 5, 8, 400) if kind is np.float32 else (7, 64):
        small = block_max(maps, block)
        assert small.shape == (shape[0], -(-shape[1] // block), -(-shape[2] // block))
        for i in range(small.shape[1]):
            for j in range(small.shape[2]):
                part = maps[:, i * block : (i + 1) * block, j * block : (j + 1) * block]
                np.testing.assert_array_equal(small[:, i, j], part.max((1, 2)))


@pytest.mark.parametrize("ends", [(0.0, 1.0), (0.2, 0.7), (np.linspace(0, 0.3, 4), 0.8)])
def test_a_mosaic_of_bytes_is_colored_as_their_shares_are(qtbot, ends):
    maps = np.random.default_rng(0).integers(0, 256, (4, 9, 11), np.uint8)
    first, second = Mosaic(), Mosaic()
    first.set_maps(maps, ends[1], ends[0])
    second.set_maps(maps.astype(np.float32) / 255, ends[1], ends[0])
    for view in (first, second):
        qtbot.addWidget(view)
        view.resize(300, 200)
        view.arranged()
    assert np.abs(first.levels().astype(int) - second.levels()).max() <= 1  # 255ths are rounded
    assert (first.levels().min(), first.levels().max()) == (1, 255)


def test_mosaic_refuses_nan(qtbot):
    maps = np.zeros((2, 3, 3), np.float32)
    maps[1, 2, 2] = np.nan
    view = Mosaic()
    view.set_maps(maps)
    view.arranged()
    with pytest.raises(ValueError, match="NaN"):
        view.levels()


def test_views_refuse_nan():
    photo = PhotoMap()
    photo.set_photo(rgb())
    photo.set_grid(2, 2)
    with pytest.raises(ValueError, match="NaN"):
        photo.set_map(np.array([[0, 1], [2, np.nan]], np.float32))
    with pytest.raises(ValueError, match="NaN"):
        Bars().set_bars([Bar("a", ((float("nan"), "accent"),), "")])
    with pytest.raises(ValueError, match="NaN"):
        BoxView().set_boxes([Box(0.5, float("inf"), 0.1, 0.1)])
    with pytest.raises(ValueError, match="NaN"):
        QueryTable().set_rows([Row(0, "a", float("nan"), (0, 0, 0, 0))])
    photo.deleteLater()


def test_wrong_shapes_are_refused():
    view = PhotoMap()
    view.set_photo(rgb())
    view.set_grid(2, 2)
    with pytest.raises(ValueError, match="grid"):
        view.set_map(np.zeros((3, 2), np.float32))
    with pytest.raises(ValueError, match="uint8"):
        view.set_photo(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="maps"):
        Mosaic().set_maps(np.zeros((4, 4), np.float32))


def test_bars_are_as_long_as_their_values(qtbot, qtlog):
    view = Bars(widest_note="+88.8")
    view.set_bars([probability("a", 0.5, 0.25), probability("b", 0.0, 0.0), probability("c", 1.0)], top=1.0)
    show(qtbot, view, 500, 140)
    shot, accent = pixels(view), theme.color("accent")
    marks = (shot == [accent.red(), accent.green(), accent.blue()]).all(2)
    lengths = [int(marks[view._at.rows[i].toRect().center().y()].sum()) for i in range(3)]
    track = lengths[2]
    assert track > 150
    assert lengths[0] == pytest.approx(track / 2, abs=4)  # the ghost's outline crosses it
    assert lengths[1] <= 1
    assert not loud(qtlog)


def test_bars_are_pyqtgraphs_one_item_a_color_and_painted_once(qtbot):
    view = show(qtbot, Bars(), 400, 120)

    def shown():
        """By color: how many bars."""
        found = [item for item in view.items() if isinstance(item, pg.BarGraphItem)]
        return {item.opts["brush"].name(): len(item.opts["x0"]) for item in found if len(item.opts["x0"])}

    view.set_bars([Bar("a", ((1.0, "cat0"), (2.0, "cat1")), "3"), Bar("b", ((1.0, "cat0"), (0.5, "cat1")), "1.5")], 4.0)
    assert shown() == {theme.color(token).name(): 2 for token in ("sunken", "cat0", "cat1")}
    view.set_bars([probability("c", 0.5)], 1.0)
    assert shown() == {theme.color(token).name(): 1 for token in ("sunken", "accent")}
    theme.use("dark")
    view.restyled()
    view.grab()
    assert shown() == {theme.color(token).name(): 1 for token in ("sunken", "accent")}
    painted, draw, turns = [], view.draw, count(1)
    view.draw = lambda painter: painted.append(1) or draw(painter)

    def once():
        painted.clear()
        view.set_bars([probability("c", 1 / next(turns))], 1.0)
        for _ in range(3):
            QApplication.processEvents()
        return len(painted) == 1

    qtbot.waitUntil(once, timeout=1000)  # at first the window has to be painted as a whole
    view.set_bars([])
    assert shown() == {}


@both
def test_stacked_bars_and_no_bars_paint(qtbot, qtlog, name):
    theme.use(name)
    view = Bars()
    show(qtbot, view, 400, 120)
    view.set_empty(Message("off"))
    assert is_drawn(view)
    view.set_bars([Bar("1 → A", ((1.0, "cat0"), (2.0, "cat1"), (0.5, "cat2")), "3.50")])
    assert is_drawn(view)
    view.set_bars([Bar("down", ((-0.5, "cat0"),), "−0.50")], top=1, low=-1)
    assert is_drawn(view)
    assert not loud(qtlog)


def test_ends_of_a_scale():
    for value, text in (
        (0, "0"), (1, "1"), (0.0273, "0.027"), (0.02, "0.02"), (12.53, "13"), (-2.02, "−2"), (8.65, "8.7"),
        (250, "250"), (0.5, "0.5"), (3e-5, "0.00003"),
    ):  # fmt: skip
        assert scale_end(value) == text


@both
def test_color_bar_shows_the_ramp_from_end_to_end(qtbot, qtlog, name):
    theme.use(name)
    bar = ColorBar()
    bar.set_range(0, 0.032, clipped=True)
    assert bar.ends() == ("0", "≥ 0.032")
    bar.set_mark(0.5)
    show(qtbot, bar, 300, 16)
    shot = pixels(bar)[5].astype(int)
    ember = theme.ramp("ember").astype(int)
    reach = [int(np.abs(shot - c).sum(1).argmin()) for c in (ember[0], ember[255])]
    assert reach[1] - reach[0] > 150
    assert not loud(qtlog)


@pytest.fixture
def scaled(qtbot):
    """A bar and the map that it drives."""
    bar, view = ColorBar(), TokenMap()
    bar.drive(view)
    bar.set_range(0, 0.8)
    view.set_values(np.array([[0.1, 0.8], [0.4, 0.2]]), 0.8, 0.0)
    show(qtbot, view, 200, 200)
    return show(qtbot, bar, 300, 16), view


def handle(bar, which):
    """Where a handle of the bar stands."""
    bar.ready()
    line = bar.item.region.lines[which]
    return QPointF(bar.item.getViewBox().mapViewToScene(QPointF(line.value(), 0.5)))


def test_an_end_of_the_scale_is_dragged_and_put_back(scaled, qtbot):
    bar, view = scaled
    QApplication.sendEvent(bar, QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
    QApplication.sendEvent(bar, QEvent(QEvent.Type.Leave))
    assert not bar.item.region.isVisible()
    QApplication.sendEvent(bar, QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
    assert bar.item.region.isVisible()
    before = view.levels()
    start = handle(bar, 1)
    drag(bar.viewport(), start, start - QPointF(40, 0))
    low, high = bar.shown
    assert low == pytest.approx(0, abs=1e-6)
    assert 0 < high < 0.8
    assert bar.ends()[1].startswith("≥ ")
    assert view.levels()[1, 0] > before[1, 0]  # stronger: the ramp ends earlier
    assert view.numbers()["scale"][1] == pytest.approx(high)
    view.set_values(np.array([[0.1, 0.9], [0.4, 0.2]]), 0.9, 0.0)  # the next answer: the hand's scale stays
    bar.set_range(0, 0.9)
    assert bar.shown == (low, high)
    qtbot.mouseDClick(bar.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(100, 8))
    assert bar.shown == (0, 0.9)
    assert bar.ends()[1] == "0.9"
    assert view.levels()[0, 1] == 255


def shot_of(view):
    view.grab()  # what stands elsewhere now is painted once more
    return pixels(view)


def queue():
    view = QueueRing()
    view.set_queue(np.arange(8), 0, 2)
    return view, (0.0, 3.0)


def logits():
    view = ContrastBars()
    view.set_contrast(np.linspace(5, -2, 30), np.linspace(1, 0.1, 30) / 20, np.arange(29), 0.1)
    return view, (0.0, 0.01)


def flow():
    view = Flow()
    view.set_blocks([Block("x", "(3, 4)", np.linspace(-1, 1, 12).reshape(3, 4))], 1)
    return view, (-0.2, 0.2)


def field():
    view = Plane(2)
    view.set_field(np.linspace(0, 1, 64).reshape(8, 8))
    return view, (0.0, 0.3)


def counts():
    view = CountMatrix()
    view.set_counts(np.arange(9).reshape(3, 3), 3)
    return view, (0.0, 2.0)


@pytest.mark.parametrize("made", [queue, logits, flow, field, counts])
def test_all_that_has_a_scale_is_colored_anew_from_its_bar(qtbot, qtlog, made):
    view, ends = made()
    bar = ColorBar()
    bar.drive(view)
    assert view.color_bars == (bar,)
    show(qtbot, view, 420, 320)
    before = shot_of(view)
    bar.stretched.emit(ends)
    assert (shot_of(view) != before).any()
    bar.stretched.emit(None)
    assert (shot_of(view) == before).all()
    assert not loud(qtlog)


def test_counts_run_to_the_end_that_was_dragged(qtbot):
    view, _ends = counts()
    show(qtbot, view, 300, 300)
    bar = ColorBar(ramp="tide", turned=True)
    bar.drive(view)
    assert view.top() == (7, True)
    bar.stretched.emit((2.0, 4.0))
    assert view.levels()[0].tolist() == [255, 255, 255]  # 0, 1, 2: nothing
    assert view.levels()[1].tolist() == [128, 0, 0]  # 3, 4, 5
    assert view.numbers()["scale"].tolist() == [2, 4]
    assert view.top() == (7, True)  # what the values say


def test_a_scale_of_sizes_moves_the_upper_half_of_the_ramp(qtbot):
    bar, grid = HalfBar("", "diff"), ScoreGrid()
    bar.drive(grid)
    bar.set_range(0, 1)
    grid.set_table(np.array([[0.5, 1.0]]), 1.0, "diff")
    show(qtbot, grid, 200, 100)
    show(qtbot, bar, 300, 16)
    start = handle(bar, 1)
    bar.item.region.show()
    drag(bar.viewport(), start, start - QPointF(60, 0))
    low, high = bar.shown
    assert 0 <= low < high < 1
    assert grid.numbers()["scale"].tolist() == pytest.approx([2 * low - high, high])


def test_a_scale_of_something_else_is_nobodys_choice_yet(scaled):
    bar, view = scaled
    start = handle(bar, 1)
    bar.item.region.show()
    drag(bar.viewport(), start, start - QPointF(40, 0))
    bar.set_range(0, 0.5, name=Message("Absolute scale"))
    assert bar.shown == (0, 0.5)
    assert view.numbers()["scale"].tolist() == [0, np.float32(0.8)]


def test_a_bar_that_drives_nothing_has_nothing_to_drag(qtbot):
    bar = show(qtbot, ColorBar(), 300, 16)
    QApplication.sendEvent(bar, QEnterEvent(QPointF(5, 5), QPointF(5, 5), QPointF(5, 5)))
    assert bar.item is None


@pytest.mark.parametrize("turned", [False, True])
def test_a_bar_looks_the_same_before_it_has_handles(qtbot, turned):
    """A window has some forty bars; none costs an item before the pointer comes."""
    bar = show(qtbot, ColorBar("Weight", turned=turned), 300, 16)
    bar.set_range(0, 0.8)
    plain = pixels(bar).astype(int)
    assert np.ptp(plain[8].sum(-1)) > 100  # the ramp is there
    bar.ready()
    assert bar.item is not None
    assert np.abs(pixels(bar) - plain).max() <= 3


def test_a_color_bar_is_never_narrower_than_its_texts(qtbot, monkeypatch):
    """Its layout hears of longer ends, another language and font, and of a shorter text only once nothing changes."""
    page, bar, fixed = QWidget(), ColorBar("Shared scale", least=60), ColorBar("Shared scale", least=60)
    fixed.setFixedWidth(70)
    line = QHBoxLayout(page)
    line.addWidget(QLabel("A title that takes the room"))
    line.addWidget(bar)
    show(qtbot, page, 200, 30)

    def texts():
        return sum(theme.text_width(text) for text in (words.drawn("Shared scale"), *bar.ends()))

    bar.set_range(-0.0375, 0.0375, clipped=True, clipped_low=True)
    QApplication.processEvents()
    widest = bar.width()
    assert widest > texts() + 8
    bar.set_range(-0.075, 0.075)
    QApplication.processEvents()
    assert bar.width() == widest
    least = bar.minimumWidth()
    qtbot.waitUntil(is_settled)  # nothing changes any more: what was shown before no longer counts
    assert texts() + 8 < bar.minimumWidth() < least
    for family, language in ((fonts.MONO, "en"), ("", "zh"), ("", "en")):
        monkeypatch.setenv(theme.FONT_VARIABLE, family)
        theme.switch(page, language=language)
        QApplication.processEvents()
        assert bar.width() > texts() + 8
    fixed.set_range(-0.0375, 0.0375, clipped=True, clipped_low=True)
    assert fixed.minimumWidth() == fixed.maximumWidth() == 70
    monkeypatch.delenv(theme.FONT_VARIABLE)
    theme.use()


@both
def test_boxes_paint_with_and_without_a_map(qtbot, qtlog, name):
    theme.use(name)
    view = BoxView()
    view.set_photo(rgb(200, 300))
    view.set_boxes(
        [truth((0.3, 0.3, 0.2, 0.2), "A"), matched((0.35, 0.3, 0.2, 0.2), "1"), unmatched((0.8, 0.8, 0.3, 0.3), "2"),
         detection((0.5, 0.5, 0.9, 0.1), Message("off"), 7), Box(0.5, 0.5, 0, 0), Box(0.6, 0.4, 0.2, 0.3, angle=33)],
        [(1, 0)],
    )  # fmt: skip
    view.set_at(0)
    show(qtbot, view)
    assert is_drawn(view)
    shot = pixels(view)
    green = theme.color("truth")
    place = view.box_rect(0).toRect()
    assert tuple(shot[place.center().y(), place.left()]) == (green.red(), green.green(), green.blue())
    view.set_heat(np.random.default_rng(0).random((13, 20)).astype(np.float32))
    view.set_cross((0.2, 0.2))
    view.set_note(Message("off"))
    assert is_drawn(view)
    view.set_heat(None)
    view.set_boxes([])
    assert is_drawn(view)
    assert not loud(qtlog)


@both
def test_film_strip_shows_pictures_and_layers(qtbot, qtlog, name):
    theme.use(name)
    strip = FilmStrip()
    show(qtbot, strip, 500, 92)
    strip.set_photos([rgb(), rgb(10, 400), rgb(400, 10), rgb(1, 1)], ["a", "b", "c", "d"])
    strip.set_at(1)
    assert is_drawn(strip)
    strip.set_frames(rgb(), [[detection((0.5, 0.5, 0.5, 0.5), "", k)] for k in range(6)], ["x"] * 6, ["1"] * 6)
    assert is_drawn(strip)
    places = [strip.place(i) for i in range(6)]
    assert all(a.right() < b.left() for a, b in pairwise(places))
    assert not loud(qtlog)


@both
def test_table_shows_and_sorts(qtbot, qtlog, name):
    theme.use(name)
    table = QueryTable()
    show(qtbot, table, 460, 300)
    rows = [Row(i, f"class {i % 3}", (i * 37 % 100) / 100, (0.5, 0.5, 0.1, 0.2), shown=i % 2 == 0) for i in range(100)]
    table.set_rows(rows, off=(3,))
    assert is_drawn(table)
    shown = [c for c in range(5) if not table.isColumnHidden(c)]
    assert sum(table.columnWidth(c) for c in shown) <= table.viewport().width()
    scores = table.numbers()["score"]
    assert (np.diff(scores) <= 0).all()
    table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert (np.diff(table.numbers()["query"]) == 1).all()
    assert not table.numbers()["on"][3]
    assert not loud(qtlog)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_two_thousand_updates_lose_no_reference_to_none(qtbot):
    """PySide6 6.12 loses one in almost every void call and ends the process after a while."""
    view, slider = Mosaic(captions=False), Slider(Scale(0, 1, 0.01, 2), 0.5)
    maps = np.zeros((4, 6, 6), np.float32)
    show(qtbot, view, 200, 150)
    show(qtbot, slider, 200, 22)
    before = sys.getrefcount(None)
    for i in range(2000):
        view.set_maps(maps)
        view.set_at(i % 4)
        view.setToolTip(str(i))
        slider.set_number(i % 100 / 100)
        if i % 100 == 0:
            view.repaint()
    assert sys.getrefcount(None) > before - 200


def test_a_view_that_raises_leaves_no_painter_active(qtbot, qtlog):
    class Broken(ColorBar):
        def draw(self, painter):
            raise ValueError("broken")

    view = Broken()
    qtbot.addWidget(view)
    with pytest.raises(ValueError, match="broken"):
        view.grab()
    assert view._damage is None
    assert not loud(qtlog)


def test_the_menus_that_pyqtgraph_brings_take_no_style_sheet(qtbot):
    """Some fifty widgets a bar, never shown: polished, they would make each change of the theme twice as long."""
    bar = show(qtbot, ColorBar(), 300, 16)
    bar.ready()
    QApplication.processEvents()
    assert not any(widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished) for widget in menu_of(bar.item))


def test_new_maps_are_made_once_and_leave_the_words_beside_them(qtbot, monkeypatch):
    """Many answers before a painting cost one picture, and the numbers of rows and columns stay as they are."""
    view = show(qtbot, Mosaic(columns=3, captions=False, headers=True), 400, 300)
    made, written = [], []
    levels, headers = view.levels, view._draw_headers
    monkeypatch.setattr(view, "levels", lambda: made.append(1) or levels())
    monkeypatch.setattr(view, "_draw_headers", lambda painter: written.append(1) or headers(painter))

    def only_cells():
        made.clear()
        written.clear()
        for value in (0.2, 0.4, 0.6):
            view.set_maps(np.full((9, 8, 8), value, np.float32))
        QApplication.processEvents()
        return not written

    qtbot.waitUntil(only_cells, timeout=1000)  # at first the window has to be painted as a whole
    assert len(made) == 1
    center = view.cell_rect(4).center()
    assert (pixels(view)[int(center.y()), int(center.x())] == theme.ramp("ember", gap=True)[153]).all()
    assert written


def test_zero_stays_in_the_middle_of_a_signed_scale(qtbot):
    bar, grid = ColorBar("", "diff"), ScoreGrid()
    bar.drive(grid)
    bar.set_range(-2, 2)
    grid.set_table(np.array([[-2.0, 1.0]]), 2.0)
    show(qtbot, grid, 200, 100)
    show(qtbot, bar, 300, 16)
    bar.ready()
    bar.item.region.show()
    for which, way in ((1, -40), (0, 40)):  # either end, inwards
        before, start = bar.shown[1], handle(bar, which)
        drag(bar.viewport(), start, start + QPointF(way, 0))
        low, high = bar.shown
        assert low == -high
        assert 0 < high < before
        assert grid.numbers()["scale"].tolist() == pytest.approx([low, high])


def test_a_bar_that_goes_gives_the_scale_back(scaled):
    bar, view = scaled
    bar.ready()  # the mouse of another test may not have come near
    bar.item.region.show()
    start = handle(bar, 1)
    drag(bar.viewport(), start, start - QPointF(40, 0))
    assert view.numbers()["scale"][1] < 0.8
    bar.setVisible(False)  # another bar stands there now, for what the view shows instead
    assert view.numbers()["scale"].tolist() == [0, np.float32(0.8)]
    assert bar.shown == (0, 0.8)

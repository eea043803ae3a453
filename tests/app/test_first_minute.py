"""The first minute of a stranger, by mouse, keys and drops: each step is met by what is seen, set and written."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from app import export, words
from app.figuredialog import FigureDialog
from app.sliders import ParamRow
from tests.app.reading import texts
from tests.app.views_help import drag, pixels

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
AWAY = QPoint(2, 2)  # of the window: over nothing that can be pointed at
HEAD, CELL, OTHER = 3, (2, 4), (6, 1)


class Stranger:
    """Hands and eyes on a window."""

    def __init__(self, window, qtbot, folder: Path) -> None:
        self.window, self.bot, self.folder = window, qtbot, folder

    @property
    def tab(self):
        return self.window.tab

    @property
    def page(self):
        return self.window.tab.now

    def rest(self) -> None:
        """Wait for the answer, and for what it has to be laid out."""
        self.bot.waitUntil(lambda: not self.window.intake.reading and not self.tab.is_busy)
        for _ in range(4):
            QApplication.processEvents()
        assert not self.tab.failed

    # -- hands
    def click(self, widget: QWidget, at: QPointF | None = None) -> None:
        assert widget.isVisible()
        place = widget.rect().center() if at is None else at.toPoint()
        QTest.mouseMove(widget, place)
        QTest.mouseClick(widget, LEFT, NONE, place)

    def look_away(self) -> None:
        for view in self.page.findChildren(QWidget):
            if hasattr(view, "point_nowhere"):
                view.point_nowhere()
        QTest.mouseMove(self.window, AWAY)
        self.rest()

    def drag_over(self, path: Path) -> QMimeData:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        at = self.photo.mapTo(self.window, self.photo.rect().center())
        enter = QDragEnterEvent(at, Qt.DropAction.CopyAction, data, LEFT, NONE)
        QApplication.sendEvent(self.window, enter)
        assert enter.isAccepted()
        return data

    def drop(self, data: QMimeData) -> None:
        at = QPointF(self.photo.mapTo(self.window, self.photo.rect().center()))
        drop = QDropEvent(at, Qt.DropAction.CopyAction, data, LEFT, NONE)
        QApplication.sendEvent(self.window, drop)
        assert drop.isAccepted()

    def drag_slider(self, row: ParamRow, share: float) -> None:
        """Take the handle and let it go further right, in a few moves as a hand makes them."""
        slider, y = row.slider, row.slider.height() // 2
        left, right = slider._ends()
        at = left + (right - left) * slider.value() / slider.maximum()
        places = [at, *(at + (right * share - at) * part for part in (0.3, 0.7, 1))]
        QTest.mousePress(slider, LEFT, NONE, QPoint(round(places[0]), y))
        for before, after in pairwise(places):
            assert before != after
            QTest.mouseMove(slider, QPoint(round(after), y))
        QTest.mouseRelease(slider, LEFT, NONE, QPoint(round(places[-1]), y))

    def drag_query(self, to: float) -> None:
        """Take the query's line in the middle of the plot and bring it to ``to``."""
        plot, start = self.page.plot, self.page.params.query
        drag(plot.viewport(), *(plot.spot(x, 0.0) for x in (start, to)))

    def save(self, entry: str, name: str) -> Path:
        """The photo by its menu and the dialog that opens, with the pointer resting where the menu was opened."""
        view = self.photo
        pinned = view.numbers()["attention"].copy()
        QTest.mouseMove(self.window, AWAY)  # a move to where the mouse is already is none
        QTest.mouseMove(view.viewport(), view.cell_rect(OTHER).center().toPoint())
        assert not np.array_equal(view.numbers()["attention"], pinned)
        menu = export.menu(view)
        (line,) = [one for one in menu.actions() if one.text() == words.tr(entry)]
        line.trigger()
        menu.deleteLater()
        (figure, *_) = [*self.window.findChildren(FigureDialog), None]
        if figure is not None:
            (button,) = [b for b in figure.findChildren(QWidget) if getattr(b, "text", str)() == words.tr("Save")]
            self.click(button)
        place = self.folder / name
        (dialog,) = self.window.findChildren(QFileDialog)
        dialog.selectFile(str(place))
        dialog.accept()
        self.bot.waitUntil(lambda: place.is_file() and not self.window.saving.busy)
        assert name in self.window.status.text.text()
        assert self.window.status.in_folder.isVisible()  # "Show in folder"
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the dialogs
        return place

    # -- eyes
    @property
    def photo(self):
        return self.page.photo.view

    def colors(self) -> np.ndarray:
        """What is painted in the middle of each patch (rows, cols, 3)."""
        rows, cols = self.photo.numbers()["attention"].shape
        shot = pixels(self.photo.viewport())
        return np.array([[self._middle(shot, (row, col), 1) for col in range(cols)] for row in range(rows)])

    def _middle(self, shot: np.ndarray, cell: tuple[int, int], scale: int) -> np.ndarray:
        at = self.photo.cell_rect(cell).center() * scale
        return shot[int(at.y()), int(at.x())].astype(int)

    def said(self) -> set[str]:
        """All texts but those of the status bar, which tells another number each second."""
        return {one.text for part in (self.window.side, self.tab) for one in texts(part) if one.text}


@pytest.fixture
def stranger(open_window, own_home, qtbot, tmp_path, monkeypatch):
    """At a window that was never opened before, on a machine that has the bundled models alone."""
    monkeypatch.setattr("engines.vit.subject.default_source", lambda: "mini-vit")
    assert not list(own_home.iterdir())
    return Stranger(open_window(1280, 800), qtbot, tmp_path)


def without_numbers(said: set[str]) -> set[str]:
    """What does not change from one second to the next, as the memory in use does."""
    return {text for text in said if not any(letter.isdigit() for letter in text)}


def own_photo(folder: Path) -> Path:
    """A bright disk before a dark, noisy ground, as a camera would hand it out."""
    y, x = np.mgrid[:240, :360]
    made = np.random.default_rng(7).integers(0, 60, (240, 360, 3), np.uint8)
    made[(y - 90) ** 2 + (x - 220) ** 2 < 60**2] = (240, 200, 60)
    place = folder / "my holiday.jpg"
    Image.fromarray(made).save(place, quality=92)
    return place


def test_the_first_minute(stranger, own_home, tmp_path):
    window = stranger.window

    # what a query is: the lesson is there, and the weights follow the line that it speaks of
    window.show_topic(window.first_topic())
    window.guide.begin(True)
    stranger.rest()
    assert stranger.tab.topic.name == "attention_pooling"
    panel, before = window.guide.panel, stranger.page.shown
    assert panel.isVisible()
    assert "blue line" in panel.task.text()
    stranger.drag_query(4.4)
    stranger.bot.waitUntil(lambda: panel.state.text() == "Done")
    stranger.rest()
    after = stranger.page.shown
    assert after.query > 4
    keys = np.array(after.points)[:, 0]
    assert after.query_weights @ keys > before.query_weights @ keys + 0.5
    panel.closed.emit()

    # a bundled photo, seen attended, behind the architecture
    stranger.click(window.side.button_of("vit"))
    stranger.bot.waitUntil(lambda: stranger.tab.topic.name == "vit" and stranger.tab.doors.isVisible())
    QTest.keyClick(stranger.tab.doors.view, Qt.Key.Key_Escape)
    stranger.rest()
    page, view = stranger.page, stranger.photo
    sample = page.shown.grid
    assert sample.photo.size > 0
    attention = view.numbers()["attention"]
    answer = page.shown.answer
    np.testing.assert_array_equal(attention, page.shown.on_patches(answer.heads.attends_to[0]))
    np.testing.assert_allclose(answer.heads.attends_to.sum(-1), 1, atol=1e-5)
    painted = stranger.colors()
    view.set_opacity(0)
    bare = stranger.colors()
    view.set_opacity(page.params.opacity)
    np.testing.assert_array_equal(stranger.colors(), painted)
    changed = np.abs(painted - bare).sum(-1)
    assert changed[np.unravel_index(attention.argmax(), attention.shape)] > 30  # the map lies over the photo
    assert not page.params.changes()

    # a photo of one's own
    place = own_photo(tmp_path)
    data = stranger.drag_over(place)
    assert window.zone.isVisible()
    assert window.zone.text == "Show my holiday.jpg in ViT"
    stranger.drop(data)
    assert not window.zone.isVisible()
    stranger.bot.waitUntil(lambda: page.shown.grid is not sample and page.shown.answer is not None)
    stranger.rest()
    np.testing.assert_array_equal(page.shown.grid.photo, np.asarray(Image.open(place).convert("RGB")))
    assert page.shown.grid.name == "my holiday.jpg"
    assert window.settings.recent_pictures == [str(place)]
    assert not np.array_equal(stranger.colors(), painted)
    untouched = page.shown.answer

    # a slider
    row = page.form.control("temperature")
    written = row.field.text()
    stranger.drag_slider(row, 0.9)
    stranger.rest()
    temperature = page.params.temperature
    assert temperature > 1
    assert page.params.changes() == 1
    assert page.shown.answer.heads.entropy[0] > untouched.heads.entropy[0]  # hotter is flatter
    np.testing.assert_array_equal(
        view.numbers()["attention"], page.shown.on_patches(page.shown.answer.heads.attends_to[0])
    )
    assert row.number() == temperature
    assert row.field.text() != written

    # a head
    heads = page.heads.view
    stranger.click(heads.viewport(), heads.cell_rect(HEAD - 1).center())
    stranger.look_away()
    assert page.params.head == HEAD
    shown = view.numbers()["attention"]
    np.testing.assert_array_equal(shown, page.shown.on_patches(page.shown.answer.heads.attends_to[HEAD - 1]))
    np.testing.assert_array_equal(heads.numbers()["maps"][HEAD - 1], shown)

    # a patch
    stranger.click(view.viewport(), view.cell_rect(CELL).center())
    stranger.look_away()
    token = page.shown.token_at(*CELL)
    assert page.params.pinned == token
    weights = page.shown.answer.weights
    assert HEAD in weights.heads
    matrix = weights.weights[weights.heads.index(HEAD)]
    np.testing.assert_allclose(matrix.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(view.numbers()["attention"], page.shown.on_patches(matrix[token]))
    assert tuple(view.numbers()["pinned_row_col"]) == CELL
    assert f"Patch {CELL[0] + 1}, {CELL[1] + 1} pinned" in page.photo.said.text()

    # exported, and read back
    on_screen = pixels(view.viewport())
    numbers = {name: np.array(array) for name, array in view.numbers().items()}
    png = QImage(str(stranger.save("Save as PNG", "map.png")))
    with np.load(stranger.save("Save numbers (NPZ)", "map.npz")) as file:
        assert set(file.files) == {*numbers, "settings"}
        for name, array in numbers.items():
            np.testing.assert_array_equal(file[name], array)
        settings = json.loads(str(file["settings"]))
    assert json.loads(png.text("settings")) == settings
    assert settings["picture"] == "my holiday.jpg"
    assert (settings["head"], settings["pinned"], settings["layer"]) == (HEAD, token, page.shown.layer(page.params))
    assert settings["temperature"] == temperature
    assert settings["model"] == page.shown.info.source
    assert (png.width(), png.height()) == (2 * view.width(), 2 * view.height())
    large = np.array(png.convertToFormat(QImage.Format.Format_RGB888).constBits()).reshape(png.height(), -1)
    large = large[:, : 3 * png.width()].reshape(png.height(), png.width(), 3)
    for cell in np.ndindex(shown.shape):
        assert np.abs(stranger._middle(large, cell, 2) - stranger._middle(on_screen, cell, 1)).max() <= 24, cell
    figure = QImage(str(stranger.save("Figure for a paper", "figure.png")))
    assert figure.width() == 1004  # 85 mm at 300 dpi
    assert json.loads(figure.text("settings")) == settings
    np.testing.assert_array_equal(view.numbers()["attention"], numbers["attention"])  # what is on screen has stayed

    # DETR
    stranger.click(window.side.button_of("detr"))
    stranger.bot.waitUntil(lambda: stranger.tab.topic.name == "detr")
    stranger.rest()
    found = stranger.page.found
    assert len(found.scores) == len(found.boxes)
    assert np.isfinite(found.boxes).all()
    assert [(name, one.name) for name, one in window.used_elsewhere("detr")] == [("vit", "my holiday.jpg")]

    # the language, and back
    english = stranger.said()
    button = window.tools.buttons[1]
    for language in ("zh", "en"):
        stranger.click(button)
        stranger.bot.waitUntil(lambda one=language: words.language() == one and window.updatesEnabled())
        stranger.rest()
        if language == "zh":
            chinese = stranger.said()
            assert any("检测" in text for text in chinese)
            assert not {"Settings", "Undo (Ctrl+Z)", "Resolution", "Detect"} & chinese
        else:
            assert without_numbers(stranger.said()) == without_numbers(english)
    stranger.click(window.side.button_of("vit"))
    stranger.rest()
    assert stranger.page is page
    assert (page.params.head, page.params.pinned, page.params.temperature) == (HEAD, token, temperature)
    np.testing.assert_array_equal(view.numbers()["attention"], numbers["attention"])
    window.settings.save()
    kept = json.loads((own_home / "settings.json").read_text(encoding="utf-8"))
    assert (kept["tab"], kept["language"]) == ("vit", "en")
    assert kept["recent_pictures"] == [str(place)]

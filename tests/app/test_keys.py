"""F1, Ctrl+S, About, "Show in folder", and the way in which menus read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu

from app import __version__, about, folders, keys, pageexport, words
from app.about import About
from app.header import DropDown, entry, with_keys
from app.keys import Help
from app.placing import SMALLEST
from app.sheet import Sheet, bring_or_open
from app.sliders import Field
from app.tabs.scoring import TOPIC
from app.widgets import MANY, MenuButton
from engines.checkpoints import catalog
from engines.data.samples import credit, samples


@pytest.fixture
def window(open_window, qtbot):
    made = open_window()
    tab = made.show_topic(TOPIC.name)
    qtbot.waitUntil(lambda: not tab.is_busy)
    made.activateWindow()
    return made


def press(window, sequence) -> None:
    combined = QKeySequence(sequence)[0]
    QTest.keyClick(window, combined.key(), combined.keyboardModifiers())
    QApplication.processEvents()


def said(sheet: Sheet) -> str:
    return "\n".join(part.text() for part in sheet.findChildren(QLabel))


def test_f1_tells_all_keys_of_the_window_once(window, qtbot):
    press(window, "F1")
    press(window, "F1")
    (sheet,) = window.findChildren(Help)
    assert sheet.isVisible()
    for key in keys.OF_WINDOW:
        if key.written():
            assert key.written() in said(sheet)
            assert words.tr(key.says) in said(sheet)
    press(sheet, "Esc")
    qtbot.waitUntil(lambda: not window.findChildren(Help))


def test_esc_is_for_what_has_the_focus_and_else_for_the_page(window, qtbot, monkeypatch):
    heard = []
    monkeypatch.setattr(window.tab, "escape", lambda: heard.append("page"))
    qtbot.waitUntil(window.isActiveWindow)
    field = window.tab.now.dock.findChild(Field)
    before = field.text()
    field.setFocus()
    field.setText("12345")
    press(field, "Esc")
    assert (field.text(), heard) == (before, [])
    window.tab.now.centre.setFocus()
    press(window.tab.now.centre, "Esc")
    assert heard == ["page"]


def test_keys_and_about_are_whole_in_chinese(window):
    words.forget_missing()
    window.use_language("zh")
    for kind in (Help, About):
        sheet = bring_or_open(window, kind)
        QApplication.processEvents()
        for part in sheet.findChildren(QLabel):
            assert part.width() >= part.sizeHint().width() or part.wordWrap(), part.text()
        sheet.close()
    assert not words.missing()


def test_about_credits_all_that_is_shipped_and_offered(window):
    sheet = bring_or_open(window, About)
    told = said(sheet)
    assert __version__ in told
    assert "MIT License" in told
    assert "SIL Open Font License" in told
    assert all(credit()[one.file] in told for one in samples())
    assert all(str(card["title"]) in told and card["license"] for card in catalog.cards().values())
    assert all(model.title in told and model.license for model in catalog.offered().values())
    assert any(left.values["text"] == "torch" and right.values["text"] for left, right in about.packages())
    sheet.close()


# ------------------------------------------------------------------ Ctrl+S
def asked(window) -> QFileDialog:
    press(window, QKeySequence.StandardKey.Save)
    (dialog,) = window.findChildren(QFileDialog)
    return dialog


def saved(window, qtbot, dialog, path: Path) -> None:
    dialog.fileSelected.emit(str(path))
    dialog.done(0)
    qtbot.waitUntil(lambda: not window.saving.busy)


def test_ctrl_s_saves_the_numbers_of_all_views_with_the_settings(window, qtbot, tmp_path):
    dialog = asked(window)
    views = pageexport.shown(window).views
    assert len(views) > 1
    saved(window, qtbot, dialog, tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as file:
        settings = json.loads(str(file["settings"]))
        assert settings.pop("program") == f"Attention Lab {__version__}"
        assert settings == json.loads(json.dumps(dict(window.tab.now.exported()), default=str))
        for view in views:
            for name, array in view.numbers().items():
                assert any(np.array_equal(file[key], array) for key in file.files if key.endswith(f".{name}"))


@pytest.mark.parametrize("ending", [".png", ".svg", ".csv"])
def test_ctrl_s_writes_each_kind_by_its_ending(window, qtbot, tmp_path, ending):
    saved(window, qtbot, asked(window), tmp_path / f"all{ending}")
    made = (tmp_path / f"all{ending}").read_bytes()
    if ending == ".png":
        image = QImage.fromData(made)
        centre = window.tab.now.centre
        assert (image.width(), image.height()) == (2 * centre.width(), 2 * centre.height())
        assert json.loads(image.text("settings"))
    assert len(made) > 1000


def test_each_kind_is_copied_in_a_turn_of_its_own(window, qtbot, monkeypatch):
    made = []
    monkeypatch.setattr(pageexport, "taken", lambda _what, kind: made.append(kind))
    copies = pageexport.Copies(pageexport.shown(window), window)
    assert not made  # the dialog comes first
    for count in range(1, len(copies.kinds) + 1):
        copies._go_on()
        assert made == copies.kinds[:count]
    copies.of(copies.kinds[0])
    qtbot.waitUntil(lambda: not copies._turns.isActive())
    assert made == copies.kinds


def test_views_of_one_name_are_told_apart(window):
    shown = pageexport.shown(window)
    shown.views = [shown.views[0]] * 3
    assert len(set(shown._names())) == 3


# ------------------------------------------------------------------ show in folder
def test_a_saved_file_can_be_shown_until_there_is_another_note(window, qtbot, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(folders.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    monkeypatch.setattr(folders, "command", lambda _path, _platform: ("", []))
    button = window.status.in_folder
    assert not button.isVisible()
    saved(window, qtbot, asked(window), tmp_path / "a.csv")
    assert button.isVisible()
    assert "a.csv" in window.status.text.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert opened == [str(tmp_path)]
    window.tab.copy_picture()
    assert not button.isVisible()


def test_each_desktop_is_asked_in_its_own_way():
    path = Path("/photos/cat.png")
    assert folders.command(path, "win32") == ("explorer", ["/select,", str(path)])
    assert folders.command(path, "darwin") == ("open", ["-R", str(path)])
    assert folders.command(path, "linux") == ("", [])


# ------------------------------------------------------------------ menus
def test_menus_read_from_left_to_right_whatever_their_button_does(qtbot):
    many = MenuButton([words.plain(str(n)) for n in range(MANY + 1)])

    def fill(menu: QMenu) -> None:
        entry(menu.addMenu("Sample photos"), "Cat", lambda: None)
        entry(menu, with_keys("Open pictures", "Ctrl+O"), lambda: None)

    drop = DropDown("Picture", "", fill)
    drop.menu().aboutToShow.emit()
    for one in (many, drop):
        qtbot.addWidget(one)
        assert one.layoutDirection() == Qt.LayoutDirection.RightToLeft  # icon behind the words
        menus = [one.menu(), *one.menu().findChildren(QMenu)]
        assert len(menus) > 1
        assert {menu.layoutDirection() for menu in menus} == {Qt.LayoutDirection.LeftToRight}
    assert drop.menu().actions()[-1].text() == "Open pictures\tCtrl+O"  # what follows the tab stands at the right


# ------------------------------------------------------------------ the frame
def test_a_window_with_its_frame_is_pulled_into_its_screen(window, qtbot):
    room = QGuiApplication.primaryScreen().availableGeometry()
    window.placing._opening.stop()
    for place in (QRect(-300, -200, 900, 700), QRect(room.right() - 50, room.bottom() - 50, 5000, 5000)):
        window.setGeometry(place)
        window.placing.pull_in()
        QApplication.processEvents()
        assert room.contains(window.frameGeometry()), (place, window.frameGeometry())
        assert window.minimumSize() == SMALLEST.boundedTo(room.size() - (window.frameGeometry().size() - window.size()))


def test_what_moves_the_window_after_it_has_opened_is_the_hand(window, qtbot):
    window.placing.framed = True
    window.placing._opening.start()
    window.setGeometry(-200, -100, 800, 600)
    qtbot.waitUntil(lambda: window.frameGeometry().left() >= 0)  # while it opens: a frame was put around it
    window.placing._opening.stop()
    window.move(-200, -100)
    QApplication.processEvents()
    assert not window.placing._soon.isActive()

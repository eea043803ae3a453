"""The house with a toy topic in it: opening, changing, undoing, failing, closing."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from app import theme, words
from app.cards import Card
from app.choosers import PictureChooser
from app.keys import next_region
from app.regions import bring
from app.settings import Settings
from app.sliders import ParamRow
from app.strip import PictureStrip
from app.topics import Topic
from app.views.base import PixelView
from app.widgets import Button, box, col
from engines.core.protocol import Ended, Job
from tests.app import toy
from tests.app.models import tiny_vit
from tests.app.toy import ToyParams
from tests.app.views_help import pixels, show
from tests.tiffs import tiff


@pytest.fixture
def topics(monkeypatch):
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topics", lambda: (toy.TOPIC,))
        monkeypatch.setattr(f"{module}.topic", lambda name: toy.TOPIC if name == "toy" else None)


@pytest.fixture
def window(open_window, topics):
    return open_window()


@pytest.fixture
def tab(window, qtbot):
    tab = window.show_topic("toy")
    qtbot.waitUntil(lambda: bool(tab.now.answers) and not tab.now.feed.stream.is_busy)
    return tab


def settle(qtbot, tab, act):
    with qtbot.waitSignal(tab.rested, timeout=5000) as rested:
        act()
    return rested.args[0]


def test_a_slider_changes_the_answer_and_undo_brings_it_back(tab, qtbot):
    row = tab.now.form.control("temperature")
    assert isinstance(row, ParamRow)
    settle(qtbot, tab, lambda: (row.changed.emit(2.0), row.changed.emit(3.0), row.settled.emit(3.0)))
    assert tab.now.answers[-1].value == 3.0
    assert tab.params.changes() == 1
    settle(qtbot, tab, lambda: tab.now.change(layer=5))
    settle(qtbot, tab, tab.undo)
    assert tab.params == ToyParams(temperature=3.0)
    settle(qtbot, tab, tab.undo)  # the whole drag was one step
    assert tab.params == ToyParams()
    assert row.number() == 1.0
    settle(qtbot, tab, tab.redo)
    assert tab.now.answers[-1].value == 3.0


def test_reset_takes_back_the_changes_to_the_model_and_nothing_else(tab, qtbot):
    settle(qtbot, tab, lambda: tab.now.change(temperature=2.0, off=(1, 2), layer=7))
    assert tab.params.changes() == 3
    settle(qtbot, tab, tab.now.state.reset)
    assert tab.params == ToyParams(layer=7)
    settle(qtbot, tab, tab.undo)
    assert tab.params.changes() == 3


def test_an_error_stands_under_the_header_and_the_next_change_is_served(tab, qtbot):
    assert not settle(qtbot, tab, lambda: tab.now.change(do="fail"))
    assert tab.error.isVisible()
    assert settle(qtbot, tab, lambda: tab.now.change(do="answer", layer=9))


def answered(tab):
    """Wait until the engine has done with its question, and leave the window without its answer."""
    while not any(isinstance(event, Ended) for event in tab.now.feed.stream.undelivered):
        time.sleep(0.001)


def test_an_error_of_a_question_that_is_no_longer_asked_is_not_told(tab, window, qtbot):
    tab.now.change(do="fail")
    answered(tab)
    assert settle(qtbot, tab, lambda: tab.now.change(do="answer"))
    assert not tab.failed
    assert tab.error.isHidden()
    assert "not an image" in str(window.last_failure.error)  # a bug report has it


def test_a_bug_of_an_engine_is_told_and_kept(tab, window, qtbot, capsys):
    settle(qtbot, tab, lambda: tab.now.change(do="break"))
    assert "ZeroDivisionError" in str(window.last_failure.error)
    assert "Traceback" in window.last_failure.details
    assert "Traceback" in capsys.readouterr().err


def test_a_full_device_offers_the_cpu(tab, window, qtbot):
    window.choose_device("auto")
    settle(qtbot, tab, lambda: tab.now.change(do="full"))
    tab.now.change(do="answer")
    tab.error._acted()
    assert window.settings.device == "cpu"
    qtbot.waitUntil(lambda: not tab.now.feed.stream.is_busy)


def test_cancel_ends_a_run_and_keeps_the_picture(tab, window, qtbot):
    tab.now.change(do="forever")
    qtbot.waitUntil(lambda: len(tab.now.answers) > 2)
    settle(qtbot, tab, window.cancel)
    assert not tab.now.feed.stream.is_busy


def test_a_run_cancelled_as_it_begins_is_not_asked_for_again(tab, window, qtbot):
    tab.now.change(do="forever")
    while not tab.now.feed.stream.undelivered:  # it has begun, and the window has not heard of it
        time.sleep(0.001)
    settle(qtbot, tab, window.cancel)
    heard = len(tab.now.answers)
    tab.shown()
    assert not tab.now.feed.stream.is_busy
    assert len(tab.now.answers) == heard


def test_settings_come_back_in_the_next_window(tab, window, open_window, qtbot):
    settle(qtbot, tab, lambda: tab.now.change(layer=9, grid=False))
    tab.show_page(1)
    window.close()
    again = open_window().show_topic("toy")
    qtbot.waitUntil(lambda: not again.is_busy)
    assert again.params == ToyParams(layer=9, grid=False)
    assert again.page == 1


def test_closing_in_mid_run_leaves_no_thread(window, qtbot):
    tab = window.show_topic("toy")
    tab.now.change(do="forever")
    qtbot.waitUntil(lambda: len(tab.now.answers) > 2)
    window.close()
    assert not window.lane.alive


def test_language_and_theme_switch_without_a_restart(tab, window, qtbot):
    before = window.grab().toImage()
    window.use_language("zh")
    assert "3" not in tab.pages[0].title
    assert window.side.findChildren(QWidget)
    assert words.language() == "zh"
    window.use_theme("dark")
    assert theme.name() == "dark"
    assert window.grab().toImage() != before
    assert Settings.load().language in ("", "zh")


def test_a_topic_chosen_at_the_side_is_imported_and_built_in_two_turns(window, qtbot, monkeypatch):
    done = []
    whole = Topic.tab_class

    def tab_class(topic):
        done.append("imported")
        return whole(topic)

    monkeypatch.setattr(Topic, "tab_class", tab_class)
    window.side.chosen.emit("toy")
    assert done == ["imported"]
    assert "toy" not in window.tabs
    qtbot.waitUntil(lambda: "toy" in window.tabs)
    assert window.tab is window.tabs["toy"]
    window.side.chosen.emit("toy")  # from then on at once
    assert len(done) == 2


def test_a_topic_shown_meanwhile_stays_in_front(window, qtbot, monkeypatch):
    shown = []
    whole = window.show_topic
    monkeypatch.setattr(window, "show_topic", lambda name: (shown.append(name), whole(name)))
    window.side.chosen.emit("toy")
    window.show_topic("toy")  # by a drop, say
    QApplication.processEvents()
    assert shown == ["toy"]


def test_a_narrow_window_gets_the_rail(window, qtbot):
    window.resize(1300, 800)
    qtbot.waitUntil(lambda: window.side.rail)
    window.resize(1500, 900)
    qtbot.waitUntil(lambda: not window.side.rail)


def test_keys_reach_the_tab(tab, window, qtbot):
    window.activateWindow()
    settle(qtbot, tab, lambda: tab.now.change(layer=9))
    settle(qtbot, tab, tab.undo)
    tab.copy_picture()
    assert not QGuiApplication.clipboard().pixmap().isNull()
    seen = set()
    for _ in range(5):
        next_region(window)
        focus = QGuiApplication.focusObject()
        seen.add(focus)
    assert len(seen) >= 3


def test_a_topic_that_opens_has_the_keys_in_its_page(tab, window, qtbot):
    qtbot.waitUntil(window.isActiveWindow)
    assert window.focusWidget() is tab.pages[0].centre


def test_the_focus_follows_what_comes_to_the_front(qtbot):
    window = QWidget()
    stack, outside = QStackedWidget(), Button("Outside")
    parts = [box(col(Button("First"), Button("Second"))) for _ in range(2)]
    for part in parts:
        stack.addWidget(part)
    window.setLayout(col(outside, stack))
    show(qtbot, window)
    second = parts[0].findChildren(Button)[1]
    second.setFocus()
    bring(stack, parts[1], parts[1])
    assert window.focusWidget() is parts[1]  # not its first button, which Space would press
    bring(stack, parts[0], parts[0])
    assert window.focusWidget() is second  # where it was
    second.setEnabled(False)
    bring(stack, parts[1], parts[1])
    outside.setFocus()
    bring(stack, parts[0], parts[0])
    assert window.focusWidget() is outside  # it was nobody's who went


def test_a_double_click_on_a_slider_resets_it(tab, qtbot):
    row = tab.now.form.control("temperature")
    settle(qtbot, tab, lambda: tab.now.change(temperature=4.0))
    with qtbot.waitSignal(tab.rested):
        qtbot.mouseDClick(row.slider, Qt.MouseButton.LeftButton, pos=QPoint(30, 11))
    assert tab.params.temperature == 1.0


def test_what_another_tab_cut_short_is_asked_again_and_what_the_hand_ended_is_not(tab, window, qtbot):
    tab.now.change(do="forever")
    qtbot.waitUntil(lambda: len(tab.now.answers) > 2)
    window.lane.submit(Job(ToyParams(), toy.ToyEngine, lambda event: None))
    qtbot.waitUntil(lambda: not tab.now.feed.stream.is_busy)
    count = len(tab.now.answers)
    window.show_topic("toy")
    qtbot.waitUntil(lambda: len(tab.now.answers) > count + 2)
    window.cancel()
    qtbot.waitUntil(lambda: not tab.now.feed.stream.is_busy)
    window.show_topic("toy")
    assert not tab.now.feed.stream.is_busy


def test_the_line_under_a_page_runs_there_and_leaves_nothing_behind(tab, window, qtbot):
    line = tab.header.underline
    pages = tab.header._group.buttons()
    qtbot.mouseClick(pages[1], Qt.MouseButton.LeftButton)
    assert tab.page == 1
    assert line.isVisible()  # on its way
    qtbot.waitUntil(line.isHidden)
    window.use_language("zh")  # names of other widths: a line that stayed would stand under nothing
    assert line.isHidden()
    tab.show_page(0)
    assert line.isHidden()
    qtbot.mouseClick(pages[1], Qt.MouseButton.LeftButton)
    tab.show_page(0)
    assert line.isHidden()
    window.use_language("en")


def picture_file(folder, name, color):
    path = folder / name
    Image.new("RGB", (30, 20), color).save(path)
    return path


def mime(*paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(p)) for p in paths])
    return data


def dropped_on(widget: QWidget, data: QMimeData) -> None:
    """Drop something there; Qt offers it to each widget upward until one accepts, which then gets it."""
    keys = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(5, 5), *keys))
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), *keys))


def test_a_picture_dropped_on_a_number_is_for_the_window(tab, window, qtbot, tmp_path):
    field = tab.now.form.control("temperature").field
    before = field.text()
    settle(qtbot, tab, lambda: dropped_on(field, mime(picture_file(tmp_path, "on a number.png", "red"))))
    assert tab.params.picture.name == "on a number.png"
    assert field.text() == before
    text = QMimeData()
    text.setText("2.5")
    dropped_on(field, text)
    assert "2.5" in field.text()  # text it takes


def test_what_is_dropped_is_copied_whatever_its_source_proposes(tab, window, qtbot, tmp_path):
    """A source that hears of a move may delete its file."""
    copy, move, link = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction, Qt.DropAction.LinkAction
    data, shift = mime(picture_file(tmp_path, "mine.png", "red")), Qt.KeyboardModifier.ShiftModifier
    keys = data, Qt.MouseButton.LeftButton, shift
    for offered, taken in ((copy | move | link, copy), (link, link), (move, None)):
        for event in (QDragEnterEvent(QPoint(5, 5), offered, *keys), QDropEvent(QPointF(5, 5), offered, *keys)):
            assert event.proposedAction() == (move if offered & move else link)
            QApplication.sendEvent(window, event)
            assert event.isAccepted() == (taken is not None)
            assert taken is None or event.dropAction() == taken
            assert window.intake.reading == (type(event) is QDropEvent and taken is not None)
            qtbot.waitUntil(lambda: not window.intake.reading and not tab.now.feed.stream.is_busy)


def test_a_dropped_picture_reaches_the_tab_and_the_recent_ones(tab, window, qtbot, tmp_path):
    path = picture_file(tmp_path, "猫 1.png", "red")
    settle(qtbot, tab, lambda: window.intake.dropped(mime(path)))
    assert tab.now.answers[-1].pixels == 30 * 20 * 3
    assert tab.params.picture.name == "猫 1.png"
    assert window.settings.recent_pictures == [str(path)]


def test_what_a_person_should_know_of_a_picture_is_told(tab, window, qtbot, tmp_path):
    (tmp_path / "depth.tif").write_bytes(tiff(np.tile(np.linspace(-2, 6, 9, dtype=np.float32), (3, 1))))
    window.take_paths([str(tmp_path / "depth.tif")])
    qtbot.waitUntil(lambda: not window.intake.reading)
    assert tab.error.reason() == "depth.tif: values from −2 to 6 are shown from black to white."
    assert tab.params.picture.name == "depth.tif"


def test_several_pictures_fill_a_strip_to_choose_from(tab, window, qtbot, tmp_path):
    paths = [picture_file(tmp_path, f"{i}.png", "blue") for i in range(3)]
    settle(qtbot, tab, lambda: window.intake.dropped(mime(*paths)))
    strip = tab.findChild(PictureStrip)
    assert strip.isVisible()
    assert strip.count() == 3
    settle(qtbot, tab, lambda: strip.setCurrentRow(2))
    assert tab.params.picture.name == "2.png"


def test_thumbnails_reach_their_strip_without_a_search_through_the_tabs(tab, window, qtbot, tmp_path, monkeypatch):
    paths = [picture_file(tmp_path, f"{i}.png", "blue") for i in range(3)]
    settle(qtbot, tab, lambda: window.intake.dropped(mime(*paths)))
    strip = tab.findChild(PictureStrip)
    monkeypatch.setattr(type(tab), "findChild", lambda *_: pytest.fail("searched"))
    before = strip.item(1).icon().cacheKey()
    window.intake._thumbnail(paths[1], QImage(20, 20, QImage.Format.Format_RGB32))
    assert strip.item(1).icon().cacheKey() != before


def test_a_file_without_a_picture_leaves_the_strip(qtbot, tmp_path):
    strip = PictureStrip()
    show(qtbot, strip, 400, 80)
    paths = [tmp_path / name for name in ("good.png", "bad.png", "shown.png")]
    strip.fill(paths)
    strip.mark(paths[2])
    heard = []
    strip.chosen.connect(heard.append)
    strip.remove(paths[1])
    assert strip.paths == [paths[0], paths[2]]
    assert (strip.count(), strip.currentRow(), heard) == (2, 1, [])
    strip.mark(tmp_path / "of another drop.png")
    assert (strip.currentRow(), heard) == (-1, [])


def test_bad_files_between_good_ones_are_all_named_and_leave_no_thumbnail(tab, window, qtbot, tmp_path):
    names = [f"{i}.png" for i in range(8)]
    for i, name in enumerate(names):
        if i % 2 == 0:
            picture_file(tmp_path, name, "red")
        else:
            (tmp_path / name).write_bytes(b"\x89PNG\r\n")
    settle(qtbot, tab, lambda: window.intake.dropped(mime(tmp_path)))
    strip = tab.findChild(PictureStrip)
    qtbot.waitUntil(lambda: strip.count() == 4)
    qtbot.waitUntil(lambda: all(name in tab.error.reason() for name in names[1::2]))
    assert not any(name in tab.error.reason() for name in names[::2])
    assert [path.name for path in strip.paths] == names[::2]
    assert tab.params.picture.name == strip.paths[strip.currentRow()].name == "0.png"


def test_the_strip_marks_what_is_shown_and_nothing_else(tab, window, qtbot, tmp_path):
    paths = [picture_file(tmp_path, f"{i}.png", "blue") for i in range(3)]
    settle(qtbot, tab, lambda: window.intake.dropped(mime(*paths)))
    strip = tab.findChild(PictureStrip)
    assert strip.currentRow() == 0
    settle(qtbot, tab, lambda: window.take_sample("cat"))
    assert strip.currentRow() == -1
    settle(qtbot, tab, lambda: strip.setCurrentRow(1))
    assert (tab.params.picture.name, strip.currentRow()) == ("1.png", 1)


# ------------------------------------------------------------------ while something is dragged
def drag(window, data):
    at = window.rect().center()
    event = QDragEnterEvent(at, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    QApplication.sendEvent(window, event)
    return event.isAccepted()


def text(said):
    data = QMimeData()
    data.setText(said)
    return data


def test_a_drag_says_where_it_will_land_and_what_it_will_do(tab, window, qtbot, tmp_path):
    cat = picture_file(tmp_path, "cat.png", "red")
    model = tiny_vit(tmp_path / "my ViT")
    (tmp_path / "empty").mkdir()
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(3):
        picture_file(photos, f"{i}.png", "red")
    image = QMimeData()
    image.setImageData(QImage(3, 3, QImage.Format.Format_RGB32))
    zone = window.zone
    for data, said, good in (
        (mime(cat), "Show cat.png in Models", True),
        (mime(photos), "Show 3 pictures in Models, in a strip to choose from", True),
        (mime(cat, photos / "0.png"), "Show 2 pictures in Models, in a strip to choose from", True),
        (image, "Show the picture in Models", True),
        (mime(model), "Use the model my ViT", True),
        (mime(tmp_path / "empty"), "It contains neither a picture nor a model.", False),
        (text(str(cat)), "Show cat.png in Models", True),
    ):
        assert drag(window, data)
        assert zone.isVisible()
        assert (zone.text, zone._what.good) == (said, good)
        QApplication.sendEvent(window, QDragLeaveEvent())
        assert not zone.isVisible()
    assert drag(window, text("a word"))
    assert not zone.isVisible()  # it is moved about in the window
    drag(window, mime(cat))
    shot = pixels(window)
    assert zone._over == QRect(window.stack.mapTo(window, QPoint(0, 0)), window.stack.size())
    left, top = zone._over.left() + 13, zone._over.center().y()
    accent = np.array(theme.color("accent").getRgb()[:3])
    edge = shot[top - 20 : top + 20, left - 2 : left + 3].astype(int)
    assert (np.abs(edge - accent).sum(-1) < 60).any()  # a line around where it will land


def test_a_model_of_another_topic_marks_that_topic(open_window, tmp_path):
    window = open_window()
    window.show_topic("scoring")
    drag(window, mime(tiny_vit(tmp_path / "my ViT")))
    assert window.zone._further == window.zone._place(window.side.button_of("vit"))
    drag(window, mime(picture_file(tmp_path, "cat.png", "red")))
    assert window.zone.text == "Show cat.png in ViT"  # the first that shows pictures
    assert window.zone._further == window.zone._place(window.side.button_of("vit"))


# ------------------------------------------------------------------ a picture of one tab in another
def test_a_picture_used_in_one_tab_is_at_hand_in_the_others(open_window, qtbot, monkeypatch):
    found = {each.name: each for each in (toy.TOPIC, replace(toy.TOPIC, name="other", title="Settings"))}
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: tuple(found.values()))
    for module in ("app.topics", "app.window", "app.choosers"):
        monkeypatch.setattr(f"{module}.topic", found.get)
    window = open_window()
    first, second = window.show_topic("toy"), window.show_topic("other")
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.green)
    data = QMimeData()
    data.setImageData(image)
    with qtbot.waitSignal(window.intake.reader.opened):
        window.intake.dropped(data)
    picture = second.params.picture
    assert window.used_elsewhere("other") == []
    assert window.used_elsewhere("toy") == [("other", picture)]
    window.show_topic("toy")
    chooser = PictureChooser(first)
    qtbot.addWidget(chooser)
    chooser.menu().aboutToShow.emit()
    (line,) = [action for action in chooser.menu().actions() if action.text() == "Pasted picture, as in Settings"]
    line.trigger()
    assert first.params.picture is picture
    assert window.used_elsewhere("other") == []  # it is the same


def test_what_is_no_picture_is_refused_and_the_old_one_stays(tab, window, qtbot, tmp_path):
    settle(qtbot, tab, lambda: window.intake.dropped(mime(picture_file(tmp_path, "a.png", "red"))))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    window.intake.dropped(mime(tmp_path / "broken.png"))
    qtbot.waitUntil(tab.error.isVisible)
    assert "broken.png" in tab.error.accessibleName()
    assert tab.params.picture.name == "a.png"


def test_of_several_pictures_the_first_good_one_is_shown_and_the_broken_ones_are_named(tab, window, qtbot, tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n")
    for name in ("3.png", "4.png"):
        picture_file(tmp_path, name, "red")
    with qtbot.waitSignal(window.intake.reader.opened):
        window.intake.dropped(mime(tmp_path))
    assert tab.params.picture.name == "3.png"
    strip = tab.findChild(PictureStrip)
    assert [path.name for path in strip.paths] == ["3.png", "4.png"]
    assert strip.currentRow() == 0
    said = tab.error.accessibleName()
    assert "1.png" in said
    assert "2.png" in said
    assert "stays" not in said
    tab.error.dismiss()
    qtbot.waitUntil(lambda: not tab.now.feed.stream.is_busy)  # the answer to the one before
    settle(qtbot, tab, lambda: strip.setCurrentRow(1))
    assert (tab.params.picture.name, tab.error.isVisible()) == ("4.png", False)


def test_what_else_was_dropped_is_told_when_the_picture_is_there(tab, window, qtbot, tmp_path):
    (tmp_path / "empty").mkdir()
    paths = picture_file(tmp_path, "good.png", "red"), tmp_path / "empty"
    with qtbot.waitSignal(window.intake.reader.opened):
        window.intake.dropped(mime(*paths))
    assert tab.params.picture.name == "good.png"
    assert "empty: this folder holds neither" in tab.error.accessibleName()


@pytest.fixture
def blind(open_window, qtbot, monkeypatch):
    """A tab that takes no pictures, beside one that does."""
    found = {each.name: each for each in (toy.TOPIC, toy.BLIND)}
    for module in ("app.topics", "app.window", "app.intake"):
        monkeypatch.setattr(f"{module}.topics", lambda: tuple(found.values()))
    for module in ("app.topics", "app.window"):
        monkeypatch.setattr(f"{module}.topic", found.get)
    made = open_window().show_topic("blind")
    qtbot.waitUntil(lambda: bool(made.now.answers) and not made.is_busy)
    return made


def test_nobody_is_taken_to_another_topic_before_there_is_a_picture(blind, qtbot, tmp_path):
    window = blind.window()
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n")
    window.intake.dropped(mime(*tmp_path.iterdir()))
    qtbot.waitUntil(blind.error.isVisible)
    assert window.tab is blind
    assert "1.png" in blind.error.reason()
    assert "2.png" in blind.error.reason()
    assert "stays" not in blind.error.reason()  # there is none
    (tmp_path / "empty").mkdir()
    window.intake.dropped(mime(tmp_path / "empty"))
    assert blind.error.reason() == "empty: this folder holds neither pictures nor a model."
    for name in ("3.png", "4.png"):
        picture_file(tmp_path, name, "red")
    with qtbot.waitSignal(window.intake.reader.opened):
        window.intake.dropped(mime(tmp_path))
        assert window.tab is blind
    assert window.tab is window.tabs["toy"]
    assert window.tab.params.picture.name == "3.png"
    assert "2.png" in window.tab.error.reason()
    strip = window.tab.findChild(PictureStrip)
    assert (strip.count(), strip.currentRow()) == (2, 0)


def test_what_was_refused_before_is_not_said_of_files_that_are_taken(blind, tmp_path):
    window = blind.window()
    (tmp_path / "empty").mkdir()
    window.intake.dropped(mime(tmp_path / "empty"))
    assert blind.error.isVisible()
    window.intake.dropped(mime(tmp_path / "a.points"))
    assert blind.now.taken == [tmp_path / "a.points"]
    assert not blind.error.isVisible()


def test_a_pasted_image_and_a_sample_are_shown(tab, window, qtbot):
    data = QMimeData()
    image = QImage(8, 9, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.green)
    data.setImageData(image)
    settle(qtbot, tab, lambda: window.intake.dropped(data))
    assert tab.now.answers[-1].pixels == 8 * 9 * 3
    settle(qtbot, tab, lambda: window.take_sample(""))
    assert tab.now.answers[-1].pixels > 1000


def test_text_that_is_no_picture_is_told(tab, window, qtbot):
    data = QMimeData()
    data.setText("https://example.org/cat.png")
    window.intake.dropped(data)
    assert "web address" in tab.error.accessibleName()


def test_the_same_model_again_is_another_try(tab, qtbot, monkeypatch):
    monkeypatch.setattr(toy.ToyPage, "takes_models", True)
    monkeypatch.setattr(toy.ToyPage, "model_chosen", lambda _page, source: {"do": source})
    settle(qtbot, tab, lambda: tab.now.change(do="fail"))
    assert tab.failed
    assert not settle(qtbot, tab, lambda: tab.take_model("fail"))
    assert settle(qtbot, tab, lambda: tab.take_model("answer"))


def test_it_is_so_beside_a_setting_that_is_no_part_of_the_question(tab, qtbot, monkeypatch):
    monkeypatch.setattr(toy.ToyPage, "takes_models", True)
    monkeypatch.setattr(toy.ToyPage, "model_chosen", lambda _page, source: {"do": source, "share": 0.9})
    monkeypatch.setattr("app.topic.feed.for_engine", lambda params: replace(params, share=0.4))
    settle(qtbot, tab, lambda: tab.now.change(do="fail"))
    assert tab.failed
    assert not settle(qtbot, tab, lambda: tab.take_model("fail"))
    assert tab.now.params.share == 0.9


def test_lines_run_along_the_cards_only_while_nothing_comes(tab):
    cards = tab.findChildren(Card)
    tab.now.feed.stream.busy.emit(True)
    assert not any(one.is_busy() for one in cards)
    tab._long.timeout.emit()  # a second later
    assert all(one.is_busy() for one in cards)
    tab.now.feed.stream.arrived.emit(tab.now.answers[-1])  # as in a drag
    assert not any(one.is_busy() for one in cards)
    assert tab._long.isActive()
    tab._long.timeout.emit()
    tab.now.feed.stream.busy.emit(False)
    assert not any(one.is_busy() for one in cards)
    assert not tab._long.isActive()


def test_the_window_is_painted_once_for_all_that_has_changed(open_window, qtbot, monkeypatch):
    """The scene of each view asks for its own paint, ahead of what the next one has to say."""
    monkeypatch.setattr("app.stream.Stream.request", lambda *_args, **_named: None)
    window = open_window()
    page = window.show_topic("scoring").now
    views = [view for view in page.findChildren(PixelView) if view.isVisible()]
    assert len(views) > 2
    qtbot.waitExposed(window)
    QApplication.processEvents()
    paints, seen = [], []
    monkeypatch.setattr(window.lane.threads, "painted", paints.append)
    for view in views:
        monkeypatch.setattr(view, "paint", lambda *args, view=view, paint=view.paint: seen.append(view) or paint(*args))
        view.update()
    QApplication.processEvents()
    assert len(paints) == 1
    assert set(seen) == set(views)

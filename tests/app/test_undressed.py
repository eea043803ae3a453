"""A theme goes on what is in sight at once, and on what is hidden in pieces, at the latest when it is shown."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QStackedWidget, QWidget

from app import theme, words
from app.topics import topics
from app.undressed import POLISHED, STYLED
from app.widgets import button, col

MOST = 400  #: widgets that one piece may polish: some 40 ms


@pytest.fixture(autouse=True)
def _light(qapp):
    theme.use("light")
    yield
    words.set_language("en")
    theme.use("light")


def page(name):
    """A label in the color of the accent, and a button with an icon."""
    made = QWidget()
    text = QLabel(name)
    text.setProperty("kind", "accent")
    theme.set_font(text, 14, bold=True)
    theme.dress(text, "look", lambda one: one.setProperty("look", theme.name()))
    made.setLayout(col(text, button("Fit", "fit")))
    made.text = text
    return made


@pytest.fixture
def pages(qtbot):
    """Three pages in a window, each of which was on screen once."""
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    for name in "abc":
        stack.addWidget(page(name))
    stack.show()
    for index in (2, 1, 0):
        stack.setCurrentIndex(index)
        QApplication.processEvents()
    return stack


def ink(part):
    """The color that a label is written with."""
    return part.text.palette().windowText().color().name().upper()


def accent(look):
    return theme.TOKENS[look]["accent"]


def change(root, look):
    """Another theme on what is in sight; the timer for the rest has not come yet."""
    for _ in theme.steps(root, look):
        pass


class Told(QObject):
    """How many widgets were told of another style, and which were painted in which color."""

    def __init__(self, *parts):
        super().__init__()
        self.styled, self.inks = set(), []
        for part in parts:
            part.text.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.StyleChange and isinstance(watched, QWidget):
            self.styled.add(watched)
        elif event.type() == QEvent.Type.Paint and isinstance(watched, QLabel):
            self.inks.append(watched.palette().windowText().color().name().upper())
        return False


def test_what_is_hidden_waits_and_is_never_painted_in_the_look_before(pages):
    told = Told(pages.widget(1))
    change(pages, "dark")
    assert ink(pages.widget(0)) == accent("dark")
    assert ink(pages.widget(1)) == ink(pages.widget(2)) == accent("light")
    assert not told.styled
    pages.setCurrentIndex(1)
    pages.repaint()
    QApplication.processEvents()
    assert set(told.inks) == {accent("dark")}
    assert pages.widget(1).text.font().bold()


def test_what_is_hidden_is_dressed_when_nothing_else_is_to_do(pages, qtbot):
    change(pages, "dark")
    waiting = theme.undressed(pages)
    assert waiting.waits
    qtbot.waitUntil(lambda: not waiting.waits)
    assert ink(pages.widget(1)) == ink(pages.widget(2)) == accent("dark")


def test_a_piece_that_takes_long_ends_after_a_part(pages, monkeypatch):
    change(pages, "dark")
    waiting = theme.undressed(pages)
    monkeypatch.setattr("app.undressed.LONG", 0)
    first = waiting.piece()
    assert first > 0
    assert waiting.waits
    waiting.finish()
    assert not waiting.waits


def test_a_page_in_a_hidden_page_waits_until_it_is_shown_itself(pages):
    inner = QStackedWidget()
    inner.addWidget(page("d"))
    inner.addWidget(page("e"))
    pages.widget(1).layout().addWidget(inner)
    for index in (1, 0):
        pages.setCurrentIndex(1)
        inner.setCurrentIndex(index)
        QApplication.processEvents()
    pages.setCurrentIndex(0)
    change(pages, "dark")
    pages.setCurrentIndex(1)
    assert (ink(inner.widget(0)), ink(inner.widget(1))) == (accent("dark"), accent("light"))
    inner.setCurrentIndex(1)
    assert ink(inner.widget(1)) == accent("dark")


def test_what_comes_to_sight_between_two_steps_is_dressed_whole(pages):
    steps = theme.steps(pages, "dark")
    next(steps)
    pages.setCurrentIndex(1)
    for _ in steps:
        pass
    reference = page("x")
    reference.text.ensurePolished()
    assert ink(pages.widget(1)) == ink(reference) == accent("dark")
    assert pages.widget(1).text.property("look") == "dark"
    theme.finish(pages)
    assert ink(pages.widget(0)) == accent("dark")
    reference.deleteLater()


def test_what_comes_and_goes_between_two_steps_is_dressed_whole(pages):
    steps = theme.steps(pages, "dark")
    next(steps)
    for index in (1, 0):
        pages.setCurrentIndex(index)
    for _ in steps:
        pass
    theme.finish(pages)
    assert ink(pages.widget(1)) == accent("dark")
    assert pages.widget(1).text.property("look") == "dark"


def test_changes_in_a_row_end_in_the_last(pages):
    for look in ("dark", "light", "dark"):
        change(pages, look)
    theme.finish(pages)
    assert {ink(pages.widget(index)) for index in range(3)} == {accent("dark")}
    change(pages, "light")
    pages.setCurrentIndex(2)
    assert ink(pages.widget(2)) == accent("light")


def test_a_role_given_while_waiting_counts(pages):
    one = pages.widget(1).text
    pages.setCurrentIndex(1)
    theme.set_kind(one, "boxed")
    pages.setCurrentIndex(0)
    change(pages, "dark")
    theme.set_kind(one, "accent")
    theme.finish(pages)
    assert one.palette() == pages.widget(2).text.palette()


def test_what_is_deleted_or_moved_while_it_waits_harms_nobody(pages):
    gone, moved = pages.widget(1), pages.widget(2).text
    change(pages, "dark")
    gone.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    moved.setParent(pages.widget(0))
    theme.finish(pages)
    assert moved.palette().windowText().color().name().upper() == accent("dark")
    assert moved.testAttribute(Qt.WidgetAttribute.WA_WState_Polished)
    assert not theme.undressed(pages).waits


def test_a_menu_of_a_hidden_page_opens_in_the_look_in_use(pages):
    menu = QMenu(pages.widget(1))
    menu.addAction("One")
    menu.popup(pages.pos())
    menu.hide()
    change(pages, "dark")
    menu.popup(pages.pos())
    shown = menu.grab().toImage()
    menu.hide()
    assert shown.pixelColor(3, shown.height() // 2).name().upper() == theme.TOKENS["dark"]["surface"]


def test_a_language_is_put_on_everything_at_once(pages):
    change(pages, "dark")
    for _ in theme.steps(pages, language="zh"):
        pass
    assert not theme.undressed(pages).waits
    assert ink(pages.widget(2)) == accent("dark")
    assert pages.widget(2).text.font().families() == theme.font(14, True).families()


def test_no_piece_of_a_change_polishes_much_of_a_window(open_window, qapp, monkeypatch):
    monkeypatch.setattr("app.stream.Stream.request", lambda *_args, **_named: None)
    window = open_window()
    for topic in topics():
        if topic.name in ("scoring", "mean_ap", "attention_pooling"):
            for index in range(len(window.show_topic(topic.name).pages)):
                window.tab.show_page(index)
                qapp.processEvents()
    inside = set(window.findChildren(QWidget))
    whole = len(inside)
    told = Told()
    qapp.installEventFilter(told)
    change(window, "dark")
    qapp.removeEventFilter(told)
    waiting = theme.undressed(window)
    assert 0 < len(told.styled & inside) < MOST < whole  # a test before may have left widgets outside
    pieces = []
    while waiting.waits:
        pieces.append(waiting.piece())
    assert max(pieces) < MOST
    assert sum(pieces) > whole / 2


def test_the_icons_at_the_side_keep_their_size(open_window, qapp):
    window = open_window()
    window.side.set_rail(True, animated=False)
    qapp.processEvents()
    one = window.side._buttons["vit"]
    before = one.iconSize(), one.minimumHeight(), one.size()
    change(window, "dark")
    qapp.processEvents()
    assert (one.iconSize(), one.minimumHeight(), one.size()) == before


def test_a_topic_opens_in_turns_and_a_tab_built_in_vain_is_used_later(open_window, qtbot, monkeypatch):
    monkeypatch.setattr("app.stream.Stream.request", lambda *_args, **_named: None)
    window = open_window()
    window.open_topic("mean_ap")
    assert not window._built
    window._build_wanted()
    built = window._built["mean_ap"]
    assert "mean_ap" not in window.tabs
    window.show_topic("attention_pooling")  # chosen before the other came to sight
    window._show_wanted()
    assert window.tab is window.tabs["attention_pooling"]
    window.open_topic("mean_ap")
    qtbot.waitUntil(lambda: window.tab is built)
    assert not window._built


def test_a_tab_built_in_vain_changes_with_the_window_and_ends_with_it(open_window, monkeypatch):
    monkeypatch.setattr("app.stream.Stream.request", lambda *_args, **_named: None)
    window = open_window()
    window.open_topic("mean_ap")
    window._build_wanted()
    tab = window._built["mean_ap"]
    assert window.isAncestorOf(tab)
    window.show_topic("attention_pooling")
    window.use_language("zh")
    window.use_theme("dark")
    texts = {label.text() for label in tab.findChildren(QLabel)}
    assert words.tr("Average precision") in texts
    assert "Average precision" not in texts


def test_a_view_that_paints_itself_is_passed_over_and_painted_in_the_new_look(open_window, qtbot):
    """Its parts, scroll bars among them, get no style sheet; what it shows has the colors of the theme."""
    window = open_window()
    view = window.show_topic("attention_pooling").now.plot
    parts = [view, *view.findChildren(QWidget)]
    assert len(parts) > 4
    polished = []

    class Ear(QObject):
        def eventFilter(self, watched, event):
            if event.type() == QEvent.Type.StyleChange:
                polished.append(watched)
            return False

    ear = Ear()
    for part in parts:
        part.installEventFilter(ear)
    theme.switch(window, "dark")
    assert not polished
    assert all(part.testAttribute(POLISHED) and not part.testAttribute(STYLED) for part in parts)
    QApplication.processEvents()
    assert view.grab().toImage().pixelColor(1, 1) == theme.color("surface")

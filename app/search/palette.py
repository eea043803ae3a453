"""The line that is typed into, and what was found below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QListWidget, QListWidgetItem

from app import theme, words
from app.lessons.lesson import lesson
from app.search.index import LESSON, SETTING, Place, first_places, found, pinyin, places_of, terms
from app.sections import reveal
from app.theme import BODY, S2, S3
from app.topics import topic, topics
from app.widgets import col, quiet
from engines.core.errors import Message

if TYPE_CHECKING:
    from app.window import Window

WIDE, HIGH = 560, 420  #: px
FROM_TOP = 72  #: px below the window's upper edge
LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Palette(QDialog):
    """Search over the window; Enter or a click opens the place.

    The pages of the topics are imported one by one while it is open: what is typed finds more from moment to moment.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        words.say(self, "setWindowTitle", "Search")
        pinyin()
        self._places = [*first_places(), *terms()]
        self._unread = list(topics())
        self.line = QLineEdit()
        theme.set_font(self.line, BODY)
        words.say(self.line, "setPlaceholderText", "Topic, page, setting or lesson")
        words.say(self.line, "setAccessibleName", "Search")
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setProperty("kind", "found")
        theme.set_font(self.list, BODY)
        words.say(self.list, "setAccessibleName", "What was found")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemActivated.connect(self._open)
        self.list.itemClicked.connect(self._open)
        self.nothing: QLabel = quiet("")
        self.setLayout(col(self.line, (self.list, 1), self.nothing, gap=S2, pad=(S3, S3, S3, S3)))
        self._read = QTimer(self)
        self._read.setInterval(0)
        self._read.timeout.connect(self._read_one)
        self._read.start()
        self._search("")

    def open(self) -> None:
        """Show it below the header of the window."""
        window = self._window
        self.resize(min(WIDE, window.width() - 2 * S3), min(HIGH, window.height() - 2 * FROM_TOP))
        self.move(window.mapToGlobal(window.rect().topLeft()))
        self.move(self.x() + (window.width() - self.width()) // 2, self.y() + FROM_TOP)
        self.show()
        self.line.setFocus()

    def read_all(self) -> None:
        """Import all pages at once."""
        while self._unread:
            self._read_one()

    def _read_one(self) -> None:
        if not self._unread:
            self._read.stop()
            return
        self._places += places_of(self._unread.pop(0))
        self._search(self.line.text())

    # -- what is found
    def places(self) -> list[Place]:
        """What is listed, from above."""
        every = (self.list.item(at) for at in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in every]

    def _search(self, typed: str) -> None:
        listed = found(self._places, typed) if typed.strip() else first_places()
        if listed != self.places():
            self._list(listed)
        empty = bool(typed.strip()) and not listed and not self._unread
        words.say(
            self.nothing, "setText", Message("Nothing is called {name}.", {"name": typed.strip()}) if empty else ""
        )

    def _list(self, listed: list[Place]) -> None:
        at = self.list.currentItem()
        kept = None if at is None else at.data(Qt.ItemDataRole.UserRole)
        self.list.clear()
        for place in listed:
            item = QListWidgetItem(words.tr(self.said(place)))
            item.setData(Qt.ItemDataRole.UserRole, place)
            self.list.addItem(item)
        self.list.setCurrentRow(listed.index(kept) if kept in listed and kept != listed[0] else 0)

    def said(self, place: Place) -> Message:
        """A line of the list: what it is called and where it is."""
        where = topic(place.topic)
        assert where is not None
        page = (
            next((kind.title for kind in where.page_classes() if kind.name() == place.page), "") if place.page else ""
        )
        values = {
            "name": Message(place.text),
            "kind": Message(place.kind),
            "topic": Message(where.title),
            "page": Message(page) if page else words.plain(""),
        }
        if place.kind == SETTING:
            return Message("{name}  ·  {topic}, {page}", values)
        return Message("{name}  ·  {kind}, {topic}" if page or place.kind == LESSON else "{name}  ·  {kind}", values)

    # -- hand
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the list and Enter opens, while the line has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in LIST_KEYS:
                self.list.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._open(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _open(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        place: Place = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        go(self._window, place)


def go(window: Window, place: Place) -> None:
    """Open a place: its tab, its page, its control with the focus in it; a lesson beside its tab."""
    if place.kind == LESSON:
        opened = lesson(place.topic)
        assert opened is not None
        window.guide.open(opened)
        return
    tab = window.show_topic(place.topic)
    if not place.page:
        return
    first = next(at for at, kind in enumerate(tab.pages.kinds) if kind.name() == place.page)
    tab.show_page(first)
    if place.kind != SETTING:
        return
    kind = tab.pages.kinds[first].params_type
    for at in (at for at, other in enumerate(tab.pages.kinds) if other.params_type is kind):
        for form in tab.pages[at].forms:
            if place.field in form.fields():
                tab.show_page(at)
                control = form.control(place.field)
                reveal(control)
                control.setFocus()
                return


def search(window: Window) -> None:
    """Ctrl+K."""
    old = next((one for one in window.findChildren(Palette) if one.isVisible()), None)
    if old is None:
        Palette(window).open()
    else:
        old.line.setFocus()

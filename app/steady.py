"""Labels that are said anew all the time and lay nothing out for it: each layout is one of the whole window.

What they keep room for while the hand moves is given back when it rests (`settle_later`): a page looks the same
whatever it has shown before.
"""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel
from shiboken6 import isValid

from app import theme, words
from app.theme import SMALL
from app.words import Text

TALLEST = "Åg字"  # signs of both scripts that reach far up and down
ROOM = 0.75  # least share of a line's room that its text fills
REST = 700  #: ms without a change after which nobody is at it


class Settles(Protocol):
    """Keeps more room than it needs for a while."""

    def settle(self) -> None:
        """Take just what it needs."""


class _Rest:
    """Lets all that waits take its room at once, in one layout, when nothing has changed for a while."""

    def __init__(self) -> None:
        self.waiting: WeakSet[Settles] = WeakSet()
        self._timer: QTimer | None = None

    def add(self, one: Settles) -> None:
        self.waiting.add(one)
        if self._timer is None or not isValid(self._timer):
            self._timer = QTimer(QCoreApplication.instance(), singleShot=True, interval=REST)
            self._timer.timeout.connect(self._over)
        self._timer.start()

    def _over(self) -> None:
        waiting, self.waiting = list(self.waiting), WeakSet()
        for one in waiting:
            if isValid(one):
                one.settle()


_rest = _Rest()


def settle_later(one: Settles) -> None:
    """Call ``one.settle`` once nothing has been said for a while."""
    _rest.add(one)


def is_settled() -> bool:
    """Whether nothing keeps room that it does not need."""
    return not _rest.waiting


def room(metrics: QFontMetrics, *texts: str) -> QSize:
    """The least that each of some one-line texts fits into.

    A text is measured by itself, never by the height of its font: its signs may be found in several fonts, and hints
    may draw them a pixel beyond what the font says.
    """
    laid = [metrics.size(0, text) for text in texts]
    inked = [metrics.boundingRect(text).height() for text in texts]
    high = max(metrics.height(), *inked, *(one.height() for one in laid))
    return QSize(max(one.width() for one in laid) + 1, high)


def hold_lines(target: QLabel, count: int, fixed: bool = False) -> None:
    """Keep room for ``count`` lines of text in a label, however few it says; with ``fixed`` for no more than these."""

    def apply(widget: QLabel) -> None:
        high = count * room(QFontMetrics(widget.font()), TALLEST).height()
        widget.setMinimumHeight(high)
        if fixed:
            widget.setMaximumHeight(high)

    theme.dress(target, "lines", apply)


class Steady(QLabel):
    """A line of a fixed size; while they change, one of about the same length keeps the room of the one before."""

    def __init__(self, text: Text = "", px: int = SMALL, bold: bool = False, kind: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        if kind:
            self.setProperty("kind", kind)
        theme.set_font(self, px, bold)
        if text:
            words.say(self, "setText", text)
        else:
            self.setFixedSize(self.need())

    def need(self) -> QSize:
        """Of what it says."""
        return room(self.fontMetrics(), self.text())

    def setText(self, text: str) -> None:
        if text == self.text():
            return
        super().setText(text)
        need, has = self.need(), self.minimumSize()
        if not ROOM * has.width() <= need.width() <= has.width() or need.height() > has.height():
            self.setFixedSize(need)
        elif need != has:
            settle_later(self)

    def settle(self) -> None:
        """Take just the room of what it says."""
        if (need := self.need()) != self.minimumSize():
            self.setFixedSize(need)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setFixedSize(self.need())


class Figure(Steady):
    """A number that keeps its place: room for the widest one is held."""

    _widest = ""
    _held: QSize | None = None  # of the widest, in the font in use

    def __init__(self, px: int = SMALL, bold: bool = True) -> None:
        super().__init__("", px, bold)

    def hold(self, widest: str) -> None:
        """Make room for ``widest``."""
        self._widest, self._held = widest, None
        self.setFixedSize(self.need())

    def need(self) -> QSize:
        """Of the widest number or a wider one."""
        if self._held is None:
            self._held = room(self.fontMetrics(), self._widest)
        return room(self.fontMetrics(), self.text()).expandedTo(self._held)

    def changeEvent(self, event: QEvent) -> None:
        self._held = None
        super().changeEvent(event)

"""Labels that are said anew all the time and lay nothing out for it: each layout is one of the whole window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QLabel

from app import theme, words
from app.theme import SMALL
from app.words import Text

ROOM = 0.75  # least share of a line's room that its text fills


class Steady(QLabel):
    """A line of a fixed size; one of about the same length keeps the room of the one before."""

    def __init__(self, text: Text = "", px: int = SMALL, bold: bool = False, kind: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        if kind:
            self.setProperty("kind", kind)
        theme.set_font(self, px, bold)
        if text:
            words.say(self, "setText", text)

    def need(self) -> QSize:
        """As a label asks for: a pixel more than the text, whose height is that of the fonts its signs are found in."""
        metrics = self.fontMetrics()
        size = metrics.size(0, self.text())
        return QSize(size.width() + 1, max(size.height(), metrics.height()))

    def setText(self, text: str) -> None:
        super().setText(text)
        need, has = self.need(), self.minimumSize()
        if not ROOM * has.width() <= need.width() <= has.width() or need.height() > has.height():
            self.setFixedSize(need)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.setFixedSize(self.need())


class Figure(Steady):
    """A number that keeps its place: room for the widest one is held."""

    _widest = ""

    def __init__(self, px: int = SMALL, bold: bool = True) -> None:
        super().__init__("", px, bold)

    def hold(self, widest: str) -> None:
        """Make room for ``widest``."""
        self._widest = widest
        self.setFixedSize(self.need())

    def need(self) -> QSize:
        """Of the widest number or a wider one; digits are all found in one font."""
        metrics = self.fontMetrics()
        return QSize(max(map(metrics.horizontalAdvance, (self._widest, self.text()))), metrics.height())

"""The architecture of a topic's model over its page: each block opens the page that shows it at work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from app import theme
from app.block import Block
from app.theme import HEAD, S3
from app.views.blocks import BlockView
from app.widgets import button, col, label, quiet, row

TITLE = "The architecture"
TASK = "Each block opens the page that shows it at work."


class Doors(QFrame):
    """A sheet over the pages of a tab.

    Parameters
    ----------
    over : QWidget
    blocks : sequence of Block
    enter : callable
        Gets the name of the page that a block opens.

    Attributes
    ----------
    door : Button
        Opens and closes it; belongs into the header.
    """

    def __init__(self, over: QWidget, blocks: Sequence[Block], enter: Callable[[str], object]) -> None:
        super().__init__(over)
        self._over, self._enter_page = over, enter
        self.door = button(icon="blocks", tip=TITLE, clicked=self.toggle)
        self.view = BlockView(blocks)
        close = button(icon="close", tip="Close", clicked=self.close_up)
        head = row(label(TITLE, HEAD, True), quiet(TASK), 1, close, gap=S3)
        self.setLayout(col(head, (self.view, 1), gap=S3, pad=(S3, S3, S3, S3)))
        self.view.chosen.connect(self._enter)
        over.installEventFilter(self)
        self.hide()

    def open_up(self) -> None:
        """Show the architecture."""
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()
        self.view.setFocus()

    def close_up(self) -> None:
        """Back to the page."""
        self.hide()

    def toggle(self) -> None:
        """Open, or close."""
        if self.isHidden():
            self.open_up()
        else:
            self.close_up()

    def _enter(self, page: str) -> None:
        self.close_up()
        self._enter_page(page)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paper over the page."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme.color("surface"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_up()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._over.rect())
        return super().eventFilter(watched, event)

"""What colors stand for: a swatch, and the key of a plot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.steady import Figure
from app.theme import S2
from app.widgets import box, col, quiet, row, show_or_hide
from app.words import Text


class Swatch(QWidget):
    """A 10-px square in a token's color."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token
        self.setFixedSize(10, 10)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(self._token))
            painter.drawRoundedRect(self.rect(), 2, 2)


class Key(QWidget):
    """Swatch, name and value of each curve or part. Values keep their column while they change.

    Parameters
    ----------
    items : sequence of (token, name)
    widest : str
        The longest value that will stand there; empty for none.
    a_line : int
        Items of a line; 0 for one line of all of them.
    """

    def __init__(self, items: Sequence[tuple[str, Text]] = (), widest: str = "", a_line: int = 0) -> None:
        super().__init__()
        self._values: list[Figure] = []
        self._widest, self._a_line = "", a_line
        self._lines = col(gap=2)
        self.setLayout(self._lines)
        self.set_items(items, widest)

    def set_items(self, items: Sequence[tuple[str, Text]], widest: str = "") -> None:
        """Show other items."""
        while (old := self._lines.takeAt(0)) is not None:
            part = old.widget()
            if part is not None:
                part.hide()
                part.deleteLater()
        self._values, self._widest = [], widest
        for first in range(0, len(items), self._a_line or max(1, len(items))):
            self._lines.addWidget(self._made(items[first : first + (self._a_line or len(items))]))
        self.restyled()

    def _made(self, items: Sequence[tuple[str, Text]]) -> QWidget:
        line = row(gap=6)
        for i, (token, name) in enumerate(items):
            if i:
                line.addSpacing(S2)
            line.addWidget(Swatch(token))
            line.addWidget(quiet(name))
            value = Figure()
            show_or_hide(value, bool(self._widest))
            self._values.append(value)
            line.addWidget(value)
        line.addStretch(1)
        return box(line)

    def restyled(self) -> None:
        """Fonts changed: measure the column again."""
        for value in self._values:
            value.hold(self._widest)

    def set_values(self, values: Sequence[str]) -> None:
        """Write the numbers, in the order of the items."""
        for value, text in zip(self._values, values, strict=False):
            value.setText(text)

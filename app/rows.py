"""Cards in rows; those at the end of a row that has no room for them go below, so that nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.theme import S3

Line: TypeAlias = Sequence[tuple[QWidget, int]]  #: cards, and which share of the width each has


def need_of(one: QWidget) -> int:
    """The least width of a card."""
    return one.minimumSizeHint().expandedTo(one.minimumSize()).width()


class Rows(QWidget):
    """Rows of cards.

    Parameters
    ----------
    rows : sequence of Line
    shares : sequence of int
        Of the height that is left, one for each row.
    """

    def __init__(self, rows: Sequence[Line], shares: Sequence[int]) -> None:
        super().__init__()
        self._rows = tuple(zip(rows, shares, strict=True))
        self._lines: list[tuple[list[tuple[QWidget, int]], int]] = []
        self._inside = QVBoxLayout(self)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._inside.setSpacing(S3)
        for one, _ in (pair for row in rows for pair in row):
            one.setParent(self)
        self._place()

    @property
    def lines(self) -> list[list[QWidget]]:
        """The cards as they stand now, line by line."""
        return [[one for one, _ in line] for line, _ in self._lines]

    def _split(self, width: int) -> list[tuple[list[tuple[QWidget, int]], int]]:
        """Lines that fit into a width."""
        lines = []
        for row, share in self._rows:
            line: list[tuple[QWidget, int]] = []
            used = 0
            for one, part in row:
                need = need_of(one)
                if line and used + S3 + need > width:
                    lines.append((line, share))
                    line, used = [], 0
                used += need + (S3 if line else 0)
                line.append((one, part))
            lines.append((line, share))
        return lines

    def _place(self) -> None:
        """Put the cards into their lines, where these are others now."""
        lines = self._split(self.width() if self._lines else 2**20)  # all beside each other, until there is a width
        if lines == self._lines:
            return
        self._lines = lines
        while (item := self._inside.takeAt(0)) is not None:
            if (line := item.layout()) is not None:
                while line.takeAt(0) is not None:
                    pass
                line.deleteLater()
        for cards, share in lines:
            beside = QHBoxLayout()
            beside.setSpacing(S3)
            for one, part in cards:
                beside.addWidget(one, part)
            self._inside.addLayout(beside, share)

    def minimumSizeHint(self) -> QSize:
        """As wide as the widest card; as high as the lines need."""
        widest = max(need_of(one) for row, _ in self._rows for one, _ in row)
        return QSize(widest, self._inside.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent) -> bool:
        """A card may need more than before, in another language say."""
        if event.type() == QEvent.Type.LayoutRequest and self._lines:
            self._place()
        return super().event(event)

"""An architecture as a picture: blocks in columns, arrows between them; each block is a door."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app import theme, words
from app.block import Block
from app.theme import BODY, S2, S3, SMALL
from app.words import Text

TALL, WIDE = 148, 236  #: px, the largest block
GAP = 30  #: px between columns, for the arrows
HEAD = 5  #: px, an arrow's tip


class BlockView(QWidget):
    """Blocks and arrows.

    Signals
    -------
    chosen : str
        The page of the block that was clicked, or entered with the keyboard.
    """

    chosen = Signal(str)

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.blocks = tuple(blocks)
        self._numbers: tuple[Text, ...] = ()
        self._at = 0
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.retranslated()

    def retranslated(self) -> None:
        """What is read aloud follows the language."""
        block = self.blocks[self._at]
        said = self.numbers()[self._at : self._at + 1]
        self.setAccessibleName(" ".join((f"{words.tr(block.name)}: {words.tr(block.about)}", *said)))
        self.update()

    restyled = retranslated

    def set_numbers(self, numbers: Sequence[Text]) -> None:
        """Say of each block what goes in and out and how much is learned in it."""
        self._numbers = tuple(numbers)
        self.retranslated()

    def numbers(self) -> tuple[str, ...]:
        """What is said of the blocks, in the language in use."""
        return tuple(words.drawn(said) for said in self._numbers)

    # -- places
    def place(self, index: int) -> QRectF:
        """Where a block stands, px."""
        columns = 1 + max(block.column for block in self.blocks)
        block = self.blocks[index]
        rows = 1 + max(other.row for other in self.blocks if other.column == block.column)
        most = 1 + max(other.row for other in self.blocks)
        room = self.rect().adjusted(S3, S3, -S3, -S3)
        wide = min(WIDE, (room.width() - GAP * (columns - 1)) / columns)
        high = min(TALL, (room.height() - S3 * (most - 1)) / most)
        left = room.x() + (room.width() - columns * wide - GAP * (columns - 1)) / 2
        top = room.y() + (room.height() - rows * high - S3 * (rows - 1)) / 2
        return QRectF(left + block.column * (wide + GAP), top + block.row * (high + S3), wide, high)

    def under(self, point: QPointF) -> int | None:
        """The block at a point."""
        return next((i for i in range(len(self.blocks)) if self.place(i).contains(point)), None)

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self.under(event.position())
        self.setCursor(Qt.CursorShape.ArrowCursor if self._hover is None else Qt.CursorShape.PointingHandCursor)
        self.update()

    def leaveEvent(self, _event: object) -> None:
        self._hover = None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        found = self.under(event.position())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.blocks[found].page)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Down: (0, 1), Qt.Key.Key_Up: (0, -1)}
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.blocks[self._at].page)
        elif key in moves:
            self._at = self._beside(*moves[key])
            self.retranslated()
        else:
            super().keyPressEvent(event)

    def _beside(self, across: int, down: int) -> int:
        """The nearest block in a direction; the same where there is none."""
        here = self.place(self._at).center()
        found, least = self._at, np.inf
        for i in range(len(self.blocks)):
            away = self.place(i).center() - here
            along = away.x() * across + away.y() * down
            if i != self._at and along > 1:
                far = along + 3 * abs(away.x() * down + away.y() * across)
                if far < least:
                    found, least = i, far
        return found

    # -- painting
    def paintEvent(self, _event: object) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for i, block in enumerate(self.blocks):
                for other in block.to:
                    self._draw_arrow(painter, self.place(i), self.place(other))
            for i in range(len(self.blocks)):
                self._draw_block(painter, i)

    def _draw_arrow(self, painter: QPainter, one: QRectF, other: QRectF) -> None:
        """From the nearest sides of two blocks."""
        a, b = one.center(), other.center()
        if other.left() >= one.right():
            start, end, step = QPointF(one.right(), a.y()), QPointF(other.left(), b.y()), (1, 0)
        elif other.right() <= one.left():
            start, end, step = QPointF(one.left(), a.y()), QPointF(other.right(), b.y()), (-1, 0)
        elif other.top() >= one.bottom():
            start, end, step = QPointF(a.x(), one.bottom()), QPointF(b.x(), other.top()), (0, 1)
        else:
            start, end, step = QPointF(a.x(), one.top()), QPointF(b.x(), other.bottom()), (0, -1)
        painter.setPen(QPen(theme.color("text2"), 1.5))
        if step[0]:
            middle = (start.x() + end.x()) / 2
            painter.drawPolyline(QPolygonF([start, QPointF(middle, start.y()), QPointF(middle, end.y()), end]))
        else:
            painter.drawLine(start, end)
        x, y = step
        painter.setBrush(theme.color("text2"))
        painter.drawPolygon(
            QPolygonF([end, end + QPointF(-HEAD * x - HEAD * y, -HEAD * y - HEAD * x),
                       end + QPointF(-HEAD * x + HEAD * y, -HEAD * y + HEAD * x)])
        )  # fmt: skip

    def _draw_block(self, painter: QPainter, index: int) -> None:
        block, place = self.blocks[index], self.place(index)
        lit = index == self._hover or (self.hasFocus() and index == self._at)
        painter.setBrush(theme.color("surface"))
        painter.setPen(QPen(theme.color("accent" if lit else "border"), 2 if lit else 1))
        painter.drawRoundedRect(place, 6, 6)
        inside = place.adjusted(S2, S2, -S2, -S2)
        wrapped = int(Qt.TextFlag.TextWordWrap)
        painter.setFont(theme.font(BODY, True))
        painter.setPen(theme.color("accent" if lit else "text"))
        name = words.tr(block.name)
        taken = painter.boundingRect(inside.toRect(), wrapped, name)
        painter.drawText(inside, wrapped, name)
        painter.setFont(theme.font(SMALL))
        painter.setPen(theme.color("text2"))
        rest = inside.adjusted(0, taken.height() + 4, 0, 0)
        if self._numbers:
            said, below = self.numbers()[index], int(Qt.AlignmentFlag.AlignBottom) | wrapped
            needs = painter.boundingRect(rest.toRect(), below, said).height()
            painter.setPen(theme.color("text"))
            painter.drawText(rest, below, said)
            painter.setPen(theme.color("text2"))
            rest.adjust(0, 0, 0, -needs - 4)
        about = words.tr(block.about)
        if painter.boundingRect(rest.toRect(), wrapped, about).height() <= rest.height():  # else it is read aloud alone
            painter.drawText(rest, wrapped, about)
        self.setToolTip("" if self._hover is None else words.tr(self.blocks[self._hover].about))

    def focusInEvent(self, _event: object) -> None:
        self.update()

    def focusOutEvent(self, _event: object) -> None:
        self.update()

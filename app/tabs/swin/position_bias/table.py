"""The table of one head's position bias: a cell is pulled up or down."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app import theme, words
from app.views.base import outline
from app.views.grid import Pair
from app.views.scoregrid import ScoreGrid

PULL = 0.05  # of the bias, a pixel of the hand
STEP = 0.5  # of the bias, a key


class BiasTable(ScoreGrid):
    """What is added to a score, by how far the query lies below (rows) and right of (columns) its key.

    Signals
    -------
    pulled : (cell, amount)
        So much is to be added to what the cell was when the hand took hold of it.
    freed : cell
        Back to what the model was read with.
    settled
        The hand let go.
    """

    drags = True

    pulled = Signal(object, float)
    freed = Signal(object)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__("diff", (64, 64))
        self._square = True
        self.setMinimumSize(140, 140)
        self.export_name = "position-bias"
        self._press: tuple[Pair, QPointF] | None = None
        self.holds = False
        words.say(self, "setAccessibleName", "Position bias of the head")
        words.say(self, "setToolTip", "Pull a cell up or down. Double-click brings it back.")

    def report_of(self, cell: Pair) -> str:
        if not self._inside(cell, self._values.shape):
            return ""
        reach = self._values.shape[0] // 2
        return words.tr(
            "query {down} down, {right} right of the key: {value}",
            down=words.number(cell[0] - reach, 0, signed=True),
            right=words.number(cell[1] - reach, 0, signed=True),
            value=self.written(float(self._values[cell])),
        )

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._choose(cell)
            self._press, self.holds = (cell, event.position()), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            super().mouseMoveEvent(event)
            return
        cell, start = self._press
        self.pulled.emit(cell, PULL * (start.y() - event.position().y()))
        self.holds = True

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._press is not None:
            pulled, self._press, self.holds = self.holds, None, False
            if pulled:
                self.settled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        cell = self.under(event.position())
        if cell is not None:
            self.freed.emit(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {"+": 1, "-": -1}.get(event.text())
        if way is not None and self._at is not None:
            self.pulled.emit(self._at, way * STEP)
            self.settled.emit()
        else:
            super().keyPressEvent(event)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        super().draw(painter)
        rows, cols = self._values.shape
        if rows and cols:  # the token itself
            outline(painter, self.cell_rect((rows // 2, cols // 2)).adjusted(0, 0, -1, -1), theme.color("text"), 1)

"""What each layer costs at one length, as a table that is the key of the plots, too."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.powerplot import STYLES
from app.theme import BODY, CAPTION, S2, S4
from app.views.base import LEFT, PixelView, pen, text_width, write
from engines.core.errors import Message
from engines.self_attention.cost.spec import COSTS

TOKENS = ("cat0", "cat1", "cat2")  # of `COSTS`
HIGH = 144.0  # px of a row at most
SAMPLE = 24  # px of a line in the table


class CostTable(PixelView):
    """What each layer costs at one length: the numbers, and the formulas they come from."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((420, 150))
        self.export_name = "cost-table"
        self._names: tuple[str, ...] = ()
        self._rows: list[list[tuple[str, str]]] = []
        self._head: list[Message] = []

    def show_rows(self, head: list[Message], rows: list[list[tuple[str, str]]]) -> None:
        """A head and, for each of `COSTS`, a value and its formula per column."""
        self._head, self._rows = head, rows
        self.renew()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            words.tr(name): np.array([value for value, _ in line], np.str_)
            for name, line in zip(COSTS, self._rows, strict=False)
        }

    def report(self) -> str:
        return "; ".join(
            f"{words.tr(name)}: {', '.join(value for value, _ in line)}"
            for name, line in zip(COSTS, self._rows, strict=False)
        )

    def _starts(self, first: float) -> list[float]:
        """Where columns begin: what is left beside their texts is shared out evenly."""
        needs = [
            max(
                text_width(words.drawn(head)),
                *(max(text_width(line[j][0], BODY, True), text_width(line[j][1])) for line in self._rows),
            )
            for j, head in enumerate(self._head)
        ]
        gap = max(float(S2), (self.width() - first - sum(needs)) / len(needs))
        return [first + sum(needs[:j]) + j * gap for j in range(len(needs))]

    def row_height(self) -> float:
        """What the head leaves, shared out evenly."""
        return min(HIGH, (self.height() - 24) / max(1, len(self._rows)))

    def draw(self, painter: QPainter) -> None:
        if not self._rows:
            return
        first = max(text_width(words.tr(name), BODY, True) for name in COSTS) + SAMPLE + S2 + S4
        starts = self._starts(first)
        high = self.row_height()
        for j, text in enumerate(self._head):
            write(painter, QRectF(starts[j], 0, 200, 20), text, align=LEFT)
        for i, line in enumerate(self._rows):
            y = 24 + i * high
            painter.setPen(pen(theme.color("border")))
            painter.drawLine(0, round(y), self.width(), round(y))
            middle = y + high / 2
            painter.setPen(pen(theme.color(TOKENS[i]), 2, STYLES[i], square=False))
            painter.drawLine(QPointF(1, round(middle)), QPointF(SAMPLE, round(middle)))
            write(painter, QRectF(SAMPLE + S2, y, first, high), Message(COSTS[i]), theme.color("text"), BODY, True)
            for j, (value, formula) in enumerate(line):
                x, wide = starts[j], 200.0
                lift = 8 if formula else 0
                place = QRectF(x, middle - 10 - lift, wide, 20)
                write(painter, place, value, theme.color("text"), BODY, True)
                if formula:
                    write(painter, QRectF(x, middle + 1, wide, 16), formula, None, CAPTION)

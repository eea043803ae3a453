"""A long list of detections, best score first, each with its verdict; only rows in sight are made and painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from app import theme, words
from app.theme import BODY, CAPTION, S1, S2, SMALL
from app.views.base import CENTER, LEFT, RIGHT, pen, text_width, write
from app.views.pointing import PickView
from app.words import Text

ROW_H = 26
BAR = 44  # px
THUMB = 5  # px, the scroll bar
KEYS = {Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}


@dataclass(frozen=True)
class Entry:
    """One detection.

    Attributes
    ----------
    mark, token : str
        Two letters for the verdict, and their color.
    score : float, optional
        None for what has none, such as a missed object.
    reason, place : str or Message
        Why; and where it is (the picture's name).
    changed : bool
        The verdict is another one than before: a dot stands beside it.
    """

    mark: str
    token: str
    score: float | None
    reason: Text
    place: Text
    changed: bool = False


class DetectionList(PickView):
    """Rows to walk through."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((360, 100))
        self.export_name = "detections"
        self._count, self._passing = 0, 0
        self._make: Callable[[int], Entry] | None = None
        self._first = 0  # row at the top: rows are whole or not there
        self._held: float | None = None

    # -- content
    def set_entries(self, count: int, make: Callable[[int], Entry], passing: int) -> None:
        """Show ``count`` rows, each made when it is painted; the first ``passing`` pass the score threshold."""
        self._count, self._make, self._passing = count, make, passing
        self._hover = None
        if self._at >= count:
            self._at = -1
        self.renew()

    def set_at(self, index: int) -> None:
        """Mark a row (−1 = none) and bring it into sight, without telling anybody."""
        moved, self._at = index != self._at, index
        if moved and index >= 0:
            self._show_row(index)
        self.tell()
        self.update()

    def count(self) -> int:
        return self._count

    def set_hover(self, index: int | None) -> None:
        """Light up a row that is pointed at elsewhere."""
        if index != self._hover:
            self._hover = index
            self.update()

    def entry(self, index: int) -> Entry:
        """What a row says."""
        assert self._make is not None
        return self._make(index)

    def numbers(self) -> dict[str, np.ndarray]:
        rows = [self.entry(i) for i in range(self._count)]
        return {
            "verdict": np.array([one.mark for one in rows], np.str_),
            "score": np.array([np.nan if one.score is None else one.score for one in rows]),
            "reason": np.array([words.drawn(one.reason) for one in rows], np.str_),
            "picture": np.array([words.drawn(one.place) for one in rows], np.str_),
        }

    def report(self) -> str:
        index = self._at if self._hover is None else self._hover
        if not 0 <= index < self._count:
            return ""
        one = self.entry(index)
        parts = [f"{index + 1} / {self._count}", one.mark]
        parts += [] if one.score is None else [words.number(one.score, 2)]
        return ", ".join((*parts, words.drawn(one.reason), words.drawn(one.place)))

    # -- places
    def _room(self) -> int:
        """Rows that fit."""
        return max(1, self.height() // ROW_H)

    def _most(self) -> int:
        """The last row that may stand at the top."""
        return max(0, self._count - self._room())

    def place(self, index: int) -> QRectF:
        return QRectF(0, (index - self._first) * ROW_H, self.width(), ROW_H)

    def under(self, point: QPointF) -> int | None:
        row = int(point.y() // ROW_H)
        return self._first + row if 0 <= row < min(self._room(), self._count - self._first) else None

    def _show_row(self, index: int) -> None:
        if not self._first <= index < self._first + self._room():
            self._first = min(self._most(), max(0, index - self._room() // 2))

    def arrange(self, width: int, height: int) -> None:
        self._first = min(self._first, self._most())

    def fit(self) -> None:
        self._first = 0
        self.renew()

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._drag(event.position().y())
            return
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        on_bar = self._most() > 0 and event.position().x() >= self.width() - 2 * THUMB
        if not on_bar or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self._held = event.position().y()
        self._drag(self._held)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._held = None

    def _drag(self, y: float) -> None:
        self._first = round(min(1.0, max(0.0, y / max(1, self.height()))) * self._most())
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._most() <= 0:
            event.ignore()
            return
        self._first = min(self._most(), max(0, self._first - round(event.angleDelta().y() / 60)))
        self._point(self.under(event.position()))
        self.update()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._count and key in KEYS:
            self.walk(KEYS[key], 0)
        elif self._count and key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(0 if key == Qt.Key.Key_Home else self._count - 1)
        else:
            super().keyPressEvent(event)

    # -- painting
    def is_empty(self) -> bool:
        return not self._count

    def draw(self, painter: QPainter) -> None:
        last = min(self._count, self._first + self._room())
        for index in range(self._first, last):
            self._draw_row(painter, index)
        if self._first < self._passing < last:
            y = self.place(self._passing).top()
            painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(0, y), QPointF(self.width() - 2 * THUMB, y))
        if self._most() > 0:
            high = max(24.0, self.height() ** 2 / (self._count * ROW_H))
            top = self._first / self._most() * (self.height() - high)
            painter.fillRect(QRectF(self.width() - THUMB, round(top), THUMB, round(high)), theme.color("border"))

    def _draw_row(self, painter: QPainter, index: int) -> None:
        one, place, on = self.entry(index), self.place(index), index == self._at
        if on or index == self._hover:
            painter.fillRect(place, theme.color("accent_soft" if on else "sunken"))
        passes = index < self._passing or one.score is None
        ink = theme.color("accent" if on else "text" if passes else "text2")
        number = max(24, round(text_width(str(self._count), SMALL)) + S1)
        x = float(number + S2)
        write(painter, QRectF(0, place.top(), number, ROW_H), str(index + 1), theme.color("text2"), SMALL, align=RIGHT)
        chip = QRectF(x, place.top() + 4, 28, ROW_H - 8)
        if passes:
            painter.fillRect(chip, theme.color(one.token))
            write(painter, chip, one.mark, theme.ink_on(theme.code(one.token)), CAPTION, True, CENTER)
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(theme.color(one.token), 1))
            painter.drawRect(chip.adjusted(0, 0, -1, -1))
            write(painter, chip, one.mark, theme.color("text2"), CAPTION, True, CENTER)
        x = chip.right() + S2
        if one.changed:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("warn"))
            painter.drawEllipse(QPointF(x, place.center().y()), 3, 3)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        x += S2
        bar = QRectF(x, place.center().y() - 4, BAR, 8)
        value = QRectF(bar.right() + S2, place.top(), text_width("0.00", SMALL, True), ROW_H)
        if one.score is not None:
            full = round(BAR * min(1.0, max(0.0, one.score)))
            painter.fillRect(bar, theme.color("sunken"))
            painter.fillRect(QRectF(x, bar.top(), full, 8), theme.color("control"))
            write(painter, value, words.number(one.score, 2), ink, SMALL, True, RIGHT)
        end = self.width() - 2 * THUMB - S1
        where = text_width(words.drawn(one.place), SMALL)
        reason = QRectF(value.right() + S2 + S1, place.top(), end - value.right() - S2, ROW_H)
        write(painter, reason, one.reason, ink, BODY if passes else SMALL, align=LEFT)
        if text_width(words.drawn(one.reason), BODY) + where + 2 * S2 <= reason.width():
            write(painter, QRectF(end - where, place.top(), where, ROW_H), one.place, None, SMALL, align=LEFT)

"""Classes of a set of pictures, one row each: name, some of its pictures, a count at the right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QWheelEvent

from app import theme, words
from app.theme import CAPTION, S1, S2
from app.views.base import LEFT, RIGHT, rgb_image, text_width, write
from app.views.pointing import HoverView
from app.words import Text

LEAST, LARGEST = 17, 52  # px of a row
NAME = 96  # px of a name at most


class ClassRows(HoverView):
    """Rows that can be chosen; what does not fit is scrolled by the wheel.

    Signals
    -------
    chosen : int or None
        A class; the same again is None.
    """

    is_list = True

    chosen = Signal(object)
    _hover: int | None

    def __init__(self) -> None:
        super().__init__((210, 150))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "classes"
        self._names: Sequence[Text] = ()
        self._tokens: Sequence[str] = ()
        self._counts: Sequence[str] = ()
        self._faces: list[list[QImage]] = []
        self._from: np.ndarray | None = None
        self._at: int | None = None
        self._first, self._row, self._shown, self._wide = 0, LEAST, 0, 0.0

    # -- content
    def set_rows(
        self, names: Sequence[Text], counts: Sequence[str], faces: np.ndarray, tokens: Sequence[str] = ()
    ) -> None:
        """Show classes with counts, already written, and pictures (C, S, s, s, 3); black ones are left out."""
        if len(names) != len(self._names):
            self._at = self._hover = None
            self._first = 0
        self._names, self._counts, self._tokens = names, counts, tokens
        if faces is not self._from:
            self._from = faces
            self._faces = [[rgb_image(face) for face in row if face.any()] for row in faces]
        self.renew()
        self.tell()

    def set_at(self, index: int | None) -> None:
        """Mark a class without telling anybody."""
        self._at = index
        self._scroll_to(index)
        self.tell()
        self.update()

    def at(self) -> int | None:
        """The chosen class."""
        return self._at

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "names": np.array([words.drawn(name) for name in self._names], np.str_),
            "counts": np.array(self._counts, np.str_),
        }

    def report(self) -> str:
        index = self._hover if self._hover is not None else self._at
        return "" if index is None else f"{words.drawn(self._names[index])}, {self._counts[index]}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        count = max(1, len(self._names))
        self._row = int(min(LARGEST, max(LEAST, height // count)))
        self._shown = max(1, height // self._row)
        self._first = min(self._first, max(0, count - self._shown))
        widest = max((text_width(words.drawn(name), CAPTION, True) for name in self._names), default=0.0)
        self._wide = min(NAME, widest) + S2

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        index = self._first + int(point.y() // self._row)
        return index if point.y() >= 0 and index < min(len(self._names), self._first + self._shown) else None

    def _scroll_to(self, index: int | None) -> None:
        self.arranged()
        if index is not None:
            self._first = min(max(self._first, index - self._shown + 1), index)

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self.under(event.position()))  # beside all rows it lets go

    def wheelEvent(self, event: QWheelEvent) -> None:
        step = -1 if event.angleDelta().y() > 0 else 1
        self._first = min(max(0, self._first + step), max(0, len(self._names) - self._shown))
        self.update()
        event.accept()

    def _choose(self, index: int | None) -> None:
        self.set_at(None if index == self._at else index)
        self.chosen.emit(self._at)

    def walk(self, rows: int, cols: int) -> bool:
        if not rows or not self._names:
            return False
        now = -1 if self._at is None else self._at
        self.set_at(min(len(self._names) - 1, max(0, now + rows)))
        self.chosen.emit(self._at)
        return True

    def escape(self) -> bool:
        had = self._at is not None
        if had:
            self._choose(self._at)
        return had

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._names:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        counted = max(text_width(text, CAPTION) for text in self._counts) + S2
        for turn in range(min(self._shown, len(self._names) - self._first)):
            index = self._first + turn
            row = QRectF(0, turn * self._row, self.width(), self._row)
            if index in (self._at, self._hover):
                painter.fillRect(row, theme.color("accent_soft" if index == self._at else "sunken"))
            if self._tokens:
                swatch = QRectF(S1, round(row.center().y() - 5), 10, 10)
                painter.fillRect(swatch, theme.color(self._tokens[index]))
            left = S1 + 16 if self._tokens else S1
            place = QRectF(left, row.top(), self._wide, row.height())
            painter.save()
            painter.setClipRect(place)
            write(painter, place, self._names[index], theme.color("text"), CAPTION, True, LEFT)
            painter.restore()
            side = self._row - 2
            x, end = left + self._wide, self.width() - counted
            for face in self._faces[index] if index < len(self._faces) else []:
                if x + side > end:
                    break
                painter.drawImage(QRectF(x, row.top() + 1, side, side), face)
                x += side + 2
            where = QRectF(self.width() - counted, row.top(), counted - S1, row.height())
            write(painter, where, self._counts[index], None, CAPTION, align=RIGHT)
        if len(self._names) > self._shown:
            self._draw_bar(painter)

    def _draw_bar(self, painter: QPainter) -> None:
        """How much of all rows is in sight."""
        high = self._shown * self._row
        top, long = self._first / len(self._names) * high, self._shown / len(self._names) * high
        painter.fillRect(QRectF(self.width() - 3, top, 3, long), theme.color("control"))

"""One line of tokens that were said, each against the one that was wanted: right, or struck through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import BODY, S1, S2, S3, SMALL
from app.views.base import CENTER, outline, text_width, write
from app.views.pointing import PickView
from app.views.tokenmap import token
from app.words import Text

HIGH = 26  #: px of a token
LEAST = 22  #: px, narrowest token


class SaidLine(PickView):
    """A sequence, an arrow, and what was said for the other sequence: the said tokens are what can be chosen."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((240, HIGH + 2), at=0)
        self.setFixedHeight(HIGH + 2)
        self.export_name = "fixed-example"
        self._source: Text = ""
        self._said: tuple[str, ...] = ()
        self._wanted: tuple[str, ...] = ()
        self._left = 0.0

    def set_tokens(self, source: Text, said: Sequence[str], wanted: Sequence[str]) -> None:
        """What was read, what was said and what should have been."""
        now = (source, tuple(said), tuple(wanted))
        if now != (self._source, self._said, self._wanted):
            self._source, self._said, self._wanted = now
            self.renew()
            self.tell()

    def set_lit(self, index: int | None) -> None:
        """Light up a token that is pointed at elsewhere."""
        self._hover = index
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "said": np.array(self._said, dtype=np.str_),
            "wanted": np.array(self._wanted, dtype=np.str_),
        }

    def right(self, index: int) -> bool:
        """Whether a token is the wanted one."""
        return index < len(self._wanted) and self._said[index] == self._wanted[index]

    def report(self) -> str:
        good = sum(self.right(i) for i in range(len(self._said)))
        share = f"{good} / {len(self._said)}"
        if not 0 <= self._at < len(self._said):
            return share
        return f"{self._said[self._at]}, {share}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        self._left = text_width(words.drawn(self._source), BODY, True) + S3
        x = self._left + 20 + S2
        wide = [max(LEAST, text_width(words.drawn(token(t)), SMALL, True) + 10) for t in self._said]
        gap = min(4.0, max(1.0, (width - x - sum(wide)) / max(1, len(wide))))
        self._places = []
        for w in wide:
            self._places.append(QRectF(round(x), 1, round(w), HIGH - 2))
            x += w + gap

    # -- hand
    def _choose(self, index: int) -> None:
        self.chosen.emit(index)  # the tab marks it in all its views at once

    def walk(self, rows: int, cols: int) -> bool:
        new = self._at + cols
        if cols and 0 <= new < len(self._said):
            self.chosen.emit(new)
        return bool(cols) and bool(self._said)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        middle = self.height() / 2
        source = QRectF(0, 0, self._left, self.height())
        write(painter, source, self._source, theme.color("text"), BODY, True)
        arrow = QRectF(self._left, 0, 20, self.height())
        write(painter, arrow, "→", theme.color("text2"), BODY)
        for i, (text, place) in enumerate(zip(self._said, self._places, strict=True)):
            right, on = self.right(i), i == self._at
            painter.fillRect(place, theme.color("accent_soft" if on else "sunken"))
            edge = "accent" if on else "control" if i == self._hover else "border"
            outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color(edge), 1)
            color = theme.color("text" if right else "danger")
            write(painter, place, token(text), color, SMALL, right, CENTER, strike=not right)
        if self._said:
            good = sum(self.right(i) for i in range(len(self._said)))
            x = self._places[-1].right() + S3
            note = QRectF(x, middle - 12, max(0.0, self.width() - x), 24)
            if note.width() > 40 + S1:
                write(painter, note, f"{good} / {len(self._said)}", theme.color("text2"), SMALL)

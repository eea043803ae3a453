"""A ring of tokens and what each model answers for each of them: right, or struck through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import BODY, CAPTION, S2, S3, SMALL
from app.views.base import CENTER, outline, text_width, write
from app.views.pointing import PickView
from app.words import Text

HEAD_H = 32


@dataclass(frozen=True)
class AnswerRow:
    """One row under the tokens.

    Attributes
    ----------
    name : str or Message
    answers : tuple of str
        One per token, of as many letters as are asked for.
    right : tuple of tuple of bool, optional
        For each letter; None for the row of what is wanted.
    """

    name: Text
    answers: tuple[str, ...]
    right: tuple[tuple[bool, ...], ...] | None = None


class Answers(PickView):
    """Tokens across, a row for what is wanted and one for each model."""

    is_list = True

    def __init__(self) -> None:
        super().__init__((240, 112), at=0)
        self.export_name = "answers"
        self._tokens: tuple[str, ...] = ()
        self._rows: tuple[AnswerRow, ...] = ()
        self._near: tuple[int, ...] = ()
        self._left, self._cell, self._pitch = 60.0, 30.0, 24.0

    def set_answers(self, tokens: Sequence[str], rows: Sequence[AnswerRow]) -> None:
        """Show tokens and rows."""
        self._tokens, self._rows = tuple(tokens), tuple(rows)
        self._at = min(self._at, max(0, len(tokens) - 1))
        self.renew()
        self.tell()

    def set_at(self, token: int, near: Sequence[int] = ()) -> None:
        """Mark a token, and those it has to name."""
        self._near = tuple(near)
        super().set_at(token)
        self.tell()
        self.update()

    def count(self) -> int:
        return len(self._tokens)

    def numbers(self) -> dict[str, np.ndarray]:
        out = {"tokens": np.array(self._tokens, dtype=np.str_)}
        for row in self._rows:
            out[words.drawn(row.name)] = np.array(row.answers, dtype=np.str_)
        return out

    def report(self) -> str:
        if not self._tokens:
            return ""
        said = [f"{words.drawn(row.name)} {row.answers[self._at]}" for row in self._rows]
        return ", ".join([self._tokens[self._at], *said])

    # -- places
    def arrange(self, width: int, height: int) -> None:
        names = [text_width(words.drawn(row.name), SMALL) for row in self._rows]
        self._left = max(names, default=40.0) + S3
        self._cell = (width - self._left - 2) / max(1, len(self._tokens))
        self._pitch = min(30.0, (height - HEAD_H - S2) / max(1, len(self._rows)))

    def place(self, token: int) -> QRectF:
        self.arranged()
        side = min(HEAD_H - 4, self._cell - 4)
        middle = self._left + (token + 0.5) * self._cell
        return QRectF(round(middle - side / 2), 2, round(side), HEAD_H - 4)

    def under(self, point: QPointF) -> int | None:
        """Answers belong to their token: the whole column counts."""
        self.arranged()
        at = int((point.x() - self._left) // self._cell)
        return at if point.x() >= self._left and 0 <= at < len(self._tokens) else None

    # -- hand
    def _choose(self, token: int) -> None:
        self.chosen.emit(token)  # the page marks it together with those it has to name

    def walk(self, rows: int, cols: int) -> bool:
        return super().walk(0, cols)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if not self._tokens:
            return
        column = QRectF(round(self._left + self._at * self._cell), 0, round(self._cell), self._bottom())
        painter.fillRect(column, theme.color("accent_soft"))
        for i, token in enumerate(self._tokens):
            place, on = self.place(i), i == self._at
            painter.fillRect(place, theme.color("accent" if on else "sunken"))
            edge = "accent" if on or i in self._near else "border"
            outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color(edge), 2 if i in self._near else 1)
            write(painter, place, token, theme.color("on_accent" if on else "text"), BODY, True, CENTER)
        for r, row in enumerate(self._rows):
            y = HEAD_H + S2 + r * self._pitch
            write(painter, QRectF(0, y, self._left, self._pitch), row.name, px=SMALL)
            for i, answer in enumerate(row.answers):
                self._write_answer(
                    painter, QRectF(self._left + i * self._cell, y, self._cell, self._pitch), row, i, answer
                )

    def _bottom(self) -> float:
        return HEAD_H + S2 + len(self._rows) * self._pitch

    def _write_answer(self, painter: QPainter, place: QRectF, row: AnswerRow, token: int, answer: str) -> None:
        step = 13.0
        x = place.center().x() - step * len(answer) / 2
        for k, letter in enumerate(answer):
            spot = QRectF(x + k * step, place.y(), step, place.height())
            right = row.right is None or row.right[token][k]
            color = theme.color("text" if row.right is None else "ok" if right else "danger")
            write(
                painter,
                spot,
                letter,
                color,
                SMALL if row.right is None else CAPTION + 1,
                right,
                CENTER,
                strike=not right,
            )

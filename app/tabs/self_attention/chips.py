"""Tokens of one text or two in lines, as they are read; each colored by a number, or switched off by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import BODY, S1, S2
from app.views.base import CENTER, LEFT, chip, outline, pen, text_width, write
from app.views.pointing import HoverView
from app.views.scoregrid import hatch

Token: TypeAlias = tuple[int, int]  # text, place
HIGH, GAP = 26, 4  # px
NAME, NOTE = 20, 16  # px: the letter of a text; the line under all of them


class TokenChips(HoverView):
    """Texts as rows of tokens.

    Signals
    -------
    hovered : (text, place) or None
    clicked : (text, place)
        Of the tokens that were typed.
    """

    zooms = True

    clicked = Signal(object)
    _hover: Token | None

    def __init__(self, named: bool = True) -> None:
        super().__init__((200, 128 if named else 92))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "tokens"
        words.say(self, "setAccessibleName", "Tokens")
        self._named = named
        self._texts: tuple[Sequence[str], ...] = ()
        self._typed: tuple[Sequence[bool], ...] = ()
        self._values: tuple[np.ndarray, ...] = ()
        self._off: frozenset[Token] = frozenset()
        self._drawn: frozenset[Token] = frozenset()
        self._at: Token | None = None
        self._top = self._end = 1.0
        self._low = 0.0
        self._hand: tuple[float, float] | None = None
        self._places: dict[Token, QRectF] = {}
        self._left_out = 0

    # -- content
    def set_texts(self, texts: Sequence[Sequence[str]], typed: Sequence[Sequence[bool]]) -> None:
        """Names of the tokens of each text, and which of them were typed."""
        now = tuple(tuple(text) for text in texts), tuple(tuple(each) for each in typed)
        if now != (self._texts, self._typed):
            self._texts, self._typed = now
            self._values, self._hover = (), None
            self.renew()
            self.tell()

    def set_values(self, values: Sequence[np.ndarray], top: float) -> None:
        """A number for each token (N,) of each text, on a scale from 0 to ``top``; none: no colors."""
        fits = len(values) == len(self._texts) and all(
            len(one) == len(text) for one, text in zip(values, self._texts, strict=True)
        )
        self._values = tuple(values) if fits else ()
        self._end = top if top > 0 else 1.0
        self._low, self._top = self._hand or (0.0, self._end)
        self.update()
        self.tell()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color from the first end to the second; None: from 0 to the end of the scale."""
        self._hand = ends
        self._low, self._top = ends or (0.0, self._end)
        self.update()

    def set_marks(self, off: Sequence[Token] = (), drawn: Sequence[Token] = (), at: Token | None = None) -> None:
        """Tokens that are switched off, those that the model has drawn, and the one that is asked about."""
        self._off, self._drawn, self._at = frozenset(off), frozenset(drawn), at
        self.update()

    def is_empty(self) -> bool:
        return not self._texts

    def numbers(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for number, text in enumerate(self._texts):
            out[f"tokens_{number + 1}"] = np.array(text, dtype=np.str_)
            out[f"off_{number + 1}"] = np.array([(number, i) in self._off for i in range(len(text))])
            if self._values:
                out[f"values_{number + 1}"] = self._values[number]
        return out

    def report(self) -> str:
        if self._hover is None:
            return words.tr("{n} {n:token|tokens}", n=sum(map(len, self._texts)))
        said = self._texts[self._hover[0]][self._hover[1]]
        return f"{said}, {self.said(self._hover)}" if self._values else said

    def said(self, token: Token) -> str:
        """The number of a token."""
        value = float(self._values[token[0]][token[1]])
        return words.tr("{value} of the largest", value=words.percent(value / self._end, 0))

    # -- places
    def arrange(self, width: int, height: int) -> None:
        self._lay(width, height)
        if self._left_out:
            self._lay(width, height - NOTE)  # it is said how many more there are

    def _lay(self, width: int, height: int) -> None:
        self._places, y, self._left_out = {}, 0.0, 0
        left = NAME if self._named else 0
        for number, text in enumerate(self._texts):
            x, line = float(left), HIGH + GAP + S2
            room = height - line * (len(self._texts) - 1 - number)  # a line is left to each text that follows
            for place, name in enumerate(text):
                wide = max(18.0, text_width(name, BODY) + 2 * S1 + 4)
                if x + wide > width and x > left:
                    if y + 2 * HIGH + GAP > room:
                        self._left_out += len(text) - place
                        break
                    x, y = float(left), y + HIGH + GAP
                self._places[number, place] = QRectF(round(x), y, round(min(wide, width - x)), HIGH)
                x += wide + GAP
            y += HIGH + GAP + S2

    def place(self, token: Token) -> QRectF:
        """Where a token stands; empty where there is no room for it."""
        self.arranged()
        return self._places.get(token, QRectF())

    def under(self, point: QPointF) -> Token | None:
        self.arranged()
        return next((token for token, place in self._places.items() if place.contains(point)), None)

    # -- hand
    def _choose(self, token: Token) -> None:
        if self._typed[token[0]][token[1]]:
            self.clicked.emit(token)

    def walk(self, rows: int, cols: int) -> bool:
        every = [token for token in self._places if self._typed[token[0]][token[1]]]
        if not every or not (rows or cols):
            return False
        now = self._hover if self._hover in every else None
        at = every.index(now) + (rows or cols) if now is not None else 0
        self._point(every[min(len(every) - 1, max(0, at))])
        return True

    def enter(self) -> bool:
        if self._hover is None:
            return False
        self._choose(self._hover)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        starts: dict[int, float] = {}
        for (number, at), place in self._places.items():
            starts.setdefault(number, place.y())
            self._draw_token(painter, (number, at), place)
        if self._named:
            for number, y in starts.items():
                write(painter, QRectF(0, y, NAME, HIGH), "AB"[number], theme.color("text2"), BODY, True, LEFT)
        if self._left_out:
            note = words.tr("{n} more tokens", n=self._left_out)
            write(painter, QRectF(0, self.height() - NOTE, self.width(), NOTE), note, align=CENTER)
        if self._hover is not None and self._values:
            chip(painter, self._places[self._hover], self.said(self._hover), QRectF(self.rect()))

    def _draw_token(self, painter: QPainter, token: Token, place: QRectF) -> None:
        off, ink = token in self._off, theme.color("text")
        if off:
            hatch(painter, place)
            ink = theme.color("text2")
        elif self._values:
            share = (float(self._values[token[0]][token[1]]) - self._low) / max(1e-12, self._top - self._low)
            level = round(255 * min(1.0, max(0.0, share)))
            red, green, blue = (int(v) for v in theme.ramp("ember")[level])
            painter.fillRect(place, theme.from_rgb(red, green, blue))
            ink = theme.inks_on("ember")[level]
        else:
            painter.fillRect(place, theme.color("accent_soft" if token in self._drawn else "sunken"))
        write(painter, place, self._texts[token[0]][token[1]], ink, BODY, token in self._drawn, CENTER, strike=off)
        if off:
            painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        if token == self._at:
            outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("accent"), 2)
        elif token == self._hover:
            outline(painter, place.adjusted(0.5, 0.5, -0.5, -0.5), theme.color("control"), 1)

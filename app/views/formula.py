"""Formulas below each other, as outlines that are crisp at any scale, with live numbers in their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QTransform

from app import formulas, theme, words
from app.theme import S2, SMALL
from app.typesetter import SIZE, SLOT
from app.views.base import PixelView, text_width, write
from app.words import Text

SMALLEST, LARGEST = 11.0, 26.0  #: px of the letters; nothing is drawn smaller, and no larger than is of use
LEADING = 0.55  #: of the letters' size, between lines
LEAST = 180, 28  #: px


@dataclass(frozen=True)
class Line:
    """One formula.

    Attributes
    ----------
    tex : str
        LaTeX with slots, as `app.formulas` takes it.
    values : dict of str to str
        What stands in the slots: numbers as the app writes them.
    tokens : dict of str to str
        Colors of slots that have one of their own; others have the accent's.
    note : str or Message
        Words that stand behind it, in the language in use.
    """

    tex: str
    values: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    note: Text = ""


class FormulaView(PixelView):
    """Formulas with numbers. A change of a number typesets nothing.

    Parameters
    ----------
    name : str or Message
        What it is called where it is read aloud.
    largest : float
        Size of the letters where there is room, px.
    least : int
        Least height, px.
    """

    is_list = True

    def __init__(self, name: Text, largest: float = LARGEST, least: int = LEAST[1]) -> None:
        self._least = least
        self._lines: tuple[Line, ...] = ()
        self._largest = largest
        self._scale = 1.0
        self._feet: list[float] = []  # of each line the y of its foot, px
        super().__init__((LEAST[0], least))
        self.export_name = "formula"
        words.say(self, "setAccessibleName", name)

    # -- content
    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show formulas; those that are not typeset yet come as soon as they are."""
        now, before = tuple(lines), self._lines
        if now == before:
            return
        self._lines = now
        if [line.tex for line in now] != [line.tex for line in before]:
            for line in now:
                if not formulas.known(line.tex):
                    formulas.typesetter().want(line.tex, self._typeset)
            self._reserve()
        self.renew()
        self.tell()

    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def numbers(self) -> dict[str, np.ndarray]:
        return {"formulas": np.array([formulas.filled(line.tex, line.values) for line in self._lines], dtype=np.str_)}

    def report(self) -> str:
        """The numbers in their order: LaTeX is nothing to listen to."""
        order = [(line, slot.group(1)) for line in self._lines for slot in SLOT.finditer(line.tex)]
        return ", ".join(line.values[name] for line, name in order if name in line.values)

    def is_empty(self) -> bool:
        return not self._lines

    def _typeset(self, tex: str) -> None:
        if any(line.tex == tex for line in self._lines):
            self._reserve()
            self.renew()

    def _reserve(self) -> None:
        """Room for all lines in the smallest letters."""
        high = self._high() * SMALLEST / SIZE
        self.setMinimumHeight(max(self._least, round(high)))

    def height_at(self, width: int, letters: float) -> int:
        """What the lines need at a width, px, in letters as large as it allows and no larger than ``letters``."""
        scale = min([letters / SIZE, *(width / f.width for _, f in self._shown())])
        return round(self._high() * max(SMALLEST / SIZE, scale)) + 4

    # -- places
    def _shown(self) -> list[tuple[Line, formulas.Formula]]:
        return [(line, formulas.formula(line.tex)) for line in self._lines if formulas.known(line.tex)]

    def _high(self) -> float:
        """Of all lines, px of `SIZE`."""
        shown = self._shown()
        return sum(f.ascent + f.descent for _, f in shown) + LEADING * SIZE * max(0, len(shown) - 1)

    def arrange(self, width: int, height: int) -> None:
        shown = self._shown()
        self._feet = []
        if not shown:
            return
        largest = self._largest / SIZE
        for line, f in shown:
            note = text_width(words.drawn(line.note), SMALL) + S2 if line.note else 0.0
            largest = min(largest, max(1.0, width - 4 - note) / f.width)
        self._scale = max(SMALLEST / SIZE, min(largest, height / self._high()))
        spare = height - self._high() * self._scale
        gap = LEADING * SIZE * self._scale + (min(12.0, spare / len(shown)) if spare > 0 else 0.0)
        y = max(0.0, (spare - (gap - LEADING * SIZE * self._scale) * (len(shown) - 1)) / 2)
        for _, f in shown:
            self._feet.append(y + f.ascent * self._scale)
            y += (f.ascent + f.descent) * self._scale + gap

    # -- painting
    def draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for (line, f), foot in zip(self._shown(), self._feet, strict=True):
            self._draw_line(painter, line, f, foot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_line(self, painter: QPainter, line: Line, f: formulas.Formula, foot: float) -> None:
        scale = self._scale
        place = QTransform(scale, 0, 0, scale, 2, foot)
        said = [formulas.number(line.values.get(slot.name, "…")) for slot in f.slots]
        wides = [wide for _, wide in said]
        # a number that is longer than its room is written smaller
        sizes = [min(slot.scale, slot.width / (wide or 1.0)) for slot, wide in zip(f.slots, wides, strict=True)]
        widths = tuple(
            round(wide * own, 2) or slot.width for slot, wide, own in zip(f.slots, wides, sizes, strict=True)
        )
        now = formulas.closed(line.tex, widths) if widths else f
        painter.fillPath(place.map(now.outline), theme.color("text"))
        for slot, (outline, wide), own in zip(now.slots, said, sizes, strict=True):
            if wide:
                left = slot.x + (slot.width - wide * own) / 2
                at = QTransform(own, 0, 0, own, left, slot.y) * place
                painter.fillPath(at.map(outline), theme.color(line.tokens.get(slot.name, "accent")))
        if line.note:
            x = now.width * scale + 2 + S2
            beside = QRectF(x, foot - SIZE * scale, max(0.0, self.width() - x), SIZE * scale * 1.2)
            write(painter, beside, line.note, theme.color("text2"), SMALL)

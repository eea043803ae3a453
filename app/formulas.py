"""Formulas as outlines, with numbers that change while they are looked at.

A formula is LaTeX with slots for numbers, ``[[name]]`` or ``[[name|widest text]]``. Nothing typesets one while the
window waits (`app.typesetter` says why): those of the pages lie typeset in ``assets/formulas``, written by ``make
formulas`` from the modules ``tex.py`` of the pages, and any other is typeset on a thread of its own. A number is put
together from the outlines of its signs, which takes microseconds.

Words have no place in a formula: they stand beside it, in the language in use.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QPainterPath, QTransform

from app.gaps import Part, close
from app.typesetter import GLYPH, SIZE, SLOT, FormulaError, typeset
from engines.core.assets import assets

FOLDER = assets("formulas")
SIGNS = "signs"  #: the file of what numbers are written with
FIGURE, FOOT = 0.68 * SIZE, 0.14 * SIZE  #: px that a number reaches above and below its foot
COUNTS = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}  #: numbers behind a command of an outline


@dataclass(frozen=True)
class Slot:
    """Where a number stands: left end and baseline of its room, px of `SIZE`; ``scale`` over the formula's size."""

    name: str
    x: float
    y: float
    width: float
    scale: float


@dataclass(frozen=True, eq=False)
class Formula:
    """A typeset formula: how far it reaches from the foot of its first sign, px of `SIZE`, and what is in it."""

    tex: str
    width: float
    ascent: float
    descent: float
    outline: QPainterPath
    slots: tuple[Slot, ...]


class _Kept:
    """What is typeset: outlines by id, signs of numbers with their advance, formulas by their LaTeX."""

    def __init__(self) -> None:
        self.outlines: dict[str, str] = {}
        self.signs: dict[str, tuple[str, float]] = {}
        self.formulas: dict[str, Mapping[str, Any]] = {}
        for path in sorted(FOLDER.glob("*.json")):
            found = json.loads(path.read_text(encoding="utf-8"))
            self.outlines |= found["outlines"]
            self.formulas |= found.get("formulas", {})
            self.signs |= {sign: (name, wide) for sign, (name, wide) in found.get("signs", {}).items()}


@cache
def _kept() -> _Kept:
    return _Kept()


def known(tex: str) -> bool:
    """Whether a formula is typeset."""
    return tex in _kept().formulas


@lru_cache(maxsize=512)
def formula(tex: str) -> Formula:
    """A formula that is `known`, with room for the widest number in each slot."""
    return _put_together(tex, ())


@lru_cache(maxsize=512)
def closed(tex: str, widths: tuple[float, ...]) -> Formula:
    """The same with slots of these widths, px of `SIZE`, in the order of its slots, and no gap beside them.

    It is as high as `formula`, whose size it is drawn in: letters do not grow where numbers get shorter.
    """
    return _put_together(tex, widths)


def _put_together(tex: str, widths: tuple[float, ...]) -> Formula:
    found = _kept().formulas[tex]
    made = QPainterPath()
    glyphs = [Part(x, y) for _, x, y, _ in found["glyphs"]]
    bars = [Part(x, y, wide, is_bar=True) for x, y, wide, _ in found["bars"]]
    slots = [Part(x, y, wide) for _, x, y, wide, _ in found["slots"]]
    lost = 0.0
    if widths:
        for part, width in zip(slots, widths, strict=True):
            part.less = max(0.0, part.width - width)
        lost = close([*glyphs, *bars, *slots])
    for (name, _, y, scale), part in zip(found["glyphs"], glyphs, strict=True):
        made.addPath(QTransform(scale, 0, 0, scale, part.x, y).map(_glyph(name)))
    for (_, y, _, high), part in zip(found["bars"], bars, strict=True):
        made.addRect(part.x, y, part.width, high)
    made.setFillRule(Qt.FillRule.WindingFill)
    placed = tuple(
        Slot(name, part.x, y, part.width, scale)
        for (name, _, y, _, scale), part in zip(found["slots"], slots, strict=True)
    )
    drawn = made.boundingRect()  # what the typesetter says of heights holds for letters, not for all fences and roofs
    tall = [(FIGURE * slot.scale - slot.y, FOOT * slot.scale + slot.y) for slot in placed]
    ascent = max([-drawn.top(), 0.0, *(above for above, _ in tall)])
    descent = max([drawn.bottom(), 0.0, *(below for _, below in tall)])
    return Formula(tex, max(found["width"] - lost, drawn.right()), ascent, descent, made, placed)


@lru_cache(maxsize=4096)
def _glyph(name: str) -> QPainterPath:
    """The outline of a glyph, in px of `GLYPH`, its foot at y = 0."""
    path, said = QPainterPath(), _kept().outlines[name].split()
    add: dict[str, Callable[..., None]] = {
        "M": path.moveTo, "L": path.lineTo, "Q": path.quadTo, "C": path.cubicTo, "Z": path.closeSubpath
    }  # fmt: skip
    at = 0
    while at < len(said):
        count = COUNTS[said[at]]
        add[said[at]](*(float(word) for word in said[at + 1 : at + 1 + count]))
        at += 1 + count
    return path


@lru_cache(maxsize=8192)
def number(text: str) -> tuple[QPainterPath, float]:
    """Outline and width of a number, px of `SIZE`, from x = 0 on; signs that no number has are left out."""
    signs, made, x = _kept().signs, QPainterPath(), 0.0
    scale = SIZE / GLYPH
    for sign in text:
        if sign in signs:
            name, wide = signs[sign]
            made.addPath(QTransform(scale, 0, 0, scale, x, 0).map(_glyph(name)))
            x += wide
    made.setFillRule(Qt.FillRule.WindingFill)
    return made, x


def filled(tex: str, values: Mapping[str, str]) -> str:
    """LaTeX with its numbers in their places, to be read aloud or copied."""
    return SLOT.sub(lambda slot: values.get(slot.group(1), "…"), tex)


# ------------------------------------------------------------------ what is not typeset yet
class Typesetter(QObject):
    """Typesets on a thread of its own, one formula after the other; the thread ends when nothing is left to do.

    Signals
    -------
    ready : str
        A formula is `known` from now on, or was refused (`refused`).
    """

    ready = Signal(str)
    _made = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, str] = {}  # why, by the formula
        self._wanted: list[str] = []
        self._asked: set[str] = set()
        self._lock = threading.Lock()  # of what is wanted, and of whether anybody works at it
        self._works = False
        self._thread: threading.Thread | None = None
        self._made.connect(self._take)

    def want(self, tex: str, heard: Callable[[str], object]) -> None:
        """Typeset a formula; ``heard`` is told when it is there."""
        self.ready.connect(heard, Qt.ConnectionType.UniqueConnection)
        if tex in self._asked:
            return
        self._asked.add(tex)
        with self._lock:
            self._wanted.append(tex)
            begins, self._works = not self._works, True
        if begins:  # a thread that has found nothing more to do may still count as alive
            self._thread = threading.Thread(target=self._work, name="typesetting", daemon=True)
            self._thread.start()

    def wait(self) -> None:
        """Return when all that was wanted is typeset; its `ready` comes with the next events."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._works = False
                    return
                tex = self._wanted.pop(0)
            try:
                found: object = typeset(tex)
            except FormulaError as error:
                found = str(error)
            self._made.emit(tex, found)

    def _take(self, tex: str, found: object) -> None:
        if isinstance(found, tuple):
            outlines, parts = found
            _kept().outlines.update(outlines)
            _kept().formulas[tex] = parts
        else:
            self.refused[tex] = str(found)
        self._asked.discard(tex)
        self.ready.emit(tex)


@cache
def typesetter() -> Typesetter:
    """The one of the program; asked for in the window's thread first."""
    return Typesetter()

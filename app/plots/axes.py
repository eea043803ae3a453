"""The quiet axes of our plots, and the box that the hand zooms and pans."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt

from app import theme, words
from app.theme import CAPTION
from app.words import Text

LEFT, BOTTOM = 40, 24  #: px that the numbers take
DENSE = 1.8  #: labels, as pyqtgraph counts; its own 1 is less than a person reads at a glance
TITLE = 16  #: px more for what the numbers are
LINES = 70  #: of 255, how strong the lines at the ticks of the left axis are


def digits_of(spacing: float) -> int:
    """Digits after the point that tell two ticks apart."""
    if not spacing > 0 or not math.isfinite(spacing):
        return 0
    digits = max(0, math.ceil(-math.log10(spacing) - 1e-9))
    whole = spacing * 10**digits
    return digits + (not math.isclose(whole, round(whole), rel_tol=1e-6))  # 0.25, 2.5


def round_numbers(low: float, high: float, size: float = 300) -> list[tuple[float, str]]:
    """Ticks of pyqtgraph and our texts for what is no plot, such as the rows of a map ``size`` px high."""
    axis = _finder()
    (spacing, at), *_ = axis.tickValues(low, high, size)
    return list(zip(at, axis.tickStrings(at, 1.0, spacing), strict=True))


def powers(low: float, high: float, size: float, text: Callable[[float], str]) -> list[tuple[float, str]]:
    """The same for an axis of powers of ten, from exponent to exponent: where a tick stands, and its text."""
    (_, at), *_ = _log_finder().tickValues(low, high, size)
    return [(v, text(10.0**v)) for v in at]


@cache
def _log_finder() -> LogAxis:
    made = LogAxis("bottom")
    made.setTickDensity(DENSE)
    return made


@cache
def _finder() -> Axis:
    made = Axis("bottom")
    made.setTickDensity(DENSE)
    return made


class Axis(pg.AxisItem):
    """pyqtgraph's axis with our numbers: no ticks, thousands and minus as everywhere, names where there are any."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._side = side
        self._title: Text = ""
        self.enableAutoSIPrefix(False)  # the numbers are as they are
        self.setStyle(tickLength=0, tickTextOffset=6, hideOverlappingLabels=False, maxTickLevel=0, maxTextLevel=0)
        if side in ("left", "right"):
            self.setWidth(LEFT)
        else:
            self.setHeight(BOTTOM)
        self.dress()

    def dress(self) -> None:
        """Theme or fonts changed."""
        self.setPen(theme.color("border"))
        self.setTextPen(theme.color("text2"))
        self.setStyle(tickFont=theme.font(CAPTION))
        if self._title:
            self._say()

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Ticks of pyqtgraph in our numbers."""
        if self.logMode:
            return [words.number(10.0**v, digits_of(10.0**v)) for v in values]
        digits = digits_of(spacing * scale)
        return [words.number(v * scale, digits) for v in values]

    def set_title(self, text: Text) -> None:
        """What the numbers are, below them (or at their left)."""
        if text != self._title:
            self._title = text
            self._say()

    def _say(self) -> None:
        shown = words.drawn(self._title)
        if self._side in ("top", "bottom"):
            self.setHeight(BOTTOM + (TITLE if shown else 0))
        self.label.setFont(theme.font(CAPTION))
        self.label.document().setDocumentMargin(6)  # pyqtgraph moves it 5 px out of the axis
        self.setLabel(html.escape(shown), color=theme.color("text2").name())

    def set_names(self, names: Sequence[str], middle: float = 0.5) -> None:
        """A name for each whole number from 0 on, in the middle of its place."""
        self.setTicks([[(at + middle, name) for at, name in enumerate(names)]])


class LogAxis(Axis):
    """An axis of logarithms, with ticks at whole powers of a base; where few are in sight, at round numbers.

    Parameters
    ----------
    side : str
    base : float
    text : callable, optional
        How a number is written, if not in full.
    """

    def __init__(self, side: str, base: float = 10.0, text: Callable[[float], str] | None = None) -> None:
        self._unit, self._text = math.log10(base), text
        super().__init__(side)
        self.setLogMode(x=True, y=True)

    def logTickValues(self, low: float, high: float, size: float, found: list[Any]) -> list[Any]:
        """As found for an axis of plain numbers: of exponents or, nearer, of the numbers themselves."""
        return found

    def tickValues(self, low: float, high: float, size: float) -> list[Any]:
        """Ticks of pyqtgraph for the exponents, as far as these are whole."""
        unit = self._unit
        powers = [(s * unit, [float(v) * unit for v in at]) for s, at in self._plain(low / unit, high / unit, size)]
        if powers and len(powers[0][1]) >= 2 and powers[0][0] >= unit * 0.999:
            return powers
        whole = [n * unit for n in range(math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9) + 1)]
        if len(whole) >= 2:
            return [(unit, whole)]
        return [(s, [math.log10(v) for v in at if v > 0]) for s, at in self._plain(10.0**low, 10.0**high, size)]

    def _plain(self, low: float, high: float, size: float) -> list[Any]:
        return list(super().tickValues(low, high, size))

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self._text is None:
            return super().tickStrings(values, scale, spacing)
        return [self._text(10.0**v) for v in values]


class Box(pg.ViewBox):
    """Where the data stand. Drag pans, Shift+drag or the right button zooms into a rectangle, the wheel zooms.

    Attributes
    ----------
    held : bool
        The hand has chosen what is in sight.
    """

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0)
        self.held = False
        self.disableAutoRange()
        self.sigRangeChangedManually.connect(self._hold)
        self.dress()

    def _hold(self, _mask: object) -> None:
        self.held = True

    def dress(self) -> None:
        """Another theme: the rectangle that is being drawn."""
        self.rbScaleBox.setPen(pg.mkPen(theme.color("accent"), width=1))
        self.rbScaleBox.setBrush(pg.mkBrush(theme.color("accent", 40)))

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.button() == Qt.MouseButton.RightButton or (event.button() == Qt.MouseButton.LeftButton and shift):
            self._zoom_into(event)
        else:
            super().mouseDragEvent(event, axis)

    def _zoom_into(self, event: Any) -> None:
        event.accept()
        start, now = event.buttonDownPos(event.button()), event.pos()
        if not event.isFinish():
            self.updateScaleBox(start, now)
            return
        self.rbScaleBox.hide()
        place = self.childGroup.mapRectFromParent(QRectF(pg.Point(start), pg.Point(now))).normalized()
        if place.width() > 0 and place.height() > 0:
            self.showAxRect(place)  # tells that the hand did it

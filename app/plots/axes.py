"""The quiet axes of our plots, and the box that the hand zooms and pans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt

from app import theme, words
from app.theme import CAPTION

LEFT, BOTTOM = 40, 24  #: px that the numbers take
LINES = 70  #: of 255, how strong the lines at the ticks of the left axis are


def digits_of(spacing: float) -> int:
    """Digits after the point that tell two ticks apart."""
    if not spacing > 0 or not math.isfinite(spacing):
        return 0
    digits = max(0, math.ceil(-math.log10(spacing) - 1e-9))
    whole = spacing * 10**digits
    return digits + (not math.isclose(whole, round(whole), rel_tol=1e-6))  # 0.25, 2.5


class Axis(pg.AxisItem):
    """pyqtgraph's axis with our numbers: no ticks, thousands and minus as everywhere, names where there are any."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._side = side
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

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """pyqtgraph's ticks in our numbers."""
        if self.logMode:
            return [words.number(10.0**v, 0 if v >= 0 else math.ceil(-v)) for v in values]
        digits = digits_of(spacing * scale)
        return [words.number(v * scale, digits) for v in values]

    def set_names(self, names: Sequence[str], middle: float = 0.5) -> None:
        """A name for each whole number from 0 on, in the middle of its place."""
        self.setTicks([[(at + middle, name) for at, name in enumerate(names)]])


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

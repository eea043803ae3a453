"""The scale of a map: name, both end values, a tick at the value under the pointer."""

from __future__ import annotations

from math import ceil

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy

from app import theme, words
from app.steady import ROOM
from app.theme import S1, S2
from app.views.base import LEFT, PixelView, rgb_image, text_width, write
from app.words import Text


def scale_end(value: float) -> str:
    """An end of a scale in two digits: ``0``, ``0.027``, ``1``, ``12.5``."""
    if value == 0:
        return "0"
    size = abs(value)
    digits = int(np.clip(1 - np.floor(np.log10(size)), 0, 6)) if size < 100 else 0
    text = words.number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


STUB = 16  # px, the least of a bar that still shows its ramp


class ColorBar(PixelView):
    """A bar 8 px thick in a line of 16 px, as wide as there is room; ``turned``: the ramp's first color stands for
    the largest value."""

    def __init__(self, name: Text = "", ramp: str = "ember", least: int = 110, turned: bool = False) -> None:
        super().__init__((least, 16))
        self.setFixedHeight(16)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.export_name = "color-bar"
        self._name, self._ramp, self._turned = name, ramp, turned
        self._low, self._high = 0.0, 1.0
        self._below = self._above = False
        self._mark: float | None = None
        self._least = least
        self._say_name()
        self._hold()

    def retranslated(self) -> None:
        """Say what the bar is, in the language of now."""
        self._say_name()
        super().retranslated()
        self._hold()
        self.updateGeometry()

    def restyled(self) -> None:
        """Theme or fonts changed."""
        super().restyled()
        self._hold()
        self.updateGeometry()

    def _say_name(self) -> None:
        self.setAccessibleName(words.drawn(self._name) or words.tr("Color scale"))

    def set_range(
        self, low: float, high: float, clipped: bool = False, name: Text | None = None, clipped_low: bool = False
    ) -> None:
        """Write both ends; a clipped end is written ``≥ 0.032``."""
        self._low, self._high, self._above, self._below = low, high, clipped, clipped_low
        self._name = self._name if name is None else name
        self._say_name()
        self.renew()
        self._hold()

    def set_mark(self, share: float | None) -> None:
        """Put the tick at a share 0..1 of the bar, or take it away."""
        if share != self._mark:
            self._mark = share
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"scale": np.array([self._low, self._high]), "colors": self._colors()}

    def _colors(self) -> np.ndarray:
        """From the least to the largest value, uint8 (256, 3)."""
        colors = theme.ramp(self._ramp)
        return np.ascontiguousarray(colors[::-1]) if self._turned else colors

    def ends(self) -> tuple[str, str]:
        """Both end values as they are written."""
        low, high = scale_end(self._low), scale_end(self._high)
        return (f"≤ {low}" if self._below else low), (f"≥ {high}" if self._above else high)

    def _need(self, bar: int) -> int:
        """Width of the texts with a bar of ``bar`` px between them."""
        low, high = self.ends()
        name = words.drawn(self._name)
        return ceil(sum(text_width(t) for t in (name, low, high)) + 2 * (S1 + 2) + (S2 if name else 0)) + bar

    def _hold(self) -> None:
        """Never narrower than the texts with a stub of the bar between them.

        Each new least width lays the whole window out, so one of about the same length keeps the one before.
        """
        if self.minimumWidth() == self.maximumWidth():
            return  # somebody has fixed it
        need, has = max(self._least, self._need(STUB)), self.minimumWidth()
        if not ROOM * has <= need <= has:
            self.setMinimumWidth(min(need, self.maximumWidth()))

    def sizeHint(self) -> QSize:
        return QSize(max(self.minimumWidth(), self._need(60)), 16)

    def report(self) -> str:
        low, high = self.ends()
        return f"{words.drawn(self._name)} {low} … {high}".replace("…", "–").strip()

    def draw(self, painter: QPainter) -> None:
        low, high = self.ends()
        name = words.drawn(self._name)
        x = 0.0
        for text, gap in ((name, S2), (low, S1 + 2)):
            if text:
                write(painter, QRectF(x, 0, 200, 16), text, align=LEFT)
                x += text_width(text) + gap
        wide = self.width() - x - text_width(high) - S1 - 2
        bar = QRectF(round(x), 4, max(8, round(wide)), 8)
        painter.drawImage(bar, rgb_image(self._colors()[None]))
        if self._mark is not None:
            at = round(bar.x() + min(1.0, max(0.0, self._mark)) * (bar.width() - 1))
            painter.fillRect(QRectF(at - 1, 1, 2, 14), theme.color("text"))
        write(painter, QRectF(bar.right() + S1 + 2, 0, 200, 16), high, align=LEFT)

"""Similarity to the untouched class token, one column a layer, for models that name no classes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION, S1
from app.views.base import CENTER, pen, text_width, write
from app.views.pointing import HoverView

WIDEST = 18  # px of a column
NAME_H, VALUE_H = 16, 18
WRITTEN = "0.000"


class LayerColumns(HoverView):
    """Columns from 0 to 1 (from −1 where a value is below 0); a dashed outline is the untouched model.

    Signals
    -------
    chosen : int
        A layer, counted from 1, was clicked or walked to.
    """

    zooms = True

    chosen = Signal(int)
    _hover: int | None

    def __init__(self) -> None:
        super().__init__((200, 80))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "similarity-by-layer"
        self._values = np.zeros(0, np.float32)
        self._at = 0  # layers from 1; 0 = none
        self._ghost = False

    def set_values(self, values: np.ndarray, ghost: bool) -> None:
        """Show cosines (L,), on request with the untouched model's outline at 1."""
        if not np.isfinite(values).all():
            raise ValueError("similarity holds NaN or infinity")
        self._values, self._ghost = values, ghost
        self.update()
        self.tell()

    def set_at(self, layer: int) -> None:
        """Mark the chosen layer without telling anybody."""
        if layer != self._at:
            self._at = layer
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {"similarity": self._values}

    def report(self) -> str:
        layer = self._hover or self._at
        if not 0 < layer <= len(self._values):
            return ""
        return words.tr("Layer {n}: {value}", n=layer, value=words.number(self._values[layer - 1], 3))

    # -- places
    def _column(self, index: int) -> QRectF:
        """The whole height that belongs to a layer."""
        pitch = self.width() / max(1, len(self._values))
        left = round(index * pitch)
        return QRectF(left, VALUE_H, round((index + 1) * pitch) - left, self.height() - VALUE_H - NAME_H)

    def under(self, point: QPointF) -> int | None:
        """A layer, counted from 1."""
        count = len(self._values)
        layer = int(point.x() * count / max(1, self.width())) + 1
        return layer if 0 < layer <= count else None

    # -- hand
    def _choose(self, layer: int) -> None:
        self.chosen.emit(layer)

    def walk(self, rows: int, cols: int) -> bool:
        new = self._at + cols
        if cols and 0 < new <= len(self._values):
            self.chosen.emit(new)
        return bool(cols)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        low = -1.0 if (self._values < 0).any() else 0.0
        roomy = len(self._values) * (text_width(WRITTEN) + S1) <= self.width()
        for index, value in enumerate(self._values.tolist()):
            layer, place = index + 1, self._column(index)
            marked = layer in (self._at, self._hover)
            wide = min(WIDEST, int(0.6 * place.width()))
            left = round(place.center().x() - wide / 2)
            zero = place.bottom() - round(place.height() * -low / (1 - low))
            top = place.bottom() - round(place.height() * (min(1.0, value) - low) / (1 - low))
            painter.fillRect(QRectF(left, place.top(), wide, place.height()), theme.color("sunken"))
            upper, lower = sorted((top, zero))
            painter.fillRect(QRectF(left, upper, wide, max(1.0, lower - upper)), theme.color("accent"))
            if self._ghost:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(theme.color("text"), 1, Qt.PenStyle.DashLine))
                painter.drawRect(QRectF(left - 1.5, place.top() - 0.5, wide + 2, zero - place.top()))
            if roomy or marked or layer == len(self._values):
                text = words.number(value, 3)
                half = text_width(text, CAPTION, marked) / 2
                middle = min(max(place.center().x(), half), self.width() - half)
                over = QRectF(middle - half, 0, 2 * half, VALUE_H - 2)
                write(painter, over, text, theme.color("text"), CAPTION, marked, CENTER)
            name = QRectF(place.x(), place.bottom() + 1, place.width(), NAME_H - 1)
            ink = theme.color("accent" if layer == self._at else "text2")
            write(painter, name, str(layer), ink, CAPTION, layer == self._at, CENTER)

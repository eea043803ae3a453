"""The photo under a field: the place that is asked about is dragged, squares hold their share."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter

from app import theme, words
from app.tabs.large_kernel.maps import DECADES, PixelMap, decades
from app.theme import CAPTION
from app.views.base import outline, pen, text_width, write
from app.views.photomap import weight_percent
from engines.large_kernel.field.spec import SHARES, FieldFrame

STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine)
TAG_H = 15


class FieldView(PixelMap):
    """A field over a photo. The left button drags the place, arrows move it by a place of the net's map.

    Signals
    -------
    moved : (down, right)
        The new place, as shares of the photo's height and width, at each move of the hand.
    settled
        The hand let go.
    """

    drags = True

    moved = Signal(object)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "field-on-photo"
        self._field: FieldFrame | None = None
        self._squares = True
        self._drags_place = False
        self.setCursor(Qt.CursorShape.CrossCursor)
        words.say(self, "setToolTip", "Drag to ask about another place.")

    # -- content
    def set_field(self, shown: FieldFrame, log: bool) -> None:
        """Show a field; pixels are those of the picture as the net sees it."""
        rows, cols = shown.pixels.shape
        self.set_grid(rows, cols, class_token=False)
        self._field = shown
        if log:
            self.set_map(decades(shown.pixels), 0.0, -float(DECADES))
        else:
            self.set_map(shown.pixels, max(float(shown.pixels.max()), 1e-12))

    def set_squares(self, on: bool) -> None:
        """The squares that hold their share."""
        if on != self._squares:
            self._squares = on
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        if self._field is None:
            return super().numbers()
        shown = self._field
        return {
            "field": shown.pixels, "place_row_col": np.array(shown.cell), "places_rows_cols": np.array(shown.grid),
            "sides_px": np.array(shown.sides), "shares": np.array(SHARES), "radius_px": np.array(shown.radius),
        }  # fmt: skip

    def written(self, value: float) -> str:
        """What a pixel has of the field, whatever the scale."""
        if self._field is None or self._hover is None or not self._has(self._hover):
            return ""
        share = float(self._field.pixels[self._hover])
        return "0 %" if share == 0 else weight_percent(share) if share >= 0.00005 else f"{100 * share:.0e} %"

    def report(self) -> str:
        if self._field is None:
            return ""
        (row, col), (rows, cols) = self._field.cell, self._field.grid
        return words.tr("place {row}, {col} of {rows} × {cols}", row=row + 1, col=col + 1, rows=rows, cols=cols)

    # -- the hand
    def _share_at(self, point: QPointF) -> tuple[float, float]:
        """A point of the screen as shares of the photo, within it."""
        at, (wide, high) = self.to_photo(point), self.photo_size()
        return min(0.9999, max(0.0, at.y() / high)), min(0.9999, max(0.0, at.x() / wide))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        if not left or event.modifiers() & Qt.KeyboardModifier.ShiftModifier or self.cell_at(event.position()) is None:
            super().mousePressEvent(event)
            return
        self._drags_place = True
        self.moved.emit(self._share_at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drags_place:
            self.moved.emit(self._share_at(event.position()))
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drags_place and event.button() == Qt.MouseButton.LeftButton:
            self._drags_place = False
            self.settled.emit()
        else:
            super().mouseReleaseEvent(event)
            self.setCursor(Qt.CursorShape.CrossCursor)

    def click_at(self, point: QPointF) -> None:
        """A click with Shift asks about nothing."""

    def walk(self, rows: int, cols: int) -> bool:
        if self._field is None:
            return False
        now, grid = self._field.cell, self._field.grid
        new = min(grid[0] - 1, max(0, now[0] + rows)), min(grid[1] - 1, max(0, now[1] + cols))
        if new != now:
            self.moved.emit(((new[0] + 0.5) / grid[0], (new[1] + 0.5) / grid[1]))
            self.settled.emit()
        return True

    # -- painting
    def place_rect(self) -> QRectF:
        """Where the place of the net's map stands on the screen."""
        assert self._field is not None
        (row, col), (rows, cols) = self._field.cell, self._field.grid
        wide, high = self.photo_size()
        return self.to_screen(QRectF(col * wide / cols, row * high / rows, wide / cols, high / rows))

    def square_rect(self, side: int) -> QRectF:
        """A square of so many pixels, as the net sees them, around the place."""
        assert self._field is not None
        middle, (wide, high) = self.place_rect().center(), self.photo_size()
        down, across = (side / count for count in self._field.pixels.shape)
        size = self.to_screen(QRectF(0, 0, across * wide, down * high))
        return QRectF(middle.x() - size.width() / 2, middle.y() - size.height() / 2, size.width(), size.height())

    def _draw_lines(self, painter: QPainter) -> None:
        """No lines between pixels; the squares and the place in their stead."""
        if self._field is None:
            return
        ink, chalk = theme.color("ink", 150), theme.color("chalk")
        if self._squares:
            painter.save()
            painter.setClipRect(self.shown_rect(), Qt.ClipOperation.IntersectClip)  # beside the photo is no field
            for share, side, style in zip(SHARES, self._field.sides, STYLES, strict=True):
                place = self.square_rect(side)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for color, width, line in ((ink, 3, Qt.PenStyle.SolidLine), (chalk, 1, style)):
                    painter.setPen(pen(color, width, line))
                    painter.drawRect(place)
                self._tag(painter, place, words.percent(share, 0))
            painter.restore()
        outline(painter, self.place_rect(), chalk, 2, theme.color("ink"), case_by=1.5)

    def _tag(self, painter: QPainter, square: QRectF, text: str) -> None:
        """The share, at a corner of its square that is in sight."""
        seen = self.shown_rect()
        wide = text_width(text, CAPTION, True) + 8
        x = min(max(square.right() - wide, seen.left()), seen.right() - wide)
        above = square.top() - TAG_H
        y = above if above >= seen.top() else min(max(square.top(), seen.top()), seen.bottom() - TAG_H)
        place = QRectF(round(x), round(y), round(wide), TAG_H)
        painter.fillRect(place, theme.color("ink", 200))
        write(painter, place.adjusted(4, 0, 0, 0), text, theme.color("chalk"), CAPTION, True)

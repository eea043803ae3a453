"""Attention on a photo: one flat color per patch, contour of the strongest share, pinned and hovered patch."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Signal
from PySide6.QtGui import QPainter

from app import theme, words
from app.theme import CAPTION, S1, S2
from app.views.base import LEFT, chip, finite, outline, pen, text_width, write
from app.views.contour import edges, top_share
from app.views.photo import PhotoView, overlay_ramp
from engines.core.errors import Message

Cell: TypeAlias = tuple[int, int]
CLASS_TOKEN: Cell = (-1, -1)  # a patch like the others, shown as a chip beside the picture
TOKEN_H = 22


def weight_percent(value: float) -> str:
    """A weight as a chip says it: ``2.5 %``, ``0.03 %``."""
    return words.percent(value, 1 if abs(value) >= 0.0095 or value == 0 else 2)


class PhotoMap(PhotoView):
    """A grid of values over a rectangle of the photo.

    Signals
    -------
    hovered : (row, col), `CLASS_TOKEN` or None
    clicked : (row, col), `CLASS_TOKEN` or None
        The new pin; clicking the pinned patch again, or Esc, gives None.
    """

    DIM = True

    hovered = Signal(object)
    clicked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "attention-on-photo"
        self.setAccessibleName(words.tr("Attention on the photo"))
        self._values = np.zeros((0, 0), np.float32)
        self._colors: np.ndarray | None = None
        self._low, self._top = self._ends = 0.0, 1.0
        self._hand: tuple[float, float] | None = None
        self._ramp = "ember"
        self._class_value: float | None = None
        self._class_token = False
        self._opacity, self._mass = 0.8, 0.0
        self._pin: Cell | None = None
        self._hover: Cell | None = None
        self._contour = np.zeros((0, 4), int)
        self._token = QRectF()

    def retranslated(self) -> None:
        self.setAccessibleName(words.tr("Attention on the photo"))
        super().retranslated()

    # -- content
    def set_photo(self, rgb: np.ndarray) -> None:
        """Show a photo, uint8 (h, w, 3), without a map until its own comes: the one on screen is of another photo."""
        other = rgb is not self._rgb
        super().set_photo(rgb)
        if other:
            self._forget_map()

    def _forget_map(self) -> None:
        self._values = np.zeros(self._grid, np.float32)
        self._colors = self._class_value = None
        self._contour = np.zeros((0, 4), int)
        self._show()

    def set_grid(
        self, rows: int, cols: int, area: tuple[float, float, float, float] | None = None, class_token: bool = True
    ) -> None:
        """Lay a grid over ``area`` = (x, y, width, height) in photo pixels; None = the whole photo.

        The area may reach beyond the photo (padding) or lie within it (center crop).
        """
        width, height = self.photo_size()
        place = QRectF(*(area or (0.0, 0.0, float(width), float(height))))
        if ((rows, cols), place, class_token) == (self._grid, self._area, self._class_token):
            return
        self._grid, self._area, self._class_token = (rows, cols), place, class_token
        self._forget_map()
        self._pin = self._pin if self._pin is not None and self._has(self._pin) else None
        self._hover = None
        self.renew()

    def set_map(
        self,
        values: np.ndarray,
        top: float | None = None,
        low: float = 0.0,
        class_value: float | None = None,
        ramp: str = "ember",
    ) -> None:
        """Show values (rows, cols); the ramp runs from ``low`` to ``top`` (the largest value if not given)."""
        if values.shape != self._grid:
            raise ValueError(f"values {values.shape} do not fit the grid {self._grid}")
        self._values = finite(np.asarray(values, np.float32), "values")
        self._colors = None
        self._ramp, self._class_value = ramp, class_value
        largest = float(values.max(initial=low))
        self._ends = low, top if top is not None and top > low else (largest if largest > low else low + 1.0)
        self._low, self._top = self._hand or self._ends
        self._outline_top()
        self._show()
        self.update()
        self.tell()

    def stretch(self, ends: tuple[float, float] | None) -> None:
        """Color from the first end to the second; None: as `set_map` says."""
        self._hand = ends
        self._low, self._top = ends or self._ends
        self._show()
        self.update()

    def _show(self) -> None:
        """Hand the map to its picture."""
        self._map_image.setVisible(self.DIM and self._values.size > 0)
        if self._colors is not None:  # the item's own opacity takes Qt three times as long
            cover = np.full((*self._grid, 1), round(255 * self._opacity), np.uint8)
            self._map_image.show_colors(np.concatenate([self._colors, cover], 2))
        elif self._values.size:
            ramp = overlay_ramp(self._ramp, self._opacity)
            self._map_image.show_values(self.placed(self._values), self._low, self._top, ramp)

    def placed(self, values: np.ndarray) -> np.ndarray:
        """Values (rows, cols) as they stand on the screen, for a subclass that puts patches elsewhere."""
        return values

    def set_colors(self, colors: np.ndarray) -> None:
        """Show colors instead of values, uint8 (rows, cols, 3), for example three principal components."""
        if colors.shape[:2] != self._grid or colors.dtype != np.uint8:
            raise ValueError(f"colors {colors.dtype} {colors.shape} do not fit the grid {self._grid}")
        self._colors = np.ascontiguousarray(colors)
        self._contour = np.zeros((0, 4), int)
        self._show()
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """How strongly the map covers the photo, 0..1."""
        self._opacity = opacity
        self._show()
        self.update()

    def set_mass(self, share: float) -> None:
        """Outline the fewest patches that hold this share (0..1) of the attention; 0 = no outline."""
        self._mass = share
        self._outline_top()
        self.update()

    def set_pin(self, cell: Cell | None) -> None:
        """Mark a patch without telling anybody."""
        self._pin = cell
        self.tell()
        self.update()

    def pin(self) -> Cell | None:
        """The pinned patch."""
        return self._pin

    def set_hover(self, cell: Cell | None) -> None:
        """Light up a patch that is pointed at elsewhere, without telling anybody."""
        if cell != self._hover:
            self._hover = cell
            self.update()

    def hover(self) -> Cell | None:
        """The patch that is pointed at."""
        return self._hover

    def value_at(self, cell: Cell) -> float | None:
        """The value shown at a patch; None for the class token where it has none."""
        if cell == CLASS_TOKEN:
            return self._class_value
        return float(self._values[cell])

    def share_at(self, cell: Cell | None) -> float | None:
        """Where the value of a patch stands on the color bar, 0..1, for the bar's tick."""
        value = self.value_at(cell) if cell is not None and self._has(cell) else None
        return None if value is None else min(1.0, max(0.0, (value - self._low) / (self._top - self._low)))

    def values(self) -> np.ndarray:
        """What is on screen, (rows, cols)."""
        return self._values

    def numbers(self) -> dict[str, np.ndarray]:
        # what the view is about comes first: a comparison opens with it
        of_cells = {"attention": self._values} if self._colors is None else {"colors": self._colors}
        out: dict[str, np.ndarray] = {**of_cells, "scale": np.array([self._low, self._top])}
        if self._class_value is not None:
            out["class_token"] = np.array(self._class_value)
        if self._pin is not None:
            out["pinned_row_col"] = np.array(self._pin)
        out["grid_on_photo_x_y_w_h"] = np.array(self._area.getRect())
        return out

    def report(self) -> str:
        cell = self._hover or self._pin
        if cell is None:
            return ""
        value = self.value_at(cell) if self._has(cell) else None
        place = words.tr(named(cell))
        return place if value is None or self._colors is not None else f"{place}, {self.written(value)}"

    def written(self, value: float) -> str:
        """A value as chips, class token and report say it."""
        return weight_percent(value)

    def _has(self, cell: Cell) -> bool:
        if cell == CLASS_TOKEN:
            return self._class_token
        return 0 <= cell[0] < self._grid[0] and 0 <= cell[1] < self._grid[1]

    def _outline_top(self) -> None:
        self._contour = edges(top_share(self._values, self._mass)) if self._low == 0 else np.zeros((0, 4), int)

    # -- places
    def arrange(self, width: int, height: int) -> None:
        self._top_band = 0
        self._token = QRectF()
        self._place(width, height)
        if not self._class_token:
            return
        wide = round(text_width(self._token_text(widest=True)) + 34)
        photo = self.photo_rect()
        if photo.left() >= wide + S2:
            self._token = QRectF(round(photo.left()) - wide - S2, round(photo.top()), wide, TOKEN_H)
            return
        self._top_band = TOKEN_H + S1 + 2
        self._place(width, height)
        self._token = QRectF(
            max(1, round(self.photo_rect().left())), max(1.0, self.shown_rect().top() - S1 - 2 - TOKEN_H), wide, TOKEN_H
        )

    def _token_text(self, widest: bool = False) -> str:
        name = words.tr("class token")
        value = (0.888 if self._low >= 0 else -0.888) if widest else self._class_value
        return name if value is None else f"{name}  {self.written(value)}"

    def cell_rect(self, cell: Cell) -> QRectF:
        """Where a patch stands on the screen."""
        self.arranged()
        if cell == CLASS_TOKEN:
            return self._token
        rows, cols = self._grid
        wide, high = self._area.width() / cols, self._area.height() / rows
        return self.to_screen(QRectF(self._area.x() + cell[1] * wide, self._area.y() + cell[0] * high, wide, high))

    def cell_at(self, point: QPointF) -> Cell | None:
        """The patch under a screen point."""
        self.arranged()
        if self._token.contains(point):
            return CLASS_TOKEN
        rows, cols = self._grid
        if not rows or not cols or point.y() < self._top_band:
            return None
        at = self.to_photo(point)
        col = int(np.floor((at.x() - self._area.x()) * cols / self._area.width()))
        row = int(np.floor((at.y() - self._area.y()) * rows / self._area.height()))
        return (row, col) if 0 <= row < rows and 0 <= col < cols else None

    # -- hand
    def point_at(self, point: QPointF | None) -> None:
        cell = None if point is None else self.cell_at(point)
        if cell != self._hover:
            self._hover = cell
            self.tell()
            self.update()
            self.hovered.emit(cell)

    def click_at(self, point: QPointF) -> None:
        cell = self.cell_at(point)
        if cell is not None:
            self._choose(None if cell == self._pin else cell)

    def _choose(self, cell: Cell | None) -> None:
        self.set_pin(cell)
        self.clicked.emit(cell)

    def walk(self, rows: int, cols: int) -> bool:
        height, width = self._grid
        if not height or not width:
            return False
        now = self._pin or (height // 2, width // 2)
        if now == CLASS_TOKEN:
            new = (0, 0) if rows > 0 or cols > 0 else now
        elif now[0] + rows < 0 and self._class_token:
            new = CLASS_TOKEN
        else:
            new = (min(height - 1, max(0, now[0] + rows)), min(width - 1, max(0, now[1] + cols)))
        if new != self._pin:
            self._choose(new)
        return True

    def escape(self) -> bool:
        if self._pin is None:
            return False
        self._choose(None)
        return True

    # -- painting
    def restyled(self) -> None:
        self._show()
        super().restyled()

    def draw(self, painter: QPainter) -> None:
        photo = self.shown_rect()
        painter.save()
        painter.setClipRect(self.seen_rect())
        self.draw_photo(painter, self.DIM)
        rows, cols = self._grid
        if rows and cols:
            self._draw_lines(painter)
            self._draw_contour(painter)
            for cell, width, case in ((self._pin, 2, True), (self._hover, 1, False)):
                if cell is not None and cell != CLASS_TOKEN and self._has(cell):
                    ink = theme.color("ink") if case else None
                    outline(painter, self.cell_rect(cell), theme.color("chalk"), width, ink, case_by=1.5)
        painter.restore()
        if self._class_token:
            self._draw_token(painter)
        hover = self._hover
        if hover is not None and hover != CLASS_TOKEN and self._has(hover) and self._colors is None:
            chip(painter, self.cell_rect(hover), self.written(float(self._values[hover])), photo)

    def _draw_lines(self, painter: QPainter) -> None:
        rows, cols = self._grid
        area = self.to_screen(self._area)
        wide, high = area.width() / cols, area.height() / rows
        if min(wide, high) >= 5:
            painter.setPen(pen(theme.color("chalk", 26)))
            lines = [
                QLineF(round(area.x() + j * wide), area.top(), round(area.x() + j * wide), area.bottom() - 1)
                for j in range(1, cols)
            ]
            lines += [
                QLineF(area.left(), round(area.y() + i * high), area.right() - 1, round(area.y() + i * high))
                for i in range(1, rows)
            ]
            painter.drawLines(lines)

    def _draw_contour(self, painter: QPainter) -> None:
        if len(self._contour):
            rows, cols = self._grid
            area = self.to_screen(self._area)
            wide, high = area.width() / cols, area.height() / rows
            border = [
                QLineF(
                    round(area.x() + a * wide),
                    round(area.y() + b * high),
                    round(area.x() + c * wide),
                    round(area.y() + d * high),
                )
                for a, b, c, d in self._contour.tolist()
            ]
            for color, width in ((theme.color("ink", 153), 3), (theme.color("chalk", 235), 1)):
                painter.setPen(pen(color, width))
                painter.drawLines(border)

    def _draw_token(self, painter: QPainter) -> None:
        pinned, pointed = self._pin == CLASS_TOKEN, self._hover == CLASS_TOKEN
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(theme.color("accent_soft" if pinned else "sunken"))
        painter.setPen(pen(theme.color("accent" if pinned else "text" if pointed else "control"), 2 if pinned else 1))
        painter.drawRoundedRect(self._token.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        share = self.share_at(CLASS_TOKEN)
        red, green, blue = theme.ramp(self._ramp)[round(255 * (share or 0))].tolist()
        mark = QRectF(self._token.x() + 6, self._token.y() + 5, 12, 12)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(mark, theme.from_rgb(red, green, blue))
        place = self._token.adjusted(24, 0, -6, 0)
        write(painter, place, self._token_text(), theme.color("accent" if pinned else "text"), CAPTION, pinned, LEFT)


def named(cell: Cell) -> Message:
    """A patch in words: ``patch 7, 18`` (counted from 1) or the class token."""
    if cell == CLASS_TOKEN:
        return Message("class token")
    return Message("patch {row}, {col}", {"row": cell[0] + 1, "col": cell[1] + 1})

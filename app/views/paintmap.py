"""A photo whose patches are painted over with the mouse: press and drag takes patches away or gives them back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QBrush, QMouseEvent, QPainter

from app import theme, words
from app.views.base import chip, outline
from app.views.photomap import Cell, PhotoMap, named
from engines.core.errors import Message


class PaintMap(PhotoMap):
    """The photo in its own colors under a grid of patches; those painted over are dark and hatched.

    The first patch of a stroke says what the stroke does: over a free patch it paints, over a painted one it frees.
    Arrows walk, Enter or Space paints one patch. The left button always paints: the wheel, the right button and Shift
    zoom, the middle one pans.

    Signals
    -------
    painted : tuple of (row, col)
        All painted patches, sorted, at each move of the hand.
    settled
        The hand let go: the end of one undo step.
    """

    DIM = False

    painted = Signal(object)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.export_name = "painted-photo"
        self._painted: frozenset[Cell] = frozenset()
        self._brush: bool | None = None  # True paints, False frees
        self._last: Cell | None = None
        self.setCursor(Qt.CursorShape.CrossCursor)

    # -- content
    def set_painted(self, cells: Sequence[Cell]) -> None:
        """The patches that are painted over."""
        if frozenset(cells) != self._painted:
            self._painted = frozenset(cells)
            self.tell()
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        rows, cols = self._grid
        mask = np.zeros((rows, cols), bool)
        for row, col in self._painted:
            if row < rows and col < cols:
                mask[row, col] = True
        return {"painted": mask, "grid_on_photo_x_y_w_h": np.array(self._area.getRect())}

    def report(self) -> str:
        cell = self._hover or self._pin
        if cell is None or not self._has(cell):
            return ""
        return words.tr("{patch}: masked" if cell in self._painted else "{patch}: not masked", patch=named(cell))

    # -- hand
    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        if not left or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().mousePressEvent(event)
            return
        cell = self.cell_at(event.position())
        if cell is not None:
            self._brush = cell not in self._painted
            self._last = cell
            self._stroke(cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._brush is None:
            super().mouseMoveEvent(event)
            return
        self.point_at(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton:
            cell = self.cell_at(event.position())
            if cell is not None and cell != self._last:
                self._stroke(cell)
                self._last = cell

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._brush is None:
            super().mouseReleaseEvent(event)
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._brush = self._last = None
            self.settled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def click_at(self, point: QPointF) -> None:
        """A click that paints nothing, such as with Shift, does nothing."""

    def _stroke(self, cell: Cell) -> None:
        """Paint or free all patches between the last one and this one, so that a quick hand leaves no gaps."""
        start = self._last or cell
        count = max(abs(cell[0] - start[0]), abs(cell[1] - start[1]), 1)
        way = {
            (round(start[0] + (cell[0] - start[0]) * i / count), round(start[1] + (cell[1] - start[1]) * i / count))
            for i in range(count + 1)
        }
        self._put(self._painted | way if self._brush else self._painted - way)

    def _put(self, cells: frozenset[Cell]) -> None:
        if cells != self._painted:
            self.set_painted(tuple(cells))
            self.painted.emit(tuple(sorted(cells)))

    def walk(self, rows: int, cols: int) -> bool:
        height, width = self._grid
        if not height or not width:
            return False
        now = self._pin or (height // 2, width // 2)
        self.set_pin((min(height - 1, max(0, now[0] + rows)), min(width - 1, max(0, now[1] + cols))))
        return True

    def enter(self) -> bool:
        if self._pin is None or not self._has(self._pin):
            return False
        self._put(self._painted ^ {self._pin})
        self.settled.emit()
        return True

    def escape(self) -> bool:
        if self._pin is None:
            return False
        self.set_pin(None)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        self.draw_photo(painter, dim=False)
        if not all(self._grid):
            return
        self._draw_lines(painter)
        self._draw_contour(painter)
        for cell in self._painted:
            if self._has(cell):
                place = self.cell_rect(cell)
                painter.fillRect(place, theme.color("ink", 215))
                painter.fillRect(place, QBrush(theme.color("chalk", 90), Qt.BrushStyle.BDiagPattern))
        for at, width, case in ((self._pin, 2, True), (self._hover, 1, False)):
            if at is not None and self._has(at):
                ink = theme.color("ink") if case else None
                outline(painter, self.cell_rect(at), theme.color("chalk"), width, ink, case_by=1.5)
        hover = self._hover
        if hover is not None and self._has(hover) and self._brush is None:
            text = Message("unmask") if hover in self._painted else Message("mask")
            chip(painter, self.cell_rect(hover), words.tr(text), self.shown_rect())

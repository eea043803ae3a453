"""Query × query: whom each object query looks at in the decoder's self-attention."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter

from app import theme, words
from app.plots.view import empty_note
from app.theme import CAPTION, S1
from app.views.base import CENTER, RIGHT, PixelView, chip, finite, outline, rgb_image, text_width, write
from app.views.photomap import weight_percent
from engines.core.errors import Message

LINE = 14  #: px, a line of query numbers


class QueryMatrix(PixelView):
    """A square map, row: the query that looks, column: the query it looks at. Named queries have numbers.

    Signals
    -------
    chosen : int
        The query of the row that was clicked or walked to.
    hovered : int or None
    """

    zooms = True

    chosen = Signal(int)
    hovered = Signal(object)

    def __init__(self) -> None:
        super().__init__((140, 120))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "query-by-query"
        self._values = np.zeros((0, 0), np.float32)
        self._top = 1.0
        self._named: dict[int, str] = {}
        self._at = -1
        self._hover: tuple[int, int] | None = None
        self._row: int | None = None  # lit up from elsewhere
        self._off = False
        self._image: QImage | None = None
        self._step, self._corner = 1, (0, 0)
        words.say(self, "setAccessibleName", "Query × query")

    # -- content
    def set_matrix(self, values: np.ndarray, top: float) -> None:
        """Show weights (Q, Q); the ramp ends at ``top``."""
        if values.ndim != 2 or values.shape[0] != values.shape[1]:
            raise ValueError(f"weights must be (Q, Q), not {values.shape}")
        if values.shape != self._values.shape:
            self._hover = self._row = None
            self._stale = True
        self._values, self._top = finite(np.asarray(values, np.float32), "weights"), top if top > 0 else 1.0
        self._off = bool(values.size) and not values.any()
        self._image = None
        self.update()
        self.tell()

    def set_named(self, named: Mapping[int, str]) -> None:
        """Write the numbers of these queries beside their rows and columns: query to color token."""
        self._named = dict(named)
        self.update()

    def set_at(self, query: int) -> None:
        """Mark the row of a query without telling anybody; −1 for none."""
        if query != self._at:
            self._at = query
            self.tell()
            self.update()

    def set_hover(self, query: int | None) -> None:
        """Light up the row of a query that is pointed at elsewhere."""
        if query != self._row:
            self._row = query
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "weights": self._values,
            "scale": np.array([0.0, self._top]),
            "passing_queries": np.array(sorted(query + 1 for query in self._named)),
        }

    def report(self) -> str:
        if self._hover is None:
            return words.tr("query {n}", n=self._at + 1) if self._at >= 0 else ""
        return self._said(*self._hover)

    def _said(self, row: int, col: int) -> str:
        value = weight_percent(float(self._values[row, col]))
        return words.tr("{row} attends to {col}: {value}", row=row + 1, col=col + 1, value=value)

    def restyled(self) -> None:
        self._image = None
        super().restyled()

    # -- places
    def arrange(self, width: int, height: int) -> None:
        count = max(1, len(self._values))
        left = round(text_width(str(count), CAPTION, True)) + S1 + 2
        room_w, room_h = width - left - 2, height - LINE - 2
        self._step = max(1, min(room_w, room_h) // count)
        side = self._step * count
        self._corner = (left + max(0, (room_w - side) // 2), LINE + max(0, (room_h - side) // 2))

    def matrix_rect(self) -> QRectF:
        """Where the map stands on the screen."""
        self.arranged()
        side = self._step * len(self._values)
        return QRectF(*self._corner, side, side)

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Row and column under a screen point."""
        place = self.matrix_rect()
        if not place.contains(point):
            return None
        count = len(self._values)
        row, col = int((point.y() - place.y()) / self._step), int((point.x() - place.x()) / self._step)
        return (row, col) if row < count and col < count else None

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.cell_at(event.position()))

    def leaveEvent(self, _event: object) -> None:
        self._point(None)

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hover:
            self._hover = cell
            self.tell()
            self.update()
            self.hovered.emit(None if cell is None else cell[0])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._choose(cell[0])

    def _choose(self, query: int) -> None:
        self.set_at(query)
        self.chosen.emit(query)

    def walk(self, rows: int, cols: int) -> bool:
        count = len(self._values)
        if not count:
            return False
        new = min(count - 1, max(0, self._at + (rows or cols)))
        if new != self._at:
            self._choose(new)
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        count = len(self._values)
        if not count:
            return
        if self._image is None:
            share = np.clip(self._values / self._top, 0, 1)
            self._image = rgb_image(theme.ramp("ember")[np.rint(255 * share).astype(np.uint8)])
        place = self.matrix_rect()
        painter.drawImage(place, self._image, QRectF(self._image.rect()))
        if self._off:
            painter.fillRect(place, theme.color("surface", 205))
            empty_note(painter, place, Message("This head is off"))
        self._draw_names(painter, place)
        for query, token in ((self._row, "chalk"), (self._at, "accent")):
            if query is not None and 0 <= query < count:
                line = QRectF(place.x(), place.y() + query * self._step, place.width(), self._step)
                grown = line.adjusted(-1, -1, 1, 1) if token == "accent" else line.adjusted(0, 0, -1, -1)
                case = theme.color("surface") if token == "accent" else None
                outline(painter, grown, theme.color(token), 2 if token == "accent" else 1, case)
        if self._hover is not None:
            row, col = self._hover
            spot = QRectF(place.x() + col * self._step, place.y() + row * self._step, self._step, self._step)
            outline(painter, spot.adjusted(0, 0, -1, -1), theme.color("chalk"), 1)
            chip(painter, spot, self._said(row, col), QRectF(self.rect()))

    def _draw_names(self, painter: QPainter, place: QRectF) -> None:
        """Numbers of the named queries, the chosen one first; those that would touch another are left out."""
        names = sorted({*self._named, *([self._at] if self._at >= 0 else [])}, key=lambda q: (q != self._at, q))
        rows: list[float] = []
        cols: list[tuple[float, float]] = []
        for query in names:
            if query >= len(self._values):
                continue
            on, text = query == self._at, str(query + 1)
            color = theme.color("accent" if on else "text")
            middle = (query + 0.5) * self._step
            if all(abs(middle - other) >= LINE - 2 for other in rows):
                rows.append(middle)
                line = QRectF(0, place.y() + middle - LINE / 2, place.x() - S1, LINE)
                write(painter, line, text, color, CAPTION, on, RIGHT)
            wide = text_width(text, CAPTION, on) + 3
            if all(abs(middle - at) >= (wide + other) / 2 for at, other in cols):
                cols.append((middle, wide))
                line = QRectF(place.x() + middle - wide, place.y() - LINE, 2 * wide, LINE - 1)
                write(painter, line, text, color, CAPTION, on, CENTER)

"""Query × query: where each object query attends in the decoder's self-attention."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from app import theme, words
from app.plots.view import empty_note
from app.theme import CAPTION, S1
from app.views.base import CENTER, RIGHT, text_width, write
from app.views.grid import GridView, Pair
from app.views.photomap import weight_percent
from engines.core.errors import Message

LINE = 14  #: px, a line of query numbers
ANY = (9999, 9999)  #: px, largest cell: as large as there is room


class QueryMatrix(GridView):
    """A square map, row: the query that attends, column: the query attended to. Named queries have numbers.

    A row is marked, clicked and told of as (query, −1).
    """

    def __init__(self) -> None:
        super().__init__("ember", ANY, square=True)
        self.setMinimumSize(140, 120)
        self.export_name = "query-by-query"
        self._named: dict[int, str] = {}
        words.say(self, "setAccessibleName", "Query × query")

    # -- content
    def set_matrix(self, values: np.ndarray, top: float) -> None:
        """Show weights (Q, Q); the ramp ends at ``top``."""
        if values.ndim != 2 or values.shape[0] != values.shape[1]:
            raise ValueError(f"weights must be (Q, Q), not {values.shape}")
        self.set_values(values, top if top > 0 else 1.0, 0.0)

    def set_named(self, named: Mapping[int, str]) -> None:
        """Write the numbers of these queries beside their rows and columns: query to color token."""
        self._named = dict(named)
        self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        return {
            "weights": self._values,
            "scale": np.array([self._low, self._top]),
            "passing_queries": np.array(sorted(query + 1 for query in self._named)),
        }

    def report_of(self, cell: Pair) -> str:
        return self.said_at(cell) if cell[1] >= 0 else words.tr("query {n}", n=cell[0] + 1)

    def said_at(self, cell: Pair) -> str:
        value = weight_percent(float(self._values[cell]))
        return words.tr("{row} attends to {col}: {value}", row=cell[0] + 1, col=cell[1] + 1, value=value)

    # -- places
    def arrange(self, width: int, height: int) -> None:
        count = max(1, len(self._values))
        left = round(text_width(str(count), CAPTION, True)) + S1 + 2
        room_w, room_h = max(1, width - left - 2), max(1, height - LINE - 2)
        self._block = -(-count // min(room_w, room_h))
        shown = -(-count // self._block)
        step = max(1, min(room_w, room_h) // shown)
        self._cell = step, step
        self._corner = left + max(0, (room_w - step * shown) // 2), LINE + max(0, (room_h - step * shown) // 2)

    # -- hand
    def hover_told(self) -> int | None:
        return None if self._hover is None else self._hover[0]

    def _choose(self, cell: Pair) -> None:
        super()._choose((cell[0], -1))

    def walk(self, rows: int, cols: int) -> bool:
        count = len(self._values)
        if not count:
            return False
        now = self._at[0] if self._at else -1
        new = min(count - 1, max(0, now + (rows or cols)))
        if new != now:
            self._choose((new, -1))
        return True

    # -- painting
    def draw_cells(self, painter: QPainter) -> None:
        if not self._values.any():
            place = self.cell_rect((-1, -1))
            painter.fillRect(place, theme.color("surface", 205))
            empty_note(painter, place, Message("This head is off"))

    def _draw_names(self, painter: QPainter) -> None:
        """Numbers of the named queries, the chosen one first; those that would touch another are left out."""
        place, step, chosen = self.cell_rect((-1, -1)), self._cell[0] / self._block, self._at[0] if self._at else -1
        names = sorted({*self._named, *([chosen] if chosen >= 0 else [])}, key=lambda q: (q != chosen, q))
        rows: list[float] = []
        cols: list[tuple[float, float]] = []
        for query in names:
            if query >= len(self._values):
                continue
            on, text = query == chosen, str(query + 1)
            color = theme.color("accent" if on else "text")
            middle = (query + 0.5) * step
            if all(abs(middle - other) >= LINE - 2 for other in rows):
                rows.append(middle)
                line = QRectF(0, place.y() + middle - LINE / 2, place.x() - S1, LINE)
                write(painter, line, text, color, CAPTION, on, RIGHT)
            wide = text_width(text, CAPTION, on) + 3
            if all(abs(middle - at) >= (wide + other) / 2 for at, other in cols):
                cols.append((middle, wide))
                line = QRectF(place.x() + middle - wide, place.y() - LINE, 2 * wide, LINE - 1)
                write(painter, line, text, color, CAPTION, on, CENTER)

"""The query table.

Each object query stands there with its class, score, box, and a switch; only rows in sight are painted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import (
    QEvent,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
)

from app import export, theme, words
from app.theme import BODY, S2, SMALL
from app.views.base import text_width
from app.views.tablecells import BOX, CLASS, ON, QUERY, ROW_H, SCORE, TITLES, CellPainter, Model, Row


class QueryTable(QTableView):
    """Rows of object queries.

    Signals
    -------
    chosen : int or None
        The query of the selected row; the same again or Esc gives None.
    hovered : int or None
    switched : int, bool
        A query was switched on or off (its box in the first column, or Space).
    """

    chosen = Signal(object)
    hovered = Signal(object)
    switched = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__()
        self.settings: dict[str, object] = {}
        self.export_name = "queries"
        self._model = Model(self)
        self._hover: int | None = None
        self._at: int | None = None
        self._painter = CellPainter(self)
        self._widths = [40] * len(TITLES)
        self.setModel(self._model)
        self.setItemDelegate(self._painter)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setCornerButtonEnabled(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setMinimumSize(240, 120)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW_H)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(24)  # else columns come out wider than asked for
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSortIndicator(SCORE, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.restyled()

    # -- content
    def set_rows(self, rows: Sequence[Row], off: Sequence[int] = ()) -> None:
        """Show queries; ``off`` are those switched off. Selection and sorting stay."""
        if not np.isfinite([row.score for row in rows]).all():
            raise ValueError("a score is NaN or infinity")
        self._model.beginResetModel()
        self._model.rows, self._model.off = list(rows), frozenset(off)
        self._model.arrange()
        self._model.endResetModel()
        self._fit_columns()
        self._select()

    def set_at(self, query: int | None) -> None:
        """Select the row of a query without telling anybody."""
        self._at = query
        self._select()

    def at(self) -> int | None:
        """The selected query."""
        return self._at

    def set_hover(self, query: int | None) -> None:
        """Light up the row of a query that is pointed at elsewhere."""
        if query != self._hover:
            self._hover = self._painter.lit = query
            self.viewport().update()

    def hover(self) -> int | None:
        """The query that is pointed at."""
        return self._hover

    def numbers(self) -> dict[str, np.ndarray]:
        rows = self._model.rows
        return {
            "query": np.array([row.query + 1 for row in rows]),
            "class": np.array([words.drawn(row.name) for row in rows], dtype=np.str_),
            "score": np.array([row.score for row in rows]),
            "box_cx_cy_w_h": np.array([row.box for row in rows]).reshape(-1, 4),
            "on": np.array([row.query not in self._model.off for row in rows]),
        }

    def fit(self) -> None:
        """Back to the top, best score first."""
        self.sortByColumn(SCORE, Qt.SortOrder.DescendingOrder)
        self.scrollToTop()

    def _row_of(self, query: int | None) -> int:
        return next((i for i, row in enumerate(self._model.rows) if row.query == query), -1)

    def _select(self) -> None:
        row = self._row_of(self._at)
        if row < 0:
            self.clearSelection()
        else:
            self.selectRow(row)

    def _fit_columns(self) -> None:
        for column in range(len(TITLES)):
            head = text_width(words.drawn(TITLES[column]), SMALL) + (30 if column != ON else 14)
            self._widths[column] = round(max(head, self._cells_width(column)))
            self.setColumnWidth(column, self._widths[column])
        self._spread()

    def _cells_width(self, column: int) -> float:
        """Room for the widest text of a column; numbers are measured by their widest digit, once for all rows."""
        px, bold = SMALL if column == BOX else BODY, column == SCORE
        texts = {self._model.text(row, column) for row in self._model.rows}
        if column in (QUERY, SCORE, BOX):
            widest = max("0123456789", key=lambda digit: text_width(digit, px, bold))
            texts = {text.translate(dict.fromkeys(map(ord, "0123456789"), widest)) for text in texts}
        wide = max((text_width(text, px, bold) for text in texts), default=0.0)
        return wide + 2 * S2 + {CLASS: 18, SCORE: 62}.get(column, 0)

    def _spread(self) -> None:
        """Spare room goes to the score's bar; the box's numbers leave where they would be cut."""
        least = round(text_width("0.00", BODY, True) + 2 * S2 + 62)
        room = self.viewport().width() - sum(self._widths[c] for c in (ON, QUERY, CLASS))
        with_box = room - self._widths[BOX] >= least
        least = least if room >= least else least - 62  # the bar goes next
        self.setColumnHidden(BOX, not with_box)
        self.setColumnWidth(SCORE, max(least, room - (self._widths[BOX] if with_box else 0)))

    # -- Qt
    def restyled(self) -> None:
        """Theme or fonts changed."""
        self.horizontalHeader().setFont(theme.font(SMALL))
        self._fit_columns()
        self.viewport().update()

    def retranslated(self) -> None:
        """Language changed."""
        self._model.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(TITLES) - 1)
        self._fit_columns()
        self.viewport().update()

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt's stub wants QResizeEvent, which this is
        self._spread()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row = self.rowAt(int(event.position().y()))
        self._point(self._model.rows[row].query if row >= 0 else None)

    def leaveEvent(self, _event: QEvent) -> None:
        self._point(None)

    def point_nowhere(self) -> None:
        """Nothing is pointed at any more."""
        self._point(None)

    def _point(self, query: int | None) -> None:
        if query != self._hover:
            self.set_hover(query)
            self.hovered.emit(query)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        row = self.rowAt(at.y())
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        query = self._model.rows[row].query
        if self.columnAt(at.x()) == ON:
            self.switched.emit(query, query in self._model.off)
        else:
            self._choose(None if query == self._at else query)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Selection was made by the press."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, rows = Qt.Key(event.key()), self._model.rows
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}.get(key)
        now = self._row_of(self._at)
        if rows and (step is not None or key in (Qt.Key.Key_Home, Qt.Key.Key_End)):
            new = 0 if key == Qt.Key.Key_Home else len(rows) - 1 if key == Qt.Key.Key_End else now + (step or 0)
            self._choose(rows[min(len(rows) - 1, max(0, new))].query)
        elif key == Qt.Key.Key_Escape and self._at is not None:
            self._choose(None)
        elif key == Qt.Key.Key_Space and self._at is not None:
            self.switched.emit(self._at, self._at in self._model.off)
        else:
            super().keyPressEvent(event)

    def _choose(self, query: int | None) -> None:
        self.set_at(query)
        row = self._row_of(query)
        if row >= 0:
            self.scrollTo(self._model.index(row, 0))
        self.chosen.emit(query)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        export.open_menu(self, event.globalPos())


__all__ = ["QueryTable", "Row"]

"""The query table: each object query with its class, score, box, and a switch; sortable, selectable, only rows in
sight are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app import export, theme, words
from app.theme import BODY, S2, SMALL
from app.views.base import LEFT, MIDDLE, RIGHT, pen, text_width
from app.words import Text
from engines.core.errors import Message

Index = QModelIndex | QPersistentModelIndex
ROW_H = 28
ON, QUERY, CLASS, SCORE, BOX = range(5)
TITLES = (Message("on"), Message("Query"), Message("Class"), Message("Score"), Message("Box (x, y, w, h)"))


@dataclass(frozen=True)
class Row:
    """One object query.

    Attributes
    ----------
    query : int
        From 0; shown from 1.
    name : str or Message
        Best class.
    score : float
        0..1.
    box : tuple of float
        (cx, cy, w, h) as shares of the photo.
    token : str
        Color of the class.
    shown : bool
        Passes the threshold and the decode rule; the others are written in the second text color.
    ghost : float, optional
        The untouched model's score.
    """

    query: int
    name: Text
    score: float
    box: tuple[float, float, float, float]
    token: str = "accent"
    shown: bool = True
    ghost: float | None = None


class _Model(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.off: frozenset[int] = frozenset()
        self.by, self.down = SCORE, True

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return words.drawn(TITLES[section])
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return (RIGHT if section == QUERY else LEFT) | MIDDLE
        return None

    def text(self, row: Row, column: int) -> str:
        """What a cell says."""
        match column:
            case 0:
                return words.tr("off") if row.query in self.off else words.tr("on")
            case 1:
                return str(row.query + 1)
            case 2:
                return words.drawn(row.name)
            case 3:
                return f"{row.score:.2f}"
            case _:
                return "  ".join(f"{v:.2f}" for v in row.box)

    def data(self, index: Index, role: int = 0) -> Any:
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(row, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.text(row, BOX)
        if role == Qt.ItemDataRole.CheckStateRole and index.column() == ON:
            return Qt.CheckState.Unchecked if row.query in self.off else Qt.CheckState.Checked
        return None

    def order(self, row: Row) -> Any:
        """What rows are sorted by; ties by query."""
        return {ON: row.query in self.off, CLASS: words.drawn(row.name), SCORE: row.score, BOX: row.box}.get(
            self.by, row.query
        )

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self.by, self.down = column, order == Qt.SortOrder.DescendingOrder
        self.arrange()
        self.layoutChanged.emit()

    def arrange(self) -> None:
        """Sort in place, equal rows by query."""
        self.rows.sort(key=lambda row: row.query)
        self.rows.sort(key=self.order, reverse=self.down)


class _Painter(QStyledItemDelegate):
    """Paints every cell, so that they look the same on every platform."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model: _Model = index.model()  # type: ignore[assignment]  # the table has no other
        row, column = model.rows[index.row()], index.column()
        wide = text_width(model.text(row, column), SMALL if column == BOX else BODY, column == SCORE)
        extra = {ON: 0, CLASS: 18, SCORE: 52}.get(column, 0)
        return QSize(40 if column == ON else round(wide + extra + 2 * S2), ROW_H)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model: _Model = index.model()  # type: ignore[assignment]  # as above
        row, column = model.rows[index.row()], index.column()
        place = QRectF(option.rect)
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        view = self.parent()
        lit = isinstance(view, QueryTable) and view.hover() == row.query
        painter.fillRect(place, theme.color("accent_soft" if selected else "sunken" if lit else "surface"))
        off = row.query in model.off
        ink = theme.color("accent" if selected else "text" if row.shown and not off else "text2")
        inner = place.adjusted(S2, 0, -S2, 0)
        if column == ON:
            self._check(painter, place, not off)
        else:
            painter.setPen(ink)
            painter.setFont(
                theme.font(SMALL if column == BOX else BODY, column == SCORE, strike=off and column == QUERY)
            )
            if column == CLASS:
                painter.fillRect(QRectF(inner.x(), place.center().y() - 5, 10, 10), theme.color(row.token))
                inner.adjust(18, 0, 0, 0)
            if column == SCORE:
                self._bar(painter, inner, row)
            align = RIGHT if column in (QUERY, SCORE) else LEFT
            flags = int(align | MIDDLE) | int(Qt.TextFlag.TextDontClip)
            painter.setPen(ink)
            painter.drawText(inner, flags, model.text(row, column))
        painter.setPen(pen(theme.color("border")))
        painter.drawLine(place.bottomLeft() - QPointF(0, 1), place.bottomRight() - QPointF(0, 1))
        painter.restore()

    @staticmethod
    def _bar(painter: QPainter, inner: QRectF, row: Row) -> None:
        number = text_width("0.00", BODY, True) + S2
        track = QRectF(inner.x(), inner.center().y() - 5, max(8.0, inner.width() - number), 10)
        painter.fillRect(track, theme.color("sunken"))
        wide = max(1.0, round(track.width() * min(1.0, row.score)))
        painter.fillRect(QRectF(track.x(), track.y(), wide, 10), theme.color("accent" if row.shown else "control"))
        if row.ghost is not None:
            painter.setPen(pen(theme.color("text"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ghost = max(1.0, round(track.width() * min(1.0, row.ghost)))
            painter.drawRect(QRectF(track.x() + 0.5, track.y() - 1.5, ghost, 13))

    @staticmethod
    def _check(painter: QPainter, place: QRectF, on: bool) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(place.center().x() - 7, place.center().y() - 7, 14, 14)
        painter.setPen(pen(theme.color("accent" if on else "control"), 1, square=False))
        painter.setBrush(theme.color("accent" if on else "sunken"))
        painter.drawRoundedRect(box, 3, 3)
        if on:
            painter.setPen(pen(theme.color("on_accent"), 2, square=False))
            x, y = box.x(), box.y()
            painter.drawPolyline([QPointF(x + 3.5, y + 7.5), QPointF(x + 6, y + 10), QPointF(x + 10.5, y + 4.5)])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


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
        self._model = _Model()
        self._hover: int | None = None
        self._at: int | None = None
        self._painter = _Painter(self)
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
            self._hover = query
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
            cells = max((self._cell_width(row, column) for row in self._model.rows), default=0)
            self._widths[column] = round(max(head, cells))
            self.setColumnWidth(column, self._widths[column])
        self._spread()

    def _cell_width(self, row: Row, column: int) -> float:
        wide = text_width(self._model.text(row, column), SMALL if column == BOX else BODY, column == SCORE)
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

"""Rows of the query table: what they hold, how they are sorted, how their cells are painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app import theme, words
from app.theme import BODY, S2, SMALL
from app.views.base import LEFT, MIDDLE, RIGHT, pen, text_flags, text_width
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


class Model(QAbstractTableModel):
    """Rows of queries, kept sorted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
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


class CellPainter(QStyledItemDelegate):
    """Paints every cell, so that they look the same on every platform."""

    lit: int | None = None  # query that is pointed at

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model: Model = index.model()  # type: ignore[assignment]  # the table has no other
        row, column = model.rows[index.row()], index.column()
        wide = text_width(model.text(row, column), SMALL if column == BOX else BODY, column == SCORE)
        extra = {ON: 0, CLASS: 18, SCORE: 52}.get(column, 0)
        return QSize(40 if column == ON else round(wide + extra + 2 * S2), ROW_H)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model: Model = index.model()  # type: ignore[assignment]  # as above
        row, column = model.rows[index.row()], index.column()
        place = QRectF(option.rect)
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        lit = self.lit == row.query
        painter.fillRect(place, theme.color("accent_soft" if selected else "sunken" if lit else "surface"))
        off = row.query in model.off
        ink = theme.color("accent" if selected else "text" if row.shown and not off else "text2")
        inner = place.adjusted(S2, 0, -S2, 0)
        if column == ON:
            self._check(painter, place, not off)
        else:
            painter.setFont(
                theme.font(SMALL if column == BOX else BODY, column == SCORE, strike=off and column == QUERY)
            )
            if column == CLASS:
                painter.fillRect(QRectF(inner.x(), place.center().y() - 5, 10, 10), theme.color(row.token))
                inner.adjust(18, 0, 0, 0)
            if column == SCORE:
                self._bar(painter, inner, row)
            align = RIGHT if column in (QUERY, SCORE) else LEFT
            painter.setPen(ink)
            painter.drawText(inner, text_flags(align), model.text(row, column))
        painter.fillRect(QRectF(place.x(), place.bottom() - 1, place.width(), 1), theme.color("border"))
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

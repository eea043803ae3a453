"""Cards beside each other that have too little width for it go below each other, so that a page scrolls down alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from PySide6.QtWidgets import QBoxLayout, QGridLayout, QLayout, QLayoutItem, QWidget

from app.cards import Card

BESIDE, BELOW = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
SHARE = 0.6  #: of the height in sight: what a line of cards has at least
Part: TypeAlias = QWidget | QLayout
Place: TypeAlias = tuple[int, int, int, int]  #: in a grid: row, column, and how many of each


@dataclass(eq=False)
class FoldedRow:
    """A row whose parts stand below each other now.

    The row alone turns: no layout is made, taken out or deleted, since Python and Qt would both own it for a while.
    """

    row: QBoxLayout
    parts: list[Part]
    heights: list[tuple[QWidget, int]] = field(default_factory=list)  # least ones, as they were

    def fold(self, _width: int, least: int) -> None:
        """Put the parts below each other, those with cards at least so high."""
        self.row.setDirection(BELOW)
        for part in self.parts:
            for card in (cards := list(_cards(part))):
                self.heights.append((card, card.minimumHeight()))
                card.setMinimumHeight(max(card.minimumHeight(), least // len(cards)))

    def unfold(self) -> None:
        """All parts are beside each other again."""
        self.row.setDirection(BESIDE)
        for card, high in self.heights:
            card.setMinimumHeight(high)
        self.heights = []


@dataclass(eq=False)
class FoldedGrid:
    """A grid whose widgets stand in lines of one or two now; their places and the shares of rows and columns before."""

    grid: QGridLayout
    parts: list[tuple[QWidget, Place]]
    rows: list[int]
    columns: list[int]

    def fold(self, width: int, least: int) -> None:
        """As `FoldedRow.fold`."""
        for column in range(2, len(self.columns)):
            self.grid.setColumnStretch(column, 0)
        lines = _lines([part for part, _ in self.parts], width, self.grid.horizontalSpacing(), 2)
        for at, line in enumerate(lines):
            for column, part in enumerate(line):
                assert isinstance(part, QWidget)
                self.grid.addWidget(part, at, column, 1, 2 if len(line) == 1 else 1)
            self.grid.setRowStretch(at, 1)
            self.grid.setRowMinimumHeight(at, least)

    def unfold(self) -> None:
        """All widgets are in their places again."""
        for row in range(max(len(self.rows), len(self.parts))):
            self.grid.setRowMinimumHeight(row, 0)
            self.grid.setRowStretch(row, self.rows[row] if row < len(self.rows) else 0)
        for column, share in enumerate(self.columns):
            self.grid.setColumnStretch(column, share)
        for part, place in self.parts:
            self.grid.addWidget(part, *place)


class Folds:
    """Folds rows of cards within a layout, the outer ones first, and unfolds them.

    Parameters
    ----------
    inside : QLayout
        Of all the cards.
    """

    def __init__(self, inside: QLayout) -> None:
        self._inside = inside
        self._folded: list[FoldedRow | FoldedGrid] = []

    def __bool__(self) -> bool:
        return bool(self._folded)

    def fold(self, width: int, height: int) -> None:
        """Fold what is wider than it may be. ``width`` is that of the layout, ``height`` that in sight; px."""
        for one, room in list(_wide(self._inside, width)):
            one.fold(room, round(SHARE * height))
            self._folded.append(one)
        self._inside.activate()

    def unfold(self) -> None:
        """All is in its place again."""
        while self._folded:
            self._folded.pop().unfold()
        self._inside.activate()


def _wide(layout: QLayout, width: int) -> Iterator[tuple[FoldedRow | FoldedGrid, int]]:
    """What needs more than its width and can be folded, and that width: the outermost, then those within."""
    margins = layout.contentsMargins()
    width -= margins.left() + margins.right()
    items = [item for i in range(layout.count()) if (item := layout.itemAt(i)) is not None]
    parts = [part for item in items if (part := _part(item)) is not None]
    cards = sum(map(_holds_card, parts))
    if isinstance(layout, QBoxLayout) and layout.direction() == BESIDE:
        if cards < 2 or len(parts) < len(items) or layout.minimumSize().width() <= width:
            return
        yield FoldedRow(layout, parts), width
    elif isinstance(layout, QGridLayout) and cards > 1:
        if layout.minimumSize().width() <= width:
            return
        places = [cast(Place, layout.getItemPosition(i)) for i in range(layout.count())]
        placed = [(part, place) for part, place in zip(parts, places, strict=True) if isinstance(part, QWidget)]
        placed.sort(key=lambda one: one[1])
        rows = [layout.rowStretch(i) for i in range(layout.rowCount())]
        columns = [layout.columnStretch(i) for i in range(layout.columnCount())]
        yield FoldedGrid(layout, placed, rows, columns), width
    for part in parts:
        inner = part if isinstance(part, QLayout) else part.layout()
        if inner is not None and not isinstance(part, Card):
            yield from _wide(inner, width)


def _lines(parts: Sequence[QWidget], width: int, gap: int, most: int = 99) -> list[list[QWidget]]:
    """As many beside each other as have room; what is hidden takes none."""
    lines: list[list[QWidget]] = []
    used = width + 1
    for part in parts:
        need = 0 if part.isHidden() else _least(part) + gap
        if used + need > width + gap or len(lines[-1]) == most:
            lines.append([])
            used = 0
        lines[-1].append(part)
        used += need
    return lines


def _least(part: QWidget) -> int:
    return part.minimumSizeHint().expandedTo(part.minimumSize()).width()


def _part(item: QLayoutItem) -> Part | None:
    return item.widget() or item.layout()


def _holds_card(part: Part) -> bool:
    if isinstance(part, QLayout):
        items = [item for i in range(part.count()) if (item := part.itemAt(i)) is not None]
        return any(_holds_card(one) for item in items if (one := _part(item)) is not None)
    return isinstance(part, Card) or part.findChild(Card) is not None


def _cards(part: Part) -> Iterator[QWidget]:
    """The cards of a part; a widget with cards in it counts as one."""
    if isinstance(part, QWidget):
        if _holds_card(part):
            yield part
        return
    for i in range(part.count()):
        item = part.itemAt(i)
        if item is not None and (inner := _part(item)) is not None:
            yield from _cards(inner)

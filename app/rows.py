"""Cards in rows; those at the end of a row that has no room for them go below, so that nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.squeezed import least_height
from app.theme import BROKEN, S3

Row: TypeAlias = Sequence[tuple[QWidget, int]]  #: cards, and which share of the width each has


@dataclass
class Line:
    """Cards that stand beside each other, with their shares and what they need and get of the width, in px.

    Attributes
    ----------
    share : int
        Of the height that is left.
    least, high : int
        The height that it may have, and that it needs, in px.
    """

    share: int
    cards: list[QWidget] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    needs: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    least: int = 0
    high: int = 0

    @property
    def gaps(self) -> int:
        """Between its cards, in px."""
        return S3 * (len(self.cards) - 1)


def need_of(one: QWidget) -> QSize:
    """The least size of a card."""
    return one.minimumSizeHint().expandedTo(one.minimumSize())


def shared(room: int, shares: Sequence[int], needs: Sequence[int]) -> list[int]:
    """Parts of a length by their shares, each at least as long as it needs; as Qt's own rows do it.

    Parameters
    ----------
    room : int
        All the length, in px, without gaps.
    shares : sequence of int
        Where all are 0, all are alike.
    needs : sequence of int
        In px. Where there is less room than all of them, each gets what it needs.
    """
    shares = shares if any(shares) else [1] * len(shares)
    fixed: dict[int, int] = {at: need for at, need in enumerate(needs) if not shares[at]}
    while True:
        left = room - sum(fixed.values())
        free = [at for at in range(len(needs)) if at not in fixed]
        whole = sum(shares[at] for at in free)
        short = {at: needs[at] for at in free if needs[at] * whole > left * shares[at]}
        if not short:
            break
        fixed |= short
    ends, past = dict[int, int](), 0
    for at in free:
        past += shares[at]
        ends[at] = (2 * left * past + whole) // (2 * whole)  # to the nearest px
    sizes, last = [], 0
    for at in range(len(needs)):
        if at in fixed:
            sizes.append(fixed[at])
        else:
            sizes.append(ends[at] - last)
            last = ends[at]
    return sizes


class Rows(QWidget):
    """Rows of cards, which it places itself: in a layout they would have to move from one line to another.

    Parameters
    ----------
    rows : sequence of Row
    shares : sequence of int
        Of the height that is left, one for each row; one without gets what it would like.
    aligned : bool
        Rows of as many cards have the same columns, as in a grid.
    """

    def __init__(self, rows: Sequence[Row], shares: Sequence[int], aligned: bool = False) -> None:
        super().__init__()
        self._aligned = aligned
        self._rows: tuple[tuple[Row, int], ...] = ()
        self.arrange(rows, shares)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def arrange(self, rows: Sequence[Row], shares: Sequence[int]) -> None:
        """Put the cards into other rows."""
        self._rows = tuple(zip([tuple(row) for row in rows], shares, strict=True))
        for one, _ in (pair for row in rows for pair in row):
            if one.parentWidget() is not self:
                one.setParent(self)
        self.updateGeometry()
        self._place()

    @property
    def rows(self) -> int:
        """How many there are where there is room."""
        return len(self._rows)

    @property
    def lines(self) -> list[list[QWidget]]:
        """The cards as they stand now, line by line."""
        return [list(line.cards) for line in self._split(self.width())]

    def _split(self, width: int) -> list[Line]:
        """Lines that fit into a width, with what each needs."""
        lines: list[Line] = []
        for row, share in self._rows:
            line, used, before = Line(share), 0, len(lines)
            for one, part in row:
                if one.isHidden():
                    continue
                need = need_of(one).width()
                if line.cards and used + S3 + need > width:
                    lines.append(line)
                    line, used = Line(share), 0
                used += need + (S3 if line.cards else 0)
                line.cards.append(one)
                line.shares.append(part)
                line.needs.append(need)
            if line.cards:
                lines.append(line)
            if len(lines) > before + 1:
                for line in lines[before:]:
                    line.least = BROKEN
        if self._aligned:
            _align(lines, width)
        for line in lines:
            line.widths = shared(width - line.gaps, line.shares, line.needs)
            line.high = max(line.least, *(_height_of(*each) for each in zip(line.cards, line.widths, strict=True)))
        return lines

    def _place(self) -> None:
        lines = self._split(self.width())
        room = self.height() - S3 * (len(lines) - 1)
        needs = [line.high for line in lines]
        for at, line in enumerate(lines):  # what has no share gets what it would like, as far as there is room
            if not line.share:
                liked = max(_liked(*each) for each in zip(line.cards, line.widths, strict=True))
                needs[at] += max(0, min(liked - needs[at], room - sum(needs)))
        top = 0
        for line, high in zip(lines, shared(room, [line.share for line in lines], needs), strict=True):
            left = 0
            for one, wide in zip(line.cards, line.widths, strict=True):
                one.setGeometry(QRect(left, top, wide, high))
                left += wide + S3
            top += high + S3

    def minimumSizeHint(self) -> QSize:
        """As wide as the widest card; as high as the lines are where all cards stand beside each other."""
        shown = [[need_of(one) for one, _ in row if not one.isHidden()] for row, _ in self._rows]
        highs = [max(need.height() for need in row) for row in shown if row]
        widest = max((need.width() for row in shown for need in row), default=0)
        return QSize(widest, sum(highs) + S3 * max(0, len(highs) - 1))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        lines = self._split(width)
        return sum(line.high for line in lines) + S3 * max(0, len(lines) - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def event(self, event: QEvent) -> bool:
        """A card may need more than before, in another language say."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._place()
        return super().event(event)


def _align(lines: Sequence[Line], width: int) -> None:
    """Lines of as many cards get the same columns, where there is room."""
    for count in {len(line.cards) for line in lines}:
        alike = [line for line in lines if len(line.cards) == count]
        columns = [max(column) for column in zip(*(line.needs for line in alike), strict=True)]
        if sum(columns) + alike[0].gaps <= width:
            for line in alike:
                line.needs = columns


def _liked(card: QWidget, width: int) -> int:
    """The height that a card would like in a width."""
    return card.heightForWidth(width) if card.hasHeightForWidth() else card.sizeHint().height()


def _height_of(card: QWidget, width: int) -> int:
    """The least height of a card in a width: its words may wrap."""
    inside, need = card.layout(), need_of(card).height()
    if inside is None:
        return max(need, card.heightForWidth(width))
    return max(need, least_height(inside, width)) if inside.hasHeightForWidth() else need

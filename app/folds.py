"""Cards beside each other that have too little width for it go below each other, so that a page scrolls down alone.

A row turns (`QBoxLayout.setDirection`), and nothing else: what moves an item from one layout to another, or takes one
out, leaves Python with a name for what Qt has deleted, and some hundred resizes later the process dies of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from PySide6.QtWidgets import QBoxLayout, QLayout, QSizePolicy, QStackedLayout, QWidget
from shiboken6 import isValid

from app.cards import Card
from app.rows import Rows

BESIDE, BELOW = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
ABOVE = QBoxLayout.Direction.BottomToTop
SLACK = 32  #: px that a turned row must have to spare to turn back while its width stays: a number got shorter, no more
Part: TypeAlias = QWidget | QLayout


def least_width(one: QWidget) -> int:
    """What Qt gives a widget in a layout at least, in px."""
    shrinks = one.sizePolicy().horizontalPolicy().value & QSizePolicy.PolicyFlag.ShrinkFlag.value
    need = one.minimumSizeHint().width() if shrinks else max(one.sizeHint().width(), one.minimumSizeHint().width())
    return min(max(need, one.minimumWidth()), one.maximumWidth())


@dataclass(eq=False)
class Node:
    """A layout with cards in it, or something without any."""

    part: Part
    layout: QLayout | None = None
    within: list[Node] = field(default_factory=list)
    cards: int = 0
    folded: bool = False

    @property
    def is_list(self) -> bool:
        """Whether it is a card of one width, which stays at the side as long as the others can fold beside it."""
        return (
            self.layout is None
            and isinstance(self.part, QWidget)
            and self.part.minimumWidth() == self.part.maximumWidth()
        )

    @property
    def is_row(self) -> bool:
        """Whether its parts stand beside each other where there is room."""
        return isinstance(self.layout, QBoxLayout) and (self.folded or self.layout.direction() == BESIDE)

    @property
    def below(self) -> QBoxLayout.Direction:
        """The order in which its parts fold: a list goes below what is chosen in it, which is what one looks at."""
        first = next((one for one in self.within if self.layout is not None and self.at(one) == 0), None)
        return ABOVE if first is not None and first.is_list else BELOW

    def at(self, one: Node) -> int:
        """The place of a part in its layout."""
        assert self.layout is not None
        return self.layout.indexOf(one.part)

    @property
    def shown(self) -> list[Node]:
        """The parts that take room; a stack has that of all."""
        alive = [one for one in self.within if isValid(one.part)]
        if isinstance(self.layout, QStackedLayout):
            return alive
        return [one for one in alive if not (isinstance(one.part, QWidget) and one.part.isHidden())]

    def around(self) -> int:
        """Width of its margins, in px."""
        if self.layout is None:
            return 0
        margins = self.layout.contentsMargins()
        return margins.left() + margins.right()

    def need(self) -> int:
        """Least width with nothing folded, in px."""
        if self.layout is None:
            return least_width(self.part) if isinstance(self.part, QWidget) else self.part.minimumSize().width()
        needs = [one.need() for one in self.shown]
        if not self.is_row:
            return self.around() + max(needs, default=0)
        return self.around() + sum(needs) + max(0, len(needs) - 1) * self.layout.spacing()

    def folded_need(self) -> int:
        """Least width with all rows folded, in px."""
        if self.layout is None:
            return self.need()
        needs = [one.folded_need() for one in self.shown]
        beside = self.is_row and self.cards < 2
        gaps = max(0, len(needs) - 1) * self.layout.spacing()
        return self.around() + (sum(needs) + gaps if beside else max(needs, default=0))

    def lines(self) -> int:
        """How many cards stand below each other."""
        if self.layout is None:
            return len(self.part.lines) if isinstance(self.part, Rows) else self.cards
        counts = [one.lines() for one in self.shown]
        below = self.folded or not (self.is_row or isinstance(self.layout, QStackedLayout))
        return sum(counts) if below else max(counts, default=0)

    def rows(self) -> Iterator[Node]:
        """It and what is within it, the outer ones first, as far as it can turn."""
        if self.is_row and self.cards > 1:
            yield self
        for one in self.within:
            yield from one.rows()


class Folds:
    """Turns the rows of a page's cards: the outer ones first, and those within only where that is not enough.

    Which ones turn follows from the width and from what the cards need, never from a bar that comes or goes.

    Parameters
    ----------
    centre : QWidget
        All the cards, in rows and columns that stay.
    """

    def __init__(self, centre: QWidget) -> None:
        self._root = _read(centre)
        self._rows = list(self._root.rows())
        self._width = 0

    def __bool__(self) -> bool:
        return any(one.folded for one in self._rows)

    @property
    def lines(self) -> int:
        """How many cards stand below each other in the highest column."""
        return self._root.lines()

    def fit(self, width: int, bar: int) -> bool:
        """Fold what is wider than it may be; whether anything has turned.

        Parameters
        ----------
        width, bar : int
            In px; the bar at the right takes some of the width where cards are folded, since they are high then.
        """
        slack = 0 if width != self._width else SLACK
        self._width = width
        wanted = set[Node]()
        self._plan(self._root, width, slack, wanted)
        if wanted and bar:
            wanted.clear()
            self._plan(self._root, width - bar, slack, wanted)
        changed = [one for one in self._rows if one.folded != (one in wanted) and isValid(one.layout)]
        for one in changed:
            one.folded = not one.folded
            assert isinstance(one.layout, QBoxLayout)
            one.layout.setDirection(one.below if one.folded else BESIDE)
        if changed:
            self._tell(self._root)
        return bool(changed)

    def forget(self) -> None:
        """Another language or font: what it came from says nothing any more."""
        self._width = 0

    def _plan(self, node: Node, width: int, slack: int, wanted: set[Node]) -> None:
        """Which rows within a node fold at its width."""
        if node.need() <= width - (slack if any(one.folded for one in node.rows()) else 0):
            return
        parts = node.shown
        width -= node.around()
        if node.is_row:
            assert node.layout is not None
            others = sum(one.need() for one in parts if one.is_list or not one.cards)
            left = width - others - node.layout.spacing() * max(0, len(parts) - 1)
            folding = [one for one in parts if one.cards and not one.is_list]
            if node.cards < 2 or (len(folding) == 1 and folding[0].folded_need() <= left):
                width = left
            else:
                wanted.add(node)
        for one in parts:
            if one.layout is not None:
                self._plan(one, width, slack, wanted)

    def _tell(self, node: Node) -> None:
        """The parts first: each tells what it is in how much it needs now, at once and not with the next events."""
        for one in node.within:
            self._tell(one)
        if node.layout is not None and isinstance(node.part, QWidget) and isValid(node.layout):
            node.layout.activate()


def _read(part: Part) -> Node:
    """The rows and columns of a part, as far as they hold cards.

    A layout is not asked for its items: Python would go on to know them when Qt has deleted them.
    """
    if isinstance(part, Card):
        return Node(part, cards=1)
    if isinstance(part, QWidget):
        layout = part.layout()
        if not isinstance(layout, QBoxLayout | QStackedLayout) or not part.findChildren(Card):
            return Node(part, cards=min(1, len(part.findChildren(Card))))
        return _within(part, layout, part)
    owner = part.parentWidget()
    assert owner is not None
    if not isinstance(part, QBoxLayout | QStackedLayout):
        return Node(part, cards=min(1, sum(part.indexOf(one) >= 0 for one in owner.findChildren(Card))))
    return _within(part, part, owner)


def _within(part: Part, layout: QLayout, owner: QWidget) -> Node:
    parts: list[Part] = [one for one in owner.children() if isinstance(one, QWidget) and layout.indexOf(one) >= 0]
    parts += [one for one in layout.children() if isinstance(one, QLayout)]
    made = Node(part, layout, [_read(one) for one in parts])
    made.cards = sum(one.cards > 0 for one in made.within)
    return made

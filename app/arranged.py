"""A page whose cards are placed by a rule of its own: the picture takes the room that its shape can use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtWidgets import QWidget

from app.cards import UNBOUND
from app.rows import need_of
from app.theme import S3

START, STEPS, HELPLESS = (480, 320), 60, 5  # of the search for the least size: px, times, times in vain
Rule = Callable[[int, int], Sequence[QRect]]


class Arranged(QWidget):
    """Cards in places that follow from width and height.

    Parameters
    ----------
    cards : sequence of QWidget
    rule : callable
        Width and height to one place per card.
    """

    def __init__(self, cards: Sequence[QWidget], rule: Rule) -> None:
        super().__init__()
        self._cards, self._rule = tuple(cards), rule
        self._needs: list[QSize] = []
        self._least = QSize(*START)
        for one in self._cards:
            one.setParent(self)

    def arrange(self) -> None:
        """Place the cards anew, such as for a picture of another shape."""
        for one, place in zip(self._cards, self._rule(self.width(), self.height()), strict=True):
            one.setGeometry(place)

    def resizeEvent(self, _event: QEvent) -> None:
        self.arrange()

    def minimumSizeHint(self) -> QSize:
        """The least size whose places hold their cards."""
        needs = [need_of(one) for one in self._cards]
        if needs != self._needs:
            self._needs, self._least = needs, self._search(needs)
        return self._least

    def _search(self, needs: list[QSize]) -> QSize:
        """Grown by what is lacking, as long as that gets less by it: some places are of one size in all pages."""
        size, least, tries = list(START), [UNBOUND, UNBOUND], [0, 0]
        for _ in range(STEPS):
            places = self._rule(*size)
            lacks = [(n.width() - p.width(), n.height() - p.height()) for n, p in zip(needs, places, strict=True)]
            more = [max(0, *side) for side in zip(*lacks, strict=True)]
            for side in range(2):
                tries[side] = tries[side] + 1 if more[side] >= least[side] else 0
                least[side] = min(least[side], more[side])
                size[side] += more[side] if tries[side] < HELPLESS else 0
            if not any(lack for lack, count in zip(more, tries, strict=True) if count < HELPLESS):
                break
        return QSize(*size)

    def event(self, event: QEvent) -> bool:
        """A card needs more or less than before."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().event(event)


class Folding(Arranged):
    """As `Arranged` where that has the width for it; in less, two cards beside each other or one, as high as needed."""

    def __init__(self, cards: Sequence[QWidget], rule: Rule) -> None:
        self._wide = rule
        super().__init__(cards, self._places)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def _lines(self, width: int) -> list[list[QSize]]:
        """Sizes of the cards two and two, as wide as each other where that can be, as high as they need."""
        needs = [need_of(one) for one in self._cards]
        lines, at = [], 0
        while at < len(needs):
            line = needs[at : at + 2]
            if sum(need.width() for need in line) + S3 * (len(line) - 1) > width:
                line = line[:1]
            room = width - S3 * (len(line) - 1)
            if max(need.width() for need in line) * len(line) <= room:
                wide = [room // len(line)] * len(line)
            else:
                more = (room - sum(need.width() for need in line)) // len(line)
                wide = [need.width() + max(0, more) for need in line]
            cards = self._cards[at : at + len(line)]
            high = max(_height_of(*each) for each in zip(cards, line, wide, strict=True))
            lines.append([QSize(one, high) for one in wide])
            at += len(line)
        return lines

    def _whole(self) -> QSize:
        """The least size with all cards in their places."""
        rule, self._rule = self._rule, self._wide
        least = super().minimumSizeHint()
        self._rule = rule
        return least

    def _places(self, width: int, height: int) -> Sequence[QRect]:
        if width >= self._whole().width():
            return self._wide(width, height)
        lines, places, top = self._lines(width), list[QRect](), 0
        spare = max(0, height - self._folded(width)) // len(lines)
        for line in lines:
            left, high = 0, line[0].height() + spare
            for size in line:
                places.append(QRect(left, top, size.width(), high))
                left += size.width() + S3
            top += high + S3
        return places

    def _folded(self, width: int) -> int:
        """The least height of cards two and two."""
        lines = self._lines(width)
        return sum(line[0].height() for line in lines) + S3 * (len(lines) - 1)

    def minimumSizeHint(self) -> QSize:
        """The width of the widest card; how high that is depends on the width."""
        whole = self._whole()
        least = max(line[0].width() for line in self._lines(0))
        return QSize(min(least, whole.width()), min(self._folded(least), whole.height()))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        whole = self._whole()
        return whole.height() if width >= whole.width() else self._folded(width)


def _height_of(card: QWidget, need: QSize, width: int) -> int:
    """The least height of a card in a width: its words may wrap."""
    inside = card.layout()
    wrapped = 0 if inside is None or not inside.hasHeightForWidth() else inside.totalMinimumHeightForWidth(width)
    return max(need.height(), wrapped)

"""A page whose cards are placed by a rule of its own: the picture takes the room that its shape can use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtWidgets import QWidget

from app.cards import UNBOUND
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
        needs = [one.minimumSizeHint().expandedTo(one.minimumSize()) for one in self._cards]
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


def detect_places(width: int, height: int, aspect: float, shape: tuple[int, int, int, int, int]) -> list[QRect]:
    """Places of photo, table, film, maps, matrix on the Detect page.

    ``aspect`` is the photo's width by height, ``shape`` counts layers, heads, rows and columns of a feature map,
    and queries.
    """
    around_photo, around_map = (2 * S3, 94), 58  # px of a card beside what it shows
    low = max(276, round(0.345 * height))
    high = height - S3 - low
    least_table = max(400, round(0.30 * width))
    wide = round((high - around_photo[1]) * aspect) + around_photo[0]
    wide = min(width - S3 - least_table, max(418, wide))
    spare = high - around_photo[1] - round((wide - around_photo[0]) / aspect)
    if spare > 0:  # a wide photo: the row below takes what it leaves
        high -= min(spare, max(0, high - 330), round(0.12 * height))
        low = height - S3 - high
    layers, heads, rows, cols, queries = shape
    room = low - around_map
    matrix = max(264, (room - 16) // queries * queries + 2 * S3 + 34)
    step = max(1, int(((room - 20) / max(1, layers) - 2) / max(1, rows)))
    mosaic = max(heads * (step * cols + 4) + 24 + 2 * S3 + 8, 334)
    mosaic = min(mosaic, width - matrix - 2 * S3 - 240)
    film = width - matrix - mosaic - 2 * S3
    below = high + S3
    return [
        QRect(0, 0, wide, high),
        QRect(wide + S3, 0, width - wide - S3, high),
        QRect(0, below, film, low),
        QRect(film + S3, below, mosaic, low),
        QRect(film + mosaic + 2 * S3, below, matrix, low),
    ]


def scene_places(width: int, height: int) -> list[QRect]:
    """Places of palette, canvas, detections, film on the scene editor's page."""
    palette, least_list, around = 92, 256, (2 * S3, 176)
    side = min(height - around[1], width - palette - least_list - 2 * S3 - around[0])
    canvas = side + around[0]
    left = palette + S3
    right = left + canvas + S3
    upper = round(0.54 * (height - S3))
    return [
        QRect(0, 0, palette, height),
        QRect(left, 0, canvas, height),
        QRect(right, 0, width - right, upper),
        QRect(right, upper + S3, width - right, height - upper - S3),
    ]

"""What the dotted curves of a plot are: said in that corner of it which the curves reach least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg

from app.plots.items import Caption
from app.words import Text

WIDE, HIGH = 0.45, 0.3  #: shares of the plot that such a corner takes
CORNERS = ((1, 1), (1, 0), (0, 1), (0, 0))  #: right or left, top or bottom, in the order of preference


def emptiest(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[int, int]:
    """The corner of the unit square that curves with these points (n,) reach least."""

    def reached(corner: tuple[int, int]) -> float:
        right, top = corner
        found = 0.0
        for x, y in curves:
            inside = (x > 1 - WIDE if right else x < WIDE) & (y > 1 - HIGH if top else y < HIGH)
            found += float(inside.mean()) if len(x) else 0.0
        return found

    return min(CORNERS, key=reached)


class PastNote(Caption):
    """A quiet line of text; hidden where there is nothing to say."""

    def __init__(self) -> None:
        super().__init__(fill=200)
        self._said: Text = ""
        self._curves: Sequence[tuple[np.ndarray, np.ndarray]] = ()
        self.hide()

    def stand_in(self, box: pg.ViewBox) -> None:
        """Stand in the plot of a box, to which it has been added."""
        box.sigRangeChanged.connect(self._stand)
        box.sigResized.connect(self._stand)

    @property
    def said(self) -> Text:
        """What it says."""
        return self._said

    def tell(self, said: Text, curves: Sequence[tuple[np.ndarray, np.ndarray]] = ()) -> None:
        """Say it beside these curves, x and y (n,) as they stand on the axes; nothing for an empty text."""
        self._said, self._curves = said, tuple(curves)
        self.setVisible(bool(said))
        self.renew()

    def renew(self) -> None:
        """Theme or language changed."""
        if self._said:
            self.dress()
            self.say(self._said)
            self._stand()

    def _stand(self, *_: object) -> None:
        box = self.getViewBox()
        if not self._said or box is None:
            return
        (left, right), (low, high) = box.viewRange()
        wide, tall = right - left or 1.0, high - low or 1.0
        at = emptiest([((x - left) / wide, (y - low) / tall) for x, y in self._curves])
        self.textItem.setTextWidth(-1)
        if self.textItem.boundingRect().width() > box.width() > 0:
            self.textItem.setTextWidth(box.width())  # in lines
        self.setAnchor((at[0], 1 - at[1]))
        self.setPos(right if at[0] else left, high if at[1] else low)
        self.updateTextPos()

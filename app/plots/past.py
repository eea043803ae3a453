"""What the dotted curves of a plot are: said in that corner of it which the curves reach least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from app import theme
from app.plots.items import Caption
from app.plots.surface import cosmetic
from app.words import Text

WIDE, HIGH = 0.45, 0.3  #: shares of the plot that such a corner takes
CORNERS = ((1, 1), (1, 0), (0, 1), (0, 0))  #: right or left, top or bottom, in the order of preference


DOTS = (0.1, 2.4)  #: a round dot and the gap to the next, in widths of the line
FAR = 1e-6  #: that two equal curves may differ by, of the larger one's reach


def dots(token: str) -> QPen:
    """Round dots, which are seen on a dark ground, too: Qt's own of one px are not."""
    made = cosmetic(theme.color(token, 220), Qt.PenStyle.CustomDashLine, 2)
    made.setDashPattern(DOTS)
    return made


def covers(now: tuple[np.ndarray, np.ndarray], before: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether a curve of points x, y (n,) goes through all points (m,) of one before; x does not fall."""
    (x, y), (x_before, y_before) = now, before
    if len(x) < len(x_before) or not len(x_before):
        return False
    at = np.minimum(np.searchsorted(x, x_before), len(x) - 1)
    if not np.array_equal(x[at], x_before):
        return False
    reach = max(float(np.ptp(y_before)), float(np.abs(y_before).max()))
    return bool(np.abs(y[at] - y_before).max() <= FAR * reach)


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

    def show_while(self, any_left: bool) -> None:
        """Only while there is a dotted curve in sight."""
        self.setVisible(bool(self._said) and any_left)

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

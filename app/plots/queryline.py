"""A query on the x axis: a line to drag, a dot at its answer, a window shaded around it."""

from __future__ import annotations

from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import QPointF

from app import theme
from app.plots.chart import Chart, Layer, case
from app.plots.items import Handle
from app.plots.points import Points
from app.plots.surface import cosmetic


class QueryLine(Layer):
    """The line stands where its owner says, not where the hand has drawn it. It may run through several boxes.

    Parameters
    ----------
    chart : Chart
    dragged : callable
        Given the place under the hand, in units of the axes.
    dropped : callable
        The hand let go.

    Attributes
    ----------
    at : float or None
        Where it stands.
    answer : float or None
        The height of the dot.
    """

    def __init__(self, chart: Chart, dragged: Callable[[QPointF], None], dropped: Callable[[], None]) -> None:
        super().__init__(chart)
        self.at: float | None = None
        self.answer: float | None = None
        self._dragged, self._dropped = dragged, dropped
        self._meets = Points()
        self._pulls: list[Handle] = []
        self._bands: list[pg.LinearRegionItem] = []

    def stand_in(self, box: pg.ViewBox, foot: bool) -> None:
        """Run through a box, over the same x; where ``foot``, with a grip to take it by."""
        pull = Handle(12 if foot else 0, hollow=True)
        pull.sigDragged.connect(self._pulled)
        pull.sigPositionChangeFinished.connect(lambda _line: self._dropped())
        band = pg.LinearRegionItem(movable=False)
        for edge in band.lines:
            edge.hide()
        for item, height in ((pull, 5), (band, -20)):
            item.hide()
            item.setZValue(height)
            box.addItem(item, ignoreBounds=True)
        self._pulls.append(pull)
        self._bands.append(band)

    def show_query(self, x: float | None, answer: float | None, band: tuple[float, float] | None) -> None:
        """Put it at x; None: no line, no dot, no window."""
        self.at, self.answer = x, answer
        self._place()
        for region in self._bands:
            region.setVisible(band is not None)
            if band is not None:
                region.setRegion([self._chart.seen(v).x() for v in band])
        self.put_once(self._meets, 8)
        meets = x is not None and answer is not None
        self._meets.setVisible(meets)
        if x is not None and answer is not None:
            at = self._chart.seen(x, answer)
            self._meets.setData(x=[at.x()], y=[at.y()])

    def _place(self) -> None:
        for pull in self._pulls:
            pull.setVisible(self.at is not None)
            if self.at is not None:
                pull.setValue(self._chart.seen(self.at).x())

    def _pulled(self, line: Handle) -> None:
        at = line.pos()
        self._place()  # it is where its owner says
        self._dragged(at)

    def apply_theme(self) -> None:
        accent = theme.color("accent")
        for pull, band in zip(self._pulls, self._bands, strict=True):
            pull.setPen(cosmetic(accent, width=2))
            pull.setHoverPen(cosmetic(accent, width=3))
            band.setBrush(theme.color("accent_soft", 130))
        self._meets.setSize(12)  # not by setData, which would take its place away
        self._meets.setPen(case())
        self._meets.setBrush(accent)

"""A strip below a plot over the same x: a stem for each point, on a zero-based scale of its own."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from app import theme
from app.plots.axes import Axis
from app.plots.plot import PLACES, Plot
from app.plots.points import embers
from app.plots.surface import cosmetic
from app.views.colorbar import scale_end

HIGH, ROOM = 72, 1.16  # px of the strip; of its scale, so that the longest stem doesn't touch the plot
MANY = 150  # stems that are drawn thinner


class Stems:
    """A second box between a plot and its lower axis, linked to the plot's x.

    Attributes
    ----------
    box : ViewBox
        Heights run from 0 to 1, the end of the scale.
    """

    def __init__(self, plot: Plot) -> None:
        self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.box.disableAutoRange()
        self.box.setYRange(0, ROOM, padding=0)
        self.box.setXLink(plot.getViewBox())
        self._axis = Axis("left")
        self._axis.linkToView(self.box)
        self._axis.setTicks([[]])
        self.bars = pg.BarGraphItem(x=np.zeros(0), height=np.zeros(0), width=0)
        self._shown: tuple[np.ndarray, np.ndarray, float] = (np.zeros(0), np.zeros(0), 1.0)
        self.box.addItem(self.bars, ignoreBounds=True)
        self.box.sigXRangeChanged.connect(self._draw)
        self.box.sigResized.connect(self._draw)
        below = plot.getAxis("bottom")
        plot.layout.removeItem(below)
        row = PLACES["bottom"][0]
        plot.layout.addItem(self._axis, row, 0)
        plot.layout.addItem(self.box, row, 1)
        plot.layout.addItem(below, row + 1, 1)
        plot.layout.setRowFixedHeight(row, HIGH)

    def show_stems(self, x: np.ndarray, values: np.ndarray, top: float) -> None:
        """A stem for each of values (n,) at x (n,), on a scale that ends at ``top``."""
        top = max(top, 1e-12)
        if top != self._shown[2]:
            self._axis.setTicks([[(1.0, scale_end(top))]])
        self._shown = x, values, top
        self._draw()

    def _draw(self, *_: object) -> None:
        """As bars of some px, whatever the scale."""
        x, values, top = self._shown
        seen = values > 0
        share = np.minimum(1.0, values[seen] / top)
        wide = (3 if len(x) <= MANY else 1.5) * self.box.viewPixelSize()[0]
        dark = cosmetic(theme.color("control")) if theme.name() == "dark" else None  # dark stems on dark paper
        self.bars.setOpts(
            x=x[seen], height=np.maximum(share, 1 / HIGH), width=wide, brushes=embers(share), pen=pg.mkPen(dark)
        )

    def apply_theme(self) -> None:
        """Another theme."""
        self._axis.dress()
        self.show_stems(*self._shown)

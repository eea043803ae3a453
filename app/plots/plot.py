"""Axes around a box, put together from pyqtgraph's pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtWidgets import QGraphicsGridLayout, QGraphicsItem

from app.plots.axes import Box

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsWidget as GraphicsWidget
else:
    GraphicsWidget = pg.GraphicsWidget

PLACES = {"top": (0, 1), "left": (1, 0), "right": (1, 2), "bottom": (2, 1)}  # row, column; the box is in the middle


class Plot(GraphicsWidget):
    """What `pyqtgraph.PlotItem` is without its menu of some fifty widgets, which ours replaces.

    Each of them is a widget of the application: with fifty plots they take 0.2 s to make, and as long again at each
    change of the style sheet.

    Parameters
    ----------
    box : Box
        Where the items stand.
    axes : dict of str to AxisItem
        By side: ``left``, ``bottom``, ``right``, ``top``.
    """

    layout: QGraphicsGridLayout  # type: ignore[assignment]  # pyqtgraph names it so

    def __init__(self, box: Box, axes: dict[str, pg.AxisItem]) -> None:
        super().__init__()
        self.box, self.axes = box, axes
        self.layout = QGraphicsGridLayout()
        self.setLayout(self.layout)
        self.layout.setContentsMargins(0, 0, 0, 0)
        self.layout.setSpacing(0)
        self.layout.addItem(box, 1, 1)
        self.layout.setRowStretchFactor(1, 100)
        self.layout.setColumnStretchFactor(1, 100)
        for side, axis in axes.items():
            axis.linkToView(box)
            axis.setZValue(-1000)  # behind the curves, lines at the ticks too
            axis.setFlag(QGraphicsItem.GraphicsItemFlag.ItemNegativeZStacksBehindParent)
            self.layout.addItem(axis, *PLACES[side])

    def addItem(self, item: Any, ignoreBounds: bool = True) -> None:
        """Put an item into the box; what is in sight is said by the view, not by the bounds of its items."""
        self.box.addItem(item, ignoreBounds=ignoreBounds)

    def removeItem(self, item: Any) -> None:
        """Take an item out of the box."""
        self.box.removeItem(item)

    def getAxis(self, side: str) -> pg.AxisItem:
        """The axis of a side."""
        return self.axes[side]

    def getViewBox(self) -> Box:
        """The box."""
        return self.box

    def hideAxis(self, side: str) -> None:
        """Take an axis out of sight; its room goes to the box."""
        self.axes[side].hide()

    def setLogMode(self, x: bool = False, y: bool = False) -> None:
        """Write powers of ten at the axes, and show what curves there are by their logarithms."""
        for side, axis in self.axes.items():
            axis.setLogMode(**({"x": x} if side in ("bottom", "top") else {"y": y}))
        for item in self.box.addedItems:
            if hasattr(item, "setLogMode"):
                item.setLogMode(x, y)

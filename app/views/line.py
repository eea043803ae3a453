"""A line of a plot, as cheap as a line that is drawn ten times a second must be."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.views.base import pen

BINS = 800
DOT = 4  # px, where there is one point


def thin(x: np.ndarray, y: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value of each of ``bins`` pieces, in their order, and both ends: no peak is lost."""
    count = len(y)
    if count <= 2 * bins:
        return x, y
    size = count // bins
    whole = size * bins
    pieces = y[:whole].reshape(bins, size)
    start = np.arange(bins) * size
    both = np.sort(np.stack([start + pieces.argmin(1), start + pieces.argmax(1)], 1), axis=1).ravel()
    rest = [whole + at for at in (y[whole:].argmin(), y[whole:].argmax())] if whole < count else []
    keep = np.unique(np.concatenate([[0], both, rest, [count - 1]]).astype(int))
    return x[keep], y[keep]


def cosmetic(color: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine, width: float = 1) -> QPen:
    """A pen whose width is pixels of the screen, whatever the axes' scales."""
    made = pen(color, width, style, square=False)
    made.setCosmetic(True)
    return made


class Place(QGraphicsItem):
    """Something drawn within the bounds of a plot, in the units of its axes."""

    def __init__(self) -> None:
        super().__init__()
        self._place = QRectF()

    def set_place(self, place: QRectF) -> None:
        """Where it may reach: the whole plot."""
        if place != self._place:
            self.prepareGeometryChange()
            self._place = place

    def boundingRect(self) -> QRectF:
        return self._place


class Levels(Place):
    """Quiet lines at the ticks of the left axis. The axis could draw them itself, but would be painted with each curve
    then, words included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pen = QPen()
        self._at: tuple[float, ...] = ()

    def set_color(self, color: QColor) -> None:
        """Another theme."""
        self._pen = cosmetic(color)
        self.update()

    def set_levels(self, at: tuple[float, ...]) -> None:
        """Heights of the lines."""
        if at != self._at:
            self._at = at
            self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setPen(self._pen)
        left, right = self._place.left(), self._place.right()
        painter.drawLines([QLineF(left, y, right, y) for y in self._at])


class Line(Place):
    """One line of a plot. `pyqtgraph.PlotDataItem` can do much more, which costs more than painting where a run is
    watched: no downsampling, no logarithms, no bounds to ask for.

    Attributes
    ----------
    count : int
        Points drawn.
    """

    def __init__(self, drawn: QPen, smooth: bool) -> None:
        super().__init__()
        self._pen, self._smooth = drawn, smooth
        self._points, self.count = QPolygonF(), 0

    def set_points(self, x: np.ndarray, y: np.ndarray) -> None:
        """Another course, in the units of the axes."""
        self.count = len(x)
        self._points = pg.functions.arrayToQPolygonF(x, y) if self.count else QPolygonF()
        self.update()

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self._pen)
        if self.count == 1:  # a line of one point has no length
            painter.setPen(cosmetic(self._pen.color(), width=DOT))
            painter.drawPoint(self._points.at(0))
        painter.drawPolyline(self._points)

"""What pyqtgraph lacks: items that draw many things at once."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import QImage, QPainter, QPen, QTextDocument
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app import theme, words
from app.plots.typed import GraphicsObject
from app.theme import CAPTION
from app.words import Text


class Levels(GraphicsObject):
    """Quiet lines at the ticks of the left axis.

    The axis could draw them itself, but would be painted with each curve then, words included.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pen = QPen()
        self._place = QRectF()
        self._lines: list[QLineF] = []
        self._at: tuple[object, ...] = ()

    def set_pen(self, pen: QPen) -> None:
        """Another theme."""
        self._pen = pen
        self.update()

    def set_levels(self, at: tuple[float, ...], left: float, right: float, low: float, high: float) -> None:
        """Heights of the lines, and what is in sight."""
        if (at, left, right, low, high) == self._at:
            return
        self._at = at, left, right, low, high
        self.prepareGeometryChange()
        self._place = QRectF(left, low, right - left, high - low)
        self._lines = [QLineF(left, y, right, y) for y in at]
        self.update()

    def boundingRect(self) -> QRectF:
        return self._place

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        painter.setPen(self._pen)
        painter.drawLines(self._lines)


class Stroke(pg.PlotCurveItem):
    """A curve whose x never falls and that is finite, thin enough to be told again many times a second."""

    def show_line(self, x: np.ndarray, y: np.ndarray) -> None:
        """Show a line through points (n,); the same as before costs nothing."""
        if self.yData is None or not (np.array_equal(y, self.yData) and np.array_equal(x, self.xData)):
            self.setData(x, y, skipFiniteCheck=True)

    def dataBounds(self, ax: int, frac: float = 1.0, orthoRange: object = None) -> tuple[float | None, float | None]:
        if frac < 1 or orthoRange is not None or self.yData is None or not len(self.yData):
            found: tuple[float | None, float | None] = super().dataBounds(ax, frac, orthoRange)
            return found
        first, last = (self.xData[0], self.xData[-1]) if ax == 0 else (self.yData.min(), self.yData.max())
        return float(first), float(last)

    def pixelVectors(self, direction: object = None) -> tuple[pg.Point | None, pg.Point | None]:
        """A pixel to the right and one up, in units of the axes, which stand upright here."""
        box = self.getViewBox()
        if direction is not None or box is None or not box.width() or not box.height():
            found: tuple[pg.Point | None, pg.Point | None] = super().pixelVectors(direction)
            return found
        (left, right), (low, high) = box.viewRange()
        return pg.Point((right - left) / box.width(), 0), pg.Point(0, (high - low) / box.height())


class Caption(pg.TextItem):
    """A text of the type scale beside a point: pyqtgraph's, kept within the box, and on the other side without room.

    Parameters
    ----------
    anchor : (float, float)
        Which part of the text stands at the point; 0, 0 is its upper left corner.
    gap : float
        Px from the point to the text.
    fill : int
        0–255, how much the paper behind it covers.
    chip : bool
        White on black, for a value under the pointer.
    """

    def __init__(
        self, anchor: tuple[float, float] = (0, 0.5), gap: float = 0, fill: int = 0, chip: bool = False
    ) -> None:
        self._gap, self._fill, self._chip = gap, fill, chip
        self._shift: QPointF | None = None
        super().__init__("", anchor=anchor)
        self.textItem.document().setDocumentMargin(4 if chip else 2)

    def say(self, text: Text) -> None:
        """What it says, in the language in use."""
        self.setPlainText(words.drawn(text))

    def picture(self, image: QImage, text: Text) -> None:
        """A picture, and what it says below."""
        document = self.textItem.document()
        document.addResource(QTextDocument.ResourceType.ImageResource, QUrl("picture"), image)
        self.setHtml(f'<p align="center"><img src="picture"><br>{html.escape(words.drawn(text))}</p>')
        self.textItem.setTextWidth(document.idealWidth())  # without a width nothing is in the middle
        self.updateTextPos()

    def rich(self, text: str) -> None:
        """A text with marks of HTML."""
        self.setHtml(text)
        self.updateTextPos()

    def shift(self, by: QPointF) -> None:
        """Stand so many px from the point, whatever is there."""
        self._shift = by
        self.updateTextPos()

    def dress(self, token: str = "text2", px: int = CAPTION, bold: bool = False, fill: int | None = None) -> None:
        """Theme or fonts changed; ``fill`` as when it was made."""
        self._fill = self._fill if fill is None else fill
        self.setColor(theme.color("chalk" if self._chip else token))
        self.fill = pg.mkBrush(theme.color("ink") if self._chip else theme.color("surface", self._fill))
        self.setFont(theme.font(px, bold or self._chip))

    def setPos(self, *at: Any) -> None:
        before = self.pos()
        super().setPos(*at)
        if self.pos() != before:
            self.updateTextPos()

    def updateTextPos(self) -> None:
        """Beside the point, and within the box; all px, since the text never scales."""
        self.prepareGeometryChange()
        if self._shift is not None:
            self.textItem.setPos(self._shift)
            return
        size, gap = self.textItem.boundingRect(), self._gap
        x = (1 - 2 * self.anchor.x()) * gap - self.anchor.x() * size.width()
        y = -self.anchor.y() * size.height()
        box, above = self.getViewBox(), self.parentItem()
        if box is not None and above is not None:
            room, at = box.sceneBoundingRect(), above.mapToScene(self.pos())
            if self.anchor.x() != 0.5 and not room.left() <= at.x() + x <= room.right() - size.width():
                x = -x - size.width()
            if self.anchor.y() > 1 and at.y() + y < room.top():
                y = -y - size.height()
            x = min(max(at.x() + x, room.left()), max(room.left(), room.right() - size.width())) - at.x()
            y = min(max(at.y() + y, room.top()), max(room.top(), room.bottom() - size.height())) - at.y()
        self.textItem.setPos(x, y)


class Handle(pg.InfiniteLine):
    """A line to drag, with a round grip at its foot; pyqtgraph draws its own marks with ragged edges.

    Parameters
    ----------
    grip : float
        Px across; as far from the line it can be taken, too.
    hollow : bool
        The grip is a ring.
    """

    def __init__(self, grip: float = 9, hollow: bool = False) -> None:
        super().__init__(angle=90, movable=True)
        self._grip, self._hollow = grip, hollow
        self.addMarker("o", 0.0, grip)
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def paint(self, painter: QPainter, *rest: object) -> None:
        marks = list(self.markers)
        self.markers.clear()
        super().paint(painter, *rest)
        self.markers.extend(marks)
        along, across = self.pixelVectors(pg.Point(1, 0))
        if along is None:
            return
        wide, high = (way.length() * self._grip / 2 for way in (along, across))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.pen.color()
        edge = QPen(color, 2)
        edge.setCosmetic(True)
        painter.setPen(edge if self._hollow else QPen(Qt.PenStyle.NoPen))
        painter.setBrush(theme.color("surface") if self._hollow else color)
        painter.drawEllipse(QPointF(self._endPoints[0] + 1.2 * wide, 0), wide, high)

"""What all painted views share: a surface whose unit is the pixel, keys, menu, focus mark, words and outlines.

A view is a pyqtgraph view with one item that paints all words, outlines and marks in one go, instead of an item for
each of them: that is the quickest way, and each line stands on whole pixels. Pictures are image items below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsItem, QGraphicsView, QSizePolicy, QStyleOptionGraphicsItem, QWidget

from app import theme, words
from app.onepaint import lay_before
from app.plots.axes import Box
from app.plots.typed import GraphicsObject, GraphicsView
from app.plots.view import View
from app.theme import CAPTION
from app.words import Text

LEFT, RIGHT, CENTER = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
MIDDLE = Qt.AlignmentFlag.AlignVCenter
SOLID = Qt.PenStyle.SolidLine
text_width = theme.text_width
NEAREST = 16  #: times nearer than the whole
CHIP_H = 20  # px, the black label that shows a value


def pen(color: QColor, width: float = 1, style: Qt.PenStyle = SOLID, square: bool = True) -> QPen:
    """A pen with corners; Qt's own keywords must not be used here (a misspelt one ends the process in paint)."""
    if style is SOLID:
        return QPen(solid(color.rgba(), width, square))
    return QPen(_pen(color.rgba(), width, style, square))


@lru_cache(maxsize=1024)  # enums are slow to look up, too
def solid(rgba: int, width: float, square: bool = True) -> QPen:
    """A solid pen that is not to be changed, for what is asked for hundreds of times at each painting."""
    return _pen(rgba, width, SOLID, square)


@lru_cache(maxsize=1024)  # a table of boxes asks for hundreds at each painting, and Qt takes its enums slowly
def _pen(rgba: int, width: float, style: Qt.PenStyle, square: bool) -> QPen:
    color = QColor.fromRgba(rgba)
    if square:
        return QPen(color, width, style, Qt.PenCapStyle.SquareCap, Qt.PenJoinStyle.MiterJoin)
    return QPen(color, width, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


@lru_cache(maxsize=256)  # forty boxes and more ask for them at each painting
def frame_pens(_theme: str, token: str, dashed: bool, dotted: bool, lit: bool) -> tuple[QPen, ...]:
    """The pens of a box's frame, one over the other."""
    width = (2 if dashed else 3) if lit else (1 if dashed else 2)
    color, case = theme.color(token), theme.color("surface")
    pens = [pen(case, width + 2), pen(color, width)]
    if dashed:
        pens.append(pen(case, width, Qt.PenStyle.DashLine))
    elif dotted:
        pens.append(pen(case, width, Qt.PenStyle.DotLine))
    return tuple(pens)


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """Refuse NaN and infinity: a view never guesses what they should look like."""
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return values


def rgb_image(rgb: np.ndarray) -> QImage:
    """A QImage of its own from uint8 (h, w, 3)."""
    rgb = np.ascontiguousarray(rgb)
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def indexed_image(levels: np.ndarray, table: Sequence[int]) -> QImage:
    """A QImage of its own from uint8 (h, w) and 256 ARGB colors."""
    levels = np.ascontiguousarray(levels)
    height, width = levels.shape
    image = QImage(levels.data, width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(list(table))
    return image.copy()


class Painting(GraphicsObject):
    """All that a view paints, in one item: words, outlines, marks, one after the other on whole pixels."""

    def __init__(self, view: PixelView) -> None:
        super().__init__()
        self._view = view
        self._place = QRectF()

    def set_place(self, place: QRectF) -> None:
        """The view has another size."""
        self.prepareGeometryChange()
        self._place = place

    def boundingRect(self) -> QRectF:
        return self._place

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        self._view.paint(painter, option.exposedRect)


class PixelView(View):
    """Base of the painted views: a pyqtgraph view whose unit is the pixel, with one item that paints.

    Subclasses place things in `arrange` (called before painting whenever size or content changed) and paint in
    `draw`. Where it ``zooms``, the wheel goes nearer, a drag that nobody else takes pans, and what the mouse says is
    in the pixels of the whole.
    """

    zooms: ClassVar[bool] = False
    drags: ClassVar[bool] = False  #: the left button drags something of the view's own
    box: Box | None = None
    _pans = False

    def __init__(self, low: tuple[int, int] = (120, 80)) -> None:
        super().__init__(low)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # filling with a color is quicker than a copy
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setMouseTracking(True)
        self._stale = True
        self._damage: QRectF | None = None  # what is being painted; None outside of painting
        self.painting = Painting(self)
        self.painting.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        if not self.zooms:
            self.scene().addItem(self.painting)
        else:
            self.box = Box()
            self.box.invertY(True)
            self.box.addItem(self.painting, ignoreBounds=True)
            self.scene().addItem(self.box)

    # -- for subclasses
    def arrange(self, width: int, height: int) -> None:
        """Place everything in a widget of this size."""

    def draw(self, painter: QPainter) -> None:
        """Paint everything over the surface."""

    def fit(self) -> None:
        self.show_whole()

    def paint_anew(self) -> None:
        self.update()

    # -- state
    def renew(self) -> None:
        """Content changed: arrange anew before the next painting."""
        self._stale = True
        lay_before(self)
        self.update()

    def hits(self, place: QRectF) -> bool:
        """Whether painting now reaches a place; what it doesn't reach need not be drawn."""
        return self._damage is None or self._damage.intersects(place)

    def put_below(self, image: QGraphicsItem) -> None:
        """Lay a picture, in pixels of the whole, below what is painted."""
        image.setZValue(self.painting.zValue() - 1)
        if self.box is None:
            self.scene().addItem(image)
        else:
            self.box.addItem(image, ignoreBounds=True)

    def arranged(self) -> None:
        """Make sure that places are known."""
        if self._stale:
            self._stale = False
            self.arrange(self.width(), self.height())

    def restyled(self) -> None:
        self.renew()

    # -- Qt
    def update(self, *place: QRect) -> None:  # type: ignore[override]  # not of the widget: of what it shows
        """Paint anew; a place, in pixels, where not all has changed."""
        self.painting.update(*(QRectF(each) for each in place))

    def minimumSizeHint(self) -> QSize:
        return QSize()  # a scroll area has one of its own

    def spread(self) -> None:
        before, now = self.painting.boundingRect(), QRectF(self.rect())
        near = None if self.box is None or not self.box.held or before.isEmpty() else self.box.viewRect()
        self._stale = True
        self.painting.set_place(now)
        self.show_whole()
        if near is not None and self.box is not None:  # the same part of it as before
            across, down = now.width() / before.width(), now.height() / before.height()
            place = QRectF(near.x() * across, near.y() * down, near.width() * across, near.height() * down)
            self.box.setRange(place, padding=0)
            self.box.held = True

    def show_whole(self) -> None:
        """Bring all into sight."""
        if self.box is not None:
            place = QRectF(self.rect())
            self.box.setGeometry(place)
            self.box.setLimits(
                xMin=0, xMax=place.width(), yMin=0, yMax=place.height(), minXRange=place.width() / NEAREST
            )
            self.box.setRange(place, padding=0)
            self.box.held = False

    def took(self, event: QEvent) -> bool:
        """Hand pyqtgraph the drags that pan and zoom; the view hears of all in pixels of the whole."""
        if self.box is None or not isinstance(event, QMouseEvent):
            return False
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress:
            self._pans = event.button() != Qt.MouseButton.LeftButton or not self.drags
            if self._pans:
                GraphicsView.mousePressEvent(self, event)
        elif self._pans and kind == QEvent.Type.MouseMove:
            GraphicsView.mouseMoveEvent(self, event)
        elif self._pans and kind == QEvent.Type.MouseButtonRelease:
            self._pans = False
            GraphicsView.mouseReleaseEvent(self, event)
        if not self.box.held:
            return False
        seen = QMouseEvent(
            kind, self.box.mapSceneToView(event.position()), event.scenePosition(), event.globalPosition(),
            event.button(), event.buttons(), event.modifiers(),
        )  # fmt: skip
        return self.viewportEvent(seen)

    def prepare(self) -> None:
        self.arranged()
        super().prepare()

    def drawBackground(self, painter: QPainter, place: QRectF | QRect) -> None:
        painter.fillRect(place, theme.color("surface"))

    def paint(self, painter: QPainter, damage: QRectF) -> None:
        """Paint all that reaches ``damage``."""
        self._damage = damage
        try:
            self.arranged()
            if self.is_empty():
                self.paint_empty(painter)
            else:
                self.draw(painter)
            self.paint_mark(painter)
        finally:
            self._damage = None

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self._stale = True
        if isinstance(event, QMouseEvent | QWheelEvent):  # to the view, as to any widget, not to its viewport
            return self.took(event) or self.viewportEvent(event)
        return bool(super().event(event))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.ignore()  # pyqtgraph would ask its items

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.ignore()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.box is not None and self.box.held and event.button() == Qt.MouseButton.LeftButton:
            self.fit()
        else:
            self.mousePressEvent(event)  # a quick hand presses twice

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.zooms:
            super().wheelEvent(event)
        else:
            event.ignore()

    def leaveEvent(self, event: QEvent) -> None:
        """Nobody points at anything any more."""


# ------------------------------------------------------------------ painting
def write(
    painter: QPainter,
    place: QRectF,
    text: Text,
    color: QColor | None = None,
    px: int = CAPTION,
    bold: bool = False,
    align: Qt.AlignmentFlag = LEFT,
    wrap: bool = False,
    strike: bool = False,
) -> None:
    """Draw a text, vertically centered; it is never cut, so the place only says where."""
    painter.setFont(theme.font(px, bold, strike=strike))
    painter.setPen(color or theme.color("text2"))
    painter.drawText(place, text_flags(align, wrap), words.drawn(text))


def write_all(painter: QPainter, texts: Iterable[tuple[QRectF, str, QColor]], align: Qt.AlignmentFlag = CENTER) -> None:
    """Draw many numbers of the smallest size, each in its place and color: what they share is asked for once."""
    painter.setFont(theme.font(CAPTION))
    flags = text_flags(align)
    for place, text, color in texts:
        painter.setPen(color)
        painter.drawText(place, flags, text)


@cache  # Qt's flags are slow to combine
def text_flags(align: Qt.AlignmentFlag, wrap: bool = False) -> int:
    """Flags of ``QPainter.drawText`` for a text that is vertically centered and never cut."""
    return int(align | MIDDLE) | int(Qt.TextFlag.TextWordWrap if wrap else Qt.TextFlag.TextDontClip)


def outline(
    painter: QPainter,
    place: QRectF,
    color: QColor,
    width: float = 2,
    case: QColor | None = None,
    style: Qt.PenStyle = SOLID,
    case_by: float = 1,
) -> None:
    """A rectangle, on request in a case of another color that is ``case_by`` px wider on each side."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if case is not None:
        painter.setPen(pen(case, width + 2 * case_by))
        painter.drawRect(place)
    painter.setPen(pen(color, width, style))
    painter.drawRect(place)


def chip(painter: QPainter, near: QRectF, text: str, inside: QRectF) -> None:
    """A black chip with a value beside ``near``, kept within ``inside``."""
    wide = text_width(text, CAPTION, True) + 14
    x = near.right() + 4
    if x + wide > inside.right():
        x = near.left() - 4 - wide
    x = min(max(x, inside.left()), inside.right() - wide)
    y = min(max(near.center().y() - CHIP_H / 2, inside.top()), inside.bottom() - CHIP_H)
    place = QRectF(round(x), round(y), round(wide), CHIP_H)
    painter.fillRect(place, theme.color("ink"))
    write(painter, place, text, theme.color("chalk"), CAPTION, True, CENTER)


def dots(painter: QPainter, points: Sequence[QPointF], color: QColor, radius: float = 4.5) -> None:
    """Round marks in a case of the paper color."""
    painter.setPen(pen(theme.color("surface"), 1.5))
    painter.setBrush(color)
    for point in points:
        painter.drawEllipse(point, radius, radius)

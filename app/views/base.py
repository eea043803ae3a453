"""What all painted views share: a surface whose unit is the pixel, keys, menu, focus mark, words and outlines.

A view is a pyqtgraph view with one item that paints all words, outlines and marks in one go, instead of an item for
each of them: that is the quickest way, and each line stands on whole pixels. Pictures are image items below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsItem, QGraphicsView, QSizePolicy, QStyleOptionGraphicsItem, QWidget

from app import export, theme, words
from app.plots.axes import Box
from app.plots.typed import GraphicsObject, GraphicsView
from app.rings import BY_KEY
from app.theme import BODY, CAPTION
from app.undressed import paints_itself
from app.words import Text

LEFT, RIGHT, CENTER = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter
MIDDLE = Qt.AlignmentFlag.AlignVCenter
text_width = theme.text_width
NEAREST = 16  #: times nearer than the whole
CHIP_H = 20  # px, the black label that shows a value


def pen(color: QColor, width: float = 1, style: Qt.PenStyle = Qt.PenStyle.SolidLine, square: bool = True) -> QPen:
    """A pen with corners; Qt's own keywords must not be used here (a misspelt one ends the process in paint)."""
    return QPen(_pen(color.rgba(), width, style, square))


@lru_cache(maxsize=1024)  # a table of boxes asks for hundreds at each painting, and Qt takes its enums slowly
def _pen(rgba: int, width: float, style: Qt.PenStyle, square: bool) -> QPen:
    color = QColor.fromRgba(rgba)
    if square:
        return QPen(color, width, style, Qt.PenCapStyle.SquareCap, Qt.PenJoinStyle.MiterJoin)
    return QPen(color, width, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


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


class PixelView(GraphicsView):
    """Base of the painted views: a pyqtgraph view whose unit is the pixel, with one item that paints.

    Subclasses place things in `arrange` (called before painting whenever size or content changed) and paint in
    `draw`. ``settings`` are those of a run, where it shows one; ``export_name`` is the suggested file name.
    Where it ``zooms``, the wheel goes nearer, a drag that nobody else takes pans, and what the mouse says is in the
    pixels of the whole.
    """

    zooms: ClassVar[bool] = False
    drags: ClassVar[bool] = False  #: the left button drags something of the view's own
    box: Box | None = None
    color_bars: tuple[QWidget, ...] = ()  # its color bars
    _pans = False

    def __init__(self, low: tuple[int, int] = (120, 80)) -> None:
        super().__init__()
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # filling with a color is quicker than a copy
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(*low)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setMouseTracking(True)
        self.settings: dict[str, object] = {}
        self.export_name = "view"
        paints_itself(self)
        self._stale = True
        self._keyboard = False  # focus came by key: show the mark
        self._damage: QRectF | None = None  # what is being painted; None outside of painting
        self._empty: Text = ""
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

    def is_empty(self) -> bool:
        """Whether there is nothing to draw: then the text of `set_empty` stands there instead."""
        return False

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays on screen, by name."""
        return {}

    def report(self) -> str:
        """What a screen reader says of the place under pointer or keys."""
        return ""

    def fit(self) -> None:
        """Show everything again."""
        self.show_whole()

    def walk(self, rows: int, cols: int) -> bool:
        """An arrow key; True where the view takes arrows."""
        return False

    def enter(self) -> bool:
        """Enter or Space; True where the view takes it."""
        return False

    def escape(self) -> bool:
        """Esc; True where the view had something to let go."""
        return False

    # -- state
    def set_empty(self, text: Text) -> None:
        """What to say while the view has nothing to show."""
        self._empty = text
        self.update()

    def renew(self) -> None:
        """Content changed: arrange anew before the next painting."""
        self._stale = True
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

    def tell(self) -> None:
        """Hand the report to a screen reader."""
        text = self.report()
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def restyled(self) -> None:
        """Theme or fonts changed."""
        self.renew()

    def retranslated(self) -> None:
        """Language changed."""
        self.renew()
        self.tell()

    # -- Qt
    def update(self, *place: QRect) -> None:  # type: ignore[override]  # not of the widget: of what it shows
        """Paint anew; a place, in pixels, where not all has changed."""
        self.painting.update(*(QRectF(each) for each in place))

    def close(self) -> bool:
        """Close like any widget; pyqtgraph's own would take the view apart while it may still be resized."""
        return QWidget.close(self)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSizeHint(self) -> QSize:
        return QSize()  # a scroll area has one of its own

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        if event is not None:  # pyqtgraph calls this from its constructor, with None
            self._stale = True
            self.painting.set_place(QRectF(self.rect()))
            self.show_whole()
            self.resized()

    def resized(self) -> None:
        """The view has another size."""

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

    def viewportEvent(self, event: QEvent) -> bool:
        """Hand pyqtgraph the drags that pan and zoom; the view hears of all in pixels of the whole."""
        if self.box is None or not isinstance(event, QMouseEvent):
            return bool(super().viewportEvent(event))
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
        if self.box.held:
            event = QMouseEvent(
                kind, self.box.mapSceneToView(event.position()), event.scenePosition(), event.globalPosition(),
                event.button(), event.buttons(), event.modifiers(),
            )  # fmt: skip
        return bool(super().viewportEvent(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        self.arranged()  # no item may move while it is drawn
        super().paintEvent(event)

    def drawBackground(self, painter: QPainter, place: QRectF | QRect) -> None:
        painter.fillRect(place, theme.color("surface"))

    def paint(self, painter: QPainter, damage: QRectF) -> None:
        """Paint all that reaches ``damage``."""
        self._damage = damage
        try:
            self.arranged()
            if self.is_empty():
                empty_note(painter, QRectF(self.rect()), self._empty)
            else:
                self.draw(painter)
            if self._keyboard and self.hasFocus():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(pen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        finally:
            self._damage = None

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard = event.reason() in BY_KEY
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        arrows = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        key = Qt.Key(event.key())
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if plain and key in arrows and self.walk(*arrows[key]):
            self._keyboard = True
            self.tell()
            self.update()
        elif (plain and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.enter()) or (
            key == Qt.Key.Key_Escape and self.escape()
        ):
            self.tell()
        elif plain and key == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        export.open_menu(self, event.globalPos())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self._stale = True
        if isinstance(event, QMouseEvent | QWheelEvent):  # to the view, as to any widget, not to its viewport
            return bool(self.viewportEvent(event))
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
    style: Qt.PenStyle = Qt.PenStyle.SolidLine,
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


def empty_note(painter: QPainter, place: QRectF, text: Text) -> None:
    """The one line of a view that has nothing to show."""
    write(painter, place, text, theme.color("text2"), BODY, align=CENTER, wrap=True)

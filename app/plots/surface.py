"""What all plots share: one plot in a view, its menu, keys, focus mark, words for a screen reader, "show all"."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from app import export, theme
from app.plots.axes import Axis, Box
from app.plots.plot import Plot
from app.plots.typed import GraphicsView
from app.rings import BY_KEY
from app.theme import BODY
from app.undressed import paints_itself
from app.words import Text, drawn

ARROWS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


def cosmetic(color: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine, width: float = 1) -> QPen:
    """A pen whose width is pixels of the screen, whatever the axes' scales.

    Qt's own keywords must not be used here: a misspelt one ends the process in paint.
    """
    made = QPen(color, width, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    made.setCosmetic(True)
    return made


class Surface(GraphicsView):
    """A view with one plot: wheel zooms, drag pans, Shift+drag zooms into a rectangle.

    A subclass adds items to ``plot`` and says what is whole (`whole`), what the numbers are, and what a screen reader
    hears. A range that the hand has chosen stays until a double click, ``0`` or the menu shows all again.

    Parameters
    ----------
    low : (int, int)
        Least size, px.
    axes : dict, optional
        Axes by side, in place of quiet numbers at the left and below.

    Signals
    -------
    pointed : QPointF or None
        Where the pointer is, in units of the axes; None outside of them.
    """

    pointed_at = Signal(object)

    def __init__(self, low: tuple[int, int] = (120, 80), axes: dict[str, pg.AxisItem] | None = None) -> None:
        super().__init__()
        self.settings: dict[str, object] = {}  # those of a run; else those of the page are exported
        self.export_name = "plot"
        self._keyboard = False  # focus came by key: show the mark
        self._empty: Text = ""
        self.setMinimumSize(*low)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        paints_itself(self)
        self.box = Box()
        made = axes if axes is not None else {"left": Axis("left"), "bottom": Axis("bottom")}
        self.plot = Plot(self.box, made)
        self.plot.layout.setContentsMargins(0, 2, 0, 0)
        self.setCentralItem(self.plot)  # type: ignore[attr-defined]  # pyqtgraph's
        self.restyled()

    # -- for subclasses
    def whole(self) -> None:
        """Bring everything into sight; called only while the hand has not chosen a range."""

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays on screen, by name."""
        return {}

    def report(self) -> str:
        """What a screen reader says of the place under pointer or keys."""
        return ""

    def walk(self, rows: int, cols: int) -> bool:
        """An arrow key; True where the plot takes arrows."""
        return False

    def enter(self) -> bool:
        """Enter or Space; True where the plot takes it."""
        return False

    def escape(self) -> bool:
        """Esc; True where there was something to let go."""
        return False

    def is_empty(self) -> bool:
        """Whether there is nothing to draw: then the text of `set_empty` stands there instead."""
        return False

    def looks(self) -> None:
        """Give the items the colors and fonts of the theme in use."""

    # -- range
    def fit(self) -> None:
        """Show everything again."""
        self.box.held = False
        self.whole()

    def refit(self) -> None:
        """The content changed: keep everything in sight, unless the hand has chosen a range."""
        if not self.box.held:
            self.whole()

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a point of the axes stands on the widget, px."""
        return QPointF(self.mapFromScene(self.box.mapViewToScene(QPointF(x, y))))

    def value_at(self, place: QPointF) -> QPointF:
        """What stands at a place of the widget, in units of the axes."""
        return QPointF(self.box.mapSceneToView(self.mapToScene(place.toPoint())))

    def inside(self, place: QPointF) -> bool:
        """Whether a place of the widget lies within the axes."""
        return bool(self.box.sceneBoundingRect().contains(self.mapToScene(place.toPoint())))

    # -- state
    def set_empty(self, text: Text) -> None:
        """What to say while there is nothing to show."""
        self._empty = text
        self.viewport().update()

    def tell(self) -> None:
        """Hand the report to a screen reader."""
        text = self.report()
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def restyled(self) -> None:
        """Theme or fonts changed."""
        self.setBackgroundBrush(theme.color("surface"))
        self.box.dress()
        for axis in self.plot.axes.values():
            if isinstance(axis, Axis):
                axis.dress()
        self.looks()

    def retranslated(self) -> None:
        """Language changed."""
        self.restyled()
        self.tell()

    # -- Qt
    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        event.accept()  # whatever no item takes is not for the card behind

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        place = event.position()
        self.pointed_at.emit(self.value_at(place) if self.inside(place) else None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.inside(event.position()):
            event.accept()
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed_at.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if plain and key in ARROWS and self.walk(*ARROWS[key]):
            self._keyboard = True
            self.tell()
            self.viewport().update()
        elif (plain and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.enter()) or (
            key == Qt.Key.Key_Escape and self.escape()
        ):
            self.tell()
        elif plain and key == Qt.Key.Key_0:
            self.fit()
        else:
            event.ignore()  # pyqtgraph would scroll the scene

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard = event.reason() in BY_KEY
        super().focusInEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        export.open_menu(self, event.globalPos())

    def close(self) -> bool:
        """Close like any widget; pyqtgraph's own would take the plot apart while it may still be resized."""
        return QWidget.close(self)

    def sizeHint(self) -> QSize:
        """pyqtgraph's own hint is odd."""
        return self.minimumSize()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        if event is not None:  # pyqtgraph calls this from its constructor, with None
            self.resized()

    def resized(self) -> None:
        """The plot has another size."""

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_empty():
            with QPainter(self.viewport()) as painter:
                painter.fillRect(self.viewport().rect(), theme.color("surface"))
                painter.setFont(theme.font(BODY))
                painter.setPen(theme.color("text2"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.viewport().rect(), flags, drawn(self._empty))
            return
        super().paintEvent(event)
        if self._keyboard and self.hasFocus():
            with QPainter(self.viewport()) as painter:
                painter.setPen(cosmetic(theme.color("accent"), Qt.PenStyle.DashLine, 2))
                painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

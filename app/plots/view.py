"""What plots and painted views share: keys, focus mark, menu, words for a screen reader, a note where all is empty."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from app import export, theme
from app.plots.typed import GraphicsView
from app.rings import BY_KEY
from app.theme import BODY
from app.undressed import paints_itself
from app.words import Text, drawn

ARROWS = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class _Before(QObject):
    """Sees each event of a viewport before its view does.

    A ``paintEvent`` of Python, pyqtgraph's own too, keeps the interpreter while Qt paints, and a run that trains stands
    still. What is looked at here is through by then.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whether there is nothing left to do for the view."""
        view = watched.parent()
        if not isinstance(view, View):
            return False
        return view.painted_itself(event) if isinstance(event, QPaintEvent) else view.took(event)


@cache
def _before() -> _Before:
    return _Before()


class View(GraphicsView):
    """A pyqtgraph view for the hand and for the keys, whose numbers and picture can be taken out of the app.

    A subclass says what the numbers are, what a screen reader hears, and which keys are of use.

    Parameters
    ----------
    low : (int, int)
        Least size, px.

    Attributes
    ----------
    settings : dict
        Those of a run, where it shows one; else those of the page are exported.
    export_name : str
        The suggested file name.
    color_bars : tuple of QWidget
        The bars that belong to it; they go into a figure with it.
    is_list : bool
        What it shows is read line by line; every other view is zoomed and panned.
    keys_point : bool
        Its arrow keys move what is pointed at, as the mouse does; elsewhere they move a pin or a mark.
    """

    export_name = "view"
    color_bars: tuple[QWidget, ...] = ()
    keys_point = False  #: the arrows move what is pointed at
    is_list: ClassVar[bool] = False  #: lines to be read, or controls: no plot or map, so nothing to go nearer to

    def __init__(self, low: tuple[int, int]) -> None:
        super().__init__()
        self.settings: dict[str, object] = {}
        self._keyboard = False  # focus came by key: show the mark
        self._empty: Text = ""
        self.setMinimumSize(*low)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.viewport().installEventFilter(_before())
        paints_itself(self)

    # -- for subclasses
    def fit(self) -> None:
        """Show everything again."""

    def numbers(self) -> dict[str, np.ndarray]:
        """The arrays on screen, by name."""
        return {}

    def report(self) -> str:
        """What a screen reader says of the place under pointer or keys."""
        return ""

    def is_empty(self) -> bool:
        """Whether there is nothing to draw: then the text of `set_empty` stands there instead."""
        return False

    def point_nowhere(self) -> None:
        """Nothing is pointed at any more, whatever lies under the pointer, and there is no mark of the keyboard."""
        self.leaveEvent(QEvent(QEvent.Type.Leave))
        if self._keyboard:
            self._keyboard = False
            self.paint_anew()

    def walk(self, rows: int, cols: int) -> bool:
        """An arrow key; True where the view takes arrows."""
        return False

    def enter(self) -> bool:
        """Enter or Space; True where the view takes it."""
        return False

    def escape(self) -> bool:
        """Esc; True where there was something to let go."""
        return False

    def spread(self) -> None:
        """The view has another size: what a kind of view does then, before `resized`."""

    def resized(self) -> None:
        """The view has another size."""

    def restyled(self) -> None:
        """Theme or fonts changed."""

    def paint_anew(self) -> None:
        """Something of what is seen has changed."""
        self.viewport().update()

    # -- state
    def set_empty(self, text: Text) -> None:
        """What to say while there is nothing to show."""
        self._empty = text
        self.paint_anew()

    def tell(self) -> None:
        """Hand the report to a screen reader."""
        text = self.report()
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if QAccessible.isActive():
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def retranslated(self) -> None:
        """Language changed."""
        self.restyled()
        self.tell()

    # -- painting
    paintEvent = QGraphicsView.paintEvent  # Qt's alone: see `_Before`

    def prepare(self) -> None:
        """Bring all to its place: no item may move while it is drawn."""
        self.scene().prepareForPaint()  # type: ignore[attr-defined]  # pyqtgraph's

    def painted_itself(self, event: QPaintEvent) -> bool:
        """Prepare for being painted; whether the view has painted all of itself, else Qt paints its scene."""
        self.prepare()
        return False

    def took(self, event: QEvent) -> bool:
        """Whether another event of the viewport than a paint is dealt with."""
        return False

    def paint_mark(self, painter: QPainter) -> None:
        """A dashed frame around the view, where its focus came by key."""
        if self._keyboard and self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2, Qt.PenStyle.DashLine))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))

    def paint_empty(self, painter: QPainter) -> None:
        """The one line of a view that has nothing to show."""
        empty_note(painter, QRectF(self.viewport().rect()), self._empty)

    # -- Qt
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        if plain and key in ARROWS and not self.keys_point:
            self.leaveEvent(QEvent(QEvent.Type.Leave))  # what the keys move is shown, not what the pointer rests on
        if plain and key in ARROWS and self.walk(*ARROWS[key]):
            self._keyboard = True
            self.tell()
            self.paint_anew()
        elif (plain and key in ENTER and self.enter()) or (key == Qt.Key.Key_Escape and self.escape()):
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
        """Close like any widget; pyqtgraph's own would take the view apart while it may still be resized."""
        return QWidget.close(self)

    def sizeHint(self) -> QSize:
        """Small, since pyqtgraph's own hint is odd."""
        return self.minimumSize()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        if event is not None:  # pyqtgraph calls this from its constructor, with None
            self.spread()
            self.resized()


def empty_note(painter: QPainter, place: QRectF, text: Text) -> None:
    """The one line of what has nothing to show."""
    painter.setFont(theme.font(BODY))
    painter.setPen(theme.color("text2"))
    painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), drawn(text))

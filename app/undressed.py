"""What is hidden changes its look later: a bit at a time while nothing else is to do, at the latest when it is shown.

Qt polishes each widget there is anew when the style sheet of the application changes, twice and without a pause, and
with ten tabs nine in ten widgets are out of sight. All are passed over by two attributes that Qt reads then: one that
is not polished is not polished again, and one that has a style of its own is not told of another. What is in sight is
then polished once, in pieces; what is hidden waits. Where a Qt reads other attributes the change is whole at once, and
only takes longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import cast

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGraphicsView, QWidget

from app.pieces import pieces

PIECE, LONG = 150, 0.05  #: widgets and s after which the event loop has a turn
PAUSE = 10  #: ms of that turn
REST = 250  #: ms after a change, in which what is in sight is painted
POLISHED = Qt.WidgetAttribute.WA_WState_Polished
SHEETED = Qt.WidgetAttribute.WA_StyleSheet
STYLED = Qt.WidgetAttribute.WA_SetStyle
PAINTED = Qt.WidgetAttribute.WA_SetPalette
PLAIN = "paints_itself"  # Python's attribute of a view
BY_HAND = Qt.WidgetAttribute.WA_WState_ExplicitShowHide


def paints_itself(view: QWidget) -> None:
    """Let a view go without the style sheet, which says nothing of it: its parts are never polished.

    A pyqtgraph view has five of them, scroll bars among them that are never seen, and there are hundreds of views.
    """
    setattr(view, PLAIN, True)
    for widget in (view, *view.findChildren(QWidget)):
        widget.setAttribute(POLISHED, True)


def put_away(widget: QWidget) -> bool:
    """Whether a widget is hidden by itself, not by one that it is in: a page that is not turned to, a closed menu."""
    return widget.isHidden() and (widget.isWindow() or widget.testAttribute(BY_HAND))


def seen(root: QWidget) -> tuple[list[QObject], list[QWidget]]:
    """All objects that come to sight with a widget, itself first, and the parts in it that do not."""
    objects: list[QObject] = []
    parts: list[QWidget] = []
    ahead: list[QObject] = [root]
    while ahead:
        one = ahead.pop()
        objects.append(one)
        if getattr(one, PLAIN, False):
            continue
        for child in one.children():
            if isinstance(child, QWidget) and put_away(child):
                parts.append(child)
            else:
                ahead.append(child)
    return objects, parts


class Undressed(QObject):
    """The hidden parts of a window that still wear the look before.

    Parameters
    ----------
    root : QWidget
        The window.
    dress : callable
        Dresses objects of the window anew, after they were polished; each ``yield`` is a place for a turn.
    """

    def __init__(self, root: QWidget, dress: Callable[[Iterable[QObject]], Iterator[None]]) -> None:
        super().__init__(root)
        self._dress = dress
        self._seen: list[QObject] = []  # what the change in hand is for
        self._changes = False  # between two style sheets
        self._first = False  # what is in sight is being dressed: the rest waits for it
        self._parts: dict[QWidget, None] = {}  # that wait, in their order
        self._plain: dict[QWidget, None] = {}  # that need nothing of the style sheet, while it changes
        self._bare: dict[QWidget, None] = {}  # all widgets that are to be polished
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._go_on)

    @property
    def waits(self) -> int:
        """How many widgets are still to be polished."""
        return len(self._bare)

    # -- a change
    def leave(self) -> None:
        """Let the coming style sheet pass over all that is there now."""
        self._soon.stop()
        self._changes = True
        root = cast(QWidget, self.parent())
        views = [view for view in root.findChildren(QGraphicsView) if getattr(view, PLAIN, False)]
        self._plain = dict.fromkeys(each for view in views for each in (view, *view.findChildren(QWidget)))
        for widget in self._plain:
            widget.setAttribute(POLISHED, False)
            widget.setAttribute(STYLED, True)
        self._seen, parts = seen(root)
        for part in parts:
            self._wait(part)
            self._pass_over((part, *part.findChildren(QWidget)))
        self._pass_over(one for one in self._seen if isinstance(one, QWidget))
        for widget in filter(shiboken6.isValid, self._bare):
            widget.setAttribute(STYLED, True)

    def _pass_over(self, widgets: Iterable[QWidget]) -> None:
        for widget in widgets:
            if widget.testAttribute(POLISHED) and not widget.testAttribute(STYLED):
                self._bare[widget] = None
                widget.setAttribute(POLISHED, False)
                widget.setAttribute(SHEETED, False)

    def left(self) -> None:
        """The style sheet is on."""
        for widget in filter(shiboken6.isValid, self._plain):
            widget.setAttribute(POLISHED, True)
            widget.setAttribute(STYLED, False)
        self._plain.clear()
        for widget in filter(shiboken6.isValid, self._bare):
            widget.setAttribute(STYLED, False)
        self._changes = False
        self._soon.start(REST)

    def dressing_seen(self) -> Iterator[None]:
        """Dress what is in sight, and what came to sight meanwhile; each ``yield`` is a place for a turn."""
        now, _hidden = seen(cast(QWidget, self.parent()))
        objects, self._seen = list(dict.fromkeys([*self._seen, *now])), []
        self._first = True
        try:
            yield from pieces(objects, self._polish)
            yield from self._dress(filter(shiboken6.isValid, objects))
        finally:
            self._first = False
            self._soon.start(REST)

    # -- what waits
    def _wait(self, part: QWidget) -> None:
        if part not in self._parts:
            self._parts[part] = None
            part.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Dress a part that comes to sight, before it is painted."""
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched in self._parts:
            self.dress(watched)
        return False

    def dress(self, part: QWidget) -> int:
        """Dress a part that waits; hidden parts in it wait on. How many widgets were polished."""
        self._parts.pop(part, None)
        if not shiboken6.isValid(part):
            return 0
        part.removeEventFilter(self)
        objects, parts = seen(part)
        for inner in parts:
            self._wait(inner)
        count = sum(map(self._polish, objects))
        for _ in self._dress(objects):
            pass
        if self._changes:
            self._seen += objects  # half of the look is on
        return count

    def _polish(self, widget: QObject) -> bool:
        if widget not in self._bare or not isinstance(widget, QWidget):
            return False
        del self._bare[widget]
        widget.setAttribute(STYLED, False)
        widget.setAttribute(POLISHED, True)
        if widget.testAttribute(PAINTED):
            widget.setPalette(QPalette())  # the colors of the style sheet before
        widget.style().polish(widget)
        QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        return True

    def piece(self) -> int:
        """Dress some of what waits; how many widgets were polished."""
        count, began = 0, time.perf_counter()
        while self._parts:
            count += self.dress(next(iter(self._parts)))
            if count >= PIECE or time.perf_counter() - began > LONG:
                break
        if not self._parts:
            for widget in filter(shiboken6.isValid, list(self._bare)):  # what went from its part into another
                count += self._polish(widget)
            self._bare.clear()
        return count

    def finish(self) -> None:
        """Dress all that waits, now."""
        for _ in self.finishing():
            pass

    def finishing(self) -> Iterator[None]:
        """Dress all that waits; each ``yield`` is a place where the event loop may have a turn."""
        while self._parts:
            self.piece()
            yield

    def _go_on(self) -> None:
        if self._first:
            return
        self.piece()
        if self._parts:
            self._soon.start(PAUSE)

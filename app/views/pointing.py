"""What views share in which the hand points at things: one lies under the pointer, one may be marked."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter

from app import theme
from app.theme import R1
from app.views.base import PixelView, pen


class HoverView(PixelView):
    """A view of things: rows, cells, dots. The one under the pointer lights up, is said, and others hear of it.

    A subclass says in `under` what lies where, in `_choose` what a click on it means, and paints ``_hover``, the thing
    under the pointer (None for none), in its own way.

    Signals
    -------
    hovered : object or None
        The thing under the pointer, as `hover_told` puts it.
    """

    hovered = Signal(object)
    _hover: Any = None

    # -- for subclasses
    def under(self, point: QPointF) -> Any:
        """The thing under a point of the view; None for none."""

    def hover_told(self) -> Any:
        """What others hear of the thing under the pointer."""
        return self._hover

    def _choose(self, thing: Any) -> None:
        """A click on a thing."""

    # -- state
    def hover(self) -> Any:
        """The thing under the pointer; None for none."""
        return self._hover

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self.under(event.position()))

    def leaveEvent(self, _event: object) -> None:
        self._point(None)

    def _point(self, thing: Any) -> None:
        if thing != self._hover:
            self._hover = thing
            self.tell()
            self.update()
            self.hovered.emit(self.hover_told())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        thing = self.under(event.position())
        if event.button() == Qt.MouseButton.LeftButton and thing is not None:
            self._choose(thing)


class MarkView(HoverView):
    """Things known by their number, of which one may be marked.

    Signals
    -------
    chosen : int
        A thing was clicked or walked to.
    """

    chosen = Signal(int)
    _at = -1  # the marked thing

    def set_at(self, index: int) -> None:
        """Mark a thing without telling anybody; −1 for none."""
        if index != self._at:
            self._at = index
            self.tell()
            self.update()

    def at(self) -> int:
        """The marked thing; −1 for none."""
        return self._at


class PickView(MarkView):
    """Things in a row or in lines, known by their number, of which one is marked: by a click or by the arrows.

    A subclass fills ``_places`` in `arrange`, or says in `count`, `place` and `under` itself where its things are.
    """

    _hover: int | None

    def __init__(self, low: tuple[int, int], at: int = -1) -> None:
        """``at``: what is marked at first; −1 is nothing."""
        super().__init__(low)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._at = at
        self._places: list[QRectF] = []

    def count(self) -> int:
        """How many things there are."""
        self.arranged()
        return len(self._places)

    def place(self, index: int) -> QRectF:
        """Where a thing stands in the view."""
        self.arranged()
        return self._places[index]

    def under(self, point: QPointF) -> int | None:
        self.arranged()
        return next((i for i, place in enumerate(self._places) if place.contains(point)), None)

    def _choose(self, index: int) -> None:
        self.set_at(index)
        self.chosen.emit(index)

    def walk(self, rows: int, cols: int) -> bool:
        count = self.count()
        if not count:
            return False
        new = min(count - 1, max(0, self._at + rows + cols))
        if new != self._at:
            self._choose(new)
        return True

    # -- painting
    def draw_ground(self, painter: QPainter, index: int, place: QRectF) -> None:
        """What lies below a thing that is marked or pointed at; nothing below others."""
        marked = index == self._at
        if not marked and index != self._hover:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(theme.color("accent"), 2) if marked else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_soft" if marked else "sunken"))
        painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), R1, R1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

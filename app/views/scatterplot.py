"""A plot for the hand: points to drag, a query line to move, curves with gaps, stems below, marks on curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent

from app import words
from app.views import plotpaint
from app.views.axes import Axes, around
from app.views.base import PixelView, chip, finite
from app.words import Text

GRIP = 9  # px around a point or the line within which the hand takes hold
STRIP, GAP = 58, 10  # px of the stems' strip and above it
MOVE, ADD, DELETE = "move", "add", "delete"
ZOOM = 1.15  # a notch of the wheel
ROOM = 0.05  # share of a range left free at each end


@dataclass(frozen=True, eq=False)
class Line:
    """A curve.

    Attributes
    ----------
    x, y : ndarray (n,)
    filled : ndarray bool (n,), optional
        False where there is nothing to draw: a gap.
    style : str
        ``solid``, ``dash``, ``dot`` or ``dashdot``.
    fits : bool
        Whether the curve has to be in sight.
    """

    name: Text
    x: np.ndarray
    y: np.ndarray
    token: str = "cat0"
    filled: np.ndarray | None = None
    style: str = "solid"
    width: float = 1.5
    fits: bool = True


@dataclass(frozen=True)
class Mark:
    """A dot on a curve, on request with a dashed line down to the axis and a word beside it."""

    x: float
    y: float
    token: str = "accent"
    text: Text = ""
    foot: bool = False
    ring: bool = False


class ScatterPlot(PixelView):
    """Points, curves, stems and a query line over one pair of axes.

    Signals
    -------
    query_moved : float, query_settled
        The line at each move of the hand, and the end of the move.
    point_moved : (int, float, float), point_settled
        A point that is dragged, and the end of the drag.
    point_added : (float, float), point_removed : int
    hovered : int or None
        The point under the pointer.
    pointed : float or None
        x under the pointer.
    """

    query_moved = Signal(float)
    query_settled = Signal()
    point_moved = Signal(int, float, float)
    point_settled = Signal()
    point_added = Signal(float, float)
    point_removed = Signal(int)
    hovered = Signal(object)
    pointed = Signal(object)

    def __init__(self, log_x: bool = False, strip: bool = False, low: tuple[int, int] = (180, 110)) -> None:
        super().__init__(low)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "scatter"
        self.axes = Axes(log_x)
        self.mode = MOVE
        self.editable = False  # whether points can be dragged, added, removed
        self._strip = strip
        self._lines: tuple[Line, ...] = ()
        self._marks: tuple[Mark, ...] = ()
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._heat: np.ndarray | None = None  # (N,) share of the color map
        self._stems: np.ndarray | None = None  # (N,)
        self._top = 1.0
        self._query: float | None = None
        self._answer: float | None = None
        self._band: tuple[float, float] | None = None
        self._fixed: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)
        self._zoomed = False
        self._hover: int | None = None
        self._chosen: int | None = None
        self._held: int | None = None  # point in the hand
        self._pulls = False  # query line in the hand
        self._cursor: float | None = None

    # -- content
    def set_lines(self, lines: Sequence[Line], marks: Sequence[Mark] = ()) -> None:
        """Show curves, and marks on them."""
        for line in lines:
            if len(line.x) != len(line.y):
                raise ValueError(f"{line.name!r}: {len(line.x)} x and {len(line.y)} y")
            finite(line.y, words.drawn(line.name))
        self._lines, self._marks = tuple(lines), tuple(marks)
        self._refit()

    def set_points(self, x: np.ndarray, y: np.ndarray, heat: np.ndarray | None = None) -> None:
        """Show points (N,); ``heat`` colors each by a share 0..1 of the ember map."""
        self._x, self._y = finite(np.asarray(x, float), "x"), finite(np.asarray(y, float), "y")
        self._heat = heat
        if any(at is not None and at >= len(self._x) for at in (self._hover, self._chosen)):
            self._hover = self._chosen = None
        if self._held is not None and self._held >= len(self._x):
            self._held = None  # undone in mid-drag: the point in the hand is gone
        if self._held is None:
            self._refit()
        self.tell()
        self.update()

    def set_stems(self, values: np.ndarray | None, top: float = 1.0) -> None:
        """Draw a stem below each point, values (N,); the strip's scale ends at ``top``."""
        self._stems, self._top = values, max(top, 1e-12)
        self.update()

    def set_query(self, x: float | None, answer: float | None = None, band: tuple[float, float] | None = None) -> None:
        """Put the query line at x, a dot at its answer (None: no dot), and shade a window around it."""
        self._query, self._answer, self._band = x, answer, band
        self.tell()
        self.update()

    @property
    def query(self) -> float | None:
        """Where the query line stands."""
        return self._query

    def set_range(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Show a fixed range of x or y; None follows the content."""
        self._fixed = (x, y)
        self._refit()

    def set_cursor(self, x: float | None) -> None:
        """Dashed vertical line, linked over plots."""
        if x != self._cursor:
            self._cursor = x
            self.update()

    def set_hover(self, index: int | None) -> None:
        """Light up a point that is pointed at elsewhere."""
        if index != self._hover:
            self._hover = index
            self.update()

    def numbers(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        if len(self._x):
            out["points"] = np.stack([self._x, self._y], 1)
        if self._stems is not None:
            out["weights"] = self._stems
        for line in self._lines:
            name = words.drawn(line.name)
            out[name] = np.stack([line.x, line.y], 1)
            if line.filled is not None:
                out[f"{name}_filled"] = line.filled
        if self._query is not None:
            out["query"] = np.array([self._query])
        return out

    def report(self) -> str:
        at = self._hover if self._hover is not None else self._chosen
        if at is not None and at < len(self._x):
            return f"{at + 1}: {self._said(at)}"
        return ", ".join(words.number(v, 2) for v in (self._query, self._answer) if v is not None)

    def _said(self, at: int) -> str:
        text = f"{words.number(self._x[at], 2)}, {words.number(self._y[at], 2)}"
        if self._stems is not None and at < len(self._stems):
            text += f" · {words.percent(float(self._stems[at]), 1)}"
        return text

    # -- range
    def fit(self) -> None:
        self._zoomed = False
        self._refit()

    def _refit(self) -> None:
        if not self._zoomed:
            needed = [line for line in self._lines if line.fits and len(line.x)]
            xs = [line.x for line in needed] + [self._x] + [np.array([m.x for m in self._marks])]
            ys = [line.y if line.filled is None else line.y[line.filled] for line in needed] + [self._y]
            self.axes.x = self._fixed[0] or around(xs, 0.02, self.axes.log_x)
            self.axes.y = self._fixed[1] or around(ys, ROOM)
        self.renew()

    def arrange(self, width: int, height: int) -> None:
        self.axes.arrange(width, height, STRIP + GAP if self._strip else 0)

    def strip(self) -> QRectF | None:
        """Where the stems stand."""
        if not self._strip:
            return None
        place = self.axes.place
        return QRectF(place.left(), place.bottom() + GAP, place.width(), STRIP)

    # -- hand
    def point_at(self, at: QPointF) -> int | None:
        """The nearest point within reach."""
        self.arranged()
        if not len(self._x):
            return None
        far = np.hypot(self.axes.pixels_x(self._x) - at.x(), self.axes.pixels_y(self._y) - at.y())
        nearest = int(far.argmin())
        return nearest if far[nearest] <= GRIP else None

    def _on_plot(self, at: QPointF) -> bool:
        place = self.axes.place
        return place.left() - 4 <= at.x() <= place.right() + 4 and 0 <= at.y() <= self.height() - 16

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton or not self._on_plot(at):
            return
        near = self.point_at(at) if self.editable else None
        adds = self.mode == ADD or event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self.editable and self.mode == DELETE and near is not None:
            self.point_removed.emit(near)
        elif self.editable and adds and near is None:
            self.point_added.emit(self.axes.value_x(at.x()), self.axes.value_y(at.y()))
        elif near is not None:
            self._held = self._chosen = near
        elif self._query is not None:
            self._pulls, self._chosen = True, None
            self._pull(at)
        self.update()

    def _pull(self, at: QPointF) -> None:
        low, high = self.axes.x
        self.query_moved.emit(min(high, max(low, self.axes.value_x(at.x()))))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._held is not None:
            x, y = self.axes.value_x(at.x()), self.axes.value_y(at.y())
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                x = float(self._x[self._held])  # Shift keeps the key, only the value moves
            (x0, x1), (y0, y1) = self.axes.x, self.axes.y
            self.point_moved.emit(self._held, min(x1, max(x0, x)), min(y1, max(y0, y)))
        elif self._pulls:
            self._pull(at)
        else:
            near = self.point_at(at)
            if near != self._hover:
                self._hover = near
                self.tell()
                self.update()
                self.hovered.emit(near)
            self.setCursor(self._shape(at, near))
            self.pointed.emit(self.axes.value_x(at.x()) if self._on_plot(at) else None)

    def _shape(self, at: QPointF, near: int | None) -> Qt.CursorShape:
        if self.editable and (near is not None or self.mode == ADD):
            return Qt.CursorShape.CrossCursor if near is None else Qt.CursorShape.PointingHandCursor
        line = None if self._query is None else self.axes.point(self._query, 0).x()
        held = line is not None and abs(line - at.x()) <= GRIP
        return Qt.CursorShape.SizeHorCursor if held else Qt.CursorShape.ArrowCursor

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        held, self._held = self._held, None
        pulled, self._pulls = self._pulls, False
        if held is not None:
            self._refit()
            self.point_settled.emit()
        if pulled:
            self.query_settled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.mode == MOVE:
            self.fit()
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, _event: object) -> None:
        if self._hover is not None:
            self._hover = None
            self.update()
            self.hovered.emit(None)
        self.pointed.emit(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; the whole is the farthest."""
        steps, at, axes = event.angleDelta().y() / 120, event.position(), self.axes
        if not steps or not axes.place.contains(at):
            event.ignore()
            return
        factor = ZOOM**-steps
        self._zoomed = True
        if not axes.log_x:
            middle = axes.value_x(at.x())
            axes.x = (middle - (middle - axes.x[0]) * factor, middle + (axes.x[1] - middle) * factor)
        middle = axes.value_y(at.y())
        axes.y = (middle - (middle - axes.y[0]) * factor, middle + (axes.y[1] - middle) * factor)
        self.renew()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.editable and self._chosen is not None:
            self.point_removed.emit(self._chosen)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._nudged(Qt.Key(event.key())):
            self.update()
        else:
            super().keyPressEvent(event)

    def _nudged(self, key: Qt.Key) -> bool:
        """Shift and an arrow: move the chosen point by a hundredth of what is in sight."""
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        if key not in steps or not self.editable or self._chosen is None:
            return False
        right, up = steps[key]
        x = float(self._x[self._chosen]) + right * (self.axes.x[1] - self.axes.x[0]) / 100
        y = float(self._y[self._chosen]) + up * (self.axes.y[1] - self.axes.y[0]) / 100
        self.point_moved.emit(self._chosen, x, y)
        self.point_settled.emit()
        return True

    def walk(self, rows: int, cols: int) -> bool:
        if cols and self._query is not None:
            low, high = self.axes.x
            self.query_moved.emit(min(high, max(low, self._query + cols * (high - low) / 100)))
            self.query_settled.emit()
            return True
        if rows and self.editable and len(self._x):
            order = self._x.argsort(kind="stable")
            now = int(np.flatnonzero(order == self._chosen)[0]) if self._chosen is not None else -rows
            self._chosen = int(order[(now + rows) % len(order)])
            return True
        return False

    def escape(self) -> bool:
        chosen, self._chosen = self._chosen, None
        return chosen is not None

    # -- painting
    def draw(self, painter: QPainter) -> None:
        axes, strip = self.axes, self.strip()
        plotpaint.window(painter, axes, strip, self._band)
        axes.paint(painter, None if strip is None else strip.bottom())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.save()
        painter.setClipRect(axes.place.adjusted(0, -2, 6, 2))
        for line in self._lines:
            plotpaint.line(painter, axes, line.x, line.y, line.filled, line.token, line.style, line.width)
        painter.restore()
        if strip is not None and self._stems is not None and len(self._stems) == len(self._x):
            plotpaint.stems(painter, axes, strip, self._x, self._stems, self._top)
        plotpaint.points(painter, axes, self._x, self._y, self._heat)
        for mark in self._marks:
            plotpaint.mark(painter, axes, mark.x, mark.y, mark.token, mark.text, mark.foot, mark.ring)
        if self._cursor is not None:
            plotpaint.cursor(painter, axes, self._cursor)
        if self._query is not None:
            plotpaint.query(painter, axes, strip, self._query, self._answer)
        for at, token in ((self._chosen, "accent"), (self._hover, "text")):
            if at is not None and at < len(self._x):
                plotpaint.ring(painter, axes.point(self._x[at], self._y[at]), token)
        if self._hover is not None and self._hover < len(self._x):
            place = axes.point(self._x[self._hover], self._y[self._hover])
            near = QRectF(place.x() - 8, place.y() - 8, 16, 16)
            chip(painter, near, self._said(self._hover), QRectF(self.rect()))

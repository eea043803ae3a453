"""A plot for the hand: points to drag, a query line to move, curves with gaps, stems below, marks on curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app import theme, words
from app.plots.axes import Axis, LogAxis
from app.plots.chart import HOLLOW, Chart, case, dashed, finite, ink
from app.plots.items import Caption
from app.plots.lines import PAST, Line, Lines
from app.plots.marks import Mark, Marks
from app.plots.past import PastNote, covers
from app.plots.points import Points, embers
from app.plots.queryline import QueryLine
from app.plots.stems import Stems
from app.plots.typed import GraphicsView
from app.session.trace import Trace, as_traces
from app.theme import S2, S4
from app.words import Text

MOVE, ADD, DELETE = "move", "add", "delete"
ROOM = 0.05  # share of a range left free at each end
MANY = 150  # points that are drawn smaller


def around(values: Sequence[np.ndarray], room: float, log: bool = False) -> tuple[float, float]:
    """Least and largest of all, with some room."""
    every = np.concatenate([v.ravel() for v in values]) if values else np.zeros(0)
    if not len(every):
        return (1.0, 10.0) if log else (0.0, 1.0)
    low, high = float(every.min()), float(every.max())
    if log:
        return (low, high) if high > low else (low / 2, low * 2)
    if high <= low:
        return low - 0.5, high + 0.5
    return low - room * (high - low), high + room * (high - low)


class ScatterPlot(Chart):
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

    is_history = False  #: its curves are those of a run over its steps

    def __init__(self, log_x: bool = False, strip: bool = False, low: tuple[int, int] = (180, 110)) -> None:
        self.mode = MOVE
        self._lines: tuple[Line, ...] = ()
        self._past: tuple[Line, ...] = ()
        self._x, self._y = np.zeros(0), np.zeros(0)
        self._heat: np.ndarray | None = None  # (N,) share of the color map
        self._weights: np.ndarray | None = None  # (N,)
        self._fixed: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)
        self._hover: int | None = None
        self._chosen: int | None = None
        self._cursor: float | None = None
        self.points, self._rings = Points(), pg.ScatterPlotItem(antialias=True)
        self._line, self._note = pg.InfiniteLine(angle=90), PastNote()
        self.chip = Caption(gap=S2, chip=True)
        self._curves, self.marks = Lines(self), Marks(self)
        self._asked = QueryLine(self, self._pulled, lambda: self.query_settled.emit())
        self.stems: Stems | None = None
        super().__init__(low, {"left": Axis("left"), "bottom": LogAxis("bottom") if log_x else Axis("bottom")},
                         (log_x, False))  # fmt: skip
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "scatter"
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        if strip:
            self.stems = Stems(self.plot)
        self._build()
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's
        self.pointed_at.connect(self._point)

    def _build(self) -> None:
        """Add the items that are always there; the query line and its window also to the strip."""
        self._asked.stand_in(self.box, foot=self.stems is None)
        if self.stems is not None:
            self._asked.stand_in(self.stems.box, foot=True)
        above = ((self.points, 6), (self._line, 4), (self._rings, 9), (self._note, 8))
        for item, height in (*above, (self.chip, 10)):
            self.put(item, height)
        self._note.stand_in(self.box)
        for item in (self._line, self.chip):
            item.hide()
        self.points.moved.connect(self._dragged)
        self.points.dropped.connect(self._dropped)
        self.apply_theme()

    @property
    def editable(self) -> bool:
        """Whether points can be dragged, added, removed."""
        return self.points.editable

    @editable.setter
    def editable(self, on: bool) -> None:
        self.points.editable = on

    # -- content
    def set_lines(self, lines: Sequence[Line], marks: Sequence[Mark] = ()) -> None:
        """Show curves, and marks on them."""
        for line in lines:
            if len(line.x) != len(line.y):
                raise ValueError(f"{line.name!r}: {len(line.x)} x and {len(line.y)} y")
            finite(line.y, words.drawn(line.name))
        self._lines = tuple(lines)
        past = [one for one in self._past if not any(covers((now.x, now.y), (one.x, one.y)) for now in lines)]
        self._curves.show_lines((*past, *lines))
        self._note.show_while(bool(past))
        self.marks.show_marks(marks)
        self.refit()

    def keep_past(self, named: Text) -> None:
        """Leave the curves of now, dotted, behind those that come, and say so; or, without a name, forget what was."""
        self._past = tuple(replace(line, style=PAST) for line in self._lines if len(line.x)) if named else ()
        self._note.tell(named if self._past else "", [self.along(line.x, line.y) for line in self._past])
        self.set_lines(self._lines, self.marks.shown)

    def traces(self) -> tuple[Trace, ...]:
        """What is drawn now, as a session keeps it."""
        every = [(line, slice(None) if line.filled is None else line.filled) for line in self._lines]
        return as_traces([(words.drawn(one.name), one.token, one.x[at], one.y[at]) for one, at in every])

    def show_past(self, traces: Sequence[Trace], named: Text) -> None:
        """Draw curves of a session, dotted, behind those that come, and say so."""
        self._past = tuple(
            Line(words.plain(one.name), one.x, one.y, theme.known(one.token), style=PAST) for one in traces
        )
        self._note.tell(named if self._past else "", [self.along(line.x, line.y) for line in self._past])
        self.set_lines(self._lines, self.marks.shown)

    def past(self) -> tuple[Line, ...]:
        """What was left."""
        return self._past

    def past_named(self) -> Text:
        """What is said of it."""
        return self._note.said

    def set_points(self, x: np.ndarray, y: np.ndarray, heat: np.ndarray | None = None) -> None:
        """Show points (N,); ``heat`` colors each by a share 0..1 of the ember map."""
        self._x, self._y = finite(np.asarray(x, float), "x"), finite(np.asarray(y, float), "y")
        self._heat = heat
        if any(at is not None and at >= len(self._x) for at in (self._hover, self._chosen)):
            self._hover = self._chosen = None
        held = self.points.held
        if held is not None and held >= len(self._x):
            self.points.held = held = None  # undone in mid-drag: the point in the hand is gone
        self._draw_points()
        if held is None:
            self.refit()
        self.tell()

    def set_stems(self, values: np.ndarray | None, top: float = 1.0) -> None:
        """Draw a stem below each point, values (N,); the strip's scale ends at ``top``."""
        self._weights = values
        if self.stems is not None:
            fits = values is not None and len(values) == len(self._x)
            at = self.along(self._x, self._x)[0]
            self.stems.show_stems(at if fits else at[:0], values if values is not None and fits else at[:0], top)

    def set_query(self, x: float | None, answer: float | None = None, band: tuple[float, float] | None = None) -> None:
        """Put the query line at x, a dot at its answer (None: no dot), and shade a window around it."""
        self._asked.show_query(x, answer, band)
        self.tell()

    @property
    def query(self) -> float | None:
        """Where the query line stands."""
        return self._asked.at

    def set_range(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Show a fixed range of x or y; None follows the content."""
        self._fixed = (x, y)
        self.refit()

    def cursor_at(self) -> float | None:
        """Where the cursor stands; None for nowhere."""
        return self._cursor

    def set_cursor(self, x: float | None) -> None:
        """Dashed vertical line, linked over plots."""
        if x != self._cursor:
            self._cursor = x
            self._line.setVisible(x is not None)
            if x is not None:
                self._line.setValue(self.seen(x).x())

    def hover(self) -> int | None:
        """The point that is pointed at."""
        return self._hover

    def set_hover(self, index: int | None) -> None:
        """Light up a point that is pointed at elsewhere."""
        if index != self._hover:
            self._hover = index
            self._ring()

    def numbers(self) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        if len(self._x):
            out["points"] = np.stack([self._x, self._y], 1)
        if self._weights is not None:
            out["weights"] = self._weights
        for line in self._lines:
            name = words.drawn(line.name)
            out[name] = np.stack([line.x, line.y], 1)
            if line.filled is not None:
                out[f"{name}_filled"] = line.filled
        if self.query is not None:
            out["query"] = np.array([self.query])
        return out

    def report(self) -> str:
        at = self._hover if self._hover is not None else self._chosen
        if at is not None and at < len(self._x):
            return f"{at + 1}: {self._said(at)}"
        return ", ".join(words.number(v, 2) for v in (self.query, self._asked.answer) if v is not None)

    def _said(self, at: int) -> str:
        text = f"{words.number(self._x[at], 2)}, {words.number(self._y[at], 2)}"
        if self._weights is not None and at < len(self._weights):
            text += f" · {words.percent(float(self._weights[at]), 1)}"
        return text

    def whole(self) -> None:
        needed = [line for line in (*self._past, *self._lines) if line.fits and len(line.x)]
        xs = [line.x for line in needed] + [self._x] + [self.marks.x]
        ys = [line.y if line.filled is None else line.y[line.filled] for line in needed] + [self._y]
        x, y = self._fixed[0] or around(xs, 0.02, self.log[0]), self._fixed[1] or around(ys, ROOM)
        self.show_range(x, y, (0.015 if self._fixed[0] else 0, 0))

    # -- hand
    def _reach(self, at: QPointF) -> tuple[float, float]:
        """The numbers at a place, within what is in sight."""
        (left, right), (low, high) = self.box.viewRange()
        kept = self.meant(QPointF(min(right, max(left, at.x())), min(high, max(low, at.y()))))
        return kept.x(), kept.y()

    def _pulled(self, at: QPointF) -> None:
        self.query_moved.emit(self._reach(at)[0])

    def _clicked(self, event: Any) -> None:
        """What the mode says: choose, add or take away a point; beside the points, bring the query line."""
        if event.button() != Qt.MouseButton.LeftButton or not self._over(event.scenePos()):
            return
        at = self.box.mapSceneToView(event.scenePos())
        near = self.points.near(at) if self.box.sceneBoundingRect().contains(event.scenePos()) else None
        adds = self.mode == ADD or event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self.editable and self.mode == DELETE and near is not None:
            self.point_removed.emit(near)
        elif self.editable and adds and near is None:
            self.point_added.emit(*self._reach(at))
        elif near is not None:
            self._chosen = near
        elif self.query is not None and not event.double():
            self._chosen = None
            self.query_moved.emit(self._reach(at)[0])
            self.query_settled.emit()
        self._ring()

    def _over(self, place: QPointF) -> bool:
        boxes = (self.box,) if self.stems is None else (self.box, self.stems.box)
        return any(box.sceneBoundingRect().contains(place) for box in boxes)

    def _dragged(self, index: int, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._chosen = index
        x, y = self._reach(at)
        if keys & Qt.KeyboardModifier.ShiftModifier:
            x = float(self._x[index])  # Shift keeps the key, only the value moves
        self.point_moved.emit(index, x, y)

    def _dropped(self) -> None:
        self.refit()
        self.point_settled.emit()

    def _point(self, at: QPointF | None) -> None:
        """The pointer is at a place of the axes, or none."""
        near = None if at is None else self.points.near(at)
        if near is not None and self.editable:
            self.points.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.points.unsetCursor()
        if near != self._hover:
            self._hover = near
            self._ring()
            self.tell()
            self.hovered.emit(near)
        self.pointed.emit(None if at is None else self.meant(at).x())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.mode == MOVE:
            super().mouseDoubleClickEvent(event)
        else:
            GraphicsView.mouseDoubleClickEvent(self, event)  # a quick hand clicks twice
            event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.editable and self._chosen is not None:
            self.point_removed.emit(self._chosen)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._nudged(Qt.Key(event.key())):
            self._ring()
        else:
            super().keyPressEvent(event)

    def _nudged(self, key: Qt.Key) -> bool:
        """Shift and an arrow: move the chosen point by a hundredth of what is in sight."""
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        if key not in steps or not self.editable or self._chosen is None:
            return False
        (left, right), (low, high) = self.box.viewRange()
        at = self.seen(float(self._x[self._chosen]), float(self._y[self._chosen]))
        way = QPointF(steps[key][0] * (right - left) / 100, steps[key][1] * (high - low) / 100)
        to = self.meant(at + way)
        self.point_moved.emit(self._chosen, to.x(), to.y())
        self.point_settled.emit()
        return True

    def walk(self, rows: int, cols: int) -> bool:
        if cols and self.query is not None:
            left, right = self.box.viewRange()[0]
            at = self.seen(self.query) + QPointF(cols * (right - left) / 100, 0)
            self.query_moved.emit(self._reach(at)[0])
            self.query_settled.emit()
            return True
        if rows and self.editable and len(self._x):
            order = self._x.argsort(kind="stable")
            now = int(np.flatnonzero(order == self._chosen)[0]) if self._chosen is not None else -rows
            self._chosen = int(order[(now + rows) % len(order)])
            self._ring()
            return True
        return False

    def escape(self) -> bool:
        chosen, self._chosen = self._chosen, None
        self._ring()
        return chosen is not None

    # -- items
    def _draw_points(self) -> None:
        x, y = self.along(self._x, self._y)
        big = 9.0 if len(x) <= MANY else 6.0
        if self._heat is None or len(self._heat) != len(x):
            self.points.show_at(x, y, size=big - 2, pen=case(width=1), brush=ink("control"))
        else:
            order = self._heat.argsort(kind="stable")  # the strongest on top
            edge = case("control", 1)
            self.points.show_at(x, y, order, size=big, pen=edge, brush=embers(self._heat[order]))
        self._ring()

    def _ring(self) -> None:
        """Rings around the chosen point and the one pointed at, with what the latter says."""
        spots: list[dict[str, object]] = []
        for at, token in ((self._chosen, "accent"), (self._hover, "text")):
            if at is not None and at < len(self._x):
                place = self.seen(self._x[at], self._y[at])
                pens = case(width=4), case(token, 2)
                spots += [{"pos": place, "pen": pen, "brush": HOLLOW, "size": 14} for pen in pens]
        self._rings.setVisible(bool(spots))
        if spots:
            self._rings.setData(spots)
        shown = self._hover is not None and self._hover < len(self._x)
        self.chip.setVisible(shown)
        if shown and self._hover is not None:
            self.chip.say(self._said(self._hover))
            self.chip.setPos(self.seen(self._x[self._hover], self._y[self._hover]))

    def apply_theme(self) -> None:
        super().apply_theme()
        self._asked.apply_theme()
        self._note.renew()
        self._line.setPen(dashed())
        self.chip.dress()
        self.marks.apply_theme()
        if self.stems is not None:
            self.stems.apply_theme()
        self._curves.apply_theme()
        self._draw_points()

"""What lies over a view while a guess is asked for: a curve drawn by hand, cells that are picked.

A sheet hides what the view answers and takes the guess; afterwards it lets the view be seen and marks the guess on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme, words
from app.plots.chart import Chart
from app.theme import S1, S2, SMALL
from app.views.base import dots, outline, pen
from engines.core.errors import Message

OFF, ASKED, SHOWN = range(3)  #: phases
BINS = 96  #: places of a drawn curve
LEAST = 150  #: px, height of a view that has room for what is said
STEP = 0.04  #: of the plot's height, by which an arrow key moves the curve

Floats = npt.NDArray[np.float64]
Cell = tuple[int, int]


class Sheet(QWidget):
    """What lies over a view.

    Signals
    -------
    changed
        The guess is another one.
    """

    changed = Signal()

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.view, self.phase, self.said = view, OFF, Message("")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        view.installEventFilter(self)
        self.hide()

    def set_phase(self, phase: int, said: Message) -> None:
        """Ask, show, or go away; ``said`` stands at the upper edge."""
        if phase == ASKED:
            self.clear()
        self.phase, self.said = phase, said
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, phase == SHOWN)
        self.setGeometry(self.view.rect())
        self.setVisible(phase != OFF)
        self.raise_()
        if phase == ASKED:
            self.setFocus()
        self.setAccessibleName(words.drawn(said))
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self.view.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(theme.font(SMALL))
            self.draw(painter)
            self._say(painter)

    def _say(self, painter: QPainter) -> None:
        """What is asked for, or the score, in a band at an edge; a low view has no room for it."""
        if self.height() < LEAST:
            return
        text, wrapped = words.drawn(self.said), int(Qt.TextFlag.TextWordWrap)
        room = QRectF(self.rect()).adjusted(S2, S1, -S2, -S1)
        place = QRectF(painter.boundingRect(room.adjusted(S2, S1, -S2, 0).toRect(), wrapped, text))
        if not self.told_above():
            place.moveBottom(room.bottom() - S1)
        painter.fillRect(place.adjusted(-S2, -S1, S2, S1), theme.color("ink"))
        painter.setPen(theme.color("chalk"))
        painter.drawText(place, wrapped, text)

    # -- what a subclass says
    def told_above(self) -> bool:
        """Whether what is said stands at the upper edge; else at the lower."""
        return True

    def clear(self) -> None:
        """Forget the guess."""

    def is_empty(self) -> bool:
        """Whether nothing was guessed yet."""
        raise NotImplementedError

    def draw(self, painter: QPainter) -> None:
        """Cover what is asked for, and mark the guess."""
        raise NotImplementedError


class CurveSheet(Sheet):
    """A curve drawn by hand over a plot: drag, or move it with the arrow keys.

    Parameters
    ----------
    view : Chart
    known : callable
        Gives x and y, (2, n), of the points that may be seen while it is asked for.
    """

    def __init__(self, view: Chart, known: Callable[[], npt.ArrayLike]) -> None:
        super().__init__(view)
        self._chart, self._known = view, known
        self._y = np.full(BINS, np.nan)
        self._last: tuple[int, float] | None = None
        self._at = 0

    def clear(self) -> None:
        self._y[:], self._last, self._at = np.nan, None, 0

    def is_empty(self) -> bool:
        return not np.isfinite(self._y).any()

    def curve(self) -> tuple[Floats, Floats]:
        """Places and heights (n,) of what was drawn; NaN where nothing was."""
        x = np.array([self._chart.meant(QPointF(v, 0.0)).x() for v in self._axis()])
        return x, self._y.copy()

    def _axis(self) -> Floats:
        (left, right), _ = self._chart.box.viewRange()
        return np.asarray(left + (np.arange(BINS) + 0.5) / BINS * (right - left))

    # -- hand
    def put(self, x: float, y: float) -> None:
        """The hand is at a place of the axes: all places from the one before to here."""
        (left, right), (low, high) = self._chart.box.viewRange()
        at = min(BINS - 1, max(0, int((x - left) / (right - left) * BINS)))
        y = min(high, max(low, y))
        start, before = self._last or (at, y)
        for i in range(min(start, at), max(start, at) + 1):
            share = (i - start) / (at - start) if at != start else 1.0
            self._y[i] = before + share * (y - before)
        self._last, self._at = (at, y), at
        self.changed.emit()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = None
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._chart.value_at(event.position())
        self.put(at.x(), at.y())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        across = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        up = {Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}.get(Qt.Key(event.key()), 0)
        if not across and not up:
            super().keyPressEvent(event)
            return
        _, (low, high) = self._chart.box.viewRange()
        now = self._y[self._at] if np.isfinite(self._y[self._at]) else (low + high) / 2
        at = min(BINS - 1, max(0, self._at + across))
        self.put(float(self._axis()[at]), float(now + up * STEP * (high - low)))

    # -- painting
    def _place(self) -> QRectF:
        """The plot's inside, px."""
        return QRectF(self._chart.mapFromScene(self._chart.box.sceneBoundingRect()).boundingRect())

    def draw(self, painter: QPainter) -> None:
        place = self._place()
        if self.phase == ASKED:
            painter.fillRect(place, theme.color("surface"))
            x, y = np.asarray(self._known(), float)
            spots = [self._chart.spot(float(a), float(b)) for a, b in zip(x, y, strict=True)]
            dots(painter, [spot for spot in spots if place.contains(spot)], theme.color("text2"))
        path, drawing = QPainterPath(), False
        for x_, y_ in zip(self._axis(), self._y, strict=True):
            spot = self._chart.place_of(float(x_), float(y_)) if np.isfinite(y_) else None
            if spot is None:
                drawing = False
            elif drawing:
                path.lineTo(spot)
            else:
                path.moveTo(spot)
                drawing = True
        painter.setClipRect(place)
        painter.strokePath(path, pen(theme.color("accent"), 2.5, Qt.PenStyle.DashLine))
        painter.setClipping(False)


class Celled(Protocol):
    """A view with cells."""

    def cell_rect(self, cell: Cell) -> QRectF:
        """Where a cell stands, px."""


class CellSheet(Sheet):
    """Cells that are picked with a click, or with arrow keys and Enter.

    Parameters
    ----------
    view : QWidget, Celled
    cells : callable
        Those that may be picked.
    many : callable
        How many are asked for; one more takes the place of the first.
    veil : callable, optional
        Covers what is asked for and gets the painter; by default the cells are plain paper.
    """

    def __init__(
        self,
        view: QWidget,
        cells: Callable[[], Iterable[Cell]],
        many: Callable[[], int] = lambda: 1,
        veil: Callable[[QPainter], None] | None = None,
    ) -> None:
        super().__init__(view)
        self._cells, self._many, self._veil = cells, many, veil
        self.picks: tuple[Cell, ...] = ()
        self._at: Cell | None = None  # of the keyboard

    def clear(self) -> None:
        self.picks, self._at = (), None

    def is_empty(self) -> bool:
        return not self.picks

    def told_above(self) -> bool:
        """Where it covers fewer of the cells that are asked for."""
        middles = [self._rect(cell).center().y() for cell in self._cells()]
        return not middles or sum(middles) / len(middles) >= self.height() / 2 - 1

    def _rect(self, cell: Cell) -> QRectF:
        celled: Celled = self.view  # type: ignore[assignment]  # what it is asked for with
        return celled.cell_rect(cell)

    # -- hand
    def pick(self, cell: Cell) -> None:
        """Pick a cell, or take the pick back."""
        if cell in self.picks:
            self.picks = tuple(one for one in self.picks if one != cell)
        else:
            self.picks = (*self.picks, cell)[-self._many() :]
        self.changed.emit()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = next((cell for cell in self._cells() if self._rect(cell).contains(event.position())), None)
        if found is not None:
            self.pick(found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        cells = list(self._cells())
        key = Qt.Key(event.key())
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        if key in moves and cells:
            now, (down, across) = self._at or cells[0], moves[key]
            wanted = (now[0] + down, now[1] + across)
            self._at = wanted if wanted in cells else now
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at is not None:
            self.pick(self._at)
        else:
            super().keyPressEvent(event)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        if self.phase == ASKED:
            cells = list(self._cells())
            if self._veil is not None:
                self._veil(painter)
            else:
                for cell in cells:
                    painter.fillRect(self._rect(cell), theme.color("surface"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(pen(theme.color("border")))
            for cell in cells:
                painter.drawRect(self._rect(cell))
            if self._at is not None:
                outline(painter, self._rect(self._at), theme.color("text2"), 1.5)
        for cell in self.picks:
            outline(painter, self._rect(cell), theme.color("accent"), 2.5)

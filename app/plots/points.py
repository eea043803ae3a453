"""Dots that can be pointed at and dragged."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor

from app import theme

REACH = 9  #: px around a dot within which it is taken


@cache
def _brushes(map_name: str) -> tuple[QBrush, ...]:
    """A color map as brushes, so that a thousand dots need no thousand of them."""
    return tuple(QBrush(QColor(*rgb)) for rgb in theme.ramp(map_name).tolist())


def ember(share: float) -> QColor:
    """Color of a share 0..1 of the attention map."""
    return _brushes("ember")[round(255 * min(1.0, max(0.0, share)))].color()


def embers(shares: np.ndarray) -> list[QBrush]:
    """The same for shares (n,)."""
    every = _brushes("ember")
    return [every[at] for at in np.rint(255 * np.clip(shares, 0, 1)).astype(int).tolist()]


class Points(pg.ScatterPlotItem):
    """pyqtgraph's dots, of which the nearest can be taken, and dragged where ``editable``.

    Signals
    -------
    moved : int, QPointF, Qt.KeyboardModifiers
        Which one of the numbers given is dragged where on the axes; with the keys held.
    dropped
        The hand let go.
    """

    moved = Signal(int, QPointF, object)
    dropped = Signal()

    def __init__(self, reach: float = REACH, **options: Any) -> None:
        super().__init__(antialias=True, **options)
        self.editable = False
        self.held: int | None = None  #: in the hand
        self._reach = reach
        self.order: np.ndarray | None = None

    def show_at(self, x: np.ndarray, y: np.ndarray, order: np.ndarray | None = None, **looks: Any) -> None:
        """Show dots; ``order`` (n,) is that of painting, the last one on top, and ``looks`` stand in the same."""
        self.order = order
        if order is not None:
            x, y = x[order], y[order]
        self.setData(x=x, y=y, **looks)

    def near(self, at: QPointF) -> int | None:
        """The nearest dot within reach of a place on the axes."""
        box = self.getViewBox()
        if box is None or not len(self.data):
            return None
        wide, high = box.viewPixelSize()
        reach = QRectF(-self._reach * wide, -self._reach * high, 2 * self._reach * wide, 2 * self._reach * high)
        best, least = None, float(self._reach)
        for spot in self.pointsAt(reach.translated(at)):
            away = spot.pos() - at
            far = float(np.hypot(away.x() / wide, away.y() / high))
            if far <= least and (best is None or far < least):
                best, least = int(spot.index()), far
        return best if best is None or self.order is None else int(self.order[best])

    def mouseDragEvent(self, event: Any) -> None:
        """Take a dot, move it, let it go."""
        if event.button() != Qt.MouseButton.LeftButton or not self.editable:
            event.ignore()
            return
        if event.isStart():
            self.held = self.near(event.buttonDownPos())
            if self.held is None:
                event.ignore()  # of the plot behind
                return
        event.accept()  # to the end, even if the dot is gone meanwhile
        if self.held is None:
            return
        self.moved.emit(self.held, event.pos(), event.modifiers())
        if event.isFinish():
            self.held = None
            self.dropped.emit()

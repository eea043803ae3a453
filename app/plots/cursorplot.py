"""What plots share over whose x axis the hand drags a cursor."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent

from app import theme, words
from app.plots.chart import Chart
from app.plots.items import Handle
from app.plots.surface import cosmetic
from app.words import Text


class CursorPlot(Chart):
    """A plot with a dashed vertical line to drag; a click brings it. Whoever owns the number moves it, by `set_cursor`.

    Parameters
    ----------
    low : tuple of int
        Least size.
    name : str
        What it is called where it is read aloud.
    axes, log
        As of a `Chart`.

    Signals
    -------
    picked : float
        x under the hand.
    settled
        The hand let go.
    """

    picked = Signal(float)
    settled = Signal()

    def __init__(
        self, low: tuple[int, int], name: Text, axes: dict[str, pg.AxisItem], log: tuple[bool, bool] = (True, False)
    ) -> None:
        self._cursor: float | None = None
        self.line = Handle()
        super().__init__(low, axes, log)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.line.hide()
        self.put(self.line, 5)
        self.line.sigDragged.connect(self._dragged)
        self.line.sigPositionChangeFinished.connect(lambda _line: self.settled.emit())
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's
        words.say(self, "setAccessibleName", name)

    # -- for subclasses
    def has_curves(self) -> bool:
        """Whether there is anything to pick from."""
        return True

    def cursor_at(self) -> float | None:
        """Where the cursor stands; None for nowhere."""
        return self._cursor

    def set_cursor(self, x: float | None) -> None:
        """Put the dashed line at x."""
        if x != self._cursor:
            self._cursor = x
            self._place_line()
            self.tell()

    def set_ends(self, low: float, high: float) -> None:
        """The line stays between two x."""
        self.line.setBounds((self.seen(low).x(), self.seen(high).x()))
        self._place_line()

    def _place_line(self) -> None:
        self.line.setVisible(self._cursor is not None)
        if self._cursor is not None:
            self.line.setValue(self.seen(self._cursor).x())

    # -- hand
    def _dragged(self, line: pg.InfiniteLine) -> None:
        at = self.meant(line.pos()).x()
        self._place_line()  # it is where its owner says
        self.picked.emit(at)

    def _clicked(self, event: Any) -> None:
        place = event.scenePos()
        left = event.button() == Qt.MouseButton.LeftButton
        if left and not event.double() and self.has_curves() and self.box.sceneBoundingRect().contains(place):
            low, high = self.line.maxRange
            at = self.box.mapSceneToView(place)
            at.setX(min(max(at.x(), low), high))
            self.picked.emit(self.meant(at).x())
            self.settled.emit()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.settled.emit()
        super().keyReleaseEvent(event)

    # -- theme
    def apply_theme(self) -> None:
        super().apply_theme()
        self.line.setPen(cosmetic(theme.color("accent"), Qt.PenStyle.DashLine))
        self.line.setHoverPen(cosmetic(theme.color("accent"), width=2))

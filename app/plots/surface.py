"""What all plots share: one plot in a view, places in units of its axes, "show all"."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen

from app import theme
from app.plots.axes import Axis, Box
from app.plots.plot import Plot
from app.plots.view import View


def cosmetic(color: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine, width: float = 1) -> QPen:
    """A pen whose width is pixels of the screen, whatever the axes' scales.

    Qt's own keywords must not be used here: a misspelt one ends the process in paint.
    """
    made = QPen(color, width, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    made.setCosmetic(True)
    return made


class Surface(View):
    """A view with one plot: wheel zooms, drag pans, Shift+drag zooms into a rectangle.

    A subclass adds items to ``plot`` and says what is whole (`whole`). A range that the hand has chosen stays until a
    double click, ``0`` or the menu shows all again.

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
    export_name = "plot"

    def __init__(self, low: tuple[int, int] = (120, 80), axes: dict[str, pg.AxisItem] | None = None) -> None:
        super().__init__(low)
        self.box = Box()
        self.linked: tuple[Surface, ...] = (self,)
        self.box.sigRangeChangedManually.connect(self._lead)
        made = axes if axes is not None else {"left": Axis("left"), "bottom": Axis("bottom")}
        self.plot = Plot(self.box, made)
        self.plot.layout.setContentsMargins(0, 2, 0, 0)
        self.setCentralItem(self.plot)  # type: ignore[attr-defined]  # pyqtgraph's
        self.restyled()

    # -- for subclasses
    def whole(self) -> None:
        """Bring everything into sight; called only while the hand has not chosen a range."""

    def apply_theme(self) -> None:
        """Give the items the colors and fonts of the theme in use."""

    # -- range
    def fit(self) -> None:
        for plot in self.linked:
            plot.box.held = False
        for plot in self.linked:
            plot.whole()

    def _lead(self, _mask: object) -> None:
        """The hand has moved what is in sight: the same x comes into sight in the plots that are linked."""
        for plot in self.linked:
            if plot is not self:
                plot.box.held = True
                plot.box.setXRange(*self.box.viewRange()[0], padding=0)

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
    def restyled(self) -> None:
        self.setBackgroundBrush(theme.color("surface"))
        self.box.dress()
        for axis in self.plot.axes.values():
            if isinstance(axis, Axis):
                axis.dress()
        self.apply_theme()

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

    def painted_itself(self, event: QPaintEvent) -> bool:
        seen = self.viewport()
        if self.is_empty():
            with QPainter(seen) as painter:
                painter.fillRect(seen.rect(), theme.color("surface"))
                self.paint_empty(painter)
            return True
        self.prepare()
        if self._keyboard:
            self.paintEvent(event)
            with QPainter(seen) as painter:
                self.paint_mark(painter)
        return self._keyboard


def link(plots: Sequence[Surface]) -> None:
    """Show the same x in all of these, whichever of them the hand moves; "show all" is of all of them, too."""
    for plot in plots:
        plot.linked = tuple(plots)

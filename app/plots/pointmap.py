"""Points in a plane without units: the nearest one under the pointer lights up and says what it is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Signal

from app.plots.items import Caption
from app.plots.points import Points
from app.plots.surface import Surface

BESIDE = 12  #: px from a point to what it says
HUES = 6  #: classes that are told apart by color; further ones take another shape


def class_token(label: int) -> str:
    """Color of a class."""
    return f"cat{label % HUES}"


class PointMap(Surface):
    """A plane of points, without axes.

    Parameters
    ----------
    low : (int, int)
        Least size, px.
    reach : float
        Px around a point within which the pointer takes it.

    Signals
    -------
    hovered : int or None
        The point under the pointer.
    """

    hovered = Signal(object)

    def __init__(self, low: tuple[int, int], reach: float) -> None:
        self._hover: int | None = None
        self.dots = Points(reach)
        self.chip = Caption(gap=BESIDE, chip=True)
        super().__init__(low, {})
        self.plot.layout.setContentsMargins(0, 0, 0, 0)
        for item, height in ((self.dots, 1), (self.chip, 9)):
            item.setZValue(height)
            self.plot.addItem(item)
        self.chip.hide()
        self.pointed_at.connect(lambda at: self._point(None if at is None else self.dots.near(at)))

    # -- for subclasses
    def _light(self) -> None:
        """Another point is pointed at, or pinned."""

    # -- places
    def screen_of(self, index: int) -> QPointF:
        """Where a point stands on the widget, px."""
        return self.place_of(*self.numbers()["points"][index].tolist())

    def resized(self) -> None:
        self.refit()

    # -- hand
    def _point(self, index: int | None) -> None:
        if index != self._hover:
            self._hover = index
            self._light()
            self.tell()
            self.hovered.emit(index)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def apply_theme(self) -> None:
        self.chip.dress()

"""The stages of a computation as small maps with arrows between them; the one that is looked at is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import S1, S2, S3, SMALL
from app.views.base import CENTER, indexed_image, outline, pen, write
from app.views.pointing import PickView
from app.views.scoregrid import hatch
from app.words import Text

ARROW = 36  #: px between two stages
LINE = 20  #: px, the caption


@dataclass(frozen=True)
class Small:
    """One stage.

    Attributes
    ----------
    name : str or Message
    values : ndarray (rows, cols)
    ramp : str
    low, top : float
        Ends of the ramp.
    off : ndarray bool (rows, cols), optional
        Cells that are struck out.
    """

    name: Text
    values: np.ndarray
    ramp: str
    low: float
    top: float
    off: np.ndarray | None = None


class StageStrip(PickView):
    """Small maps in a row; stages behind the marked one are outlines: they are not reached yet."""

    zooms = True

    def __init__(self, name: Text) -> None:
        super().__init__((320, 72), at=0)
        self.export_name = "stages"
        self._stages: tuple[Small, ...] = ()
        words.say(self, "setAccessibleName", name)

    def set_stages(self, stages: Sequence[Small]) -> None:
        """Show stages, first to last."""
        self._stages = tuple(stages)
        self.renew()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        return {f"{i + 1}_{words.drawn(s.name)}": s.values for i, s in enumerate(self._stages)}

    def report(self) -> str:
        if not 0 <= self._at < len(self._stages):
            return ""
        name = words.drawn(self._stages[self._at].name)
        return f"{self._at + 1} / {len(self._stages)}: {name}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        count = max(1, len(self._stages))
        wide = (width - ARROW * (count - 1)) / count
        self._places = [QRectF(round(i * (wide + ARROW)), 0, round(wide), height) for i in range(len(self._stages))]

    def _choose(self, index: int) -> None:
        if index != self._at:
            super()._choose(index)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        for i, (stage, place) in enumerate(zip(self._stages, self._places, strict=True)):
            on = i == self._at
            self.draw_ground(painter, i, place)
            title = QRectF(place.x(), place.y() + S1, place.width(), LINE)
            token = "accent" if on else "text" if i < self._at else "text2"
            write(painter, title, stage.name, theme.color(token), SMALL, on, CENTER)
            self._draw_map(painter, stage, place.adjusted(S3, LINE + S2, -S3, -S2), i <= self._at)
            if i:
                self._draw_arrow(painter, place, i <= self._at)

    def _draw_map(self, painter: QPainter, stage: Small, room: QRectF, reached: bool) -> None:
        rows, cols = stage.values.shape
        wide, high = max(1, int(min(24, room.width() / cols))), max(1, int(min(16, room.height() / rows)))
        width = wide * cols if wide * cols <= room.width() else room.width()
        height = high * rows if high * rows <= room.height() else room.height()
        place = QRectF(
            round(room.center().x() - width / 2), round(room.center().y() - height / 2), round(width), round(height)
        )
        if not reached:
            outline(painter, place.adjusted(0, 0, -1, -1), theme.color("control"), 1, style=Qt.PenStyle.DashLine)
            return
        share = np.clip((stage.values - stage.low) / (stage.top - stage.low), 0, 1)
        levels = np.rint(255 * share).astype(np.uint8)
        painter.drawImage(place, indexed_image(levels, theme.ramp_table(stage.ramp)), QRectF(0, 0, cols, rows))
        if stage.off is not None:
            for i, j in np.argwhere(stage.off).tolist():
                x, y = place.x() + width * j / cols, place.y() + height * i / rows
                hatch(painter, QRectF(round(x), round(y), round(width / cols), round(height / rows)))

    def _draw_arrow(self, painter: QPainter, place: QRectF, reached: bool) -> None:
        y = round(place.center().y())
        start, end = place.x() - ARROW + 9, place.x() - 9
        color = theme.color("text" if reached else "control")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(color, 1.5))
        painter.drawLine(QPointF(start, y), QPointF(end - 3, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([QPointF(end, y), QPointF(end - 7, y - 4), QPointF(end - 7, y + 4)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

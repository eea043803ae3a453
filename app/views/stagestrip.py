"""The stages of a computation as small maps with arrows between them; the one that is looked at is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPolygonF

from app import theme, words
from app.theme import R1, S1, S2, S3, SMALL
from app.views.base import CENTER, PixelView, indexed_image, outline, pen, write
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


class StageStrip(PixelView):
    """Small maps in a row. Left and right walk, a click jumps; stages not reached yet are outlines.

    Signals
    -------
    chosen : int
    """

    chosen = Signal(int)

    def __init__(self, name: Text) -> None:
        super().__init__((320, 72))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "stages"
        self._stages: tuple[Small, ...] = ()
        self._at, self._hover = 0, -1
        self._places: list[QRectF] = []
        words.say(self, "setAccessibleName", name)

    def set_stages(self, stages: Sequence[Small]) -> None:
        """Show stages, first to last."""
        self._stages = tuple(stages)
        self.renew()

    def set_at(self, index: int) -> None:
        """Mark a stage without telling anybody."""
        self._at = index
        self.tell()
        self.update()

    def at(self) -> int:
        """The marked stage."""
        return self._at

    def numbers(self) -> dict[str, np.ndarray]:
        return {f"{i + 1}_{words.drawn(s.name)}": s.values for i, s in enumerate(self._stages)}

    def report(self) -> str:
        if not self._stages:
            return ""
        name = words.drawn(self._stages[self._at].name)
        return f"{self._at + 1} / {len(self._stages)}: {name}"

    # -- places
    def arrange(self, width: int, height: int) -> None:
        count = max(1, len(self._stages))
        wide = (width - ARROW * (count - 1)) / count
        self._places = [QRectF(round(i * (wide + ARROW)), 0, round(wide), height) for i in range(len(self._stages))]

    def stage_rect(self, index: int) -> QRectF:
        """Where a stage stands."""
        self.arranged()
        return self._places[index]

    # -- hand
    def _stage_at(self, point: QPointF) -> int:
        self.arranged()
        return next((i for i, place in enumerate(self._places) if place.contains(point)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hover = self._stage_at(event.position())
        if hover != self._hover:
            self._hover = hover
            self.update()

    def leaveEvent(self, _event: object) -> None:
        self._hover = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self._stage_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and at >= 0:
            self._go(at)

    def _go(self, index: int) -> None:
        index = min(len(self._stages) - 1, max(0, index))
        if index != self._at:
            self.set_at(index)
            self.chosen.emit(index)

    def walk(self, rows: int, cols: int) -> bool:
        if not self._stages:
            return False
        self._go(self._at + (cols or rows))
        return True

    # -- painting
    def draw(self, painter: QPainter) -> None:
        for i, (stage, place) in enumerate(zip(self._stages, self._places, strict=True)):
            on = i == self._at
            if on or i == self._hover:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(pen(theme.color("accent"), 2) if on else Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("accent_soft" if on else "sunken"))
                painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), R1, R1)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
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

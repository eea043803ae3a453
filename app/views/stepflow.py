"""The stages of a computation with the shape of what passes along each arrow."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1
from app.views.base import CENTER, indexed_image, outline, pen, text_width, write
from app.views.flow import lines
from app.views.scoregrid import hatch
from app.views.stagestrip import Small, StageStrip
from app.words import Text

ARROW, SHAPE_H, TITLE_H = 30, 18, 22  #: px: least arrow, the line of shapes, the line of names
LARGEST = 7  #: px a value
LOW = 420, 108  #: px, least


class StepFlow(StageStrip):
    """A `StageStrip` whose arrows carry shapes; all maps stand on one line, as large as they fit, or on several."""

    def __init__(self, name: Text) -> None:
        super().__init__(name)
        self.setMinimumSize(*LOW)
        self.export_name = "flow"
        self._shapes: tuple[str, ...] = ()
        self._arrows: list[float] = []  # px behind each stage

    def set_flow(self, stages: Sequence[Small], shapes: Sequence[str]) -> None:
        """Show stages; ``shapes[i]`` is what stage i hands on, the last one what comes out."""
        if len(shapes) != len(stages):
            raise ValueError(f"{len(stages)} stages, {len(shapes)} shapes")
        self._shapes = tuple(shapes)
        self.set_stages(stages)

    def shapes(self) -> tuple[str, ...]:
        """The shapes as they are written."""
        return self._shapes

    def report(self) -> str:
        said = super().report()
        return f"{said}, {self._shapes[self._at]}" if said and self._at < len(self._shapes) else said

    # -- places
    def arrange(self, width: int, height: int) -> None:
        names = [text_width(words.drawn(s.name), CAPTION, True) + 2 * S1 + 4 for s in self._stages]
        arrows = [max(ARROW, text_width(shape) * 0.62) for shape in self._shapes[:-1]]
        self._arrows = [*arrows, 0.0][: len(names)]
        needs = [ceil(name + arrow) for name, arrow in zip(names, self._arrows, strict=True)]
        self.setMinimumWidth(max([LOW[0], *needs]))  # nothing is said outside of it
        self._places, broken = [], lines(needs, width)
        self.setMinimumHeight(LOW[1] * len(broken))
        high = height / len(broken)
        for number, line in enumerate(broken):
            share = max(0.0, width - sum(names[i] + self._arrows[i] for i in line)) / max(1, len(line))
            x = 0.0
            for i in line:
                wide = names[i] + share
                self._places.append(QRectF(round(x), round(number * high), round(wide), round(high)))
                x += wide + self._arrows[i]

    def map_rect(self, index: int) -> QRectF:
        """Where the map of a stage stands."""
        place = self.place(index)
        rows, cols = self._stages[index].values.shape
        room = place.adjusted(S1 + 2, TITLE_H + 2, -S1 - 2, -SHAPE_H - S1)
        wide, high = min(LARGEST, room.width() / cols), min(LARGEST, room.height() / rows)
        wide, high = (float(int(v)) if v >= 1 else v for v in (wide, high))
        width, tall = max(1, round(cols * wide)), max(1, round(rows * high))
        return QRectF(round(room.center().x() - width / 2), round(room.center().y() - tall / 2), width, tall)

    # -- painting
    def draw(self, painter: QPainter) -> None:
        for i, (stage, place) in enumerate(zip(self._stages, self._places, strict=True)):
            on = i == self._at
            self.draw_ground(painter, i, place.adjusted(0, 0, 0, 1 - SHAPE_H))
            title = QRectF(place.x(), place.y() + 2, place.width(), TITLE_H - 2)
            token = "accent" if on else "text" if i < self._at else "text2"
            write(painter, title, stage.name, theme.color(token), CAPTION, on, CENTER)
            self._draw_values(painter, stage, self.map_rect(i), i <= self._at)
        for i in range(len(self._stages)):
            self._draw_link(painter, i)

    def _draw_values(self, painter: QPainter, stage: Small, place: QRectF, reached: bool) -> None:
        if not reached:
            outline(painter, place.adjusted(0, 0, -1, -1), theme.color("control"), 1, style=Qt.PenStyle.DashLine)
            return
        rows, cols = stage.values.shape
        share = ((stage.values - stage.low) / (stage.top - stage.low)).clip(0, 1)
        painter.drawImage(place, indexed_image((255 * share).round().astype("uint8"), theme.ramp_table(stage.ramp)),
                          QRectF(0, 0, cols, rows))  # fmt: skip
        if stage.off is not None and place.width() >= 3 * cols:
            wide, high = place.width() / cols, place.height() / rows
            for i, j in zip(*stage.off.nonzero(), strict=True):
                hatch(
                    painter, QRectF(round(place.x() + wide * j), round(place.y() + high * i), round(wide), round(high))
                )

    def _draw_link(self, painter: QPainter, index: int) -> None:
        """The arrow that leaves a stage, and the shape of what it carries."""
        place = self._places[index]
        line = QRectF(0, place.bottom() - SHAPE_H + 2, 140, SHAPE_H - 2)
        most = self.width() - text_width(self._shapes[index]) / 2 - 70  # the last one of a line ends with it
        if index == len(self._stages) - 1:
            line.moveLeft(min(place.center().x() - 70, most))
            write(painter, line, self._shapes[index], align=CENTER)
            return
        start, after = place.right() + 2, self._places[index + 1]
        end = (after.x() if after.y() == place.y() else place.right() + self._arrows[index]) - 2
        y = round(self.map_rect(index).center().y()) + 0.5
        color = theme.color("text" if index < self._at else "control")
        painter.setPen(pen(color, 1))
        painter.drawLine(QPointF(start, y), QPointF(end - 3, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPolygon(QPolygonF([QPointF(end, y), QPointF(end - 6, y - 3.5), QPointF(end - 6, y + 3.5)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        line.moveLeft(min((start + end) / 2 - 70, most))
        write(painter, line, self._shapes[index], theme.color("text" if index < self._at else "text2"), align=CENTER)

"""The precision-recall curve of one class, detection by detection, with one step lit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPolygonF

from app import theme, words
from app.theme import CAPTION, S1, S2
from app.views.axes import Axes
from app.views.base import CENTER, LEFT, RIGHT, dots, finite, pen, text_width, write
from app.views.plotpaint import ring
from app.views.pointing import PickView
from app.words import Text
from engines.core.errors import Message

REACH = 48  # px around a step that still count as the step
FEW = 25  # recalls that are drawn as dots; more are ticks
MANY = 2000  # points of a line from which those are left out that can't be told apart
RINGS = 200  # the same for rings, which then stand this far apart:
APART = 4  # px
NONE = np.zeros(0)


@dataclass(frozen=True)
class Line:
    """One curve (D,): recall, precision and envelope after each detection; with the recalls (R,) that a style reads.

    Attributes
    ----------
    grid, sampled : ndarray (R,)
        Empty where the whole area counts.
    passing : int
        Detections that pass the score threshold.
    changed : ndarray bool (D,)
        Steps that are marked, since they are others than before.
    before_recall, before_envelope : ndarray
        The untouched curve; empty for none.
    """

    recall: np.ndarray
    precision: np.ndarray
    envelope: np.ndarray
    grid: np.ndarray = field(default_factory=lambda: NONE)
    sampled: np.ndarray = field(default_factory=lambda: NONE)
    passing: int = 0
    changed: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    before_recall: np.ndarray = field(default_factory=lambda: NONE)
    before_envelope: np.ndarray = field(default_factory=lambda: NONE)


def staircase(recall: np.ndarray, envelope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the step function: up to each recall the best precision from there on, then down to 0."""
    x = np.concatenate([[0.0], np.repeat(recall, 2)])
    y = np.concatenate([np.repeat(envelope, 2), [0.0]])
    return x, y


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line in pixels, x rising, without what can't be seen: of each column of pixels the first and the last point
    stay, and how far the line reaches up and down there. A class of COCO has 200,000 steps."""
    if len(x) <= MANY:
        return x, y
    starts = np.flatnonzero(np.diff(np.floor(x), prepend=-np.inf))
    ends = np.append(starts[1:], len(x)) - 1
    reach = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    return np.repeat(np.stack([x[starts], x[ends]], axis=1), 2), np.stack([y[starts], *reach, y[ends]], axis=1).ravel()


class PrecisionCurve(PickView):
    """Recall to the right, precision up; each detection is one step."""

    def __init__(self) -> None:
        super().__init__((220, 160))
        self.export_name = "precision-recall"
        self._line = Line(NONE, NONE, NONE)
        self._axes = Axes()
        self._words: Text = ""

    # -- content
    def set_line(self, line: Line) -> None:
        """Show a curve."""
        for values, name in ((line.recall, "recall"), (line.precision, "precision"), (line.envelope, "envelope")):
            finite(values, name)
        self._line = line
        self._hover = None
        if self._at >= len(line.recall):
            self._at = -1
        self.renew()

    def set_at(self, step: int, said: Text = "") -> None:
        """Light a step (−1 = none) without telling anybody; ``said`` stands beside it."""
        self._at, self._words = step, said
        self.tell()
        self.update()

    def count(self) -> int:
        return len(self._line.recall)

    def numbers(self) -> dict[str, np.ndarray]:
        line = self._line
        out = {"recall": line.recall, "precision": line.precision, "envelope": line.envelope}
        if len(line.grid):
            out |= {"read_at_recall": line.grid, "read_precision": line.sampled}
        if len(line.before_recall):
            out |= {"recall_before": line.before_recall, "envelope_before": line.before_envelope}
        return out

    def report(self) -> str:
        step = self._at if self._hover is None else self._hover
        if not 0 <= step < len(self._line.recall):
            return ""
        return words.tr(
            "{n} of {total}: recall {recall}, precision {precision}",
            n=step + 1,
            total=len(self._line.recall),
            recall=words.number(float(self._line.recall[step]), 3),
            precision=words.number(float(self._line.precision[step]), 3),
        )

    # -- places
    def arrange(self, width: int, height: int) -> None:
        self._axes.x, self._axes.y = (0.0, 1.0), (0.0, 1.0)
        self._axes.arrange(width, height)

    def step_point(self, step: int) -> QPointF:
        """Where a step ends on the screen."""
        self.arranged()
        return self._axes.point(float(self._line.recall[step]), float(self._line.precision[step]))

    def ringed(self) -> np.ndarray:
        """The steps that are marked; of very many, one in each place."""
        steps = np.flatnonzero(self._line.changed)
        if len(steps) <= RINGS:
            return steps
        x, y = self._axes.pixels_x(self._line.recall[steps]), self._axes.pixels_y(self._line.precision[steps])
        places = np.stack([x, y], axis=1) // APART
        return steps[np.sort(np.unique(places, axis=0, return_index=True)[1])]

    def _polygon(self, x: np.ndarray, y: np.ndarray) -> QPolygonF:
        """A line of points, recall rising, on the screen."""
        points = thinned(self._axes.pixels_x(x), self._axes.pixels_y(y))
        return QPolygonF([QPointF(a, b) for a, b in zip(*(values.tolist() for values in points), strict=True)])

    def under(self, point: QPointF) -> int | None:
        """The nearest step, if it is near enough."""
        self.arranged()
        if not len(self._line.recall):
            return None
        x, y = self._axes.pixels_x(self._line.recall), self._axes.pixels_y(self._line.precision)
        far = np.hypot(x - point.x(), y - point.y())
        near = int(far.argmin())
        return near if far[near] <= REACH else None

    # -- hand
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        held = event.buttons() & Qt.MouseButton.LeftButton
        if held and self._hover is not None and self._hover != self._at:
            self._choose(self._hover)

    # -- painting
    def is_empty(self) -> bool:
        return not len(self._line.recall)

    def draw(self, painter: QPainter) -> None:
        line, axes = self._line, self._axes
        axes.paint(painter)
        place = axes.place
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        x, y = staircase(line.recall, line.envelope)
        curve = self._polygon(x, y)
        ground = QPolygonF([*curve.toList(), axes.point(0, 0)])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_soft", 170))
        painter.drawPolygon(ground)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        write(painter, QRectF(place.left() + S1, place.top() + S2, 120, 16), Message("Precision"), align=LEFT)
        right = QRectF(place.right() - 120, place.bottom() - 17, 118, 16)
        write(painter, right, Message("Recall"), align=RIGHT)
        if len(line.before_recall):
            painter.setPen(pen(theme.color("text2"), 1.2, Qt.PenStyle.DashLine))
            painter.drawPolyline(self._polygon(*staircase(line.before_recall, line.before_envelope)))
        painter.setPen(pen(theme.color("cat0"), 1.5, square=False))
        painter.drawPolyline(curve)
        painter.setPen(pen(theme.color("control"), 1, square=False))
        painter.drawPolyline(self._polygon(line.recall, line.precision))
        self._draw_grid(painter)
        self._draw_threshold(painter)
        for step in self.ringed().tolist():
            ring(painter, self.step_point(step), "warn", 5)
        if self._hover is not None and self._hover != self._at:
            dots(painter, [self.step_point(self._hover)], theme.color("control"))
        if self._at >= 0:
            self._draw_step(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_grid(self, painter: QPainter) -> None:
        """What the style reads: dots for eleven recalls, ticks for a hundred."""
        line, axes = self._line, self._axes
        if not len(line.grid):
            return
        if len(line.grid) <= FEW:
            points = [axes.point(float(r), float(p)) for r, p in zip(line.grid, line.sampled, strict=True)]
            dots(painter, points, theme.color("cat0"), 4)
            return
        painter.setPen(pen(theme.color("cat0", 110), 1))
        for recall, precision in zip(line.grid.tolist(), line.sampled.tolist(), strict=True):
            if precision > 0:
                at = axes.point(recall, precision)
                painter.drawLine(at, at + QPointF(0, 3))

    def _draw_threshold(self, painter: QPainter) -> None:
        """How far the detections reach that pass the score threshold."""
        line, place = self._line, self._axes.place
        if not 0 < line.passing <= len(line.recall):
            return
        x = self.step_point(line.passing - 1).x()
        painter.setPen(pen(theme.color("control"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        text = words.tr("threshold")
        wide = text_width(text) + S2
        left = x - wide + S1 if x - wide > place.left() else x + S1
        write(painter, QRectF(left, place.bottom() - 34, wide, 16), text, align=LEFT)

    def _draw_step(self, painter: QPainter) -> None:
        end, step = self.step_point(self._at), self._at
        start = self.step_point(step - 1) if step else self._axes.point(0.0, float(self._line.precision[0]))
        painter.setPen(pen(theme.color("surface"), 6, square=False))
        painter.drawLine(start, end)
        painter.setPen(pen(theme.color("accent"), 3, square=False))
        painter.drawLine(start, end)
        dots(painter, [end], theme.color("accent"), 5.5)
        said = words.drawn(self._words)
        if not said:
            return
        place, wide = self._axes.place, text_width(said, CAPTION, True) + 14
        x = min(max(end.x() - wide / 2, place.left() + 2), place.right() - wide)
        above = end.y() - 30
        y = above if above >= place.top() + 14 else end.y() + 12
        chip = QRectF(round(x), round(y), round(wide), 20)
        painter.fillRect(chip, theme.color("ink"))
        write(painter, chip, said, theme.color("chalk"), CAPTION, True, CENTER)

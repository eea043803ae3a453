"""The precision-recall curve of one class, detection by detection, with one step lit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal

from app import theme, words
from app.plots.axes import Axis
from app.plots.chart import HOLLOW, Chart, case, dashed, finite, ink
from app.plots.items import Caption
from app.plots.points import Points
from app.plots.surface import cosmetic
from app.theme import CAPTION, S1, S2, S4
from app.words import Text
from engines.core.errors import Message

REACH = 48  # px around a step that still count as the step
FEW = 25  # recalls that are drawn as dots; more are ticks
RINGS = 200  # rings above which those in one place are drawn once:
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


class PrecisionCurve(Chart):
    """Recall to the right, precision up; each detection is one step.

    Signals
    -------
    chosen : int
        A step was clicked, dragged or walked to.
    hovered : int or None
        The step under the pointer.
    """

    chosen = Signal(int)
    hovered = Signal(object)

    def __init__(self) -> None:
        self._line = Line(NONE, NONE, NONE)
        self._hover: int | None = None
        self._at = -1
        self._said: Text = ""
        # a class of COCO has 200,000 steps: pyqtgraph draws of each pixel's the least and the largest
        self._area = pg.PlotDataItem(antialias=False)  # smooth ones show where pyqtgraph puts them together
        self._envelope, self._before, self._curve = (pg.PlotDataItem(antialias=True) for _ in range(3))
        self._grid, self._rings = pg.ScatterPlotItem(antialias=True), pg.ScatterPlotItem(antialias=True)
        self._spot, self._lit = pg.ScatterPlotItem(antialias=True), Points(REACH)
        self._steps = pg.PlotCurveItem(antialias=True), pg.PlotCurveItem(antialias=True)
        self._threshold, self._threshold_name = pg.InfiniteLine(angle=90), Caption((1, 1), gap=S1)
        self.chip = Caption((0.5, 1.45), chip=True)
        self._names = pg.LabelItem(), pg.LabelItem()
        super().__init__((220, 160), {"left": Axis("left"), "bottom": Axis("bottom")})
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.export_name = "precision-recall"
        self.plot.layout.setContentsMargins(0, 2, S4, 0)
        self._build()
        self.whole()

    def _build(self) -> None:
        curves = (self._area, self._envelope, self._before, self._curve)
        above = (*curves, self._grid, self._threshold, self._threshold_name, self._rings)
        for height, item in enumerate((*above, self._spot, *self._steps, self._lit, self.chip)):
            self.put(item, height)
        for item in curves:  # in their box: outside of one they can't be clipped
            item.setDownsampling(auto=True, method="peak")
            item.setClipToView(True)
        for name, corner, offset in zip(self._names, ((0, 0), (1, 1)), ((S1, S2), (-S1, -S1)), strict=True):
            name.setParentItem(self.box)
            name.anchor(corner, corner, offset)
        self._lit.editable = True  # along the curve
        self._lit.moved.connect(lambda _index, at, _keys: self._pull(at))
        self.box.sigRangeChanged.connect(self._ring)
        self.pointed_at.connect(lambda at: self._point(None if at is None else self._near(at)))
        self.scene().sigMouseClicked.connect(self._clicked)  # type: ignore[attr-defined]  # pyqtgraph's
        self.apply_theme()

    # -- content
    def set_line(self, line: Line) -> None:
        """Show a curve."""
        for values, name in ((line.recall, "recall"), (line.precision, "precision"), (line.envelope, "envelope")):
            finite(values, name)
        self._line = line
        self._hover = None
        if self._at >= len(line.recall):
            self._at = -1
        self._redraw()
        self.refit()
        self.viewport().update()  # there may be nothing any more

    def set_at(self, step: int, said: Text = "") -> None:
        """Light a step (−1 = none) without telling anybody; ``said`` stands beside it."""
        self._at, self._said = step, said
        self._light()
        self.tell()

    def at(self) -> int:
        """The step that is lit; −1 for none."""
        return self._at

    def count(self) -> int:
        """How many steps there are."""
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
        if not 0 <= step < self.count():
            return ""
        return words.tr(
            "{n} of {total}: recall {recall}, precision {precision}",
            n=step + 1,
            total=self.count(),
            recall=words.number(float(self._line.recall[step]), 3),
            precision=words.number(float(self._line.precision[step]), 3),
        )

    def is_empty(self) -> bool:
        return not self.count()

    def whole(self) -> None:
        self.show_range((0.0, 1.0), (0.0, 1.0), (0.015, 0.02))

    # -- places
    def step_point(self, step: int) -> QPointF:
        """Where a step ends on the widget, px."""
        return self.spot(*self._place(step))

    def _place(self, step: int) -> tuple[float, float]:
        return float(self._line.recall[step]), float(self._line.precision[step])

    def ringed(self) -> np.ndarray:
        """The steps that are marked; of very many, one in each place."""
        steps = np.flatnonzero(self._line.changed)
        if len(steps) <= RINGS:
            return steps
        wide, high = self.box.viewPixelSize()
        places = np.stack([self._line.recall[steps] / wide, self._line.precision[steps] / high], axis=1) // APART
        return steps[np.sort(np.unique(places, axis=0, return_index=True)[1])]

    def _near(self, at: QPointF) -> int | None:
        """The nearest step, if it is near enough."""
        if not self.count():
            return None
        wide, high = self.box.viewPixelSize()
        far = np.hypot((self._line.recall - at.x()) / wide, (self._line.precision - at.y()) / high)
        near = int(far.argmin())
        return near if far[near] <= REACH else None

    # -- hand
    def _point(self, step: int | None) -> None:
        if step != self._hover:
            self._hover = step
            self._light()
            self.tell()
            self.hovered.emit(step)

    def _pull(self, at: QPointF) -> None:
        """The step that is lit follows the hand along the curve."""
        step = self._near(at)
        if step is not None and step != self._at:
            self._choose(step)

    def _clicked(self, event: Any) -> None:
        place = event.scenePos()
        if event.button() == Qt.MouseButton.LeftButton and self.box.sceneBoundingRect().contains(place):
            step = self._near(self.box.mapSceneToView(place))
            if step is not None:
                self._choose(step)

    def _choose(self, step: int) -> None:
        self.set_at(step)
        self.chosen.emit(step)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point(None)

    def walk(self, rows: int, cols: int) -> bool:
        if not self.count():
            return False
        step = min(self.count() - 1, max(0, self._at + rows + cols))
        if step != self._at:
            self._choose(step)
        return True

    # -- items
    def _redraw(self) -> None:
        line = self._line
        for item in (self._area, self._envelope):
            item.setData(*staircase(line.recall, line.envelope))
        self._before.setData(*(staircase(line.before_recall, line.before_envelope) if len(line.before_recall) else ()))
        self._curve.setData(line.recall, line.precision)
        few = len(line.grid) <= FEW
        read = slice(None) if few else line.sampled > 0
        looks = {"symbol": "o", "size": 9, "pen": case(), "brush": ink("cat0")}
        ticks = {"symbol": "|", "size": 5, "pen": case("cat0", 1, 110), "brush": HOLLOW}
        self._grid.setData(x=line.grid[read], y=line.sampled[read], **(looks if few else ticks))
        passes = 0 < line.passing <= self.count()
        self._threshold.setVisible(passes)
        self._threshold_name.setVisible(passes)
        if passes:
            x = float(line.recall[line.passing - 1])
            self._threshold.setValue(x)
            self._threshold_name.say(Message("threshold"))
            self._threshold_name.setPos(x, 0.09)
        self._ring()
        self._light()

    def _ring(self, *_: object) -> None:
        steps = self.ringed()
        x, y = np.repeat(self._line.recall[steps], 2), np.repeat(self._line.precision[steps], 2)
        pens = [case(width=4), case("warn", 2)] * len(steps)
        self._rings.setData(x=x, y=y, size=10, brush=HOLLOW, pen=pens)

    def _light(self) -> None:
        """The step under the pointer, and the one that is lit, with what it says."""
        hover = self._hover if self._hover != self._at else None
        self._spot.setVisible(hover is not None)
        if hover is not None:
            self._spot.setData(pos=[self._place(hover)], size=9, pen=case(), brush=ink("control"))
        lit = 0 <= self._at < self.count()
        said = words.drawn(self._said)
        self.chip.setVisible(lit and bool(said))
        for item in (*self._steps, self._lit):
            item.setVisible(lit)
        if not lit:
            return
        end = self._place(self._at)
        start = self._place(self._at - 1) if self._at else (0.0, float(self._line.precision[0]))
        for step in self._steps:
            step.setData(np.array([start[0], end[0]]), np.array([start[1], end[1]]))
        self._lit.setData(pos=[end], size=11, pen=case(), brush=ink("accent"))
        self.chip.say(said)
        self.chip.setPos(*end)

    def apply_theme(self) -> None:
        super().apply_theme()
        self._area.setPen(None)
        self._envelope.setPen(cosmetic(theme.color("cat0"), width=1.5))
        self._area.setFillLevel(0)
        self._area.setFillBrush(ink("accent_soft", 170))
        self._before.setPen(dashed("text2"))
        self._curve.setPen(cosmetic(theme.color("control")))
        self._threshold.setPen(dashed())
        for step, (token, wide) in zip(self._steps, (("surface", 6), ("accent", 3)), strict=True):
            step.setPen(cosmetic(theme.color(token), width=wide))
        for name, text in zip(self._names, ("Precision", "Recall"), strict=True):
            name.item.setFont(theme.font(CAPTION))
            name.setText(words.tr(text), color=theme.color("text2"))
        self._threshold_name.dress()
        self.chip.dress()
        self._redraw()

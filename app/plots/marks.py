"""Dots on curves with a word beside each, on request with a line down to the axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg

from app.plots.chart import HOLLOW, Chart, Layer, case, dashed, ink
from app.plots.items import Caption
from app.theme import CAPTION, S2
from app.words import Text


@dataclass(frozen=True)
class Mark:
    """A dot on a curve, on request with a dashed line down to the axis and a word beside it."""

    x: float
    y: float
    token: str = "accent"
    text: Text = ""
    foot: bool = False
    ring: bool = False


class Marks(Layer):
    """The marks of a plot."""

    def __init__(self, chart: Chart) -> None:
        super().__init__(chart)
        self._marks: tuple[Mark, ...] = ()
        self._spots = pg.ScatterPlotItem(antialias=True)
        self.feet: list[pg.PlotCurveItem] = []
        self.captions: list[Caption] = []

    @property
    def x(self) -> np.ndarray:
        """Where they stand, (n,)."""
        return np.array([mark.x for mark in self._marks])

    @property
    def shown(self) -> tuple[Mark, ...]:
        """The marks."""
        return self._marks

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show these."""
        self._marks = tuple(marks)
        self._redraw()

    def _redraw(self) -> None:
        chart = self._chart
        if self.put_once(self._spots, 7):
            chart.box.sigRangeChanged.connect(self._stand)
        while len(self.captions) < len(self._marks):
            self.captions.append(Caption((0, 0.9), gap=S2 - 2))
            self.feet.append(pg.PlotCurveItem())
            chart.put(self.feet[-1], 3)
            chart.put(self.captions[-1], 7)
        spots: list[dict[str, object]] = []
        for mark in self._marks:
            at = chart.seen(mark.x, mark.y)
            if mark.ring:
                spots += [{"pos": at, "pen": case(width=4), "brush": HOLLOW, "size": 10}]
            edge, fill = (case(mark.token, 2), HOLLOW) if mark.ring else (case(), ink(mark.token))
            spots.append({"pos": at, "pen": edge, "brush": fill, "size": 10})
        self._spots.setVisible(bool(spots))
        if spots:
            self._spots.setData(spots)
        for i, (word, foot) in enumerate(zip(self.captions, self.feet, strict=True)):
            mark = self._marks[i] if i < len(self._marks) else Mark(1, 1)
            word.setVisible(bool(mark.text))
            foot.setVisible(mark.foot)
            if mark.text:
                word.dress(mark.token, CAPTION, bold=True)
                word.say(mark.text)
                word.setPos(chart.seen(mark.x, mark.y))
            if mark.foot:
                foot.setPen(dashed(mark.token))
        self._stand()

    def _stand(self, *_: object) -> None:
        """Lines down to the axis, wherever that is."""
        low = self._chart.box.viewRange()[1][0]
        for mark, foot in zip(self._marks, self.feet, strict=False):
            if mark.foot:
                at = self._chart.seen(mark.x, mark.y)
                foot.setData(np.array([at.x()] * 2), np.array([low, at.y()]))

    def apply_theme(self) -> None:
        if self._marks:
            self._redraw()

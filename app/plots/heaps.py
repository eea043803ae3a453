"""Histograms one above the other on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg

from app import theme, words
from app.plots.axes import Axis
from app.plots.items import Caption, Levels
from app.plots.surface import Surface, cosmetic
from app.theme import S2, SMALL
from app.words import Text

FULL = 0.78  #: of its row that the highest bar takes
SEAM = 4  #: px of bars that have a pixel between them
BRACKET = 0.08  #: of a row, the ends of what marks the standard deviation


@dataclass(frozen=True)
class Heap:
    """One histogram.

    Attributes
    ----------
    name : str or Message
    edges : ndarray (M + 1,), counts : ndarray (M,)
    std : float
        Drawn as a bracket around 0.
    token : str
        Color.
    """

    name: Text
    edges: np.ndarray
    counts: np.ndarray
    std: float
    token: str


class Heaps(Surface):
    """Histograms one above the other over one axis, each scaled to its own peak."""

    def __init__(self, name: Text) -> None:
        self._heaps: tuple[Heap, ...] = ()
        self._reach = 1.0
        self.bars: list[pg.BarGraphItem] = []
        self.stds: list[pg.ErrorBarItem] = []
        self._names: list[Caption] = []
        self.said: list[Caption] = []
        self._floors = Levels()
        super().__init__((200, 140), {"left": pg.AxisItem("left"), "bottom": Axis("bottom")})
        self.export_name = "histograms"
        self.plot.hideAxis("left")
        self.plot.getAxis("bottom").setTickDensity(2)
        self.plot.layout.setContentsMargins(S2, 2, S2, 0)
        self.plot.addItem(self._floors, ignoreBounds=True)
        self.box.sigRangeChanged.connect(self._fill)
        self.box.sigResized.connect(self._fill)
        words.say(self, "setAccessibleName", name)

    def set_heaps(self, heaps: Sequence[Heap], reach: float) -> None:
        """Show histograms over ± ``reach``."""
        self._heaps, self._reach = tuple(heaps), reach
        self._redraw()
        self.refit()
        self.tell()

    def numbers(self) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for heap in self._heaps:
            name = words.drawn(heap.name)
            found[f"{name}_edges"], found[f"{name}_counts"] = heap.edges, heap.counts
            found[f"{name}_std"] = np.array(heap.std)
        return found

    def report(self) -> str:
        return ", ".join(f"{words.drawn(h.name)} {words.number(h.std, 2)}" for h in self._heaps)

    def whole(self) -> None:
        shown = [-self._reach, self._reach], [0.0, float(max(1, len(self._heaps)))]
        if self.box.viewRange() != list(shown):
            self.box.setRange(xRange=shown[0], yRange=shown[1], padding=0)

    # -- items
    def _redraw(self, anew: bool = False) -> None:
        """Bring the items to the histograms; row by row from above."""
        if anew or len(self._heaps) != len(self.bars):
            self._make()
        rows = zip(self._heaps, self.stds, self._names, self.said, strict=True)
        for row, (heap, std, name, said) in enumerate(rows):
            base = float(len(self._heaps) - 1 - row)
            middle = base + FULL / 2
            ends = np.array([heap.std])
            std.setData(x=np.zeros(1), y=np.array([middle]), left=ends, right=ends, beam=BRACKET)
            name.say(heap.name)
            name.setPos(-self._reach, base + 1)
            said.say("± " + words.number(heap.std, 2))
            said.setPos(heap.std, middle)
        self._fill()

    def _fill(self, *_: object) -> None:
        """The bars: wide ones with a pixel between them, and none with a count so low that it can't be seen."""
        (left, right), (low, high) = self.box.viewRange()
        self._floors.set_levels(tuple(float(n) for n in range(len(self._heaps))), left, right, low, high)
        wide, tall = self.box.viewPixelSize()
        for row, (heap, bars) in enumerate(zip(self._heaps, self.bars, strict=True)):
            share = FULL * heap.counts / max(1, int(heap.counts.max()))
            start, end = heap.edges[:-1], heap.edges[1:]
            bars.setOpts(
                x0=start,
                x1=end - wide * (end - start >= SEAM * wide),
                y0=np.full(len(share), len(self._heaps) - 1.0 - row),
                height=np.maximum(share, tall * (heap.counts > 0)),
            )

    def _make(self) -> None:
        for item in (*self.bars, *self.stds, *self._names, *self.said):
            self.plot.removeItem(item)
        self.bars, self.stds, self._names, self.said = [], [], [], []
        ink = cosmetic(theme.color("text"), width=1.5)
        for heap in self._heaps:
            nothing = {"x0": np.zeros(0), "x1": np.zeros(0), "y0": np.zeros(0), "height": np.zeros(0)}
            self.bars.append(pg.BarGraphItem(**nothing, brush=theme.color(heap.token), pen=None))
            self.stds.append(pg.ErrorBarItem(pen=ink))
            self._names.append(Caption((0, 0)))
            self.said.append(Caption((0, 0.5), gap=S2, fill=225))
        for caption in (*self._names, *self.said):
            caption.dress("text", SMALL, bold=True)
        for height, item in enumerate((*self.bars, *self.stds, *self._names, *self.said)):
            item.setZValue(height)
            self.plot.addItem(item, ignoreBounds=True)

    def apply_theme(self) -> None:
        self._floors.set_pen(cosmetic(theme.color("border")))
        self._redraw(anew=True)

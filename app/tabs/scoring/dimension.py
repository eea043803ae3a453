"""The page "Dimension": how scores spread and weights sharpen with d, with and without 1/√d."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import words
from app.cards import card
from app.tabs.scoring.compare import names
from app.theme import S3
from app.views.colorbar import ColorBar
from app.views.logplot import Heap, Heaps, LogPlot, Trace
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.scoring.spec import Spread, Sweep

TOKENS = ("cat3", "cat0")  #: raw, scaled
SHORT = (Message("raw"), Message("scaled"))
NAMES = (Message("raw {score}", {"score": "q·k"}), Message("scaled {score}", {"score": "q·k / √d"}))


class DimensionPage(QObject):
    """The cards of the page.

    Signals
    -------
    picked : int
        The dimension under the hand.
    settled
        The hand let go.
    """

    picked = Signal(int)
    settled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.heaps = Heaps("Distribution of the scores")
        self.grids = (ScoreGrid("ember", (64, 64)), ScoreGrid("ember", (64, 64)))
        self.bar = ColorBar("", "ember", 110)
        self.std = LogPlot("Standard deviation of the scores over d", log_y=True)
        self.entropy = LogPlot("Entropy of the softmax over d")
        self.heads = [quiet("") for _ in NAMES]
        for grid, text in zip(self.grids, ("Weights of raw scores", "Weights of scaled scores"), strict=True):
            words.say(grid, "setAccessibleName", text)
            grid.export_name = text.lower().replace(" ", "-")
        sides = [col(head, (grid, 1), gap=2) for head, grid in zip(self.heads, self.grids, strict=True)]
        self._heaps = card("Distribution of the scores", self.heaps)
        self._maps = card("Weights", row(*((side, 1) for side in sides), gap=S3), tools=[self.bar])
        std = card("Score std", self.std, tools=[self.std.key])
        entropy = card("Entropy, bit", self.entropy, tools=[self.entropy.key])
        self.centre: QWidget = box(
            col(
                (row((self._heaps, 1), (self._maps, 1), gap=S3), 1),
                (row((std, 1), (entropy, 1), gap=S3), 1),
                gap=S3,
            )
        )
        for plot in (self.std, self.entropy):
            plot.picked.connect(lambda d: self.picked.emit(round(d)))
            plot.settled.connect(self.settled)
        self.grids[0].hovered.connect(self.grids[1].set_cross)
        self.grids[1].hovered.connect(self.grids[0].set_cross)

    def show_dim(self, dim: int) -> None:
        """Put the cursor at a dimension."""
        for plot in (self.std, self.entropy):
            plot.set_cursor(dim)

    def show_spread(self, seen: Spread) -> None:
        """Histograms and weights."""
        self.heaps.set_heaps(
            [Heap(NAMES[n], seen.edges[n], seen.counts[n], float(seen.std[n]), TOKENS[n]) for n in range(len(NAMES))],
            float(seen.edges.max()),
        )
        self._heaps.set_note("d = {d}, 65,536 pairs", d=words.number(seen.dim))
        queries, keys = seen.weights.shape[1:]
        top = float(seen.weights.max())
        for n, (grid, head) in enumerate(zip(self.grids, self.heads, strict=True)):
            grid.set_table(seen.weights[n], top)
            grid.set_names(names("q", queries), names("k", keys))
            words.say(
                head,
                "setText",
                "{name}: largest {top} on average",
                name=SHORT[n],
                top=words.percent(float(seen.top[n]), 0),
            )
        self.bar.set_range(0.0, top)

    def show_sweep(self, seen: Sweep) -> None:
        """Both plots over d."""
        dims = seen.dims.astype(float)
        axis = Message("dimension d")
        theory = Trace("√d", dims, np.sqrt(dims), "control", dashed=True)
        spread = [Trace(SHORT[n], dims, seen.std[n], TOKENS[n]) for n in range(len(NAMES))]
        self.std.set_traces([theory, *spread], (0.5, 64.0), axis)
        high = max(seen.most, 0.5) * 1.16
        bands = [
            Trace(SHORT[n], dims, seen.entropy[n], TOKENS[n], low=seen.low[n], high=seen.high[n])
            for n in range(len(NAMES))
        ]
        self.entropy.set_traces(bands, (0.0, high), axis)
        most = Message("equal weights: {bits} bit", {"bits": words.number(seen.most, 2)})
        self.entropy.set_line(seen.most, most)

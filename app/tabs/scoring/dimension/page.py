"""The page "Dimension": how scores spread and weights sharpen with d, with and without 1/√d."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.heaps import Heap, Heaps
from app.plots.logplot import LogPlot, Trace
from app.plots.surface import link
from app.shell import Shell
from app.tabs.scoring.pairs import names
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.scoregrid import ScoreGrid
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.scoring.dimension.spec import Spread, Sweep
from engines.scoring.spec import ScoringParams

TOKENS = ("cat3", "cat0")  #: raw, scaled
SHORT = (Message("raw"), Message("scaled"))
NAMES = (Message("raw {score}", {"score": "q·k"}), Message("scaled {score}", {"score": "q·k / √d"}))


class DimensionPage(Page):
    """The cards of the page."""

    title = "Dimension"
    params_type = ScoringParams
    engine = "engines.scoring.dimension.engine:Engine"

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.heaps = Heaps("Distribution of the scores")
        self.grids = (ScoreGrid("ember", (64, 64)), ScoreGrid("ember", (64, 64)))
        self.bar = ColorBar("", "ember", 110)
        self.bar.drive(*self.grids)
        self.std = LogPlot("Standard deviation of the scores over d", log_y=True)
        self.entropy = LogPlot("Entropy of the softmax over d")
        link((self.std, self.entropy))
        self.heads = [quiet("") for _ in NAMES]
        for grid, text in zip(self.grids, ("Weights of raw scores", "Weights of scaled scores"), strict=True):
            words.say(grid, "setAccessibleName", text)
            grid.export_name = text.lower().replace(" ", "-")
        sides = [col(head, (grid, 1), gap=2) for head, grid in zip(self.heads, self.grids, strict=True)]
        self._heaps = card("Distribution of the scores", self.heaps)
        self._maps = card("Weights", row(*((side, 1) for side in sides), gap=S3), tools=[self.bar])
        std = card("Score std", self.std, tools=[self.std.key])
        entropy = card("Entropy, bits", self.entropy, tools=[self.entropy.key])
        for plot in (self.std, self.entropy):
            plot.picked.connect(lambda d: self.change(dim=round(d)))
            plot.settled.connect(self.settle)
        self.grids[0].hovered.connect(self.grids[1].set_cross)
        self.grids[1].hovered.connect(self.grids[0].set_cross)
        cards = col(
            (row((self._heaps, 1), (self._maps, 1), gap=S3), 1), (row((std, 1), (entropy, 1), gap=S3), 1), gap=S3
        )
        self.lay(box(cards), ParamsForm(self.params, ("dim", "num_keys", "temperature", "seed")))

    def show_params(self, params: ScoringParams) -> None:
        for plot in (self.std, self.entropy):
            plot.set_cursor(params.dim)

    def on(self, event: Event) -> None:
        match event:
            case Spread():
                self._show_spread(event)
            case Sweep():
                self._show_sweep(event)

    def _show_spread(self, seen: Spread) -> None:
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
                "{name}: largest weight {top} on average",
                name=SHORT[n],
                top=words.percent(float(seen.top[n]), 0),
            )
        self.bar.set_range(0.0, top)

    def _show_sweep(self, seen: Sweep) -> None:
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
        most = Message("equal weights: {bits} bits", {"bits": words.number(seen.most, 2)})
        self.entropy.set_line(seen.most, most)

"""The page "Equalities": both sides of four claims, and the difference."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.shell import Shell
from app.tabs.gnn.limits.page import scientific
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.colorbar import ColorBar
from app.views.grid import GridView
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.gnn.equalities.spec import BOUNDS, CLAIMS, EqualitiesParams, Equality

SIDES = (
    ("On the complete graph, by edges", "Self-attention"),
    ("GCN on the grid of eight neighbors", "Mean of 3 × 3 pixels"),
    ("GAT", "Renumbered, GAT, renumbered back"),
    ("At most L hops away", "Where the output hangs on the input"),
)
ATTENDS = (
    "Queries, keys and values of random nodes. Left: an edge from each node to each, scores q·k / √d, softmax over "
    "the edges into a node. Right: attention as a Transformer computes it. The outputs are compared, too."
)
AVERAGES = (
    "W is 1, so that a GCN layer only averages: two pixels from the border on, each pixel and those around it have "
    "nine edges, loops included, and each weighs 1/9. Nearer to the border degrees differ, and so do both."
)
ORDERS = "The same graph with its nodes in another order, and the outputs brought back: a graph has no order."
SEES = (
    "GATv2, L layers. The Jacobian is 0 to the last bit beyond L hops, and not 0 within. The topic Mixing shows the "
    "same of mini-gat on a photo."
)
TOLD = (ATTENDS, AVERAGES, ORDERS, SEES)


class Side(GridView):
    """Numbers of one side."""

    def __init__(self, name: str) -> None:
        super().__init__("diff", (28, 28), square=True)
        self.export_name = name

    def written(self, value: float) -> str:
        return words.number(value, 4)


class EqualitiesPage(Page):
    """Claims, and both sides of the one that is looked at."""

    title = "Equalities"
    params_type = EqualitiesParams
    engine = "engines.gnn.equalities.engine:Engine"
    params: EqualitiesParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: Equality | None = None
        self.left, self.right = Side("left"), Side("right")
        self.bars = (ColorBar(Message("Value"), "diff"), ColorBar(Message("Value"), "diff"))
        self.verdicts = Verdicts("Claims")
        self.verdicts.chosen.connect(lambda at: self.step(claim=at))
        self.said = quiet("", wrap=True)
        self.left_card = card(SIDES[0][0], self.left, foot=self.bars[0])
        self.right_card = card(SIDES[0][1], self.right, foot=self.bars[1])
        self.claim_card = card("Claims", self.verdicts, foot=self.said)
        for bar, view in zip(self.bars, (self.left, self.right), strict=True):
            bar.drive(view)
        self.left.hovered.connect(self.right.set_lit)
        self.right.hovered.connect(self.left.set_lit)
        form = ParamsForm(self.params)
        sides = col((self.left_card, 1), (self.right_card, 1), gap=S3)
        self.lay(box(row((self.claim_card, 5), (sides, 4), gap=S3)), form, resets=False)

    def show_params(self, params: EqualitiesParams) -> None:
        self._draw()

    def on(self, event: Event) -> None:
        if isinstance(event, Equality):
            self.shown = event
            self._draw()

    def _draw(self) -> None:
        shown, at = self.shown, min(len(CLAIMS) - 1, max(0, self.params.claim))
        if shown is None:
            return
        left, right = shown.left[at], shown.right[at]
        end = max(float(np.abs(left).max()), float(np.abs(right).max())) or 1.0
        for view, bar, values in zip((self.left, self.right), self.bars, (left, right), strict=True):
            view.set_values(values, end, -end)
            bar.set_range(-end, end)
        for one, title in zip((self.left_card, self.right_card), SIDES[at], strict=True):
            one.set_title(title)
        self.verdicts.set_verdicts([self._verdict(n, shown) for n in range(len(CLAIMS))])
        self.verdicts.set_at(at)
        words.say(self.said, "setText", TOLD[at])

    @staticmethod
    def _verdict(index: int, shown: Equality) -> Verdict:
        apart, cells = shown.apart[index], shown.cells[index]
        name = Message("Largest difference of {n} numbers", {"n": words.number(cells)})
        return Verdict(Message(CLAIMS[index]), (Finding(name, scientific(apart), apart <= BOUNDS[index]),))

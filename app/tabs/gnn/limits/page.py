"""The page "What a layer can't tell": two graphs, their colors round by round, and who tells them apart."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QTimer

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.graphview import GraphView, class_brushes
from app.shell import Shell
from app.theme import S3
from app.topic.feed import Feed
from app.topic.page import Page
from app.topic.state import State
from app.views.verdicts import Finding, Verdict, Verdicts
from app.widgets import WideButton, box, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.gnn.graph import arcs
from engines.gnn.limits.spec import LOOK, MOST_ROUNDS, NEAR, Compared, LimitsParams

BEAT = 900  #: ms between two rounds
ALIKE = (
    "Color refinement counts the same colors in both: no layer of message passing tells them apart, whatever its "
    "weights."
)
APART = (
    "Color refinement tells them apart. Layers can do as much at most: a sum keeps what it needs for that; a mean "
    "forgets how many there are, a maximum how often."
)
NAMES = ("First graph", "Second graph")


def scientific(value: float) -> str:
    """A small number: ``2e−7``."""
    if value >= 0.01 or value == 0:
        return words.number(value, 3 if value else 0)
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e−{abs(int(exponent))}"


class LimitsPage(Page):
    """Three cards and what they show."""

    title = "What a layer can't tell"
    params_type = LimitsParams
    engine = "engines.gnn.limits.engine:Engine"
    params: LimitsParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.shown: Compared | None = None
        self.views = (GraphView(), GraphView())
        self.cards = [card(name, view) for name, view in zip(NAMES, self.views, strict=True)]
        for view, name in zip(self.views, ("first-graph", "second-graph"), strict=True):
            view.export_name = name
        self.said = quiet("", wrap=True)
        self.verdicts = Verdicts("Who tells them apart")
        self.verdict_card = card("Who tells them apart", self.verdicts, foot=self.said)
        self.play = WideButton("Play", "play", tip="Color refinement, round by round.")
        self.play.clicked.connect(lambda _checked=False: self._play())
        form = ParamsForm(self.params)
        form.add(LOOK, self.play)
        self._beat = QTimer(self, interval=BEAT)
        self._beat.timeout.connect(self._next)
        left = col(*((one, 1) for one in self.cards), gap=S3)
        self.lay(box(row((left, 5), (self.verdict_card, 4), gap=S3)), form, resets=False)

    # -- the hand
    def _play(self) -> None:
        if self._beat.isActive():
            self._stop()
            return
        self.change(round=0)
        self._beat.start()
        words.say(self.play, "setText", "Stop")

    def _next(self) -> None:
        if self.params.round < MOST_ROUNDS:
            self.change(round=self.params.round + 1)
        if self.params.round >= MOST_ROUNDS:
            self._stop()

    def _stop(self) -> None:
        self._beat.stop()
        words.say(self.play, "setText", "Play")
        self.settle()

    def deactivated(self) -> None:
        if self._beat.isActive():
            self._stop()

    # -- content
    def show_params(self, params: LimitsParams) -> None:
        self._draw()

    def on(self, event: Event) -> None:
        if isinstance(event, Compared):
            self.shown = event
            self._draw()

    def _draw(self) -> None:
        shown, step = self.shown, self.params.round
        if shown is None:
            return
        each = zip(self.views, self.cards, shown.graphs, shown.places, shown.colors, strict=True)
        for view, one, graph, places, colors in each:
            view.set_places(places)
            edges, weights = arcs(graph)
            view.set_edges(edges, np.full(len(weights), 0.4), False)
            view.set_nodes([str(n + 1) for n in colors[step]], class_brushes(colors[step]))
            count = len(np.unique(colors[step]))
            one.set_note(Message("round {round}: {n} {n:color|colors}", {"round": step, "n": count}))
        self.verdicts.set_verdicts([self._colors(shown), *self._layers(shown)])
        last = shown.same(MOST_ROUNDS)
        text = ALIKE if last else APART
        words.say(self.said, "setText", text)

    def _colors(self, shown: Compared) -> Verdict:
        step = self.params.round
        same = shown.same(step)
        value = words.tr("equal") if same else words.tr("different")
        return Verdict(Message("Colors in round {n}", {"n": step}), (Finding(Message("Counts of colors"), value),))

    @staticmethod
    def _layers(shown: Compared) -> list[Verdict]:
        """How far both graphs are apart for each layer, and nodes that should be equal."""

        def told(kind: str, apart: float) -> Finding:
            word = words.tr("equal") if apart <= NEAR else words.tr("different")
            return Finding(Message(kind), f"{word} · {scientific(apart)}")

        between = tuple(told(kind, apart) for kind, apart in shown.outputs.items())
        within = tuple(Finding(Message(kind), scientific(apart), apart <= NEAR) for kind, apart in shown.nodes.items())
        return [
            Verdict(Message("Outputs of both graphs"), between),
            Verdict(Message("Nodes of one color differ by"), within),
        ]

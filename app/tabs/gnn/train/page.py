"""The page "Train": nodes classified live from the labels that the hand sets."""

from __future__ import annotations

import numpy as np

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.curves import Curve, Curves
from app.plots.embedding import EmbeddingMap
from app.plots.graphview import GraphView, class_brushes
from app.plots.pointmap import class_token
from app.shell import Shell
from app.tabs.gnn.page import SIZED, GraphPage
from app.theme import S3
from app.topic.feed import Feed
from app.topic.looks import Looks
from app.topic.state import State
from app.topic.training_page import TrainingPage
from app.training import Training
from app.transport import Transport
from app.widgets import box, button, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.gnn.spec import COMMUNITIES, GAT, GATV2, GRAPH, RUN, GraphParams, WatchParams
from engines.gnn.train.spec import STEPS, TrainBegan, TrainLook, TrainStep, labels_of

TRAINER = "engines.gnn.train.training:Trainer"
FIELDS = ("sample", "nodes", "inside", "between", "directed", "kind", "heads", "head", "layers", "edges", "hidden",
          "rate", "names")  # fmt: skip
RUN_FIELDS = ("own", "file", "picture", "edits", "sample", "nodes", "inside", "between", "seed", "directed", "weighted",
              "kind", "heads", "layers", "labeled", "edges", "hidden", "rate")  # fmt: skip
SURE = 0.55  # probability below which a node is drawn pale


class TrainPage(TrainingPage, GraphPage):
    """Three cards and what the run has told so far."""

    title = "Train"
    engine = "engines.gnn.watch.engine:Engine"
    asks = WatchParams
    keeps = False

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.began: TrainBegan | None = None
        self.steps: list[TrainStep] = []
        self.view = GraphView(editable=True)
        self.connect_graph(self.view)
        self.said = quiet("", wrap=True)
        self.map = EmbeddingMap()
        self.map.export_name = "embedding"
        self.curves = Curves(y_range=(0, 100), y_ticks=(0, 25, 50, 75, 100), widest="100.0")
        self.curves.export_name = "accuracy"
        self.graph_card = card("What the net says", self.view, foot=self.said)
        self.map_card = card("Nodes, before the last layer", self.map)
        self.curve_card = card("Accuracy", self.curves, "on nodes without a label, in %")
        transport = Transport(seed_tip="Of the graph, where it is drawn, and of the weights at the start.")
        transport.seeded.connect(lambda seed: self.step(seed=seed))
        self.looks: Looks[TrainLook] = Looks(transport, (self.curves,), self._draw)
        self.train(Training(self, TRAINER, transport, self._run_params, STEPS), transport)
        self.form = ParamsForm(self.params, FIELDS)
        self.form.add(RUN, self.pending)
        self.form.add(GRAPH, button("Labels of the graph", kind="boxed",
                                    tip="Takes back the labels that the hand has set.",
                                    clicked=lambda: self.step(labeled=None)))  # fmt: skip
        self.form.add(RUN, quiet("A click on a node sets its label: one class after another, then none.", wrap=True))
        right = col((self.map_card, 5), (self.curve_card, 4), gap=S3)
        self.lay(box(col((row((self.graph_card, 5), (right, 4), gap=S3), 1), transport, gap=S3)), self.form,
                 resets=False)  # fmt: skip

    # -- the hand
    def choose(self, node: int) -> None:
        """The next class for a node, or none after the last."""
        if self.info is None:
            return
        graph = self.info.graph
        told = dict(labels_of(graph, self.params.labeled))
        count = max(2, len(graph.classes))
        now = told.pop(node, -1) + 1
        if now < count:
            told[node] = now
        self.step(labeled=tuple(sorted(told.items())))

    def _run_params(self) -> GraphParams:
        return GraphParams(**{name: getattr(self.params, name) for name in RUN_FIELDS})

    def show_params(self, params: GraphParams) -> None:
        for name in ("nodes", "inside", "between"):
            self.form.set_shown(name, params.sample in SIZED if name == "nodes" else params.sample == COMMUNITIES)
        attends = params.kind in (GAT, GATV2)
        for name in ("heads", "head"):
            self.form.set_shown(name, attends and (name == "heads" or params.heads > 1))
        if attends and params.heads > 1:
            self.form.set_limits("head", 1, params.heads)
        self.transport.set_seed(params.seed)
        TrainingPage.show_params(self, params)
        self._draw()

    def on(self, event: Event) -> None:
        GraphPage.on(self, event)
        self._draw()

    # -- what the run tells
    def told(self, event: Event) -> None:
        match event:
            case TrainBegan():
                self.began, self.steps = event, []
                self.looks.begin()
                self._draw()
            case TrainStep():
                self.steps.append(event)
            case TrainLook():
                self.looks.add(event)
                self._draw()

    # -- drawing
    def _draw(self) -> None:
        began, seen, places = self.began, self.looks.seen, self.placed()
        if began is None or seen is None or len(places) != began.graph.nodes or len(seen.predicted) != len(places):
            return
        graph, told = began.graph, dict(labels_of(began.graph, self.params.labeled))
        self.view.set_places(places)
        self.view.set_edges(began.arcs, np.full(began.arcs.shape[1], 0.4), self.is_directed())
        self._draw_attention(seen)
        labels = seen.predicted.copy()
        for node, one in told.items():
            labels[node] = one
        marks = {node: class_token(one) for node, one in told.items()}
        brushes = class_brushes(labels, seen.sure < SURE)
        self.view.set_nodes(graph.names, brushes, None, marks, self.params.names)
        self.map.set_map(seen.embedding, labels, np.zeros((0, 2)), [words.plain(name) for name in began.classes])
        self.graph_card.set_note("step {n}", n=words.number(seen.step))
        self._say(began, seen)
        self._draw_curves()

    def _draw_attention(self, seen: TrainLook) -> None:
        """Weights of the chosen head above the edges."""
        if not len(seen.weights):
            self.view.set_lit(np.zeros((2, 0), np.int64), np.zeros(0))
            return
        between = seen.edges[0] != seen.edges[1]
        weights = seen.weights[between, min(self.params.head, seen.weights.shape[1]) - 1].astype(float)
        self.view.set_lit(seen.edges[:, between], weights / (weights.max(initial=0) or 1.0) * 0.6)

    def _say(self, began: TrainBegan, seen: TrainLook) -> None:
        told = dict(began.labeled)  # those of the hand since then are not told yet
        known = began.graph.labels >= 0
        known[list(told)] = False
        right = int((seen.predicted == began.graph.labels)[known].sum())
        count = int(known.sum())
        values = {"n": len(told), "right": right, "count": count, "share": words.percent(right / max(1, count), 1)}
        text = "{n} {n:label|labels} told (squares). Of the other {count} nodes {right} are right: {share}."
        if not count:
            text = "{n} {n:label|labels} told (squares). Nobody knows the classes of the other nodes."
        words.say(self.said, "setText", Message(text, values))

    def _draw_curves(self) -> None:
        steps = [step for step in self.steps if step.accuracy >= 0]
        x = np.array([step.step for step in steps], float)
        y = np.array([100 * step.accuracy for step in steps], float)
        self.curves.set_curves([Curve(Message("Accuracy"), x, y, "cat0", digits=1)] if len(y) else [], STEPS)

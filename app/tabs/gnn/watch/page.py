"""The page "Watch": the graph under the hand, the matrix of the same numbers, and the messages into a node."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QBrush, QColor

from app import words
from app.cards import card
from app.params_form import ParamsForm
from app.plots.graphview import CUT, JOIN, MOVE, GraphView, class_brushes
from app.plots.points import embers
from app.shell import Shell
from app.tabs.gnn.page import SIZED, GraphPage
from app.tabs.gnn.watch.formulas import formula, term
from app.theme import S3
from app.topic.feed import Feed
from app.topic.state import State
from app.views.bars import Bar, Bars
from app.views.colorbar import ColorBar
from app.views.tokenmap import TokenMap
from app.widgets import Segments, box, button, col, quiet, row
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.gnn.graph import hops
from engines.gnn.spec import (
    COMMUNITIES,
    EDGES,
    GAT,
    GATV2,
    GRAPH,
    MESSAGE,
    OUTPUT,
    GraphParams,
    WatchParams,
)
from engines.gnn.watch.spec import Messages

MODES = (MOVE, JOIN, CUT)
MOST_BARS = 9
MOST_MATRIX = 1200  #: nodes of which a matrix is drawn
FIELDS = ("sample", "nodes", "inside", "between", "seed", "directed", "weighted", "kind", "heads", "head", "layers",
          "color", "names", "rings")  # fmt: skip


class Weights(TokenMap):
    """Weights of any size: a sum is no share."""

    def written(self, value: float) -> str:
        return words.number(value, 3)


class WatchPage(GraphPage):
    """Three cards and what they show."""

    title = "Watch"
    engine = "engines.gnn.watch.engine:Engine"
    asks = WatchParams

    def __init__(self, state: State, feed: Feed | None, shell: Shell) -> None:
        super().__init__(state, feed, shell)
        self.answer: Messages | None = None
        self.view = GraphView(editable=True, cuts=True)
        self.modes = Segments(
            MODES,
            tips=(
                "Drag nodes; a click chooses one. A right click on an edge cuts it.",
                "Click two nodes: an edge between them comes, or goes.",
                "Click an edge: it goes.",
            ),
        )
        self.modes.chosen.connect(lambda at: self.view.set_mode(MODES[at]))
        self.matrix = Weights(rows_only=True)
        self.matrix.export_name = "weights"
        self.bar = ColorBar(Message("Weight"))
        self.bar.drive(self.matrix)
        self.messages = Bars(pitch=26, least_name=36, widest="0.000 · −0.00")
        self.messages.export_name = "messages"
        self.formula = quiet("", wrap=True)
        self.said = quiet("", wrap=True)
        self.graph_card = card("Graph", self.view, tools=[self.modes], foot=self.said)
        self.matrix_card = card("Weights, target by source", self.matrix, foot=self.bar)
        self.messages_card = card("Messages", self.messages, foot=self.formula)
        self.connect_graph(self.view)
        self.view.joined.connect(self._joined)
        self.view.hovered.connect(lambda _node: self._draw_node())
        self.matrix.hovered.connect(self._pointed)
        self.matrix.clicked.connect(lambda cell: self.change(node=cell[0]))
        self._over: int | None = None
        self.form = ParamsForm(self.params, FIELDS)
        self.opener = button("Open a graph", "open", "boxed", tip="A list of edges (CSV), GraphML, node-link JSON, or "
                             "Cora's .content with .cites.", clicked=shell.open_files)  # fmt: skip
        self.restore = button("Undo all edits", kind="boxed", clicked=lambda: self.step(edits=()))
        self.form.add(GRAPH, self.opener)
        self.form.add(EDGES, self.restore)
        right = col((self.matrix_card, 5), (self.messages_card, 4), gap=S3)
        self.lay(box(row((self.graph_card, 6), (right, 5), gap=S3)), self.form, resets=False)
        for one in (self.graph_card, self.matrix_card, self.messages_card):
            one.set_empty("Laying out the graph")

    # -- the hand
    def _joined(self, first: int, last: int) -> None:
        if self.answer is not None:
            self.toggle(first, last, self.answer.arcs)

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        self._over = None if cell is None else cell[0]
        self.view.set_over(self._over)
        self._draw_node()

    def _node(self) -> int:
        """The node that is looked at: under the pointer, else the chosen one."""
        over = self._over if self._over is not None else self.view.over()
        node: int = self.params.node if over is None else over
        return int(node) if self.answer is not None and node < self.answer.nodes else 0

    def deactivated(self) -> None:
        self._over = None
        self.tell(None)

    # -- content
    def show_params(self, params: GraphParams) -> None:
        for name in ("nodes", "inside", "between"):
            self.form.set_shown(name, params.sample in SIZED if name == "nodes" else params.sample == COMMUNITIES)
        attends = params.kind in (GAT, GATV2)
        for name in ("heads", "head"):
            self.form.set_shown(name, attends and (name == "heads" or params.heads > 1))
        if attends and params.heads > 1:
            self.form.set_limits("head", 1, params.heads)
        self.restore.setEnabled(bool(params.edits))
        self._draw()

    def on(self, event: Event) -> None:
        super().on(event)
        if isinstance(event, Messages):
            self.answer = event
        self._draw()

    def _head(self) -> int:
        assert self.answer is not None
        return int(min(self.params.head, self.answer.coefficients.shape[1])) - 1

    def _draw(self) -> None:
        answer, info, places = self.answer, self.info, self.placed()
        if answer is None or info is None or len(places) != answer.nodes:
            return
        for one in (self.graph_card, self.matrix_card, self.messages_card):
            one.set_empty(None)
        self.view.set_places(places)
        top = float(answer.given.max(initial=0)) or 1.0
        self.view.set_edges(answer.arcs, answer.given / top, self.is_directed())
        weights = answer.coefficients[:, self._head()]
        if answer.nodes <= MOST_MATRIX:
            table = np.zeros((answer.nodes, answer.nodes), np.float32)
            np.add.at(table, (answer.edges[1], answer.edges[0]), weights)
            end = float(table.max(initial=0)) or 1.0
            self.matrix.set_values(table, end, 0.0)
            self.matrix.set_tokens(info.graph.names, info.graph.names)
            self.bar.set_range(0, end)
            self.matrix_card.set_empty(None)
        else:
            self.matrix_card.set_empty(Message("{n} nodes: too many for a matrix.", {"n": words.number(answer.nodes)}))
        count = answer.arcs.shape[1]
        lines = count if self.is_directed() else (count + int((answer.arcs[0] == answer.arcs[1]).sum())) // 2
        self.graph_card.set_title(words.known(info.graph.title))
        note = "{n} {n:node|nodes}, {m} {m:edge|edges}"
        self.graph_card.set_note(Message(note, {"n": answer.nodes, "m": lines}))
        self._draw_node()

    def _draw_node(self) -> None:
        """What hangs on the node that is looked at."""
        answer, info = self.answer, self.info
        if answer is None or info is None or info.graph.nodes != answer.nodes:
            return
        node, graph, head = self._node(), info.graph, self._head()
        into = answer.into(node)
        weights = answer.coefficients[into, head]
        end = float(np.abs(weights).max(initial=0)) or 1.0
        sources = answer.edges[0, into]
        others = sources != node
        self.view.set_lit(answer.edges[:, into[others]], np.abs(weights[others]) / end)
        far = hops(answer.arcs, answer.nodes, node)
        heard = (far >= 0) & (far <= self.params.layers)
        self.view.set_nodes(graph.names, self._brushes(heard, sources, weights / end), self._rings(far),
                            named=self.params.names)  # fmt: skip
        self.view.set_at(self.params.node if self.params.node < answer.nodes else 0)
        self.matrix.set_at((self.view.at() or 0, -1))
        self.matrix.set_lit((node, -1) if node != self.view.at() else None)
        self._say(node, into, heard)

    def _rings(self, far: np.ndarray) -> np.ndarray:
        return np.where(far <= self.params.layers, far, -1) if self.params.rings else np.full(len(far), -1)

    def _brushes(self, heard: np.ndarray, sources: np.ndarray, share: np.ndarray) -> list[QBrush]:
        assert self.answer is not None
        assert self.info is not None
        graph = self.info.graph
        if self.params.color == MESSAGE:
            each = np.zeros(self.answer.nodes)
            np.add.at(each, sources, np.abs(share))
            return embers(each.clip(0, 1))
        if self.params.color == OUTPUT:
            out = self.answer.output
            low, high = float(out.min(initial=0)), float(out.max(initial=0))
            return embers((out - low) / (high - low or 1.0))
        if len(graph.colors):
            return own_colors(graph.colors)
        return class_brushes(graph.labels, ~heard)

    def _say(self, node: int, into: np.ndarray, heard: np.ndarray) -> None:
        answer, info, head = self.answer, self.info, self._head()
        assert answer is not None
        assert info is not None
        order = into[np.argsort(-answer.coefficients[into, head], kind="stable")]
        names = info.graph.names
        bars = []
        for edge in order[:MOST_BARS].tolist():
            source, weight = int(answer.edges[0, edge]), float(answer.coefficients[edge, head])
            said = f"{words.number(weight, 3)} · {words.number(float(answer.sent[source]), 2)}"
            bars.append(Bar(words.plain(names[source]), ((weight, "accent"),), said))
        self.messages.set_bars(bars)
        told = {"node": words.plain(names[node]), "n": len(into), "shown": len(bars)}
        note = "into {node}: {n}" if len(bars) == len(into) else "into {node}: {shown} of {n}, the strongest"
        self.messages_card.set_note(Message(note, told))
        first = int(order[0]) if len(order) else -1
        lines = [formula(answer.kind)] + ([term(answer, first, head, names)] if first >= 0 else [])
        words.say(self.formula, "setText", words.plain("\n".join(lines)))
        far = {"n": int(heard.sum()) - 1, "layers": self.params.layers}
        words.say(self.said, "setText", Message("{layers} {layers:layer|layers}: this node hears of {n} "
                                                "{n:other|others}, those within as many hops.", far))  # fmt: skip


def own_colors(colors: np.ndarray) -> list[QBrush]:
    """Brushes of colors (N, 3)."""
    return [QBrush(QColor(*rgb)) for rgb in colors.tolist()]

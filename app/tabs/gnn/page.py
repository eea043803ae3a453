"""What the pages on one graph share: the graph under the hand, and what becomes of a file that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.params_form import ParamsForm
from app.plots.graphview import GraphView
from app.topic.page import Page
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Event
from engines.gnn.graph import Edit
from engines.gnn.names import KINDS, is_pickle
from engines.gnn.spec import OWN, PATCHES, GraphParams
from engines.gnn.watch.spec import GraphInfo, Layout

NODES = ("sample", "nodes", "inside", "between", "seed")  #: settings of the graph
SIZED = ("Two communities", "Grid", "Ring", "Path", "Complete graph")


class GraphPage(Page):
    """Base of the pages on the graph that is chosen.

    Attributes
    ----------
    info : GraphInfo or None
        The graph that is shown.
    places : ndarray (N, 2)
        Where its nodes stand, moved by the hand.
    """

    params_type = GraphParams
    takes_pictures = True
    file_kinds = KINDS
    file_title = "Graphs"
    params: GraphParams
    form: ParamsForm
    info: GraphInfo | None = None
    places = np.zeros((0, 2))
    laid: Layout | None = None
    _good: GraphParams | None = None  # settings whose graph is there

    def connect_graph(self, view: GraphView) -> None:
        """Let the hand change the graph through a view."""
        view.chosen.connect(self.choose)
        view.moved.connect(self._moved)
        view.dropped.connect(self.settle)

    # -- the hand
    def choose(self, node: int) -> None:
        """A node was clicked."""
        self.change(node=node)

    def _moved(self, node: int, x: float, y: float) -> None:
        others = tuple(each for each in self.params.moved if each[0] != node)
        self.change(moved=(*others, (node, x, y)))

    def toggle(self, first: int, last: int, arcs: np.ndarray) -> None:
        """An edge where there is none; else none."""
        there = bool(((arcs[0] == first) & (arcs[1] == last)).any())
        directed = self.is_directed()
        same = {(first, last)} if directed else {(first, last), (last, first)}
        others: tuple[Edit, ...] = tuple(edit for edit in self.params.edits if (edit[0], edit[1]) not in same)
        if not there and self.info is not None and same & set(zip(*self.info.graph.edges.tolist(), strict=True)):
            self.step(edits=others)  # one that the hand had cut comes back as it was
            return
        self.step(edits=(*others, (first, last, 0.0 if there else 1.0)))

    def is_directed(self) -> bool:
        """Whether edges run one way."""
        return self.params.directed or (self.info is not None and self.info.graph.directed)

    # -- the contract
    @classmethod
    def accepts(cls, path: Path) -> bool:
        return is_pickle(path) or super().accepts(path)

    def take(self, paths: Sequence[Path]) -> None:
        self.dismiss()
        self.state.put(file=str(paths[0]), sample=OWN, own=None)

    def picture_chosen(self, picture: Picture) -> dict[str, Any]:
        return {"picture": picture, "sample": PATCHES}

    def on(self, event: Event) -> None:
        match event:
            case GraphInfo():
                self.info, self._good = event, self.params
                self.form.set_shown("directed", not event.graph.directed)  # such a graph is so in any case
            case Layout():
                self.laid = event
            case Ended() if event.error is not None and not event.misplaced:
                good = self._good or GraphParams()  # of nothing yet: the first graph
                self.state.put(file=good.file, sample=good.sample, own=good.own)  # what is on screen stays

    def placed(self) -> np.ndarray:
        """Where nodes stand: laid out, then moved by the hand, (N, 2)."""
        if self.info is None or self.laid is None or len(self.laid.places) != self.info.graph.nodes:
            return np.zeros((0, 2))
        made = np.array(self.laid.places, float)
        for node, x, y in self.params.moved:
            if node < len(made):
                made[node] = x, y
        return made

    def exported(self) -> dict[str, object]:
        made = {name: value for name, value in super().exported().items() if name not in ("own", "picture", "start")}
        if self.info is not None:
            made["graph"] = self.info.graph.title
        return made

"""What the pages "Watch" and "Train" can ask for: the graph, and what runs on it. Imports no torch.

Sizes: N nodes, A arcs that messages run along, E' with loops, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from engines.core.params import PHOTO, Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.training import TrainingParams
from engines.gnn.graph import Edit, Graph

KARATE, MISERABLES, COMMUNITIES = "Karate club", "Les Misérables", "Two communities"
PATH, RING, GRID, COMPLETE, PATCHES = "Path", "Ring", "Grid", "Complete graph", "Patches of the photo"
OWN = "Own graph"
SAMPLES: Final = (KARATE, MISERABLES, COMMUNITIES, GRID, RING, PATH, COMPLETE, PATCHES, OWN)
GCN, AVERAGED, SUMMED, LARGEST, GAT, GATV2, GIN = "GCN", "Mean", "Sum", "Max", "GAT", "GATv2", "GIN"
KINDS: Final = (GCN, AVERAGED, SUMMED, LARGEST, GAT, GATV2, GIN)
GRAPH, EDGES, LAYER, DRAW, RUN = "Graph", "Edges", "Layer", "Display", "Run"
CLASS, MESSAGE, OUTPUT = "Class", "Message", "Output"
OF_GRAPH: Final = ("own", "file", "picture", "sample", "nodes", "inside", "between", "seed")
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: weights of edges, which sum to 1 over those into a node; see the own tests


@dataclass(frozen=True)
class WatchParams(Params):
    """What the engine of "Watch" is asked.

    Attributes without a slider
    ---------------------------
    own : Graph, optional
        From another topic.
    file : str
        Path of the graph, where it is one's own; empty for ``own``.
    picture : Picture, optional
        Of which the patches are; None for a sample photo.
    edits : tuple of (source, target, weight)
        What the hand made of edges; see `engines.gnn.graph.arcs`.
    """

    own: Graph | None = setting(None)
    file: str = setting("", kept=True)
    picture: Picture | None = setting(None, remembered=PHOTO)
    edits: tuple[Edit, ...] = setting((), changes_model=True)
    sample: str = setting(KARATE, Choice(SAMPLES, "Graph", group=GRAPH, tip="Where messages run."))
    nodes: int = setting(
        36, Range(2, 400, 1, "Nodes", group=GRAPH, log=True, tip="Of communities, grid, ring, path; at most 64 of a "
                                                                  "complete graph.")
    )  # fmt: skip
    inside: float = setting(
        0.3, Range(0.0, 0.6, 0.01, "Within a community", group=GRAPH, tip="Probability of an edge within a community.")
    )
    between: float = setting(
        0.02,
        Range(0.0, 0.2, 0.01, "Between communities", group=GRAPH, tip="Probability of an edge between communities."),
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=GRAPH, tip="Of communities, layout, features and weights at the start.")
    )
    directed: bool = setting(
        False, Switch("Directed", group=EDGES, tip="Messages run from source to target only; off: both ways.")
    )
    weighted: bool = setting(
        True, Switch("Weighted", group=EDGES, tip="GCN multiplies by the weight of an edge; off: each weighs 1.")
    )
    kind: str = setting(
        GCN,
        Choice(
            KINDS,
            "Layer",
            group=LAYER,
            tip="How messages are weighed. GCN: 1/√(d_i d_j) (Kipf 2017). GAT: softmax of leaky(a·[Wx_i ‖ Wx_j]) "
            "(Veličković 2018). GATv2: a·leaky(W[x_i ‖ x_j]) (Brody 2022). GIN: a sum (Xu 2019).",
        ),
    )
    heads: int = setting(4, Range(1, 8, 1, "Heads", group=LAYER, tip="Of GAT and GATv2, side by side."))
    layers: int = setting(
        2, Range(1, 8, 1, "Layers", group=LAYER, tip="How often messages are sent: so many hops a node hears of.")
    )


@dataclass(frozen=True)
class GraphParams(WatchParams, TrainingParams):
    """Settings of both pages.

    Attributes without a slider
    ---------------------------
    labeled : tuple of (node, class) or None
        Nodes whose class the net is told; None for those that the graph brings.
    moved : tuple of (node, x, y)
        Nodes that the hand has moved.
    node : int
        The node whose messages are shown; −1 for none.
    """

    labeled: tuple[tuple[int, int], ...] | None = setting(None, asked=False)
    moved: tuple[tuple[int, float, float], ...] = drawn(())
    node: int = looked(0, asked=False)
    head: int = looked(1, Range(1, 8, 1, "Head", group=LAYER, tip="Whose weights are drawn."), asked=False)
    color: str = drawn(
        CLASS,
        Choice((CLASS, MESSAGE, OUTPUT), "Colors", group=DRAW,
               tip="Of nodes: their class, what they send to the chosen node, or what leaves the last layer, as its "
                   "first principal component."),
    )  # fmt: skip
    names: bool = drawn(True, Switch("Names", group=DRAW, tip="Of nodes, where there is room."))
    rings: bool = drawn(True, Switch("Hops as rings", group=DRAW, tip="Nodes ringed by how many hops away they are."))
    edges: bool = setting(
        True, Switch("Use the edges", group=RUN, tip="Off: each node is on its own. What is left is what edges do."),
        asked=False,
    )  # fmt: skip
    hidden: int = setting(
        16, Range(4, 64, 4, "Hidden units", group=RUN, tip="Numbers that a node holds between layers."), asked=False
    )
    rate: float = setting(
        0.02,
        Range(1e-4, 0.2, 1e-4, "Learning rate", group=RUN, log=True, live=True, tip="Step size of Adam. (Kingma 2015)"),
        asked=False,
    )

    def following(self, before: Self) -> Self:
        """What the hand has done to one graph is not done to another."""
        if all(getattr(self, name) == getattr(before, name) for name in OF_GRAPH):
            return self
        return replace(self, edits=(), moved=(), labeled=None, node=0)

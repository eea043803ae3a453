"""A graph as it is shown, filed and handed over. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Edit = tuple[int, int, float]  #: source, target, weight; a weight of 0 takes the edge away

MOST_NODES = 5_000  #: of a graph that is read: Cora has 2,708
MOST_EDGES = 50_000
MOST_CLASSES = 6  #: that have a color of their own


def none(*shape: int) -> Floats:
    """An array of zeros of any shape."""
    return np.zeros(shape, np.float32)


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges, compared and hashed by identity. Nobody writes into the arrays.

    Attributes
    ----------
    title : str
        Its name, as it is shown.
    names : tuple of str
        Of the N nodes.
    edges : ndarray of int (2, E)
        Source and target, as they were listed.
    weights : ndarray (E,)
    labels : ndarray of int (N,)
        Class of each node; −1 where it is not known.
    classes : tuple of str
    features : ndarray (N, F)
        F is 0 where the nodes have none.
    places : ndarray (N, 2)
        Where the nodes stand in the plane; of length 0 where that is for a layout to say.
    colors : ndarray of uint8 (N, 3)
        Of nodes that have one of their own, such as patches of a photo; else of length 0.
    directed : bool
        Edges run one way.
    source : str
        The file that it was read from.
    """

    title: str
    names: tuple[str, ...]
    edges: Ints = field(repr=False)
    weights: Floats = field(repr=False)
    labels: Ints = field(repr=False)
    classes: tuple[str, ...] = ()
    features: Floats = field(default_factory=lambda: none(0, 0), repr=False)
    places: Floats = field(default_factory=lambda: none(0, 2), repr=False)
    colors: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 3), np.uint8), repr=False)
    directed: bool = False
    source: str = ""

    @property
    def nodes(self) -> int:
        """N."""
        return len(self.names)


def made(title: str, nodes: int, pairs: Sequence[tuple[int, int]] | Ints, labels: Ints | None = None,
         **more: object) -> Graph:  # fmt: skip
    """A graph of numbered nodes from pairs (E, 2) of source and target."""
    edges = np.asarray(pairs, np.int64).reshape(-1, 2).T.copy()
    known = {"names": tuple(str(n + 1) for n in range(nodes)), "weights": np.ones(edges.shape[1], np.float32)}
    unlabeled = np.full(nodes, -1, np.int64) if labels is None else np.asarray(labels, np.int64)
    return Graph(title=title, edges=edges, labels=unlabeled, **(known | more))  # type: ignore[arg-type]


def arcs(
    graph: Graph, directed: bool = False, weighted: bool = True, edits: Sequence[Edit] = ()
) -> tuple[Ints, Floats]:
    """What messages run along.

    Parameters
    ----------
    graph : Graph
    directed : bool
        From source to target only; else both ways.
    weighted : bool
        Else each edge weighs 1.
    edits : sequence of (source, target, weight)
        In the place of what the graph has between the two, whichever way unless directed.

    Returns
    -------
    (ndarray of int (2, A), ndarray (A,))
    """
    edges, weights = graph.edges, graph.weights
    known = [edit for edit in edits if edit[0] < graph.nodes and edit[1] < graph.nodes]
    if known:
        count = graph.nodes
        gone = {(s, t) for s, t, _ in known} | (set() if directed else {(t, s) for s, t, _ in known})
        kept = ~np.isin(edges[0] * count + edges[1], [s * count + t for s, t in gone])
        new = [edit for edit in known if edit[2] > 0]
        added = np.array([edit[:2] for edit in new], np.int64).reshape(-1, 2).T
        edges = np.concatenate([edges[:, kept], added], 1)
        weights = np.concatenate([weights[kept], np.array([edit[2] for edit in new], np.float32)])
    if not weighted:
        weights = np.ones_like(weights)
    if not directed:
        back = edges[0] != edges[1]  # a loop has one way only
        edges = np.concatenate([edges, edges[::-1][:, back]], 1)
        weights = np.concatenate([weights, weights[back]])
    return edges, weights


def hops(edges: Ints, nodes: int, start: int) -> Ints:
    """How many edges lead from each node to ``start`` at least, against messages' way; −1 where none do, (N,)."""
    far = np.full(nodes, -1, np.int64)
    if not 0 <= start < nodes:
        return far
    far[start], front = 0, np.zeros(nodes, bool)
    front[start] = True
    step = 0
    while front.any():
        step += 1
        reached = np.zeros(nodes, bool)
        reached[edges[0][front[edges[1]]]] = True
        front = reached & (far < 0)
        far[front] = step
    return far


def circle(count: int) -> Floats:
    """So many places on a circle, (count, 2), from above on."""
    turn = np.arange(count) / max(1, count) * 2 * np.pi
    return np.stack([np.sin(turn), np.cos(turn)], 1).astype(np.float32)

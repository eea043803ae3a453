"""Where nodes stand: by networkx's forces (Fruchterman & Reingold 1991), a few steps at a time."""

from __future__ import annotations

from collections.abc import Iterator

import networkx
import numpy as np

from engines.gnn.graph import Floats, Graph

ROUNDS, STEPS = 6, 10  #: places to stop, and steps between them
SLOW = 600  #: nodes, beyond which there are fewer steps
FAR = 3_000  #: nodes, beyond which the eigenvectors alone say where they stand


def spread(graph: Graph, seed: int = 0) -> Iterator[Floats]:
    """Places (N, 2) of the nodes within ±1, better from one yield to the next; each is a place to stop."""
    if len(graph.places):
        yield within(graph.places)
        return
    made = networkx.Graph()
    made.add_nodes_from(range(graph.nodes))
    made.add_edges_from(zip(*graph.edges.tolist(), strict=True))
    if graph.nodes > FAR:
        found = networkx.random_layout(made, seed=seed)
        for _ in range(ROUNDS):  # a node goes to the middle of those around it: what is joined comes together
            found = _averaged(graph, np.array([found[n] for n in range(graph.nodes)]))
        yield within(np.array([found[n] for n in range(graph.nodes)]))
        return
    places, rounds = None, ROUNDS if graph.nodes <= SLOW else 2
    for _ in range(rounds):
        places = networkx.spring_layout(made, pos=places, iterations=STEPS, seed=seed, method="force")
        yield within(np.array([places[n] for n in range(graph.nodes)]))


def _averaged(graph: Graph, places: np.ndarray) -> np.ndarray:
    total, count = places.copy(), np.ones(len(places))
    for a, b in (graph.edges, graph.edges[::-1]):
        np.add.at(total, b, places[a])
        np.add.at(count, b, 1)
    return total / count[:, None]


def within(places: np.ndarray) -> Floats:
    """Places (N, 2) moved into ±1, of their own aspect."""
    if not len(places):
        return np.zeros((0, 2), np.float32)
    low, high = places.min(0), places.max(0)
    size = float((high - low).max()) / 2
    return np.asarray((places - (low + high) / 2) / (size if size > 0 else 1.0), np.float32)

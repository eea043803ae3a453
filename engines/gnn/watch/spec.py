"""What the page "Watch" is told. Imports no torch.

A run yields `GraphInfo`, `Layout` as it gets better, and `Messages`. An edited edge asks for nothing but `Messages`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Frame, Subject
from engines.gnn.graph import Floats, Graph, Ints
from engines.gnn.spec import WatchParams as WatchParams

WEIGHTS_ARE_SHOWN_AS: Final = ()  #: over edges, not rows; see the own tests


@dataclass(frozen=True, eq=False)
class GraphInfo(Subject):
    """The graph without what the hand made of its edges.

    Attributes
    ----------
    graph : Graph
    """

    graph: Graph = field(repr=False)


@dataclass(frozen=True, eq=False)
class Layout(Frame):
    """Where its nodes stand.

    Attributes
    ----------
    places : ndarray (N, 2)
        Within ±1.
    """

    places: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class Messages(Frame):
    """What runs along the edges of the first layer.

    Attributes
    ----------
    kind : str
    nodes : int
        N.
    arcs : ndarray of int (2, A)
        Source and target of what the graph has.
    given : ndarray (A,)
        Their weights in the graph.
    edges : ndarray of int (2, E')
        What the layer sums over, loops included.
    coefficients : ndarray (E', H)
        What a message is multiplied by.
    scores : ndarray (E', H)
        Of attention, before the softmax; of length 0 for others.
    sent : ndarray (N,)
        The first number of what each node sends, after the linear map of the first head.
    degree : ndarray (N,)
        Weights that enter a node, its loop included.
    output : ndarray (N,)
        First principal component of what leaves the last layer.
    """

    kind: str
    nodes: int
    arcs: Ints = field(repr=False)
    given: Floats = field(repr=False)
    edges: Ints = field(repr=False)
    coefficients: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    sent: Floats = field(repr=False)
    degree: Floats = field(repr=False)
    output: Floats = field(repr=False)

    def into(self, node: int) -> npt.NDArray[np.int64]:
        """Numbers of the edges into a node, (n,)."""
        return np.flatnonzero(self.edges[1] == node)

"""What a run of the page "Train" tells. Imports no torch.

`engines.gnn.train.training.Trainer` is the guest of the lane: `TrainBegan` once a run, a `TrainStep` for each step, and
now and then a `TrainLook`. N nodes, K classes, E' edges with loops, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Record
from engines.core.training import Stepped
from engines.gnn.graph import Floats, Graph, Ints
from engines.gnn.spec import GraphParams as GraphParams

STEPS = 200
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: over edges, not rows; see the own tests


def labels_of(graph: Graph, labeled: tuple[tuple[int, int], ...] | None) -> tuple[tuple[int, int], ...]:
    """The nodes whose class a net is told, and that class: those of the hand, or the graph's first one of each class.

    The karate club's are its two leaders.
    """
    if labeled is not None:
        return tuple((node, one) for node, one in labeled if node < graph.nodes)
    if graph.classes == ("Mr. Hi", "Officer"):
        return ((0, 0), (graph.nodes - 1, 1))
    found = [(int(np.flatnonzero(graph.labels == n)[0]), n) for n in range(len(graph.classes))
             if (graph.labels == n).any()]  # fmt: skip
    if found:
        return tuple(found)
    return ((0, 0), (graph.nodes - 1, 1)) if graph.nodes > 1 else ((0, 0),)


@dataclass(frozen=True, eq=False)
class TrainBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    graph : Graph
    arcs : ndarray of int (2, A)
        What messages run along; of length 0 without edges.
    labeled : tuple of (node, class)
    classes : tuple of str
    """

    graph: Graph = field(repr=False)
    arcs: Ints = field(repr=False)
    labeled: tuple[tuple[int, int], ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class TrainStep(Stepped):
    """One step.

    Attributes
    ----------
    loss : float
        Cross-entropy of the labeled nodes.
    accuracy : float
        Share of the other nodes whose class is known that are right; −1 where there are none.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class TrainLook(Record):
    """What the net says now.

    Attributes
    ----------
    step : int
    predicted : ndarray of int (N,)
    sure : ndarray (N,)
        Probability of that class.
    embedding : ndarray (N, 2)
        First two principal components of what leaves the last layer but one (of one layer: of it).
    edges : ndarray of int (2, E')
        What the first layer sums over; of length 0 where it attends to nothing, or to too many.
    weights : ndarray (E', H)
    """

    step: int
    predicted: Ints = field(repr=False)
    sure: Floats = field(repr=False)
    embedding: Floats = field(repr=False)
    edges: Ints = field(repr=False)
    weights: npt.NDArray[np.float16] = field(repr=False)

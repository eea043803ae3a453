"""What the page "What a layer can't tell" can ask for and is told. Imports no torch.

A run yields a `Compared`. Two graphs of N and M nodes, R rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Choice, Params, Range, drawn, setting
from engines.core.protocol import Frame
from engines.gnn.graph import Floats, Graph, Ints
from engines.gnn.spec import AVERAGED, GAT, GATV2, GCN, GIN, LARGEST, SUMMED

CYCLES, RINGS, PRISM = "6-ring, two triangles", "Decalin, bicyclopentyl", "Prism, K3,3"
COUNTS, SHARES, TREES = "2 or 3 alike", "Two kinds, 1:1 or 2:2", "Path, star"
PAIRS: Final = (CYCLES, RINGS, PRISM, COUNTS, SHARES, TREES)
LAYERS: Final = (GCN, AVERAGED, LARGEST, SUMMED, GAT, GATV2, GIN)
NEAR = 1e-6  #: outputs that differ by no more are equal
PAIR, LOOK = "Graphs", "Display"
MOST_ROUNDS = 4
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: colors and outputs are shown


@dataclass(frozen=True)
class LimitsParams(Params):
    """Settings of the page."""

    pair: str = setting(
        CYCLES, Choice(PAIRS, "Two graphs", group=PAIR, tip="Nodes of one color at the start hold the same number.")
    )
    depth: int = setting(
        3, Range(1, MOST_ROUNDS, 1, "Layers", group=PAIR, tip="Of the nets whose outputs are compared.")
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=PAIR, tip="Of the weights of all nets."))
    round: int = drawn(
        MOST_ROUNDS,
        Range(0, MOST_ROUNDS, 1, "Round", group=LOOK, tip="Of color refinement: a node's next color is its color and "
              "those around it. (Weisfeiler 1968)"),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Compared(Frame):
    """Colors and outputs of both graphs.

    Attributes
    ----------
    graphs : tuple of Graph
    places : tuple of ndarray (N, 2) and (M, 2)
        Where their nodes stand.
    start : tuple of ndarray of int
        What the nodes hold at first, (N,) and (M,).
    colors : tuple of ndarray of int (R + 1, ·)
        Colors of each round from the start on; equal numbers are equal colors, in both graphs.
    outputs : dict
        Layer -> largest difference between the graphs' sums over nodes of what leaves the last layer, as a share of the
        largest number in them.
    nodes : dict
        Layer -> largest difference between two nodes that have one color after as many rounds as there are layers (of
        GCN one more: it knows the degrees of sources), as a share of the largest number; 0 where no color is twice.
    """

    graphs: tuple[Graph, Graph] = field(repr=False)
    places: tuple[Floats, Floats] = field(repr=False)
    start: tuple[Ints, Ints] = field(repr=False)
    colors: tuple[Ints, Ints] = field(repr=False)
    outputs: dict[str, float]
    nodes: dict[str, float]

    def same(self, step: int) -> bool:
        """Whether both graphs have as many nodes of each color in a round."""
        first, second = (sorted(each[step].tolist()) for each in self.colors)
        return first == second

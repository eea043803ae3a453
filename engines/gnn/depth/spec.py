"""What the page "Depth" can ask for and is told. Imports no torch.

The engine answers with a `Smoothing`; `engines.gnn.depth.training.Trainer` is the guest of the lane: `DepthBegan`,
`DepthStep`, and a `DepthPoint` for each depth that is trained.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Choice, Params, Range, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams
from engines.gnn.graph import Floats

DEPTHS: Final = (1, 2, 4, 8, 16, 32, 64)
EPOCHS: Final = 120  #: steps for each depth
STEPS: Final = EPOCHS * len(DEPTHS)
PLAIN, RESIDUAL, PAIR_NORM, DROP_EDGE = "None", "Residual", "PairNorm", "DropEdge"
CURES: Final = (PLAIN, RESIDUAL, PAIR_NORM, DROP_EDGE)
KARATE, COMMUNITIES, RING, PATH = "Karate club", "Two communities", "Ring", "Path"
BLOCKS, LINE = "Block model", "Without weights"
DEEPEST = 64
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nothing attends here


@dataclass(frozen=True)
class SmoothParams(Params):
    """What the engine is asked."""

    graph: str = setting(
        KARATE,
        Choice(
            (KARATE, COMMUNITIES, RING, PATH), "Graph", group=LINE, tip="Whose nodes are averaged, without weights."
        ),
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=BLOCKS, tip="Of graphs, words and weights at the start."))


@dataclass(frozen=True)
class DepthParams(SmoothParams, TrainingParams):
    """Settings of the page."""

    cure: str = setting(
        PLAIN,
        Choice(
            CURES,
            "Cure",
            group=BLOCKS,
            tip="Residual: a layer adds to its input (He 2016). PairNorm: nodes are kept apart (Zhao 2020). DropEdge: "
            "each step leaves 40 % of the edges out (Rong 2020).",
        ),
        asked=False,
    )


@dataclass(frozen=True, eq=False)
class Smoothing(Frame):
    """S^k X of random X, S = D^−½ (A + I) D^−½, for k from 0 to `DEEPEST`.

    Attributes
    ----------
    graph : str
    cosine : ndarray (k,)
        Mean |cosine| between two nodes.
    distance : ndarray (k,)
        Share of X that lies beside the line of √degree, which S leaves as it is.
    bound : ndarray (k,)
        |λ₂|^k times the share at k = 0: it can't be more.
    apart, apart_skips : ndarray (k,)
        How much nodes over √degree differ (`engines.blocks.alike`), and with a skip around each averaging, X + S X.
    second : float
        |λ₂|, the largest of S's eigenvalues but for the 1.
    """

    graph: str
    cosine: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    bound: Floats = field(repr=False)
    apart: Floats = field(repr=False)
    apart_skips: Floats = field(repr=False)
    second: float


@dataclass(frozen=True, eq=False)
class DepthBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    cure : str
    seed : int
    nodes, edges, labeled : int
        Of the block model.
    """

    cure: str
    seed: int
    nodes: int
    edges: int
    labeled: int


@dataclass(frozen=True, eq=False)
class DepthStep(Stepped):
    """One step of the net in hand.

    Attributes
    ----------
    depth : int
    loss : float
    """

    depth: int
    loss: float


@dataclass(frozen=True, eq=False)
class DepthPoint(Record):
    """A net of one depth is trained.

    Attributes
    ----------
    step : int
    cure : str
    seed : int
    depth : int
    accuracy : float
        On the nodes without a label.
    cosine : float
        Mean |cosine| between two nodes in the last layer but one.
    """

    step: int
    cure: str
    seed: int
    depth: int
    accuracy: float
    cosine: float

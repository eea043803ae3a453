"""What the page "Equalities" can ask for and is told. Imports no torch.

A run yields an `Equality` for each of `CLAIMS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Params, Range, drawn, setting
from engines.core.protocol import Frame
from engines.gnn.graph import Floats

ATTENTION, FILTER, RENUMBERED, REACH = (
    "Dot scores on a complete graph are self-attention",
    "GCN on a grid is a 3 × 3 mean filter",
    "Renumbered nodes, renumbered outputs",
    "L layers see exactly L hops",
)
CLAIMS: Final = (ATTENTION, FILTER, RENUMBERED, REACH)
BOUNDS: Final = (1e-5, 1e-6, 1e-6, 0.0)  #: largest difference that counts as equal
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: both sides of claims are shown


@dataclass(frozen=True)
class EqualitiesParams(Params):
    """Settings of the page."""

    nodes: int = setting(49, Range(25, 100, 1, "Nodes", tip="Of the graphs; the grid has the next smaller square."))
    layers: int = setting(2, Range(1, 4, 1, "Layers", tip="L, of the net whose reach is measured."))
    seed: int = setting(0, Range(0, 999, 1, "Seed", tip="Of graphs, nodes and weights."))
    claim: int = drawn(0, kept=True)


@dataclass(frozen=True, eq=False)
class Equality(Frame):
    """Both sides of all claims.

    Attributes
    ----------
    left, right : tuple of ndarray (rows, cols)
        Of `CLAIMS`: weights of attention; pixels; outputs, sorted back; hops up to L, and where ∂y_i/∂x_j is not 0.
    apart : tuple of float
        The largest difference; of the grid two cells away from its border.
    cells : tuple of int
        How many numbers are compared.
    """

    left: tuple[Floats, ...] = field(repr=False)
    right: tuple[Floats, ...] = field(repr=False)
    apart: tuple[float, ...]
    cells: tuple[int, ...]

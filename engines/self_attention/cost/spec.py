"""What the page "Cost" can ask for and what it is told. Imports no torch.

A run yields a `CostFrame`; with ``measure`` set it then measures, and yields `Progress` and `MeasuredFrame` length by
length.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

from engines.core.params import Params, Range, drawn, looked, setting
from engines.core.protocol import Frame
from engines.self_attention.spec import Floats

COSTS = ("Self-attention", "Convolution", "Recurrence")
COST = "Cost"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class CostParams(Params):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    measure : bool
        Measure the cost, too.
    """

    measure: bool = looked(False, passing=True)

    cost_length: int = drawn(
        512,
        Range(4, 8192, 1, "Sequence length n", log=True, group=COST, tip="Where the curves are read for the table."),
    )
    cost_dim: int = setting(
        64, Range(8, 512, 8, "Width d of a token", log=True, group=COST, tip="Numbers per token, in and out.")
    )
    kernel: int = setting(
        3,
        Range(
            3, 31, 2, "Kernel size k", group=COST, tip="Positions that a convolution sees at once, its own included."
        ),
    )

    def following(self, before: Self) -> Self:
        """Another width or kernel ends a measurement."""
        same = (self.cost_dim, self.kernel) == (before.cost_dim, before.kernel)
        return self if same else replace(self, measure=False)


@dataclass(frozen=True, eq=False)
class CostFrame(Frame):
    """Cost by formula over the sequence length, of one layer of each of `COSTS`. M lengths.

    Attributes
    ----------
    dim, kernel : int
    lengths : ndarray float64 (M,)
    operations : ndarray float64 (3, M)
        Multiply-adds: 2 n² d, k n d², 2 n d².
    steps : ndarray float64 (3, M)
        Matrix products that have to wait for each other: 2, 1, n.
    paths : ndarray float64 (3, M)
        Products on the way from the first token to the nearest place that also knows the last one:
        1, ⌈(n − 1) / (k − 1)⌉ layers, n.
    """

    dim: int
    kernel: int
    lengths: Floats = field(repr=False)
    operations: Floats = field(repr=False)
    steps: Floats = field(repr=False)
    paths: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredFrame(Frame):
    """Cost as measured so far, at rising lengths; each array (3, M) with M lengths, 0 where not measured.

    Attributes
    ----------
    dim, kernel : int
    device : str
    lengths : ndarray float64 (M,)
    seconds : ndarray float64 (3, M)
        Least of a few runs.
    operations, steps : ndarray float64 (3, M)
        Counted in the computation itself.
    paths : ndarray float64 (3, M)
        Found in the graph of the gradients.
    done : bool
        All lengths are measured.
    """

    dim: int
    kernel: int
    device: str
    lengths: Floats = field(repr=False)
    seconds: Floats = field(repr=False)
    operations: Floats = field(repr=False)
    steps: Floats = field(repr=False)
    paths: Floats = field(repr=False)
    done: bool

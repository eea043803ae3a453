"""What the page "Cost" can ask for and what it is told. Imports no torch.

A run yields a `CostFrame`; with ``measure`` set it then measures, and yields `Progress` and `MeasuredFrame` kernel by
kernel. M kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, Switch, drawn, looked, setting
from engines.core.protocol import Frame

Doubles = npt.NDArray[np.float64]

KINDS = ("torch", "channels last", "This program's", "FFT")
COST = "Cost"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class CostParams(Params):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    measure : bool
        Measure the time, too.
    """

    measure: bool = looked(False, passing=True)

    kernel: int = drawn(
        31, Range(3, 51, 2, "Kernel", group=COST, tip="Side of the kernel, where the curves are read. (Ding 2022)")
    )
    channels: int = setting(128, Range(8, 512, 8, "Channels", group=COST, tip="Each has a kernel of its own."))
    side: int = setting(56, Range(7, 112, 1, "Side of the map", group=COST, tip="Cells a side."))
    training: bool = setting(
        False, Switch("With gradients", group=COST, tip="Also times what a step of training needs: both gradients.")
    )

    def following(self, before: Self) -> Self:
        """Another map ends a measurement."""
        same = (self.channels, self.side, self.training) == (before.channels, before.side, before.training)
        return self if same else replace(self, measure=False)


@dataclass(frozen=True, eq=False)
class CostFrame(Frame):
    """Multiply-adds by formula.

    Attributes
    ----------
    channels, side : int
    training : bool
    kernels : ndarray (M,)
    operations : ndarray (2, M)
        Of the depthwise kernels, C side² k², and of the 1 × 1 mixing beside them, C² side².
    """

    channels: int
    side: int
    training: bool
    kernels: Doubles = field(repr=False)
    operations: Doubles = field(repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredFrame(Frame):
    """Time as measured so far; 0 where not measured.

    Attributes
    ----------
    channels, side : int
    training : bool
    device : str
    kernels : ndarray (M,)
    seconds : ndarray (4, M)
        Least of a few runs, for each of `KINDS`.
    done : bool
        All kernels are measured.
    """

    channels: int
    side: int
    training: bool
    device: str
    kernels: Doubles = field(repr=False)
    seconds: Doubles = field(repr=False)
    done: bool

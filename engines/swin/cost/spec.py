"""What the page "Cost" can ask for and what it is told. Imports no torch.

A run yields a `CostFrame`; with ``measure`` set it then measures, and yields `Progress` and `MeasuredFrame` grid by
grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, drawn, looked, setting
from engines.core.protocol import Frame

Doubles = npt.NDArray[np.float64]

KINDS = ("Windows", "All to all")
COST = "Cost"
HEAD = 32  #: channels of a head, as in Swin
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

    side: int = drawn(
        56, Range(7, 224, 1, "Side of the grid", log=True, group=COST, tip="Tokens a side, where the curves are read. "
                  "Swin-T begins with 56."),
    )  # fmt: skip
    window: int = setting(7, Range(2, 16, 1, "Window", group=COST, tip="Tokens a side of a window. (Liu 2021, 3.2)"))
    width: int = setting(96, Range(32, 384, 32, "Channels", group=COST, tip="Channels C of a token, in heads of 32."))

    def following(self, before: Self) -> Self:
        """Another window or width ends a measurement."""
        same = (self.window, self.width) == (before.window, before.width)
        return self if same else replace(self, measure=False)


@dataclass(frozen=True, eq=False)
class CostFrame(Frame):
    """Cost by formula over the tokens of a grid, for each of `KINDS`. M grids.

    Attributes
    ----------
    window, width : int
    tokens : ndarray (M,)
    operations : ndarray (2, M)
        Multiply-adds: 4 N C² + 2 w² N C and 4 N C² + 2 N² C. (Liu 2021, equations 1 and 2)
    memory : ndarray (2, M)
        Numbers that the weights of all heads are: H w² N and H N².
    """

    window: int
    width: int
    tokens: Doubles = field(repr=False)
    operations: Doubles = field(repr=False)
    memory: Doubles = field(repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredFrame(Frame):
    """Time as measured so far; 0 where not measured.

    Attributes
    ----------
    window, width : int
    device : str
    tokens : ndarray (M,)
    seconds : ndarray (2, M)
        Least of a few runs of the attention alone, without its four linear maps.
    done : bool
        All grids are measured.
    """

    window: int
    width: int
    device: str
    tokens: Doubles = field(repr=False)
    seconds: Doubles = field(repr=False)
    done: bool

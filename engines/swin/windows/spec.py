"""What the page "Windows" can ask for, and what it is told. Imports no torch.

Sizes: N tokens row by row, W windows of n tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, Switch, looked, setting
from engines.core.protocol import Frame

GRID, REACH = "Windows", "Reach"
FARTHEST = 6  # blocks
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class WindowsParams(Params):
    """Settings of the page.

    Attributes without a slider
    ---------------------------
    query : (row, col)
        The token that is looked at; beyond the grid its last one.
    """

    query: tuple[int, int] = looked((0, 5))
    side: int = setting(
        12, Range(4, 16, 1, "Side of the grid", group=GRID, tip="Tokens a side. What windows don't divide is padded.")
    )
    window: int = setting(
        4, Range(2, 8, 1, "Window", group=GRID, tip="Tokens a side of a window; Swin has 7. (Liu 2021, 3.2)")
    )
    shift: int = setting(
        2,
        Range(0, 7, 1, "Shift", group=GRID, tip="How far the windows of every second block are moved; Swin takes half "
              "a window. Or drag the windows."),
    )  # fmt: skip
    masked: bool = setting(
        True,
        Switch("Mask", group=GRID, tip="Off: what the cyclic shift puts side by side sees each other. (Liu 2021, "
               "figure 4)"),
    )  # fmt: skip
    blocks: int = setting(
        2,
        Range(1, FARTHEST, 1, "Blocks", group=REACH, tip="How many blocks follow each other: without shift, with it, "
              "and so on."),
    )  # fmt: skip

    def following(self, before: Self) -> Self:
        """A shift within the window."""
        return self if self.shift < self.window else replace(self, shift=self.window - 1)


@dataclass(frozen=True, eq=False)
class WindowsFrame(Frame):
    """One shifted block on a grid, and what some blocks bring together.

    Attributes
    ----------
    side, window, shift : int
        The shift is 0 where one window holds the grid.
    query : int
        The token that is looked at.
    place, region : ndarray int64 (W, n)
        The token in each place of each window after the shift (N for padding), and the region it comes from.
    may_attend : ndarray bool (W, n, n)
        Query by key.
    reached : ndarray int64 (blocks, N)
        After 1, 2, … blocks: how many of these blocks it takes until a token's number reaches the query; 0 for the
        query itself, −1 where it does not.
    """

    side: int
    window: int
    shift: int
    query: int
    place: npt.NDArray[np.int64] = field(repr=False)
    region: npt.NDArray[np.int64] = field(repr=False)
    may_attend: npt.NDArray[np.bool_] = field(repr=False)
    reached: npt.NDArray[np.int64] = field(repr=False)

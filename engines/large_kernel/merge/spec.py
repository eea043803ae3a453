"""What the page "Merge" can ask for, and what it is told. Imports no torch.

Sizes: n branches, K cells a side of the largest kernel, h × w cells of the map.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.protocol import Frame

Floats = npt.NDArray[np.float32]

SQUARE, CROSS = "Square", "Cross"
BRANCHES, NORM, MISTAKE = "Branches", "Batch norm of the small branch", "Mistake"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: kernels are shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class MergeParams(Params):
    """Settings of the page."""

    shape: str = setting(
        SQUARE,
        Choice(
            (SQUARE, CROSS),
            "Large branch",
            group=BRANCHES,
            tip="One K × K kernel (Ding 2022), or one K × k and one k × K. (Liu 2023, SLaK)",
        ),
    )
    large: int = setting(31, Range(5, 51, 2, "K", group=BRANCHES, tip="Side of the large kernel."))
    small: int = setting(5, Range(1, 15, 2, "k", group=BRANCHES, tip="Side of the small kernel. (Ding 2022)"))
    dilation: int = setting(
        1,
        Range(
            1, 8, 1, "Dilation", group=BRANCHES, tip="How far the cells of the small kernel lie apart; merged, "
            "there are zeros between them. (Ding 2024, UniRepLKNet)",
        ),
    )  # fmt: skip
    weight: float = setting(
        1.0, Range(-2.0, 3.0, 0.05, "Weight γ", group=NORM, decimals=2, tip="What the norm multiplies with at last.")
    )
    bias: float = setting(
        0.0, Range(-2.0, 2.0, 0.05, "Bias β", group=NORM, decimals=2, tip="What the norm adds at last.")
    )
    mean: float = setting(
        0.0, Range(-2.0, 2.0, 0.05, "Running mean μ", group=NORM, decimals=2, tip="What the norm takes away at first.")
    )
    variance: float = setting(
        1.0,
        Range(
            0.05, 20.0, 0.05, "Running variance σ²", log=True, group=NORM, decimals=2,
            tip="The norm divides by its root. (Ioffe & Szegedy 2015)",
        ),
    )  # fmt: skip
    off: bool = setting(
        False,
        Switch("Padding off by one", group=MISTAKE, tip="The small kernel lies one cell lower in the large one, as "
               "with a wrong padding."),
    )  # fmt: skip

    def following(self, before: Self) -> Self:
        """Kernels have a middle, and the small one, spread out, fits into the large one, with a cell to spare."""
        new = self if self.large % 2 else replace(self, large=self.large + 1)
        new = new if new.small % 2 else replace(new, small=new.small + 1)
        room = new.large - 2
        if new.small > room:
            new = replace(new, small=room)
        if new.dilation * (new.small - 1) + 1 > room:
            new = replace(new, dilation=max(1, (room - 1) // max(1, new.small - 1)))
        return new


@dataclass(frozen=True, eq=False)
class MergeFrame(Frame):
    """Branches, each with its norm, and what becomes of them.

    Attributes
    ----------
    sides : tuple of (int, int)
        Rows and columns of each branch's kernel, spread out, n.
    kernels : ndarray (n + 1, K, K)
        The branches' kernels of one channel, norms folded in, amid zeros; the merged one last.
    biases : tuple of float
        Those of the same channel.
    said, merged : ndarray (h, w)
        What the branches say together of that channel, and the merged kernel.
    apart : ndarray (h, w)
        The largest difference over all channels.
    largest : float
        The largest size of what the branches say, over all channels.
    operations : (int, int)
        Multiply-adds a place and channel: of the branches, of the merged kernel.
    """

    sides: tuple[tuple[int, int], ...]
    kernels: Floats = field(repr=False)
    biases: tuple[float, ...]
    said: Floats = field(repr=False)
    merged: Floats = field(repr=False)
    apart: Floats = field(repr=False)
    largest: float
    operations: tuple[int, int]

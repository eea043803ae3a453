"""What the page "Kernel" can ask for, and what it is told. Imports no torch.

Sizes: k cells a side of the kernel, h × w cells of the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import PHOTO, Choice, Params, Range, drawn, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Subject

Floats = npt.NDArray[np.float32]

BLUR, EDGE, SPOT, RING, STRIPES, NOISE = "Blur", "Edge", "Spot", "Ring", "Stripes", "Random"
SHAPES = (BLUR, EDGE, SPOT, RING, STRIPES, NOISE)
KERNEL, DRAW = "Kernel", "Display"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: a kernel is shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class OfKernel(Params):
    """What the engine is asked.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    cells : tuple of float
        The kernel as it was painted, row by row; empty for the shape as it is.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    cells: tuple[float, ...] = setting(())
    shape: str = setting(
        EDGE,
        Choice(SHAPES, "Shape", group=KERNEL, tip="What the kernel is before it is painted. Another one wipes it."),
    )
    size: int = setting(
        15, Range(3, 31, 2, "Side", group=KERNEL, tip="Cells a side. What is painted stays in its middle. (Ding 2022)")
    )

    def following(self, before: Self) -> Self:
        """A kernel has a middle; what was painted stays there, or goes with the shape."""
        new = self if self.size % 2 else replace(self, size=self.size + 1)
        if new.shape != before.shape:
            return replace(new, cells=())
        side = math.isqrt(len(new.cells))
        if new.cells and side != new.size:
            whole = side * side == len(new.cells) and side % 2 == 1
            new = replace(new, cells=_in_the_middle(new.cells, side, new.size) if whole else ())
        return new


def _in_the_middle(cells: tuple[float, ...], side: int, size: int) -> tuple[float, ...]:
    """A painted kernel with more zeros around it, or without its edge."""
    table = np.array(cells).reshape(side, side)
    by = abs(size - side) // 2
    table = np.pad(table, by) if size > side else table[by : side - by, by : side - by]
    return tuple(float(value) for value in table.ravel())


@dataclass(frozen=True)
class KernelParams(OfKernel):
    """Settings of the page."""

    brush: float = drawn(
        1.0,
        Range(-1.0, 1.0, 0.1, "Brush", group=KERNEL, decimals=1, tip="What the hand paints. A cell that has it already "
              "is wiped."),
    )  # fmt: skip
    opacity: float = drawn(
        0.9,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo."),
    )


@dataclass(frozen=True, eq=False)
class Seen(Subject):
    """The photo.

    Attributes
    ----------
    name : str
    photo : ndarray uint8 (height, width, 3)
    """

    name: str
    photo: npt.NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, eq=False)
class KernelFrame(Frame):
    """A kernel and its answer.

    Attributes
    ----------
    kernel : ndarray (k, k)
    shapes : ndarray (len(SHAPES), k, k)
        All that there are to begin with.
    answer : ndarray (h, w)
        To the photo's brightness, −1 to 1: the sum of products over the sum of the kernel's sizes, so −1 to 1 again.
    spectrum : ndarray (s, s)
        How much of each frequency is in the answer, 0 to 1: in the middle what is the same everywhere, at the edge what
        changes from cell to cell.
    seconds : float
        That the convolution took.
    """

    kernel: Floats = field(repr=False)
    shapes: Floats = field(repr=False)
    answer: Floats = field(repr=False)
    spectrum: Floats = field(repr=False)
    seconds: float

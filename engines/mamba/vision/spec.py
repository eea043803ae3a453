"""What the page "Vision" can ask for, and what it is told. Imports no torch.

Sizes: S patches a side, K directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import PHOTO, PIN, Choice, Params, Range, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Subject

Floats = npt.NDArray[np.float32]

ONE, TWO, FOUR = "One direction", "Two directions", "Four directions"
COUNTS = {ONE: 1, TWO: 2, FOUR: 4}
TO, FROM = "What reaches it", "What it reaches"
NET, LOOK, DRAW = "Net", "View", "Display"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: gradients are shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class OfVision(Params):
    """What the engine is asked.

    Attributes without a control
    ----------------------------
    picture : Picture, optional
        None shows a sample photo.
    patch : tuple of int
        Row and column of the patch that is looked at.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    patch: tuple[int, int] = looked((4, 4), remembered=PIN)
    directions: str = setting(
        ONE,
        Choice(tuple(COUNTS), "Directions", group=NET, tip="Along the rows; backwards, too (Vision Mamba); up and down "
               "the columns, too (VMamba)."),
    )  # fmt: skip
    side: int = setting(
        8, Range(4, 14, 1, "Patches a side", group=NET, tip="The photo is squeezed into so many squares.")
    )
    layers: int = setting(1, Range(1, 4, 1, "Layers", group=NET, tip="One after the other, each with all directions."))
    seed: int = setting(0, Range(0, 99, 1, "Seed", group=NET, tip="Of the weights, which are random."))

    def following(self, before: Self) -> Self:
        """The patch lies on the grid."""
        top = self.side - 1
        patch = min(top, max(0, self.patch[0])), min(top, max(0, self.patch[1]))
        return self if patch == self.patch else replace(self, patch=patch)


@dataclass(frozen=True)
class VisionParams(OfVision):
    """Settings of the page."""

    shown: str = drawn(
        TO,
        Choice((TO, FROM), "On the photo", group=LOOK, tip="Gradients of the patch to all others, or what becomes of "
               "the others when it changes."),
    )  # fmt: skip
    opacity: float = drawn(
        0.7,
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
class VisionFrame(Frame):
    """One patch among the others.

    Attributes
    ----------
    patch : (int, int)
    directions, layers : int
    to, of : ndarray (S, S)
        ‖∂y / ∂x‖ of the patch's output to each input; how much each output changes with the patch's input, over the
        size of that change.
    reaching, reached : int
        Of how many patches the one and the other is not exactly 0.
    can_reach : int
        Patches that the order of the scans lets reach it.
    orders : ndarray (K, S, S)
        When each direction comes to a patch, from 0.
    """

    patch: tuple[int, int]
    directions: int
    layers: int
    to: Floats = field(repr=False)
    of: Floats = field(repr=False)
    reaching: int
    reached: int
    can_reach: int
    orders: Floats = field(repr=False)

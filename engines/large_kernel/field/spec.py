"""What the page "Field" can ask for, and what it is told. Imports no torch.

A run yields `NetInfo`, for a net with weights of somebody's `WeightsInfo`, then `PhotoSeen`, a `FieldFrame`, and a
`DepthsFrame` whose layers come one by one. Sizes: H × W pixels of the picture as the net sees it, N layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import PHOTO, Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Frame, Subject

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SQUARES, POSITIVE = "Squared", "Positive"
LINEAR, LOG = "Linear", "Logarithmic"
NET, OWN, DRAW = "Net", "Random kernels", "Display"
DEEPEST = 48  #: layers
SHARES = (0.5, 0.95)  #: of the field, that squares are drawn for
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: gradients are shown; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class NetInfo(Subject):
    """The net that answers.

    Attributes
    ----------
    source : str
        As ``FieldParams.model``: empty for kernels of this page's own.
    title : str
    layers : int
        N.
    side : int
        Pixels a side of the pictures it sees.
    random : bool
        Its weights have learned nothing.
    """

    source: str
    title: str
    layers: int
    side: int
    random: bool


@dataclass(frozen=True)
class WeightsInfo(Subject):
    """Whose weights they are.

    Attributes
    ----------
    model, title, sha256 : str
        Source, name, and hash of the file.
    """

    model: str
    title: str
    sha256: str


@dataclass(frozen=True, eq=False)
class PhotoSeen(Subject):
    """The photo.

    Attributes
    ----------
    name : str
    photo : ndarray uint8 (height, width, 3)
    """

    name: str
    photo: Bytes = field(repr=False)


@dataclass(frozen=True)
class OfNet(Params):
    """What the engine is asked.

    Attributes
    ----------
    picture : Picture, optional
        None shows a sample photo.
    model : str
        Source as `engines.checkpoints.catalog.locate` takes it; empty for kernels of this page's own.
    at : (down, right)
        The place that is looked at, as shares of the photo's height and width.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    model: str = setting("", kept=True)
    at: tuple[float, float] = looked((0.5, 0.5))
    depth: int = setting(
        DEEPEST,
        Range(1, DEEPEST, 1, "Depth", group=NET, tip="The layer whose place is asked about; its last one at the end."),
    )
    random: bool = setting(
        False, Switch("Random weights", group=NET, tip="The same net before it has learned anything. (Luo 2016)")
    )
    measure: str = setting(
        SQUARES,
        Choice(
            (SQUARES, POSITIVE),
            "Measured by",
            group=NET,
            tip="What a pixel has of the field: its squared gradient, or its positive part, as RepLKNet's script sums "
            "up. (Ding 2022)",
        ),
    )
    kernel: int = setting(
        13, Range(3, 31, 2, "Kernel", group=OWN, tip="Side of its kernels, each over one channel. (Ding 2022)")
    )
    layers: int = setting(2, Range(1, 16, 1, "Layers", group=OWN, tip="How many kernels follow one another."))
    skip: bool = setting(
        False,
        Switch("Skip connections", group=OWN, tip="Adds to what a layer says what it was given. (He 2016)"),
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=NET, tip="Of random weights."))


@dataclass(frozen=True)
class FieldParams(OfNet):
    """Settings of the page."""

    scale: str = drawn(
        LOG,
        Choice(
            (LINEAR, LOG),
            "Color scale",
            group=DRAW,
            tip="From 0 to the strongest pixel, or over six powers of ten below it.",
        ),
    )
    squares: bool = drawn(
        True,
        Switch("Squares of 50 % and 95 %", group=DRAW, tip="The least squares that hold 50 % and 95 % of the field."),
    )
    opacity: float = drawn(
        0.8,
        Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo."),
    )

    def following(self, before: Self) -> Self:
        """A kernel has a middle."""
        return self if self.kernel % 2 else replace(self, kernel=self.kernel + 1)


@dataclass(frozen=True, eq=False)
class FieldFrame(Frame):
    """The field of one place.

    Attributes
    ----------
    depth : int
        Layer, counted from 1.
    cell : (row, col)
        The place in its map.
    grid : (rows, cols)
        Of the map.
    pixels : ndarray (H, W)
        What each pixel has of it; sums to 1, or to 0 where the place answers to no pixel.
    sides : tuple of int
        Sides, in pixels, of the squares around the place that hold `SHARES`.
    within : ndarray (n,)
        What the squares of 1, 3, 5, … pixels a side around the place hold of it, as shares.
    radius : float
        Root mean square distance of the field from the place, in pixels.
    extent : (rows, cols)
        Of the rectangle beyond which the field is exactly 0, in pixels; (0, 0) for an empty one.
    law, theoretical : float
        Radius by the law, and the side that nothing can reach beyond, in pixels; 0 where the net is none of kernels
        alone.
    """

    depth: int
    cell: tuple[int, int]
    grid: tuple[int, int]
    pixels: Floats = field(repr=False)
    sides: tuple[int, int]
    within: Floats = field(repr=False)
    radius: float
    extent: tuple[int, int]
    law: float
    theoretical: float


@dataclass(frozen=True, eq=False)
class DepthsFrame(Frame):
    """The same place, layer by layer, as far as they are computed. n ≤ N layers.

    Attributes
    ----------
    radius, law : ndarray (n,)
        In pixels; the law is all 0 where the net is none of kernels alone.
    """

    radius: Floats = field(repr=False)
    law: Floats = field(repr=False)

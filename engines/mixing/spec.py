"""What the page of the topic "Mixing" can ask for, and what it is told. Imports no torch.

Counting: blocks are counted from 1, in settings and in events; tokens, which are axes of arrays, from 0. A place on the
photo is (down, across) in shares of its sides, and `NOWHERE` stands for a token that lies nowhere, such as a class
token. *Others* are the tokens that enter elsewhere than where a token leaves: on the same grid all but itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from engines.blocks.mixers import Grid
from engines.core.params import PHOTO, Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.pictures import Picture
from engines.core.protocol import Event, Frame, Subject

Floats = npt.NDArray[np.float32]

WEIGHTS_ARE_SHOWN_AS = ()  # influence is no attention: its rows sum to nothing in particular

LOOK, COMPUTE, DRAW = "Selection", "Computation", "Display"  # sections of the dock
DEEPEST = 24  #: blocks; deeper nets end with those that are chosen
MOST_PROBES = 64
INFLUENCE, WITHIN = "At a distance", "Within"
ATTENTION, ROLLOUT = "Attention", "Rollout"
LEFT, RIGHT = "mini-vit", "mini-swin"  #: nets of the very first start

Place = tuple[float, float]
NOWHERE: Place = (-1.0, -1.0)


@dataclass(frozen=True)
class AskedParams(Params):
    """What the engine is asked with.

    Attributes without a slider
    ---------------------------
    picture : Picture, optional
        None shows a sample photo.
    model, other : str
        Sources of the net on the left and the one on the right, as `engines.checkpoints.catalog.locate` takes them;
        empty for the bundled ones.
    pinned, hovered : (down, across), optional
        The place whose token's row is found exactly; what is under the pointer goes before what is pinned, and None
        stands for the middle.
    """

    picture: Picture | None = setting(None, remembered=PHOTO)
    model: str = setting("", kept=True)
    other: str = setting("", kept=True)
    pinned: Place | None = setting(None)
    hovered: Place | None = looked(None, passing=True)
    first: int = setting(
        1,
        Range(1, DEEPEST, 1, "From block", group=LOOK, tip="The first of the blocks that tokens go through."),
    )
    last: int = setting(
        1,
        Range(
            1,
            DEEPEST,
            1,
            "To block",
            group=LOOK,
            tip="The last of them. A net with fewer blocks ends with its own last one.",
        ),
    )
    skip: bool = setting(
        True,
        Switch(
            "With the residual stream",
            group=COMPUTE,
            tip="Off: what the blocks add, y − x. Only the diagonal changes: it is where the stream goes straight on.",
        ),
    )
    probes: int = setting(
        16,
        Range(
            2,
            MOST_PROBES,
            1,
            "Probes",
            log=True,
            group=COMPUTE,
            tip="Random directions a token is pulled in: four times as many halve the error. (Hutchinson 1990)",
        ),
    )


@dataclass(frozen=True)
class MixingParams(AskedParams):
    """Settings of the page."""

    apart: bool = drawn(
        True,
        Switch(
            "Diagonal apart",
            group=DRAW,
            tip="A token itself weighs many times what another one does: left out of the color scale, the others show.",
        ),
    )
    curve: str = drawn(
        INFLUENCE,
        Choice(
            (INFLUENCE, WITHIN),
            "Curves",
            group=DRAW,
            tip="Mean influence of tokens that far away, of the largest; or how much of all influence is no further.",
        ),
    )
    band: float = drawn(
        0.25,
        Range(
            0.0,
            1.0,
            0.01,
            "Band",
            group=DRAW,
            percent=True,
            tip="How far from a token its surroundings reach, of the photo's side: the band along the diagonal.",
        ),
    )
    opacity: float = drawn(
        0.8, Range(0.0, 1.0, 0.05, "Opacity", group=DRAW, percent=True, tip="Opacity of the overlay on the photo.")
    )

    def following(self, before: Self) -> Self:
        """The last block is never before the first: the slider that moves takes the other one along."""
        if self.first <= self.last:
            return self
        moved = self.last if self.last != before.last else self.first
        return replace(self, first=min(self.first, moved), last=max(self.last, moved))


@dataclass(frozen=True)
class Net:
    """A net.

    Attributes
    ----------
    source, title : str
        What it was loaded from, and its name.
    blocks : int
    sha256 : str
        Of its weights, see `engines.checkpoints.catalog.fingerprint`.
    """

    source: str
    title: str
    blocks: int
    sha256: str


@dataclass(frozen=True)
class Nets(Subject):
    """The nets that answer."""

    left: Net
    right: Net

    @property
    def sha256(self) -> str:
        """Of the left one's weights."""
        return self.left.sha256

    def __iter__(self) -> Iterator[Net]:
        return iter((self.left, self.right))


@dataclass(frozen=True)
class Photo(Subject):
    """The photo.

    Attributes
    ----------
    name : str
    photo : ndarray uint8 (height, width, 3)
    """

    name: str
    photo: npt.NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Matrix(Event):
    """Who mixes with whom in one net, as far as it is known.

    Attributes
    ----------
    first, last : int
        The blocks.
    before, after : Grid
        Of the N tokens that enter and the M that leave.
    values : ndarray (M, N)
        ‖∂y_i / ∂x_j‖.
    own : ndarray of bool (M, N)
        Tokens that enter where the one that leaves is.
    probes : int
        So many were used.
    error : float
        Standard error of an entry, as a share of it: the median; 0 where it is exact, −1 where nobody knows yet.
    skips : bool
        Whether a residual stream goes through.
    skip : bool
        Whether it was left in.
    """

    first: int
    last: int
    before: Grid
    after: Grid
    values: Floats = field(repr=False)
    own: npt.NDArray[np.bool_] = field(repr=False)
    probes: int
    error: float
    skips: bool
    skip: bool


@dataclass(frozen=True, eq=False)
class Measures(Event):
    """What a matrix says as a whole. Means are over tokens that lie on the photo.

    Attributes
    ----------
    zeros : int
        Entries that are exactly 0.
    own_weighs : float
        How many times as much a token itself weighs as one other token does on average; 0 where it is no token.
    distance : float
        Mean distance to others, each as much as its influence, in sides of the photo.
    entropy : float
        Bits: how others share the influence, log2(N) for all alike.
    distances : ndarray (K,)
        Of others, rising, in sides of the photo.
    influence : ndarray (K,)
        Mean influence of others that far away, over the largest of them.
    within : ndarray (K,)
        Share of all influence of others that is no further away.
    correlation : float
        Pearson's, of the influence with attention, over pairs of others of which one is not 0; −2 where nothing
        attends.
    attention : str
        `ATTENTION` of a block, `ROLLOUT` of several, or empty.
    """

    zeros: int
    own_weighs: float
    distance: float
    entropy: float
    distances: Floats = field(repr=False)
    influence: Floats = field(repr=False)
    within: Floats = field(repr=False)
    correlation: float
    attention: str

    def within_at(self, band: float) -> float:
        """Share of all influence of others that lies within a distance."""
        at = int(np.searchsorted(self.distances, band + 1e-6, side="right")) - 1
        return float(self.within[at]) if at >= 0 else 0.0


@dataclass(frozen=True, eq=False)
class Line(Event):
    """The row of one token.

    Attributes
    ----------
    token : int
    values : ndarray (N,)
    error : float
        As of a `Matrix`; 0 for an exact row.
    exact : bool
    found : bool
        Found for itself, exactly or by more probes; else it is the matrix's row as it is now.
    """

    token: int
    values: Floats = field(repr=False)
    error: float
    exact: bool
    found: bool


@dataclass(frozen=True, eq=False)
class Side(Event):
    """One net's part of an answer."""

    matrix: Matrix
    measures: Measures
    line: Line


@dataclass(frozen=True, eq=False)
class Mixed(Frame):
    """All that is to be drawn now."""

    left: Side
    right: Side

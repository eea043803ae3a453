"""What all pages of the Swin tab are told: the model, how patches and windows lie on the photo, its prediction.

Imports no torch. See `engines.swin.asking` for how blocks, heads and places are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.protocol import Event, Subject

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ModelInfo(Subject):
    """The model that answers.

    Attributes
    ----------
    source, title : str
        What it was loaded from (the engine's choice, where ``OfPhoto.model`` is empty), and its name.
    depths, heads : tuple of int
        Blocks and heads of each stage.
    width, window, patch_size : int
        Channels of the first stage; tokens; pixels of the model's input.
    labels : tuple of str
        Class names; empty for a model without a head.
    parameters : int
        Numbers learned.
    sha256 : str
        Of its weights' file, see `engines.checkpoints.catalog.fingerprint`; empty where it is no file.
    cuts : bool
        Whether the folder's own processor shows it no more than the middle of a photo.
    """

    source: str
    title: str
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    width: int
    window: int
    patch_size: int
    labels: tuple[str, ...]
    parameters: int
    sha256: str = ""
    cuts: bool = False

    @property
    def blocks(self) -> int:
        """Blocks of all stages."""
        return sum(self.depths)

    def place_of(self, block: int) -> tuple[int, int]:
        """Stage of a block and its number in there, all counted from 1."""
        for stage, depth in enumerate(self.depths):
            if block <= depth:
                return stage + 1, block
            block -= depth
        return len(self.depths), self.depths[-1]

    def heads_of(self, block: int) -> int:
        """Heads of a block, counted from 1."""
        return self.heads[self.place_of(block)[0] - 1]


@dataclass(frozen=True)
class PhotoGrid(Subject):
    """How the model's patches lie on the photo: they cover the whole of it.

    Attributes
    ----------
    name : str
        The picture's name.
    photo : ndarray uint8 (height, width, 3)
        The picture itself (the engine's choice, where ``OfPhoto.picture`` is None).
    rows, cols : int
        Patches that enter the first block.
    seen : ndarray uint8 (h, w, 3)
        The picture as the model gets it, after resizing.
    """

    name: str
    photo: Bytes = field(repr=False)
    rows: int
    cols: int
    seen: Bytes = field(repr=False)


@dataclass(frozen=True, eq=False)
class Cut:
    """How a block cuts its grid; see `engines.swin.layouts.Layout`.

    Attributes
    ----------
    rows, cols, window, shift : int
        In tokens of the block's own grid.
    scale : int
        Patches of the photo a side of a token.
    place : ndarray int64 (W, n)
        The token in each place of each window; rows · cols for padding.
    region : ndarray int64 (W, n)
        Number of the region that it comes from.
    masked : bool
        Whether some pairs inside of a window must not attend.
    """

    rows: int
    cols: int
    window: int
    shift: int
    scale: int
    place: Ints = field(repr=False)
    region: Ints = field(repr=False)
    masked: bool

    @property
    def tokens(self) -> int:
        """N."""
        return self.rows * self.cols

    @property
    def padded(self) -> bool:
        """Whether some places of the windows hold no token."""
        return self.place.size > self.tokens

    def token_at(self, place: tuple[int, int]) -> int:
        """The token over a patch of the photo."""
        row, col = min(place[0] // self.scale, self.rows - 1), min(place[1] // self.scale, self.cols - 1)
        return row * self.cols + col

    def home_of(self, token: int) -> tuple[int, int]:
        """Window of a token and its place in there."""
        window, slot = np.argwhere(self.place == token)[0]
        return int(window), int(slot)

    def members(self, token: int) -> npt.NDArray[np.bool_]:
        """Tokens of the same window, (rows, cols)."""
        inside = np.zeros(self.tokens + 1, bool)
        inside[self.place[self.home_of(token)[0]]] = True
        return inside[:-1].reshape(self.rows, self.cols)

    def attends_to(self, weights: Floats, token: int) -> Floats:
        """Row of a token in weights (W, …, n, n), un-rolled: (…, rows, cols), 0 outside of its window."""
        window, slot = self.home_of(token)
        return self._spread(weights[window, ..., slot, :], window)

    def attended_by(self, weights: Floats, token: int) -> Floats:
        """Column of a token in weights (W, …, n, n), un-rolled: (…, rows, cols)."""
        window, slot = self.home_of(token)
        return self._spread(weights[window, ..., slot], window)

    def _spread(self, line: Floats, window: int) -> Floats:
        out = np.zeros((*line.shape[:-1], self.tokens + 1), np.float32)
        out[..., self.place[window]] = line
        return out[..., :-1].reshape(*line.shape[:-1], self.rows, self.cols)


@dataclass(frozen=True)
class Prediction(Event):
    """What the model says, beside the untouched model.

    Attributes
    ----------
    changed : bool
        Whether anything is changed in the model.
    labels : tuple of str
        The (at most) five likeliest classes, likeliest first; empty for a model without a head.
    probabilities, untouched : ndarray (k,)
        Of these classes, from the model as it is set now and from the untouched one.
    similarity : float
        Cosine of the picture's features with those of the untouched model; 1 while nothing is changed.
    """

    changed: bool
    labels: tuple[str, ...]
    probabilities: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    similarity: float

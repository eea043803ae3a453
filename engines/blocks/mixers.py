"""What a topic brings so that others can ask its nets who mixes with whom: the kind ``mixing`` of offers.

A topic says in its ``offers.py`` where its `Mixer` is made::

    OFFERS = {"mixing": "engines.vit.mixing:load"}

``load(source, device)`` reads a net whose source the catalog counts among the topic's (see
`engines.checkpoints.catalog`). Whoever asks for a kind learns no topic's name. No torch is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

KIND = "mixing"
MOST = 1024  #: tokens of one kind that a matrix is made of: a photo is made smaller until a net has no more


@dataclass(frozen=True)
class Grid:
    """Where tokens lie on a photo, all of which they cover.

    Attributes
    ----------
    rows, cols : int
    prefix : int
        Tokens before those of the grid, which lie nowhere, such as a class token.
    """

    rows: int
    cols: int
    prefix: int = 0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.prefix + self.rows * self.cols

    def places(self) -> npt.NDArray[np.float64]:
        """Middles of the grid's tokens, (rows · cols, 2): row and column as shares of the photo's sides."""
        down, across = (np.arange(self.rows) + 0.5) / self.rows, (np.arange(self.cols) + 0.5) / self.cols
        return np.stack(np.meshgrid(down, across, indexing="ij"), -1).reshape(-1, 2)

    def token_at(self, place: tuple[float, float] | None) -> int:
        """The token at a place of the photo, in shares of its sides; None for the first one that lies nowhere.

        A net without such a one says what lies in the middle.
        """
        if place is None and self.prefix:
            return 0
        down, across = place or (0.5, 0.5)
        row = min(self.rows - 1, max(0, int(down * self.rows)))
        return self.prefix + row * self.cols + min(self.cols - 1, max(0, int(across * self.cols)))


@dataclass(frozen=True, eq=False)
class Span:
    """Some blocks of a net, one after the other, as one function, and what enters them of one photo.

    Attributes
    ----------
    function : callable
        Tokens (R, N, C) or maps (R, C, h, w), each of R on its own, to the like.
    start : Tensor (1, N, C) or (1, C, h, w)
        What enters of the photo.
    before, after : Grid
        Of what enters and of what leaves.
    skips : bool
        Whether all blocks add to one stream of tokens, so that what enters can be taken from what leaves.
    attention : callable, optional
        Makes the weights (M, N) that go with it, each row 1 in all: a block's, mean over heads; of several blocks
        their rollout. None where nothing attends.
    """

    function: Callable[[Tensor], Tensor]
    start: Tensor
    before: Grid
    after: Grid
    skips: bool
    attention: Callable[[], Tensor] | None = None


class Seen(Protocol):
    """A photo as it goes through a net."""

    def span(self, first: int, last: int) -> Span:
        """The blocks from ``first`` to ``last``, both counted from 0, both included."""


class Mixer(Protocol):
    """A net as a row of blocks that turn tokens into tokens, frozen, in eval mode."""

    @property
    def blocks(self) -> int:
        """How many there are."""

    def look(self, rgb: npt.NDArray[np.uint8]) -> Seen:
        """Let a photo (H, W, 3) through, as a whole, however it has to be squeezed for that.

        Raises
        ------
        LabError
            Where a net of one size only would have more than `MOST` tokens.
        """

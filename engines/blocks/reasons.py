"""A trained model on one input, as the page "Why" asks about it: the offer ``reasons`` of a topic.

Who offers it has a function ``load(source) -> Reasoner`` (`engines.core.offers`); a `Reasoner` makes a `Reasoned` of a
photo or of a text, whichever it reads. Nobody else's names are needed: tokens and places say themselves what they are
called.
Shapes: N tokens that are looked from, K looked at, E width, T places with logits, V answers, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from engines.blocks.heads import Heads

#: ``(kind, layer)``: one attention, layers counted from 0.
Place = tuple[str, int]


@dataclass(frozen=True, eq=False)
class Parts:
    """The logits as a sum over everything that wrote to the residual stream, the normalizations' deviations frozen.

    Attributes
    ----------
    names : tuple of (kind, layer, head)
        What each part is; −1 where there is no layer or head.
    values : Tensor (P, T, V)
        What each adds to each logit.
    logits : Tensor (T, V)
        The model's.
    """

    names: tuple[tuple[str, int, int], ...]
    values: Tensor
    logits: Tensor


class Reasoned(Protocol):
    """A model on one input."""

    answers: tuple[str, ...]  #: what the V logits stand for
    said: tuple[str, ...]  #: the T places that have logits
    places: tuple[Place, ...]  #: its attentions, in the order in which it runs them
    positions: Tensor  #: what is added to the embeddings (N, E)
    sine: bool  #: whether these are sinusoids
    exact: bool  #: whether it computes in double precision

    def heads(self, place: Place) -> Heads:
        """One attention."""

    def names(self, place: Place) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tokens that look and that are looked at."""

    def logits(self, place: Place, keys: Tensor | None = None, queries: Tensor | None = None) -> Tensor:
        """Logits (T, V) with something (E,) added to the biases of keys or queries at one place."""

    def parts(self) -> Parts:
        """The logits taken apart."""

    def through(self, depth: int, skips: bool, ffn: bool) -> Iterator[Tensor]:
        """Tokens (N, E) before the first and after each of ``depth`` layers: its own ones, over and over."""

    def normed(self, place: Place) -> tuple[Tensor, float]:
        """What the layer normalization at a place is given (N, E), and its ε."""


class Reasoner(Protocol):
    """A model."""

    title: str

    def look(self, rgb: npt.NDArray[np.uint8]) -> Reasoned:
        """On a photo (h, w, 3)."""

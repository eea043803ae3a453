"""A trained model on one input, as the page "Why" asks about it: the offers ``reasons`` and ``text_reasons``.

Who offers ``reasons`` has a function ``load(source) -> Reasoner`` (`engines.core.offers`), who offers ``text_reasons``
one that makes a `Reader`; the one makes a `Reasoned` of a photo, the other of a text. Nobody else's names are needed:
tokens and places say themselves what they are called.
Shapes: N tokens that are looked from, K looked at, E width, T places with logits, V answers, P parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

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
    answered: str  #: which kind of answer that is, see `engines.blocks.naming`
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


class Reader(Protocol):
    """A model of texts."""

    title: str

    def read(self, first: str, second: str = "") -> Reasoned:
        """On a text, and on one that it is compared with where the model does that."""


def frozen(norm: nn.LayerNorm, vectors: Tensor, constant: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """LayerNorm of the sum x (T, E) as a linear map of its parts (P, T, E): its deviation is that of the sum.

    Returns
    -------
    vectors : Tensor (P, T, E)
    constant : Tensor (T, E)
        What was constant before, mapped, and what the normalization adds itself.
    """
    deviation = (x.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()  # (T, 1)

    def mapped(v: Tensor) -> Tensor:
        return (v - v.mean(-1, keepdim=True)) / deviation * norm.weight

    return mapped(vectors), mapped(constant) + norm.bias

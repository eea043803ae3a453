"""What the page "Maths" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import looked
from engines.core.protocol import Frame
from engines.transformer.asking import OfInput
from engines.transformer.recipe import Floats
from engines.transformer.switches import ENCODER, Place

WEIGHTS_ARE_SHOWN_AS: Final = ("Walked.arrays",)  #: by the name ``weights``


@dataclass(frozen=True)
class WalkParams(OfInput):
    """What the page asks of its engine.

    Attributes
    ----------
    walk_at : (kind, layer)
        The attention that is walked through.
    """

    walk_at: Place = looked((ENCODER, 0))


@dataclass(frozen=True, eq=False)
class Walked(Frame):
    """Every number of one layer, from the embeddings to the logits. Q queries, K keys, H heads of width d = E / H.

    Attributes
    ----------
    task : str
    places : tuple of (kind, layer)
        The attentions of the model, in the order in which it runs them.
    at : (kind, layer)
        The one that is walked through.
    queries, keys : tuple of str
        Tokens that look and tokens that are looked at.
    target, words : tuple of str
        Tokens that go into the decoder; all tokens of the target's vocabulary, V of them.
    heads : int
    norm_first, batch_norm : bool
    trained : bool
        False where there were no weights.
    step : int
        Of the run's state; −1 for the bundled weights.
    arrays : dict of str to ndarray
        ``embedding``, ``positions``, ``x`` (Q, E); ``residual``, ``input`` (Q, E): what the layer is given, and
        what its projections see (normalized with pre-norm); ``looked_at`` (K, E); ``w_q w_k w_v w_o`` (E, E) and
        ``b_q b_k b_v b_o`` (1, E), for ``x @ w + b``; ``queries keys values`` (H, N, d); ``scores weights``
        (H, Q, K); ``mask`` (Q, K), 1 where a query may attend; ``head`` (H, Q, d); ``joined``, ``attended``,
        ``sum``, ``normed`` (Q, E) with ``gamma beta`` (1, E), ``mean``, ``deviation`` (Q, 1) or (1, E);
        ``ffn_residual ffn_input`` (Q, E), ``w_1`` (E, F), ``hidden`` (Q, F), ``w_2`` (F, E), ``ffn``, ``ffn_sum``,
        ``ffn_normed`` (Q, E) with their norm's numbers as above; ``decoded`` (T, E), ``unembed`` (E, V),
        ``unembed_b`` (1, V), ``logits``, ``probabilities`` (T, V).
    """

    task: str
    places: tuple[Place, ...]
    at: Place
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    target: tuple[str, ...]
    words: tuple[str, ...]
    heads: int
    norm_first: bool
    batch_norm: bool
    trained: bool
    step: int
    arrays: dict[str, Floats] = field(repr=False)

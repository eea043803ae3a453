"""What the page "Maths" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Choice, looked
from engines.core.protocol import Frame
from engines.transformer.asking import OfInput
from engines.transformer.recipe import Floats
from engines.transformer.switches import ENCODER, Place

RUNNER_UP, ANSWER = "Second best", "Its answer"
WEIGHTS_ARE_SHOWN_AS: Final = ("Walked.arrays",)  #: by the name ``weights``


@dataclass(frozen=True)
class WalkParams(OfInput):
    """What the page asks of its engine.

    Attributes
    ----------
    walk_at : (kind, layer)
        The attention that is walked through.
    token : int
        The place of the target whose loss is taken, from 0.
    back_check : (str, int, ...) or None
        An entry of the tape and a cell of it, whose gradient is checked by a finite difference.
    """

    walk_at: Place = looked((ENCODER, 0))
    token: int = looked(0)
    back_check: tuple[str, tuple[int, ...]] | None = looked(None)
    label: str = looked(
        RUNNER_UP, Choice((RUNNER_UP, ANSWER), "Label", group="Loss",
                          tip="What the loss wants at the place looked at. A trained model's own answer leaves it "
                          "next to no gradient."),
    )  # fmt: skip


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
    gradients : dict of str to ndarray
        dL/d(array) of the same names and shapes where there is one, L = −log p(label) at ``place``. Beside them
        ``x_skip x_via``, ``next_skip next_via``, ``above_skip above_via`` (Q, E): the two ways through the first
        sublayer, the one behind the attention and the one behind the layer; ``projected`` (Q, E) or (Q, 3·E), of
        what the projections give; ``before_relu`` (Q, F); ``standard``, ``ffn_standard`` (Q, E), normalized without
        gain and bias; ``p y`` (T, V), 0 but at the place.
    place, label, loss : int, str, float
        Where the loss is taken, the token that it wants, and L.
    side, ffn : str
        ``src`` or ``tgt``, and the layer's FFN as the tape names them.
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
    gradients: dict[str, Floats] = field(repr=False)
    place: int
    label: str
    loss: float
    side: str
    ffn: str


@dataclass(frozen=True, eq=False)
class Checked(Frame):
    """A gradient by finite differences.

    Attributes
    ----------
    tape, cell : str, tuple of int
        Of what.
    label, place : str, int
        Of which loss.
    more, less, step : float
        The loss with the number a step larger and a step smaller.
    gradient : float
        By hand.
    """

    tape: str
    cell: tuple[int, ...]
    label: str
    place: int
    more: float
    less: float
    step: float
    gradient: float

    @property
    def tried(self) -> float:
        """(L(x + h) − L(x − h)) / 2h."""
        return (self.more - self.less) / (2 * self.step)

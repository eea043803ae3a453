"""What the tab "Self-attention & positions" can ask for and what it is told. Imports no torch.

A run yields `AttentionFrame`, `PositionsFrame` and `CostFrame`; with ``measure`` set it then measures, and yields
`Progress` and `MeasuredFrame` length by length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.errors import LabError
from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.protocol import Frame
from engines.self_attention.tokens import MOST, read_numbers, tokenize

__all__ = [
    "COSTS",
    "KINDS",
    "LEARNED",
    "MOST",
    "NUMBERS",
    "ROTARY",
    "SAME",
    "SINUSOIDAL",
    "SPLITS",
    "UNLIKE",
    "AttentionFrame",
    "CostFrame",
    "MeasuredFrame",
    "PositionsFrame",
    "SelfAttentionParams",
    "tokens_of",
]

Floats = npt.NDArray[np.float64]

WORDS, CHARACTERS, NUMBERS = "Words", "Characters", "Rows of numbers"
SPLITS = (WORDS, CHARACTERS, NUMBERS)
RANDOM, IDENTITY = "Random weights", "Identity"
SINUSOIDAL, LEARNED, ROTARY = "Sine and cosine", "Learned", "Rotary"
KINDS = (SINUSOIDAL, LEARNED, ROTARY)
COSTS = ("Self-attention", "Convolution", "Recurrence")
SAME, UNLIKE = 1e-5, 1e-3  #: largest difference of the same rows, least difference of others
INPUT, PLACE, MODEL, CURVES, COST = "Input", "Positions", "Model", "Position code", "Cost"


@dataclass(frozen=True)
class SelfAttentionParams(Params):
    """Settings of the tab.

    Attributes without a slider
    ---------------------------
    text, numbers : str
        The sentence, and the tokens that are given as numbers.
    token : int
        The query that is looked at, by its place in the sentence as shown.
    measure : bool
        Measure the cost, too.
    """

    text: str = "the cat saw the dog that saw the mouse"
    numbers: str = "1 0; 0 1; 1 1; −1 0.5; 1 0"
    token: int = 1
    measure: bool = False

    split: str = setting(
        WORDS,
        Choice(
            SPLITS,
            "Tokens",
            group=INPUT,
            tip="Words or characters of the sentence, each with a seeded random embedding; or the embeddings "
            "themselves as numbers.",
        ),
    )
    shuffle: bool = setting(
        False,
        Switch("Shuffle tokens", group=INPUT, tip="Shows the same tokens in another order, drawn from the seed below."),
    )
    shuffle_seed: int = setting(
        0, Range(0, 999, 1, "Order", group=INPUT, tip="Another number shuffles into another order.")
    )
    positions: bool = setting(
        True,
        Switch(
            "Use positions",
            group=PLACE,
            tip="Off: self-attention sees a set. Shuffling its tokens only shuffles its output rows.",
        ),
    )
    kind: str = setting(
        SINUSOIDAL,
        Choice(
            KINDS,
            "Kind",
            group=PLACE,
            tip="Sine and cosine (Vaswani 2017) or a learned vector (here: seeded random) added to X; rotary turns Q "
            "and K. (Su 2021)",
        ),
    )
    weights: str = setting(
        RANDOM,
        Choice(
            (RANDOM, IDENTITY),
            "Q, K, V",
            group=MODEL,
            tip="Random: W_q, W_k, W_v are drawn from the seed with variance 1/d; nothing is trained. Identity: "
            "Q = K = V = X.",
        ),
    )
    dim: int = setting(
        32, Range(2, 256, 2, "Width d", log=True, group=MODEL, tip="Numbers per token in X, Q, K, V and the output.")
    )
    temperature: float = setting(
        1.0,
        Range(
            0.05,
            20,
            0.05,
            "Temperature",
            log=True,
            group=MODEL,
            tip="Divides the scores q·k / √d before the softmax. 1 = untouched. (Hinton 2015)",
        ),
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=MODEL, tip="Of embeddings, W_q, W_k, W_v and the learned positions.")
    )

    length: int = setting(
        60, Range(2, 512, 1, "Length n", log=True, group=CURVES, tip="Rows of the code: positions 0 to n − 1.")
    )
    column: int = setting(
        6,
        Range(
            0, 252, 1, "First column", group=CURVES, tip="Four columns are drawn: frequency falls from left to right."
        ),
    )

    cost_length: int = setting(
        512, Range(4, 8192, 1, "Sequence length n", log=True, group=COST, tip="Where the table reads the curves.")
    )
    cost_dim: int = setting(
        64, Range(8, 512, 8, "Width d of a token", log=True, group=COST, tip="Numbers per token, in and out.")
    )
    kernel: int = setting(
        3,
        Range(3, 31, 2, "Kernel size k", group=COST, tip="Neighbors that a convolution sees at once, itself included."),
    )


def tokens_of(params: SelfAttentionParams) -> tuple[list[str], list[tuple[float, ...]] | None, int]:
    """Names of the tokens, their numbers (None for a sentence), and how many were left out beyond `MOST`.

    Raises
    ------
    LabError
        There is no token, or a token is not made of numbers that fit.
    """
    rows = None
    if params.split == NUMBERS:
        rows = read_numbers(params.numbers, params.dim)
        names = [" ".join(f"{value:g}".replace("-", "−") for value in row) for row in rows]
    else:
        names = tokenize(params.text, params.split == CHARACTERS)
    if not names:
        raise LabError("The sentence is empty. Type at least one token.")
    return names[:MOST], None if rows is None else rows[:MOST], max(0, len(names) - MOST)


@dataclass(frozen=True, eq=False)
class AttentionFrame(Frame):
    """Self-attention over the sentence, as shown and for the comparison. N tokens of width d.

    Attributes
    ----------
    tokens : tuple of str
        In the order as shown.
    order : tuple of int
        Which token of the sentence stands at each place.
    left_out : int
        Tokens beyond the most that are shown.
    inputs, queries, keys, values, output : ndarray float64 (N, d)
        As shown; ``inputs`` with what positions add, queries and keys as rotary positions turn them.
    scores : ndarray float64 (N, N)
        Before the softmax, divided by √d and the temperature.
    weights : ndarray float64 (N, N)
        Rows sum to 1.
    entropy : ndarray float64 (N,)
        Of each row, in bit.
    names : tuple of str
        In the order of the sentence: rows of the next two.
    straight, restored : ndarray float64 (N, d)
        Output of the sentence in order; output of the shuffled sentence with its rows put back in order.
    difference : float
        Largest absolute difference of those two.
    without, with_positions : float
        The same difference with positions off and with the chosen kind on.
    """

    tokens: tuple[str, ...]
    order: tuple[int, ...]
    left_out: int
    inputs: Floats = field(repr=False)
    queries: Floats = field(repr=False)
    keys: Floats = field(repr=False)
    values: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    output: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    names: tuple[str, ...]
    straight: Floats = field(repr=False)
    restored: Floats = field(repr=False)
    difference: float
    without: float
    with_positions: float


@dataclass(frozen=True, eq=False)
class PositionsFrame(Frame):
    """Position codes and what their dot products know of the distance. L positions of width d.

    Attributes
    ----------
    kind : str
        Of ``code`` and ``dots``.
    code : ndarray float64 (L, d)
        What is added to X; for rotary one seeded random vector, turned by each position.
    dots : ndarray float64 (L, L)
        Dot products between the rows of ``code``, divided by their mean square length.
    offsets : ndarray int64 (2 L − 1,)
        From −(L − 1) to L − 1.
    mean, low, high : ndarray float64 (3, 2 L − 1)
        For each kind: mean, least and largest dot product among all pairs with that offset.
    spread : ndarray float64 (3,)
        Largest distance between ``low`` and ``high``: 0 where the dot product depends on the offset alone.
    """

    kind: str
    code: Floats = field(repr=False)
    dots: Floats = field(repr=False)
    offsets: npt.NDArray[np.int64] = field(repr=False)
    mean: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    spread: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class CostFrame(Frame):
    """Cost by formula over the sequence length, of one layer of each of `COSTS`. M lengths.

    Attributes
    ----------
    dim, kernel : int
    lengths : ndarray float64 (M,)
    operations : ndarray float64 (3, M)
        Multiply-adds: 2 n² d, k n d², 2 n d².
    steps : ndarray float64 (3, M)
        Matrix products that have to wait for each other: 2, 1, n.
    paths : ndarray float64 (3, M)
        Products on the way from the first token to the nearest place that also knows the last one:
        1, ⌈(n − 1) / (k − 1)⌉ layers, n.
    """

    dim: int
    kernel: int
    lengths: Floats = field(repr=False)
    operations: Floats = field(repr=False)
    steps: Floats = field(repr=False)
    paths: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredFrame(Frame):
    """Cost as measured so far, at rising lengths; each array (3, M) with M lengths, 0 where not measured.

    Attributes
    ----------
    dim, kernel : int
    device : str
    lengths : ndarray float64 (M,)
    seconds : ndarray float64 (3, M)
        Least of a few runs.
    operations, steps : ndarray float64 (3, M)
        Counted in the computation itself.
    paths : ndarray float64 (3, M)
        Found in the graph of the gradients.
    done : bool
        All lengths are measured.
    """

    dim: int
    kernel: int
    device: str
    lengths: Floats = field(repr=False)
    seconds: Floats = field(repr=False)
    operations: Floats = field(repr=False)
    steps: Floats = field(repr=False)
    paths: Floats = field(repr=False)
    done: bool

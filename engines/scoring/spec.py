"""What the tab "Scoring functions" can ask for and what it is told. Imports no torch.

`engines.scoring.engine.Engine` answers with `Compared` (pages "Compare" and "Step through"), `Pulled` (page
"Arrows"), `Spread` and `Sweep` (page "Dimension"). What a setting does not touch comes again as the same object.
Sizes: F scoring functions, Q queries, K keys, dq and d their lengths, dv of a value, h hidden units.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, setting
from engines.core.protocol import Frame

Floats: TypeAlias = npt.NDArray[np.float32]
Place: TypeAlias = tuple[float, float]

ADDITIVE, DOT, SCALED = "Additive", "Dot product", "Scaled dot product"
FUNCTIONS = (ADDITIVE, DOT, SCALED)  #: F, in this order in all events
RANDOM, EQUAL_KEYS = "Random", "Equal keys"
MOST_QUERIES, MOST_KEYS, MOST_DIM, MOST_HIDDEN = 8, 64, 1024, 256
VALUE_DIM = 4  #: dv
COMPARE, DIMENSION, WALK, ARROWS = range(4)  #: pages
SAMPLES = 256  #: queries and keys behind the page "Dimension"
SHOWN_QUERIES = 8  #: of them, those whose weights are shown
MOST_ARROWS = 8
FIELD = 49  #: places a side of the field
REACH = 4.0  #: an arrow's tip lies within ± this
DATA, SHAPES, SOFTMAX, MLP = "Data", "Shapes", "Softmax", "Additive MLP"


@dataclass(frozen=True)
class ScoringParams(Params):
    """Settings of the tab.

    Attributes without a slider
    ---------------------------
    valid_lens : tuple of int
        Keys that count for each query, from the first one on; all of them for a query without an entry, and no
        more than there are.
    masked : tuple of (query, key)
        Pairs that were painted out, sorted.
    cell : (query, key)
        The pair whose formula is shown.
    arrow_query : (x, y)
        Tip of the query on the page "Arrows".
    arrow_keys, arrow_values : tuples of (x, y)
        Tips of keys and values, as many of each.
    arrow_at : int
        The key whose weight is drawn over the plane.
    page : int
        The page on screen, whose events alone are wanted; −1 for all.
    """

    valid_lens: tuple[int, ...] = (MOST_KEYS, MOST_KEYS, 4, 2)
    masked: tuple[tuple[int, int], ...] = ((1, 1),)
    cell: tuple[int, int] = (0, 2)
    arrow_query: Place = (1.4, 1.0)
    arrow_keys: tuple[Place, ...] = ((2.2, 0.3), (0.7, 1.9), (-1.5, 1.2), (-1.0, -1.6), (1.3, -1.5))
    arrow_values: tuple[Place, ...] = ((3.2, 1.6), (-0.4, 3.3), (-3.0, 0.2), (-0.3, -3.2), (3.0, -2.2))

    arrow_at: int = 0
    page: int = -1

    function: str = setting(
        SCALED,
        Choice(
            FUNCTIONS,
            "Scoring function",
            tip="How query and key are matched. Additive: w·tanh(W_q q + W_k k). Dot product: q·k. Scaled: q·k / √d.",
        ),
    )
    dim: int = setting(
        16,
        Range(
            1,
            MOST_DIM,
            1,
            "Dimension d",
            log=True,
            group=SHAPES,
            tip="Numbers in a key. q·k of unit normal numbers has variance d; 1/√d brings it back to 1. (Vaswani 2017)",
        ),
    )
    same_length: bool = setting(
        True,
        Switch(
            "Queries as long as keys",
            group=SHAPES,
            tip="Off: queries get a length of their own. Only additive scoring can then compare them with the keys.",
        ),
    )
    query_dim: int = setting(
        4,
        Range(1, MOST_DIM, 1, "Query length", log=True, group=SHAPES, tip="Numbers in a query, where it is not d."),
    )
    num_queries: int = setting(4, Range(1, MOST_QUERIES, 1, "Queries", group=SHAPES, tip="Rows of every table."))
    num_keys: int = setting(
        6,
        Range(
            1,
            MOST_KEYS,
            1,
            "Keys",
            log=True,
            group=SHAPES,
            tip="Columns of every table: key-value pairs that a query can attend to.",
        ),
    )
    temperature: float = setting(
        1.0,
        Range(
            0.01,
            100,
            0.01,
            "Temperature",
            log=True,
            group=SOFTMAX,
            tip="Divides the scores before the softmax. Towards 0 the best key takes all, towards ∞ all get the same. "
            "(Hinton 2015)",
        ),
    )
    hidden: int = setting(
        8,
        Range(
            1,
            MOST_HIDDEN,
            1,
            "Hidden units h",
            log=True,
            group=MLP,
            tip="Width of the additive scoring's hidden layer. (Bahdanau 2015)",
        ),
    )
    data: str = setting(
        RANDOM,
        Choice(
            (RANDOM, EQUAL_KEYS),
            "Keys and values",
            group=DATA,
            tip="Random: unit normal. Equal keys: all keys are 1, as in the book's example, so each valid key weighs "
            "the same whatever the scoring. (Dive into Deep Learning)",
        ),
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=DATA, tip="Another seed: other queries, keys, values and random weights.")
    )
    own_values: bool = setting(
        False,
        Switch(
            "Values have arrows of their own",
            tip="Off: each value is its key. On: values are dragged apart from keys; the output lies among the values.",
        ),
    )
    field: bool = setting(
        True,
        Switch(
            "Key weight over the plane",
            tip="Colors each place by the weight that the chosen key would get from a query with its tip there.",
        ),
    )


def query_length(params: ScoringParams) -> int:
    """Length of a query, dq."""
    return params.dim if params.same_length else params.query_dim


def valid_length(params: ScoringParams, query: int) -> int:
    """Keys that count for a query."""
    lens = params.valid_lens
    return max(0, min(params.num_keys, lens[query])) if query < len(lens) else params.num_keys


def may_attend(params: ScoringParams) -> npt.NDArray[np.bool_]:
    """Which query may attend to which key, (Q, K)."""
    lens = np.array([valid_length(params, i) for i in range(params.num_queries)])
    allowed: npt.NDArray[np.bool_] = np.arange(params.num_keys)[None] < lens[:, None]
    for query, key in params.masked:
        if 0 <= query < params.num_queries and 0 <= key < params.num_keys:
            allowed[query, key] = False
    return allowed


@dataclass(frozen=True, eq=False)
class Compared(Frame):
    """The same queries and keys through all scoring functions.

    Attributes
    ----------
    params : ScoringParams
        What it was computed from.
    possible : ndarray bool (F,)
        Dot products need queries as long as keys; all numbers of the others are 0.
    queries, keys, values : ndarrays (Q, dq), (K, d), (K, dv)
    raw : ndarray (F, Q, K)
        Scores before any scaling; those of the dot product twice.
    scale : ndarray (F,)
        What the raw scores are divided by: 1, 1, √d.
    scores : ndarray (F, Q, K)
        raw / scale: what each scoring function gives.
    allowed : ndarray bool (Q, K)
    weights : ndarray (F, Q, K)
        softmax(scores / temperature) where allowed; a row with nothing left is all 0.
    output : ndarray (F, Q, dv)
    entropy : ndarray (F, Q)
        In bit.
    hidden : ndarray (Q, K, h)
        tanh(W_q q + W_k k) of each pair.
    w_v : ndarray (h,)
    mlp : ndarray (Q, K)
        The additive scores once more, by one MLP over [q; k].
    difference : float
        The largest between ``mlp`` and the additive ``raw``.
    """

    params: ScoringParams = dataclasses.field(repr=False)
    possible: npt.NDArray[np.bool_]
    queries: Floats = dataclasses.field(repr=False)
    keys: Floats = dataclasses.field(repr=False)
    values: Floats = dataclasses.field(repr=False)
    raw: Floats = dataclasses.field(repr=False)
    scale: Floats
    scores: Floats = dataclasses.field(repr=False)
    allowed: npt.NDArray[np.bool_] = dataclasses.field(repr=False)
    weights: Floats = dataclasses.field(repr=False)
    output: Floats = dataclasses.field(repr=False)
    entropy: Floats = dataclasses.field(repr=False)
    hidden: Floats = dataclasses.field(repr=False)
    w_v: Floats = dataclasses.field(repr=False)
    mlp: Floats = dataclasses.field(repr=False)
    difference: float


@dataclass(frozen=True, eq=False)
class Pulled(Frame):
    """One query arrow among key arrows.

    Attributes
    ----------
    scores, weights : ndarrays (F, K)
    output : ndarray (F, 2)
    entropy : ndarray (F,)
        In bit.
    at : int
        The chosen key.
    field : ndarray (n, n)
        Its weight for queries in the middles of n × n cells of the plane, by the chosen function, top row first;
        empty unless asked for.
    """

    query: Place
    keys: tuple[Place, ...] = dataclasses.field(repr=False)
    values: tuple[Place, ...] = dataclasses.field(repr=False)
    scores: Floats = dataclasses.field(repr=False)
    weights: Floats = dataclasses.field(repr=False)
    output: Floats
    entropy: Floats
    at: int
    field: Floats = dataclasses.field(repr=False)


@dataclass(frozen=True, eq=False)
class Spread(Frame):
    """Dot products of 256 unit normal queries and keys, raw (first) and times 1/√d (second).

    Attributes
    ----------
    edges : ndarray (2, M + 1), counts : ndarray int64 (2, M)
        Histograms over ± 4 times √d and 1; what lies beyond is counted in the last bin.
    std : ndarray (2,)
        Measured standard deviation.
    weights : ndarray (2, 8, K)
        Of the first queries over the first K keys.
    entropy : ndarray (2,)
        Mean over all queries, in bit.
    top : ndarray (2,)
        Mean largest weight.
    """

    dim: int
    edges: Floats = dataclasses.field(repr=False)
    counts: npt.NDArray[np.int64] = dataclasses.field(repr=False)
    std: Floats
    weights: Floats = dataclasses.field(repr=False)
    entropy: Floats
    top: Floats


@dataclass(frozen=True, eq=False)
class Sweep(Frame):
    """The same over all dimensions D.

    Attributes
    ----------
    dims : ndarray int64 (D,)
    std, entropy : ndarrays (2, D)
        Raw, and times 1/√d.
    low, high : ndarrays (2, D)
        Entropies that 10 % and 90 % of the queries stay under.
    most : float
        log2 K: entropy of equal weights.
    """

    dims: npt.NDArray[np.int64] = dataclasses.field(repr=False)
    std: Floats = dataclasses.field(repr=False)
    entropy: Floats = dataclasses.field(repr=False)
    low: Floats = dataclasses.field(repr=False)
    high: Floats = dataclasses.field(repr=False)
    most: float

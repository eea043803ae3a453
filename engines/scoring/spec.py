"""What all pages of the tab "Scoring functions" can ask for. Imports no torch.

Each page's engine answers from the same `ScoringParams`; what a setting does not touch comes again as the same object.
Sizes: F scoring functions, Q queries, K keys, dq and d their lengths, dv of a value, h hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, looked, setting

Floats: TypeAlias = npt.NDArray[np.float32]
Place: TypeAlias = tuple[float, float]

ADDITIVE, DOT, SCALED = "Additive", "Dot product", "Scaled dot product"
FUNCTIONS = (ADDITIVE, DOT, SCALED)  #: F, in this order in all events
RANDOM, EQUAL_KEYS = "Random", "Equal keys"
MOST_QUERIES, MOST_KEYS, MOST_DIM, MOST_HIDDEN = 8, 64, 1024, 256
VALUE_DIM = 4  #: dv
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
    """

    valid_lens: tuple[int, ...] = setting((MOST_KEYS, MOST_KEYS, 4, 2), changes_model=True)
    masked: tuple[tuple[int, int], ...] = setting(((1, 1),), changes_model=True)
    cell: tuple[int, int] = looked((0, 2))
    arrow_query: Place = setting((1.4, 1.0))
    arrow_keys: tuple[Place, ...] = setting(((2.2, 0.3), (0.7, 1.9), (-1.5, 1.2), (-1.0, -1.6), (1.3, -1.5)))
    arrow_values: tuple[Place, ...] = setting(((3.2, 1.6), (-0.4, 3.3), (-3.0, 0.2), (-0.3, -3.2), (3.0, -2.2)))
    arrow_at: int = looked(0)

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
            tip="Length of a key. For standard normal entries q·k has variance d; 1/√d brings it back to 1. "
            "(Vaswani 2017)",
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
        Range(1, MOST_DIM, 1, "Query length", log=True, group=SHAPES, tip="Length of a query, where it is not d."),
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
            tip="Divides the scores before the softmax. Towards 0 the best key takes all, towards ∞ all weigh the "
            "same. (Hinton 2015)",
        ),
        changes_model=True,
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
            tip="Colors each point by the weight that the selected key would get from a query there.",
        ),
    )

    def changes(self) -> int:
        """Temperature, and each query or cell whose mask is not as it was at first."""
        plain = ScoringParams()
        lens = max(len(self.valid_lens), len(plain.valid_lens))
        pairs = zip(_padded(self.valid_lens, lens), _padded(plain.valid_lens, lens), strict=True)
        painted = set(self.masked) ^ set(plain.masked)
        return (self.temperature != plain.temperature) + sum(a != b for a, b in pairs) + len(painted)


def _padded(lens: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Valid lengths with an entry for each query."""
    return (*lens, *(MOST_KEYS for _ in range(count - len(lens))))


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

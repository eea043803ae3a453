"""What the page "Heads" is told, and what its engine is asked with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.params import Choice, Switch, setting
from engines.core.protocol import Frame
from engines.self_attention.language.asking import LOOK, OfText
from engines.self_attention.language.events import Bools, Floats, Ints, Written

EVERY, A_TO_A, A_TO_B, B_TO_A, B_TO_B = "All", "A → A", "A → B", "B → A", "B → B"
PARTS = (EVERY, A_TO_A, A_TO_B, B_TO_A, B_TO_B)
ENDS = {A_TO_A: (0, 0), A_TO_B: (0, 1), B_TO_A: (1, 0), B_TO_B: (1, 1)}  #: sentence of the queries, of the keys
SMALL = 48  #: values a side of a map in the mosaic; a larger one is reduced by block maximum


@dataclass(frozen=True)
class HeadsParams(OfText):
    """What the engine of the page is asked with."""

    part: str = setting(
        EVERY,
        Choice(PARTS, "Show", group=LOOK, tip="Queries of one sentence and keys of the other; nothing is rescaled."),
    )
    special: bool = setting(
        True,
        Switch(
            "[CLS] and [SEP]",
            group=LOOK,
            tip="Off: their rows and columns are left out, and how much falls on them is said. (Clark 2019)",
        ),
    )


@dataclass(frozen=True, eq=False)
class HeadsAnswer(Frame):
    """Maps of the chosen head and of all heads. L layers, H heads, N tokens.

    Attributes
    ----------
    text : Written
    layer, head : int
        The chosen ones, counted from 1, as the model has them.
    weights : ndarray (N, N)
        Of the chosen head, query by key; rows sum to 1.
    rows, cols : ndarray of int (R,), (C,)
        The queries and the keys that are shown.
    maps : ndarray (L·H, r, c)
        Of all heads, of the shown queries and keys; ``block`` × ``block`` weights became their maximum.
    block : int
    entropy, distance : ndarray (L, H)
        Bits, and tokens between query and key: means over all queries but special tokens, of their whole rows.
    parked : ndarray (L, H)
        The share of these rows that falls on special tokens.
    carried : float
        Of what the chosen head adds, the share from special tokens by the length of the added vectors.
    off : ndarray of bool (L, H)
    changed : bool
        Something is changed in the model.
    """

    text: Written
    layer: int
    head: int
    weights: Floats = field(repr=False)
    rows: Ints = field(repr=False)
    cols: Ints = field(repr=False)
    maps: Floats = field(repr=False)
    block: int
    entropy: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    parked: Floats = field(repr=False)
    carried: float
    off: Bools = field(repr=False)
    changed: bool

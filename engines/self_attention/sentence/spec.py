"""What the page "Sentence" is told, and how its line is read. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.errors import LabError
from engines.core.protocol import Frame
from engines.self_attention.sentence.tokens import MOST, read_numbers, tokenize
from engines.self_attention.spec import CHARACTERS, NUMBERS, Floats, SelfAttentionParams

SAME, UNLIKE = 1e-5, 1e-3  #: largest difference of the same rows, least difference of others


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

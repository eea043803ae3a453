"""What the page "Decode" asks and is told. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.errors import Message
from engines.core.params import Choice, Range, setting
from engines.core.protocol import Frame
from engines.transformer.asking import OfInput
from engines.transformer.recipe import Floats

GREEDY, BEAM = "Greedy", "Beam search"
DECODING = "Decoding"
CANDIDATES = 5  #: likeliest tokens told at each place


@dataclass(frozen=True)
class DecodingParams(OfInput):
    """How an input is decoded."""

    method: str = setting(
        GREEDY,
        Choice(
            (GREEDY, BEAM),
            "Method",
            group=DECODING,
            tip="The likeliest token at each step, or the likeliest of several sequences.",
        ),
    )
    beams: int = setting(4, Range(2, 8, 1, "Beams", group=DECODING, tip="Hypotheses kept at each step; 1 is greedy."))
    penalty: float = setting(
        0.6,
        Range(
            0.0,
            1.5,
            0.05,
            "Length penalty",
            group=DECODING,
            tip="Score = log p ÷ ((5 + length) ÷ 6)^α: a larger α favors longer outputs. (Wu 2016, 7)",
        ),
    )


@dataclass(frozen=True)
class Candidate:
    """A token that might be said next, and its probability."""

    token: str
    probability: float


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that was followed.

    Attributes
    ----------
    tokens : tuple of str
        What was said so far, with the end token where it ended.
    log_probability : float
        Sum over its tokens, nat.
    score : float
        By which it is ranked: the log probability over the length penalty.
    parent : int
        Which hypothesis of the step before it goes on with.
    ended : bool
        Whether the end token was said.
    """

    tokens: tuple[str, ...]
    log_probability: float
    score: float
    parent: int
    ended: bool


@dataclass(frozen=True, eq=False)
class Answer(Frame):
    """What the model makes of the typed input.

    Attributes
    ----------
    task : str
    step : int
        Of the state that decoded; −1 for the bundled one.
    source : tuple of str
        S tokens, with the end token.
    note : Message, optional
        What had to be done to the input.
    target : tuple of str
        T tokens that the decoder read: the start token, then what it had said.
    said : tuple of str
        T tokens that it said, with the end token if it came.
    text, right : str, str or None
        The answer, and the right one where there is one.
    candidates : tuple of tuple of Candidate
        The likeliest tokens at each of the T places, likeliest first.
    steps : tuple of tuple of Hypothesis
        The hypotheses kept after each step, best first.
    best : tuple of Hypothesis
        Those that ended, best first; the first one is the answer.
    weights : dict of str to ndarray float32
        As in `Fixed`, along the answer.
    """

    task: str
    step: int
    source: tuple[str, ...]
    note: Message | None
    target: tuple[str, ...]
    said: tuple[str, ...]
    text: str
    right: str | None
    candidates: tuple[tuple[Candidate, ...], ...]
    steps: tuple[tuple[Hypothesis, ...], ...] = field(repr=False)
    best: tuple[Hypothesis, ...]
    weights: dict[str, Floats] = field(repr=False)

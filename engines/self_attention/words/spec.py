"""What the page "Words" is told, and what its engine is asked with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.params import Range, setting
from engines.core.protocol import Frame
from engines.self_attention.language.asking import OfText
from engines.self_attention.language.events import Floats, Written

SHOWN = 10  #: candidates
DRAWING = "Drawing words"


@dataclass(frozen=True)
class GapParams(OfText):
    """Where a word is asked for.

    Attributes
    ----------
    gap : int
        The token of the first text that is masked, from 0; −1 for a typed [MASK], else the last word.
    """

    gap: int = setting(-1)


@dataclass(frozen=True)
class WordsParams(GapParams):
    """What the engine of the page is asked with."""

    sampling: float = setting(
        1.0,
        Range(
            0.1, 3.0, 0.05, "Sampling temperature", log=True, group=DRAWING, decimals=2,
            tip="Divides the logits before a word is drawn. Towards 0 the likeliest is always taken.",
        ),
    )  # fmt: skip
    top_k: int = setting(
        0, Range(0, 200, 1, "Top k", group=DRAWING, tip="Only so many likeliest words are drawn from; 0 = all.")
    )
    top_p: float = setting(
        1.0,
        Range(
            0.05, 1.0, 0.05, "Top p", group=DRAWING, decimals=2,
            tip="Only the fewest likeliest words that hold this share are drawn from. (Holtzman 2020)",
        ),
    )  # fmt: skip
    added: int = setting(
        0, Range(0, 40, 1, "Words added", group=DRAWING, tip="Tokens that the model has drawn and reads again.")
    )
    draw: int = setting(0, Range(0, 999, 1, "Draw", group=DRAWING, tip="Another number draws other words."))


@dataclass(frozen=True, eq=False)
class WordsAnswer(Frame):
    """The words that a model names. N tokens, K candidates.

    Attributes
    ----------
    kind : str
        ``masked``, ``next``, or empty where the model names none: then all that follows on words is empty.
    text : Written
        With the mask in its place, or with what was drawn.
    place : int
        The token at which words are named.
    added : int
        Tokens at the end that were drawn.
    drawn : ndarray (A,)
        With what probability each of them was drawn.
    candidates : tuple of str (K,)
        The likeliest, as the settings change the model.
    now : ndarray (K,)
        Probabilities that a word is drawn from.
    untouched : ndarray (K,)
        Those of the untouched model, without temperature, top k and top p.
    kept : int
        Words that can be drawn.
    was : str
        The word that the mask hides; empty for none.
    was_now, was_untouched : float
        Its probabilities.
    layer, head : int
        Counted from 1, as the model has them.
    weights : ndarray (N, N)
        Of that head; rows sum to 1.
    full : bool
        The model takes no more tokens, or has ended the text.
    """

    kind: str
    text: Written
    place: int
    added: int
    drawn: Floats = field(repr=False)
    candidates: tuple[str, ...]
    now: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    kept: int
    was: str
    was_now: float
    was_untouched: float
    layer: int
    head: int
    weights: Floats = field(repr=False)
    full: bool

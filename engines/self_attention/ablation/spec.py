"""What the page "Ablation" is told, and what its engine is asked with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.params import Choice, setting
from engines.core.protocol import Frame
from engines.self_attention.language.asking import LOOK
from engines.self_attention.language.events import Bools, Floats, Written
from engines.self_attention.words.spec import GapParams

SIMILARITY, WORD = "Similarity", "Word"


@dataclass(frozen=True)
class AblationParams(GapParams):
    """What the engine of the page is asked with."""

    effect: str = setting(
        SIMILARITY,
        Choice(
            (SIMILARITY, WORD),
            "Effect on",
            group=LOOK,
            tip="What is measured with each head switched off: the similarity of A and B, or the probability of the "
            "likeliest word. (Michel 2019)",
        ),
    )


@dataclass(frozen=True, eq=False)
class AblationAnswer(Frame):
    """What each head is worth, as far as it is known. L layers, H heads.

    Attributes
    ----------
    texts : tuple of Written
        What was read: two sentences, or the text with its gap.
    of_word : bool
        The effect is on a word, else on the similarity.
    word : str
        The word whose probability it is; empty for the similarity.
    base : float
        Similarity or probability with no further head off.
    effects : ndarray (L, H)
        What it changes by when the head is switched off; 0 where that is not known yet.
    known : ndarray of bool (L, H)
    off : ndarray of bool (L, H)
        Heads that are switched off in any case: their effect is 0.
    looks : ndarray (L, H)
        The share of each head's attention that falls on words instead of special tokens.
    agreement : float
        Rank correlation over all heads of how focused a map is (negative entropy) with the size of its effect; 0 until
        all are known.
    """

    texts: tuple[Written, ...]
    of_word: bool
    word: str
    base: float
    effects: Floats = field(repr=False)
    known: Bools = field(repr=False)
    off: Bools = field(repr=False)
    looks: Floats = field(repr=False)
    agreement: float


WEIGHTS_ARE_SHOWN_AS = ()  #: the page shows what heads do, not where they look

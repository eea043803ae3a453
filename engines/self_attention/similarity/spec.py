"""What the page "Similarity" is told, and what its engine is asked with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.errors import Message
from engines.core.params import Range, Switch, setting
from engines.core.protocol import Frame
from engines.self_attention.language.asking import CHANGE, LOOK, OfText
from engines.self_attention.language.events import Floats, Written

MOST = 10  #: sentences of the matrix
ORDERS = 10  #: random orders that the deletion is held against
LIST = "\n".join(
    (
        "The cat sat on the mat because it was tired.",
        "A sleepy kitten was lying on the rug.",
        "The dog chased its ball across the garden.",
        "It will rain heavily tomorrow.",
        "The forecast says there is a storm coming.",
        "Stock prices fell sharply on Monday.",
        "The market lost a lot of money this week.",
        "How do I bake bread at home?",
        "A simple recipe for a fresh loaf.",
        "Attention weighs what each word tells the others.",
    )
)


@dataclass(frozen=True)
class SimilarityParams(OfText):
    """What the engine of the page is asked with.

    Attributes
    ----------
    hidden : tuple of (sentence, word)
        Words that nobody attends to and that do not count in the mean; sentences and words from 0.
    sentences : str
        Those of the matrix, one a line.
    """

    hidden: tuple[tuple[int, int], ...] = setting((), changes_model=True)
    sentences: str = setting(LIST)
    shuffled: bool = setting(
        False,
        Switch(
            "Shuffle the words of B",
            group=CHANGE,
            tip="The same words in a random order: how much of the meaning lies in the order?",
        ),
        changes_model=True,
    )
    order: int = setting(0, Range(0, 999, 1, "Order", group=CHANGE, tip="Another number gives another order."))
    negated: bool = setting(
        False,
        Switch(
            "Negate B",
            group=CHANGE,
            tip="Puts a not behind the first auxiliary verb of B, or It is not true that before it; Chinese likewise.",
        ),
        changes_model=True,
    )
    explained: bool = setting(
        True,
        Switch(
            "Explain",
            group=LOOK,
            tip="Gradient × attention of the similarity, and what deleting words in that order does to it. "
            "(Chefer 2021)",
        ),
    )


@dataclass(frozen=True, eq=False)
class Compared(Frame):
    """Two sentences, each read by itself.

    Attributes
    ----------
    texts : tuple of Written
        As changed: shuffled or negated.
    typed : tuple of str
        The sentences as changed.
    hidden : tuple of tuple of int
        Places of the hidden tokens in each.
    similarity, untouched : float
        Cosine of the two, now and without any change.
    changed : bool
    """

    texts: tuple[Written, Written]
    typed: tuple[str, str]
    hidden: tuple[tuple[int, ...], tuple[int, ...]]
    similarity: float
    untouched: float
    changed: bool


@dataclass(frozen=True, eq=False)
class AllPairs(Frame):
    """Every sentence of the list with every other one.

    Attributes
    ----------
    sentences : tuple of str (M,)
    similarities, untouched : ndarray (M, M)
        Cosines, as the model is changed and without any change.
    left_out : int
        Lines beyond the tenth.
    """

    sentences: tuple[str, ...]
    similarities: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    left_out: int


@dataclass(frozen=True, eq=False)
class Reasons(Frame):
    """What the similarity hangs on, by token, and whether that holds.

    Attributes
    ----------
    relevance : tuple of ndarray (N,)
        Gradient × attention through all layers, of each sentence; not negative.
    kept : ndarray (K + 1,)
        Similarity while 0 … K words of A are deleted, the most relevant first.
    random_mean, random_low, random_high : ndarray (K + 1,)
        The same for random orders: mean, least, largest.
    score, random_score, random_spread : float
        Mean of the curve; mean and standard deviation of the random ones. Below them, the relevance finds what counts.
    """

    relevance: tuple[Floats, Floats] = field(repr=False)
    kept: Floats = field(repr=False)
    random_mean: Floats = field(repr=False)
    random_low: Floats = field(repr=False)
    random_high: Floats = field(repr=False)
    score: float
    random_score: float
    random_spread: float


def problem_of(params: OfText) -> Message | None:
    """What keeps two sentences from being compared."""
    if params.first.strip() and params.second.strip():
        return None
    return Message("Type two sentences to compare.")


WEIGHTS_ARE_SHOWN_AS = ()  #: the page shows what follows from attention, not attention

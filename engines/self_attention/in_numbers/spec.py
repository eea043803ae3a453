"""What the page "In numbers" is told, and what its engine is asked with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.params import looked
from engines.core.protocol import Frame
from engines.self_attention.language.asking import OfText
from engines.self_attention.language.events import Bools, Floats, Written


@dataclass(frozen=True)
class NumbersParams(OfText):
    """What the engine of the page is asked with.

    Attributes
    ----------
    query, key : int
        Places of two tokens, from 0; one past the last is taken as the last. A key of −1 is the one attended to most.
    """

    query: int = looked(2)
    key: int = looked(-1)


@dataclass(frozen=True, eq=False)
class NumbersAnswer(Frame):
    """One query of one head, step by step. N tokens, D numbers a head.

    Attributes
    ----------
    text : Written
    layer, head : int
        As the model has them, counted from 1.
    query, key : int
        Places of the tokens.
    q, k : ndarray (D,)
        Of the pair; the sum of their products is the pair's score.
    scores : ndarray (N,)
        q · k of every key.
    scaled : ndarray (N,)
        Divided by √D and the temperature.
    seen : ndarray of bool (N,)
        Keys that the query may attend to.
    row : ndarray (N,)
        The softmax of ``scaled`` over the seen keys.
    weights : ndarray (N, N)
        What the model itself used, all queries; rows sum to 1.
    values : ndarray (N, D)
    output : ndarray (D,)
        What the model's head hands on for the query: the sum of values by weights; 0 where the head is off.
    temperature : float
        Of this head.
    """

    text: Written
    layer: int
    head: int
    query: int
    key: int
    q: Floats = field(repr=False)
    k: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    scaled: Floats = field(repr=False)
    seen: Bools = field(repr=False)
    row: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    values: Floats = field(repr=False)
    output: Floats = field(repr=False)
    temperature: float

"""What the page "Watch" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, setting
from engines.core.protocol import Event, Frame
from engines.swin.asking import DRAW, OfToken
from engines.swin.events import Cut, Floats, Prediction

ATTENTION, ROLLOUT, RELEVANCE = "Attention", "Rollout", "Relevance"
OVERLAYS = (ATTENTION, ROLLOUT, RELEVANCE)


@dataclass(frozen=True)
class WatchParams(OfToken):
    """What the engine of the page is asked with.

    Attributes
    ----------
    target : int
        The class that relevance is asked for; −1, or one the model does not have, for its likeliest.
    """

    target: int = setting(-1)
    overlay: str = setting(
        ATTENTION,
        Choice(
            OVERLAYS,
            "Overlay",
            group=DRAW,
            tip="What lies on the photo: this head, rollout through all blocks up to this one (Abnar & Zuidema 2020), "
            "or what speaks for the likeliest class. (Chefer 2021)",
        ),
    )


@dataclass(frozen=True, eq=False)
class BlockWeights(Event):
    """The chosen block in all its heads.

    Attributes
    ----------
    block : int
        Counted from 1.
    weights : ndarray (W, H, n, n)
        In window order: query by key; rows of tokens sum to 1.
    """

    block: int
    weights: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class HeadMeasures(Event):
    """What is said about each head of the chosen block.

    Attributes
    ----------
    entropy : ndarray (H,)
        Bits, mean over all tokens: 0 attends to one token, log2(n) to all of the window alike.
    distance : ndarray (H,)
        Mean distance, in tokens, between a token and what it attends to.
    off : ndarray of bool (H,)
        Heads that are switched off.
    """

    entropy: Floats = field(repr=False)
    distance: Floats = field(repr=False)
    off: npt.NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True, eq=False)
class AllBlocks(Event):
    """The chosen head in all blocks (the last one of a block that has fewer).

    Attributes
    ----------
    cuts : tuple of Cut
        How each block cuts its grid.
    weights : tuple of ndarray (W, n, n)
    """

    cuts: tuple[Cut, ...]
    weights: tuple[Floats, ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Overlay(Event):
    """What lies on the photo instead of one head's attention.

    Attributes
    ----------
    mode : str
        `ROLLOUT` or `RELEVANCE`.
    values : ndarray (rows, cols)
        Over the patches. Rollout: the pinned token's row, or the mean of all tokens where none is pinned; sums to 1.
        Relevance: what speaks for the class, not negative.
    label : str
        Relevance: the class.
    """

    mode: str
    values: Floats = field(repr=False)
    label: str = ""


@dataclass(frozen=True)
class Answer(Frame):
    """All that is to be drawn for one setting.

    Attributes
    ----------
    head : int
        The chosen head, counted from 1, as the block has it.
    weights : BlockWeights
    measures : HeadMeasures
    blocks : AllBlocks
    prediction : Prediction
    overlay : Overlay, optional
        None where plain attention is to lie on the photo.
    """

    head: int
    weights: BlockWeights
    measures: HeadMeasures
    blocks: AllBlocks
    prediction: Prediction
    overlay: Overlay | None = None

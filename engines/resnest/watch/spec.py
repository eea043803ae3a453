"""What the page "Watch" is told, and what its engine is asked with. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.core.protocol import Frame
from engines.resnest.asking import OfPhoto
from engines.resnest.events import Floats, Prediction


@dataclass(frozen=True)
class WatchParams(OfPhoto):
    """What the engine of the page is asked with."""


@dataclass(frozen=True, eq=False)
class Answer(Frame):
    """One block's split attention from end to end; R splits of C channels.

    Attributes
    ----------
    block : int
        Counted from 1.
    entered : tuple of int
        Shape (channels, height, width) of what the convolution takes.
    kernel : tuple of int
        Of the convolution: channels that come out, that each of its groups takes, height, width.
    splits : ndarray (R, C, H, W)
        What it gives, after batch norm and ReLU.
    pooled : ndarray (C,)
        Mean over space of the sum of the splits.
    hidden : ndarray (inner,)
        Between the two fully connected layers, after ReLU.
    scores : ndarray (R, C)
        Before the softmax (radix 1: the sigmoid).
    own : ndarray (R, C)
        The weights that follow.
    weights : ndarray (C, R)
        As they are used, channel by split: those by hand among them. They sum to 1 over the splits, but for radix 1.
    blended : ndarray (C, H, W)
        Sum of the splits times these.
    entropy, untouched : ndarray (blocks,)
        Bits, mean over the channels, of every block's weights; of the untouched model. 0 with radix 1.
    prediction : Prediction
    """

    block: int
    entered: tuple[int, int, int]
    kernel: tuple[int, int, int, int]
    splits: Floats = field(repr=False)
    pooled: Floats = field(repr=False)
    hidden: Floats = field(repr=False)
    scores: Floats = field(repr=False)
    own: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    blended: Floats = field(repr=False)
    entropy: Floats = field(repr=False)
    untouched: Floats = field(repr=False)
    prediction: Prediction

    @property
    def shares(self) -> Floats:
        """The weights in the order of the other arrays, (R, C)."""
        return self.weights.T


@dataclass(frozen=True, eq=False)
class Spread(Frame):
    """How much the untouched model's weights differ over photos, and over channels.

    Attributes
    ----------
    model : str
        Its source.
    photos : int
        How many.
    over_photos : ndarray (blocks,)
        Standard deviation of a channel's weight over the photos, mean over channels and splits.
    over_channels : ndarray (blocks,)
        Standard deviation of the weights over a photo's channels, mean over photos and splits.
    """

    model: str
    photos: int
    over_photos: Floats = field(repr=False)
    over_channels: Floats = field(repr=False)

"""What the page "Watch" can ask for, and what it is told. Imports no torch.

Sizes: L tokens, D channels, N numbers of state, H heads, V symbols to answer with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, drawn, looked, setting
from engines.core.protocol import Frame
from engines.mamba.race.spec import COPYING, INDUCTION, TASKS

Floats = npt.NDArray[np.float32]

NAMES = {COPYING: "mamba-copying", INDUCTION: "mamba-induction"}  #: of the bundled weights
LAYERS, CHANNELS = 2, 64  #: of the bundled nets
SEQUENCE, LOOK, CHANGE = "Sequence", "View", "Change"
LETTERS = "ABCDEFGH"  #: what symbols are called
SEQUENCES = 64  #: over which shares are counted
OF_CHANNEL, OF_ALL = "One channel", "All channels"
WEIGHTS_ARE_SHOWN_AS = ("WatchFrame.heads",)  #: the attention of Mamba is none that sums to 1


@dataclass(frozen=True)
class OfWatch(Params):
    """What the engine is asked."""

    task: str = setting(
        INDUCTION, Choice(TASKS, "Task", group=SEQUENCE, tip="The nets that were trained on it come along.")
    )
    sequence: int = setting(0, Range(0, 99, 1, "Sequence", group=SEQUENCE, tip="Which one is drawn at random."))
    layer: int = looked(2, Range(1, LAYERS, 1, "Layer", group=LOOK, tip="Block of Mamba, and of the Transformer."))
    channel: int = looked(1, Range(1, CHANNELS, 1, "Channel", group=LOOK, tip="One of those inside of the block."))
    freeze_delta: bool = setting(
        False,
        Switch("Freeze Δ", group=CHANGE, tip="Each channel's Δ is its mean over the tokens: it selects no more."),
        changes_model=True,
    )
    freeze_B: bool = setting(
        False, Switch("Freeze B", group=CHANGE, tip="B is its mean over the tokens."), changes_model=True
    )
    freeze_C: bool = setting(
        False, Switch("Freeze C", group=CHANGE, tip="C is its mean over the tokens."), changes_model=True
    )
    remembers: bool = setting(
        False,
        Switch("Forgetting off", group=CHANGE, tip="The decay is 1 at each step: nothing is forgotten."),
        changes_model=True,
    )
    off: bool = setting(
        False, Switch("Channel off", group=CHANGE, tip="The channel's output is 0."), changes_model=True
    )
    both: bool = setting(
        False, Switch("In both layers", group=CHANGE, tip="Changes are made in both layers, not only in the shown one.")
    )


@dataclass(frozen=True)
class WatchParams(OfWatch):
    """Settings of the page.

    Attributes without a control
    ----------------------------
    token : int
        The token looked at, counted from 0; −1 for none.
    """

    token: int = looked(-1, asked=False)
    matrix: str = drawn(
        OF_CHANNEL,
        Choice((OF_CHANNEL, OF_ALL), "Hidden attention", group=LOOK, tip="Of the channel, or the mean size over all "
               "channels of the layer. (Ali 2024)"),
    )  # fmt: skip
    head: int = drawn(1, Range(1, 2, 1, "Head", group=LOOK, tip="Of the Transformer that was trained beside it."))

    def following(self, before: Self) -> Self:
        """Another task has sequences of another length."""
        return self if self.task == before.task else replace(self, token=-1)


@dataclass(frozen=True, eq=False)
class WatchFrame(Frame):
    """A sequence in a trained net.

    Attributes
    ----------
    task : str
    layer, channel : int
        Counted from 1.
    tokens : tuple of str
        L; what they are called.
    asked, source : int
        The place whose answer is looked at, and where that answer stands.
    answer : int
        The right symbol.
    shapes : tuple of (int, ...)
        Of x, u, Δ, B, C, states, y and the output, without the batch.
    x : ndarray (width, L)
        What enters the block after its norm.
    u, delta, y : ndarray (D, L)
        After the convolution; step sizes; what leaves the scan.
    B, C, states, out : ndarray (N, L), (N, L), (N, L), (width, L)
        States of the channel.
    written, read : ndarray (L,)
        Of the channel: ‖Δ B u‖, and |C h|.
    hidden, hidden_all : ndarray (L, L)
        Hidden attention of the channel, and the mean of its size over all channels.
    heads : ndarray (H, L, L)
        Of the Transformer's layer; rows sum to 1.
    influence : ndarray (L,)
        ‖∂ log p of the right symbol / ∂ embedding‖ of each token, at the place that is asked.
    row : ndarray (L,)
        What that place takes by hidden attention, mean size over channels, of the layer.
    predicted, plain, other : ndarray (V,)
        Probabilities of the symbols there: as the net is set now, untouched, and the Transformer's.
    found_by_influence, found_by_hidden, found_by_heads : float
        Over 64 sequences and all their questions: how often the strongest of the tokens before the questions is the one
        that the answer stands at.
    right, right_plain : float
        Share of those questions that are answered rightly, as it is set now, and untouched; the first is None until it
        is counted.
    """

    task: str
    layer: int
    channel: int
    tokens: tuple[str, ...]
    asked: int
    source: int
    answer: int
    shapes: tuple[tuple[int, ...], ...]
    x: Floats = field(repr=False)
    u: Floats = field(repr=False)
    delta: Floats = field(repr=False)
    y: Floats = field(repr=False)
    B: Floats = field(repr=False)
    C: Floats = field(repr=False)
    states: Floats = field(repr=False)
    out: Floats = field(repr=False)
    written: Floats = field(repr=False)
    read: Floats = field(repr=False)
    hidden: Floats = field(repr=False)
    hidden_all: Floats = field(repr=False)
    heads: Floats = field(repr=False)
    influence: Floats = field(repr=False)
    row: Floats = field(repr=False)
    predicted: Floats = field(repr=False)
    plain: Floats = field(repr=False)
    other: Floats = field(repr=False)
    found_by_influence: float
    found_by_hidden: float
    found_by_heads: float
    right: float | None
    right_plain: float

"""What the page "Real" can ask for, and what it is told. Imports no torch.

Sizes: L tokens, M layers, D channels, K words to go on with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, Switch, looked, setting
from engines.core.protocol import Frame, Subject

Floats = npt.NDArray[np.float32]

TEXT = "The cat sat on the mat because it was tired. The dog lay on the floor because it was"
LONGEST = 128  #: tokens of a text
SHOWN = 10  #: words to go on with
LOOK, CHANGE, SAMPLE = "View", "Change", "Next token"
WEIGHTS_ARE_SHOWN_AS = ()  #: a recurrence; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class RealParams(Params):
    """Settings of the page.

    Attributes without a control
    ----------------------------
    model : str
        The source, as `engines.checkpoints.catalog` takes it; empty for the first one on this machine.
    text : str
    token : int
        The token that is looked at, counted from 0; −1 for the last.
    removed : int
        The token whose writing is left out in all layers, counted from 0; −1 for none.
    answered_by : ModelInfo, optional
        The model on screen: numbers stay within what it has, once it is the one that is asked for.
    """

    model: str = setting("", kept=True)
    text: str = setting(TEXT, kept=True)
    token: int = looked(-1, asked=False)
    removed: int = setting(-1, changes_model=True)
    temperature: float = setting(
        1.0,
        Range(0.1, 5, 0.1, "Temperature", log=True, group=SAMPLE, tip="Divides the logits before the softmax. "
              "1 = untouched. (Hinton 2015)"),
    )  # fmt: skip
    layer: int = looked(1, Range(1, 64, 1, "Layer", group=LOOK, tip="Whose Δ is shown channel by channel."))
    channel: int = looked(1, Range(1, 4096, 1, "Channel", group=LOOK, tip="One of those inside of the layer."))
    off: bool = setting(
        False, Switch("Channel off", group=CHANGE, tip="The channel's output is 0."), changes_model=True
    )
    remembers: bool = setting(
        False,
        Switch("Forgetting off", group=CHANGE, tip="The layer's decay is 1 at each step: nothing is forgotten."),
        changes_model=True,
    )
    answered_by: ModelInfo | None = looked(None, asked=False, passing=True)

    def following(self, before: Self) -> Self:
        """Numbers within what the model has; a token of another text is none of this one."""
        new, info = self, self.answered_by
        if info is not None and self.model in ("", info.source):
            new = replace(new, layer=min(new.layer, info.layers), channel=min(new.channel, info.channels))
        if new.text != before.text:
            new = replace(new, token=-1, removed=-1)
        return new

    def changes(self) -> int:
        """Everything that is not as the model was read."""
        return self.off + self.remembers + (self.removed >= 0)


@dataclass(frozen=True, eq=False)
class Absent(Frame):
    """No model that knows words is on this machine.

    Attributes
    ----------
    offered : str
        The one to download.
    size : int
        Of its weights, MB.
    """

    offered: str
    size: int


@dataclass(frozen=True, eq=False)
class ModelInfo(Subject):
    """A model that has been read.

    Attributes
    ----------
    source, title, sha256 : str
    layers, channels, state : int
    parameters : int
    """

    source: str
    title: str
    sha256: str
    layers: int
    channels: int
    state: int
    parameters: int


@dataclass(frozen=True, eq=False)
class TextFrame(Frame):
    """A text in a model.

    Attributes
    ----------
    model, title, sha256 : str
        They go into every file that is exported.
    tokens : tuple of str
        L; as they are shown.
    cut : int
        Tokens of the text that are left out.
    removed : int
        The token that is left out; −1 for none.
    delta : ndarray (M, L)
        Mean of Δ over the channels of each layer.
    norms : ndarray (M, L)
        ‖h‖ of each layer after each token, over its mean along the text.
    own : ndarray (D, L)
        Δ of the channels of the chosen layer.
    layer : int
        Counted from 1.
    next_tokens, next_ids : tuple
        The K likeliest, as they are shown, and their numbers.
    chances, plain : ndarray (K,)
        Their probabilities at the temperature: as the model is set now, and untouched.
    pieces : tuple of str
        What each of them adds to the text; empty for a part of a character.
    surprise : ndarray (L,)
        −log₂ of the probability of each token after those before, as the model is set now; 0 for the first.
    """

    model: str
    title: str
    sha256: str
    tokens: tuple[str, ...]
    cut: int
    removed: int
    delta: Floats = field(repr=False)
    norms: Floats = field(repr=False)
    own: Floats = field(repr=False)
    layer: int
    next_tokens: tuple[str, ...]
    next_ids: tuple[int, ...]
    chances: Floats = field(repr=False)
    plain: Floats = field(repr=False)
    pieces: tuple[str, ...]
    surprise: Floats = field(repr=False)

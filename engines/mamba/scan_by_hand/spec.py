"""What the page "Scan by hand" can ask for, and what it is told. Imports no torch.

Sizes: L steps, N numbers of state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Params, Range, Switch, looked, setting
from engines.core.protocol import Frame
from engines.mamba.rules import EULER, RULES

Floats = npt.NDArray[np.float64]

LENGTH = 48  #: steps
LOUDEST = 2.0  #: that the hand draws
PULSES, STEP, WAVE, NOISE = "Pulses", "Jump", "Wave", "Random"
SHAPES = (PULSES, STEP, WAVE, NOISE)
INPUT, CHANNEL, SELECTS = "Input", "The channel", "From the input"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: its attention has weights of any sign, whose rows don't sum to 1: that is shown


@dataclass(frozen=True)
class HandParams(Params):
    """Settings of the page.

    Attributes without a control
    ----------------------------
    values : tuple of float
        The input as it was drawn; empty for the shape as it is.
    at : int
        The step that is looked at, counted from 0; −1 for none.
    """

    values: tuple[float, ...] = setting(())
    at: int = looked(-1, asked=False)
    shape: str = setting(
        PULSES, Choice(SHAPES, "Shape", group=INPUT, tip="What goes in before it is drawn. Another one wipes it.")
    )
    rule: str = setting(
        EULER,
        Choice(RULES, "Discretization", group=CHANNEL, tip="How h' = A h + B u becomes steps. Real code: exp(Δ A) and "
               "Δ B. (Gu and Dao 2023, eq. 4)"),
    )  # fmt: skip
    state: int = setting(
        4, Range(1, 8, 1, "Numbers of state N", group=CHANNEL, tip="The n-th decays n times as fast as the first.")
    )
    delta: float = setting(
        0.2,
        Range(0.001, 10, 0.001, "Step size Δ", log=True, group=CHANNEL, decimals=3, tip="Large: forget, and write what "
              "comes. Small: go on as before."),
    )  # fmt: skip
    rate: float = setting(
        1.0, Range(0.05, 4, 0.05, "Decay −A", group=CHANNEL, tip="Of the first number of state, per unit of time.")
    )
    write: float = setting(1.0, Range(-2, 2, 0.05, "B", group=CHANNEL, tip="How the input is written into the state."))
    read: float = setting(1.0, Range(-2, 2, 0.05, "C", group=CHANNEL, tip="How the state is read."))
    select_delta: bool = setting(
        False, Switch("Δ from the input", group=SELECTS, tip="Δ = softplus(s u + b); b gives the Δ above at u = 0.")
    )
    slope: float = setting(
        2.0, Range(-8, 8, 0.1, "Slope s", group=SELECTS, tip="How strongly the input opens or closes the gate.")
    )
    select_B: bool = setting(False, Switch("B from the input", group=SELECTS, tip="B times u: the input says itself "
                                           "how it is written."))  # fmt: skip
    select_C: bool = setting(False, Switch("C from the input", group=SELECTS, tip="C times u: the input says itself "
                                           "how the state is read."))  # fmt: skip

    def following(self, before: Self) -> Self:
        """What was drawn goes with the shape; as many steps as there are, within what can be drawn."""
        if self.shape != before.shape:
            return replace(self, values=())
        if self.values and len(self.values) != LENGTH:
            return replace(self, values=())
        return self

    @property
    def is_gate(self) -> bool:
        """Whether Theorem 1 speaks of these settings: one number of state, A = −1, B = 1."""
        return self.state == 1 and math.isclose(self.rate, 1) and math.isclose(self.write, 1) and not self.select_B

    @property
    def selects(self) -> bool:
        """Whether anything hangs on the input, so that no convolution does the same."""
        return self.select_delta or self.select_B or self.select_C


@dataclass(frozen=True, eq=False)
class HandFrame(Frame):
    """One channel and all that is computed of it.

    Attributes
    ----------
    u, delta, y : ndarray (L,)
    decay, gain, states : ndarray (N, L)
    C : ndarray (N, L)
        How the state is read at each step.
    attention : ndarray (L, L)
        To, from; 0 above the diagonal. By the rule in force.
    by_convolution : ndarray (L,)
        Empty where the channel selects.
    by_attention, by_scan : ndarray (L,)
        y once more: the matrix times u, and by the parallel scan.
    kernel : ndarray (L,)
        The answer to one pulse; empty where the channel selects.
    rules : ndarray (3, L)
        y by each of `engines.mamba.rules.RULES`.
    gate : ndarray (3, L)
        The state by each rule where `HandParams.is_gate`; else empty.
    gated : ndarray (L,)
        What the theorem says it is; else empty.
    """

    u: Floats = field(repr=False)
    delta: Floats = field(repr=False)
    y: Floats = field(repr=False)
    decay: Floats = field(repr=False)
    gain: Floats = field(repr=False)
    states: Floats = field(repr=False)
    C: Floats = field(repr=False)
    attention: Floats = field(repr=False)
    by_convolution: Floats = field(repr=False)
    by_attention: Floats = field(repr=False)
    by_scan: Floats = field(repr=False)
    kernel: Floats = field(repr=False)
    rules: Floats = field(repr=False)
    gate: Floats = field(repr=False)
    gated: Floats = field(repr=False)

"""What the page "Memory and time" can ask for, and what it is told. Imports no torch.

Sizes: M lengths.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Params, Range, drawn, looked, setting
from engines.core.protocol import Frame

Floats = npt.NDArray[np.float64]

ATTENTION, RECURRENCE, SCAN = "Attention", "Recurrence, step by step", "Scan"
KINDS = (ATTENTION, RECURRENCE, SCAN)
HELD = ("KV cache of attention", "State of Mamba", "Attention weights, if kept")
SHORTEST, LONGEST = 64, 16384
KERNEL, HEAD, BYTES = 4, 64, 4  #: steps of the convolution, channels of a head, bytes of a number
LAYER = "One layer"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: nobody attends here; the contract of attention weights has nothing to check


@dataclass(frozen=True)
class CostParams(Params):
    """Settings of the page.

    Attributes without a control
    ----------------------------
    measure : bool
        Measure, too.
    """

    measure: bool = looked(False, passing=True)
    length: int = drawn(
        1024,
        Range(SHORTEST, LONGEST, 1, "Length", log=True, group=LAYER, tip="Where the curves are read for the table."),
    )
    channels: int = setting(
        128, Range(64, 1536, 64, "Channels", log=True, group=LAYER, tip="Inside of the layer; attention has heads of "
                   "64. Mamba 130M has 1,536."),
    )  # fmt: skip
    state: int = setting(16, Range(1, 64, 1, "Numbers of state N", log=True, group=LAYER, tip="For each channel."))

    def following(self, before: Self) -> Self:
        """Channels in whole heads; another layer ends a measurement."""
        new = self if self.channels % HEAD == 0 else replace(self, channels=max(HEAD, self.channels // HEAD * HEAD))
        same = (new.channels, new.state) == (before.channels, before.state)
        return new if same else replace(new, measure=False)


@dataclass(frozen=True, eq=False)
class CostFrame(Frame):
    """What is held in memory after so many tokens, by formula.

    Attributes
    ----------
    channels, state : int
    lengths : ndarray (M,)
    held : ndarray (3, M)
        Bytes, of each of `HELD`.
    """

    channels: int
    state: int
    lengths: Floats = field(repr=False)
    held: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class MeasuredFrame(Frame):
    """Seconds measured so far, at rising lengths; 0 where not measured.

    Attributes
    ----------
    channels, state : int
    device : str
    lengths : ndarray (M,)
    seconds : ndarray (3, M)
        A whole sequence, by each of `KINDS`: the least of a few runs.
    more : ndarray (2, M)
        One token more after so many: attention over its cache, and one step of the recurrence.
    done : bool
        All lengths are measured.
    """

    channels: int
    state: int
    device: str
    lengths: Floats = field(repr=False)
    seconds: Floats = field(repr=False)
    more: Floats = field(repr=False)
    done: bool


def held(lengths: Floats, channels: int, state: int) -> Floats:
    """Bytes (3, M) of each of `HELD` after lengths (M,)."""
    cache = 2.0 * BYTES * channels * lengths
    kept = np.full_like(lengths, float(BYTES * channels * (state + KERNEL - 1)))
    weights = BYTES * (channels // HEAD) * lengths**2
    return np.stack([cache, kept, weights])

"""What the page "Reach" is made of and what its run tells. Imports no torch.

`engines.large_kernel.reach.training.Trainer` is the guest of the lane: `ReachBegan` once a run, then for each step a
`ReachStep`, and now and then a `PlaceAccuracy`. N nets: those of `NETS`, then the one of the settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engines.core.params import Choice, Range, Switch, drawn, setting
from engines.core.protocol import Record
from engines.core.training import Stepped, TrainingParams

SIDE = 24  #: cells of a field
MIDDLE = (12, 12)  #: the place whose own field is looked at
STEPS = 250
NETS = ((11, 2), (21, 1), (3, 12))  #: side of the kernels, layers
TASK, OWN, DRAW = "Task", "The fourth net", "Display"
ACCURACY, FIELD = "Accuracy", "Field"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: accuracies are shown; the contract of attention weights has nothing to check


def reach(kernel: int, layers: int) -> int:
    """How many cells further on a place sees through so many kernels, one after the other."""
    return layers * (kernel // 2)


@dataclass(frozen=True)
class ReachParams(TrainingParams):
    """Settings of the page."""

    offset: int = setting(
        10, Range(1, 12, 1, "Offset", group=TASK, tip="How many places further right a place finds its answer.")
    )
    torus: bool = setting(
        True,
        Switch(
            "Torus", group=TASK, tip="Beyond the right edge the field begins again at the left one. Off: zeros, and "
            "the last places can only guess.",
        ),
    )  # fmt: skip
    kernel: int = setting(
        9, Range(3, 31, 2, "Kernel", group=OWN, tip="Side of its kernels, each over one channel. (Ding 2022)")
    )
    layers: int = setting(2, Range(1, 12, 1, "Layers", group=OWN, tip="How many kernels follow one another."))
    skip: bool = setting(
        False,
        Switch("Skip connections", group=OWN, tip="Adds to what a layer says what it was given. (He 2016)"),
    )
    shown: str = drawn(
        ACCURACY,
        Choice(
            (ACCURACY, FIELD),
            "Shown",
            group=DRAW,
            tip="How often each place is right, or what the place in the middle answers to: squared gradients. "
            "(Luo 2016)",
        ),
    )
    seed: int = setting(
        0, Range(0, 999, 1, "Seed", group=TASK, tip="Of the weights at the start and of the fields that are drawn.")
    )

    def following(self, before: Self) -> Self:
        """A kernel has a middle."""
        return self if self.kernel % 2 else replace(self, kernel=self.kernel + 1)


@dataclass(frozen=True, eq=False)
class ReachBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    offset : int
    nets : tuple of (int, int)
        Side of the kernels and layers of each net, N.
    visible : ndarray of bool (N, side, side)
        Which places have their answer within the field of the net.
    predicted : tuple of float
        The accuracy of a net that says what it can see and guesses the rest.
    law : tuple of float
        Radius of each net's field at the start, in cells, by `engines.large_kernel.law`.
    """

    offset: int
    nets: tuple[tuple[int, int], ...]
    visible: npt.NDArray[np.bool_] = field(repr=False)
    predicted: tuple[float, ...]
    law: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ReachStep(Stepped):
    """One step of all nets.

    Attributes
    ----------
    losses : tuple of float
        Cross-entropy of each net, N.
    """

    losses: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class PlaceAccuracy(Record):
    """How often each place says its answer, on fields that were not trained on.

    Attributes
    ----------
    step : int
    accuracy : ndarray (N, side, side)
        Share of the fields.
    fields : ndarray (N, side, side)
        What the answer of the place in the middle hangs on: the share of each place; sums to 1, exactly 0 beyond the
        reach.
    """

    step: int
    accuracy: npt.NDArray[np.float32] = field(repr=False)
    fields: npt.NDArray[np.float32] = field(repr=False)

    def measures(self) -> dict[str, float]:
        """Mean over all places, of the three nets that are always there and of the fourth."""
        names = [*(f"{side} × {side}, {layers} layers" for side, layers in NETS), "fourth net"]
        return {f"accuracy {name}": float(one.mean()) for name, one in zip(names, self.accuracy, strict=True)}

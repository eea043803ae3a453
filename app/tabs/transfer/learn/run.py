"""What the run in hand has told so far, in the form the views ask for."""

from __future__ import annotations

import numpy as np

from engines.core.training import Weights
from engines.transfer.events import Ints
from engines.transfer.learn.spec import RunBegan, RunParams, Tested
from engines.transfer.spec import Probe, TransferParams

TESTED_STEPS = (0, 100)  #: ends of an empty plot
SAME = ("folders", "max_per_class", "sample", "model", "side")


class RunState:
    """Curves, predictions and probe of a run, and which of its states is looked at."""

    def __init__(self) -> None:
        self.began: RunBegan | None = None
        self.clear()

    def clear(self) -> None:
        """Another run."""
        self.began = None
        self.steps: list[int] = []
        self._right: list[Ints] = []
        self._newest: Tested | None = None
        self._looked: Weights | None = None
        self.intact = True

    def begin(self, began: RunBegan) -> None:
        """What the run is."""
        self.clear()
        self.began = began

    def add(self, tested: Tested) -> None:
        """All test pictures were classified once more."""
        assert self.began is not None
        if self.steps and tested.step <= self.steps[-1]:
            return
        self.steps.append(tested.step)
        self._right.append((tested.predictions == self.began.truth).sum(1))
        self._newest = tested
        self.intact = self.intact and tested.intact

    def look(self, weights: Weights | None) -> None:
        """Look back at a kept state; None follows the run."""
        self._looked = weights

    # -- asked for
    @property
    def selected(self) -> int | None:
        """The step looked back at."""
        return None if self._looked is None else self._looked.step

    @property
    def methods(self) -> tuple[int, ...]:
        """Those that take part."""
        return () if self.began is None else self.began.methods

    @property
    def names(self) -> tuple[str, ...]:
        """Classes."""
        return () if self.began is None else self.began.names

    @property
    def truth(self) -> Ints | None:
        """Classes of the test pictures."""
        return None if self.began is None else self.began.truth

    @property
    def indices(self) -> Ints | None:
        """The test pictures, rising."""
        return None if self.began is None else self.began.tested

    @property
    def tested(self) -> int:
        """How many test pictures there are."""
        return 0 if self.began is None else len(self.began.truth)

    @property
    def right(self) -> Ints:
        """How many were right, (steps, methods)."""
        return np.array(self._right, np.int64).reshape(len(self._right), -1)

    @property
    def probe(self) -> Probe | None:
        """The probe of the state looked at."""
        if self._looked is not None:
            made = self._looked.made_of
            return made if isinstance(made, Probe) else None
        return None if self._newest is None else self._newest.probe

    def said_of(self, method: int) -> Ints | None:
        """What a method says of each test picture in the state looked at; None if it takes no part."""
        if self._newest is None or method not in self.methods:
            return None
        table = self._newest.predictions if self._looked is None else self._looked.arrays["predictions"]
        said: Ints = table[self.methods.index(method)]
        return said

    def said_at(self, pictures: Ints, method: int) -> Ints:
        """What a method says of pictures, in the state looked at; −1 where it was not asked."""
        said = np.full(len(pictures), -1, np.int64)
        predicted, indices = self.said_of(method), self.indices
        if predicted is None or indices is None:
            return said
        place = np.searchsorted(indices, pictures)
        inside = place < len(indices)
        hit = np.zeros(len(said), bool)
        hit[inside] = indices[place[inside]] == pictures[inside]
        said[hit] = predicted[place[hit]]
        return said

    def right_of(self, method: int) -> int | None:
        """How many of them are right."""
        said = self.said_of(method)
        return None if said is None or self.truth is None else int((said == self.truth).sum())

    def right_at(self, x: float) -> dict[int, int]:
        """How many each method has right at the tested step next below ``x``."""
        at = int(np.searchsorted(self.steps, x, side="right")) - 1
        return dict(zip(self.methods, self._right[at].tolist(), strict=True)) if at >= 0 else {}

    def fits(self, params: TransferParams | RunParams | None) -> bool:
        """Whether the run has learned from the pictures that these settings use."""
        if self.began is None or params is None:
            return False
        return all(getattr(self.began.params, name) == getattr(params, name) for name in SAME)

"""What the page "Static or dynamic" can ask for and is told. Imports no torch.

`engines.gnn.static_or_dynamic.training.Trainer` is the guest of the lane: `LookupBegan` once a run, a `LookupStep` for
each step, and now and then a `LookupSeen`. K keys and as many queries, M nets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from engines.core.params import Range, looked, setting
from engines.core.protocol import Record
from engines.core.training import Stepped, TrainingParams
from engines.gnn.graph import Floats

STEPS: Final = 300
NETS: Final = (("GATv2", 1), ("GAT", 1), ("GAT", 8))  #: layer and heads, M
TASK, SHOWN = "Task", "Display"
WEIGHTS_ARE_SHOWN_AS: Final = ()  #: (heads, K, K) each; see the own tests


@dataclass(frozen=True)
class LookupParams(TrainingParams):
    """Settings of the page."""

    keys: int = setting(
        8, Range(2, 12, 1, "Keys", group=TASK, tip="Words of the dictionary; each query asks for one. (Brody 2022, 4)")
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=TASK, tip="Of the weights at the start and dictionaries."))
    head: int = looked(
        1, Range(1, 8, 1, "Head", group=SHOWN, tip="Of the net with eight heads, whose weights are drawn."), asked=False
    )


@dataclass(frozen=True, eq=False)
class LookupBegan(Record):
    """A run stands at its beginning.

    Attributes
    ----------
    keys : int
        K.
    nets : tuple of (str, int)
        Layer and heads, M.
    """

    keys: int
    nets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class LookupStep(Stepped):
    """One step of all nets.

    Attributes
    ----------
    losses : tuple of float
        Cross-entropy, M.
    """

    losses: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class LookupSeen(Record):
    """How the nets do on dictionaries that were not trained on.

    Attributes
    ----------
    step : int
    accuracy : tuple of float
        Share of the queries answered right, M.
    alike : tuple of float
        Share of dictionaries and heads in which all queries put the same key first, M.
    looked : tuple of ndarray (heads, K, K)
        Weights of queries (rows) on keys, of one dictionary, M.
    """

    step: int
    accuracy: tuple[float, ...]
    alike: tuple[float, ...]
    looked: tuple[Floats, ...] = field(repr=False)

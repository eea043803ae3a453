"""What the page "Learned w" is told by its run, and what it asks for to look back. Imports no torch.

`engines.attention_pooling.learned_w.training.Trainer` is the guest of the lane: `RunBegan` (once a run), `Landscape`
(again when w leaves its range), and for each step a `TrainStep` and a `NowW`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.attention_pooling.points import Floats, Points
from engines.attention_pooling.spec import PoolingParams
from engines.core.params import Params, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped


@dataclass(frozen=True)
class LookBack(Params):
    """A step of a run to look back at: its w is all there is to know.

    Attributes
    ----------
    points : tuple of (x, y) or None
        Those of the run; None: as many as are drawn by default.
    step : int, w : float
    sees_itself : bool
        A training point was among its own keys.
    """

    points: Points | None = setting(None)
    step: int = setting(0)
    w: float = setting(1.0)
    sees_itself: bool = setting(False)


@dataclass(frozen=True, eq=False)
class NowW(Frame):
    """What pooling with the present w looks like.

    Attributes
    ----------
    grid, fit : ndarray float64 (G,)
        Predictions for new queries, from all points.
    weights : ndarray float64 (N, N)
        Of the training points as queries, both sorted by x; a row is 0 if the only point must not see itself.
    """

    step: int
    w: float
    grid: Floats = field(repr=False)
    fit: Floats = field(repr=False)
    weights: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class RunBegan(Record):
    """A training run stands at its beginning.

    Attributes
    ----------
    params : PoolingParams
        What the run is made of.
    w : float
        Where it starts.
    best, least : float
        The w with the least loss if no point sees itself, and that loss.
    first : NowW
        Fit and map before the first step.
    """

    params: PoolingParams = field(repr=False)
    w: float
    best: float
    least: float
    first: NowW = field(repr=False)


@dataclass(frozen=True, eq=False)
class TrainStep(Stepped):
    """One step, or the beginning (step 0).

    Attributes
    ----------
    loss : float
        Sum of squared errors that is trained on.
    held_out : float
        The same if no point sees itself.
    gradient : float
        dL/dw at this w.
    """

    w: float
    loss: float
    held_out: float
    gradient: float


@dataclass(frozen=True, eq=False)
class Landscape(Frame):
    """The loss over w: ndarrays float64 (M,) of w, without seeing itself, and with it."""

    w: Floats = field(repr=False)
    held_out: Floats = field(repr=False)
    seeing: Floats = field(repr=False)

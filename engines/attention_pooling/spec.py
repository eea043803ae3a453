"""What the tab "Attention pooling" can ask for and what it is told. Imports no torch.

`PoolingParams` serve two engines. `engines.attention_pooling.engine.Engine` answers the page "Kernel regression":
`Pooled`, then `LeaveOneOut`; with ``look`` set only `NowW`, for looking back at a training run.
`engines.attention_pooling.training.Trainer` is the guest of the lane behind "Learned w": `RunBegan` (once a run),
`Landscape` (again when w leaves its range), and for each step a `TrainStep` and a `NowW`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.attention_pooling.points import MOST, SPAN, Floats, Points, generate, parse, truth
from engines.core.params import Choice, Range, Switch, setting
from engines.core.protocol import Frame, Record
from engines.core.training import Stepped, TrainingParams

__all__ = [
    "KERNELS",
    "MOST",
    "MOST_STEPS",
    "OPTIMIZERS",
    "SPAN",
    "Landscape",
    "LeaveOneOut",
    "NowW",
    "Points",
    "PooledFrame",
    "PoolingParams",
    "RunBegan",
    "TrainStep",
    "generate",
    "parse",
    "points_of",
    "run_params",
    "same_pooling",
    "truth",
]

KERNELS = ("Gaussian", "Boxcar", "Epanechnikov", "Triangular", "Constant")
SGD, MOMENTUM, ADAM = "SGD", "Momentum", "Adam"
OPTIMIZERS = (SGD, MOMENTUM, ADAM)
MOST_STEPS = 5000  #: steps of a training run
KERNEL, DATA, AT_ONCE, NEW_RUN = "Kernel", "Data", "Changes at once", "Starts a new run"


@dataclass(frozen=True)
class PoolingParams(TrainingParams):
    """Settings of the tab, and of its training run.

    Attributes without a slider
    ---------------------------
    points : tuple of (x, y) or None
        Own points; None: drawn from ``samples``, ``noise`` and ``seed``.
    known : bool
        The points lie around the curve 2 sin x + x^0.8, which is then drawn; False for pasted ones.
    query : float
        Where the page "Kernel regression" asks.
    look : (int, float) or None
        A step and its w to look back at.
    """

    points: Points | None = None
    known: bool = True
    query: float = 2.5
    look: tuple[int, float] | None = None

    kernel: str = setting(
        "Gaussian",
        Choice(
            KERNELS,
            "Kernel",
            group=KERNEL,
            tip="How weight falls with distance. Constant gives all keys the same weight: average pooling. "
            "(Nadaraya 1964, Watson 1964)",
        ),
    )
    bandwidth: float = setting(
        1.0,
        Range(
            0.05,
            100,
            0.01,
            "Bandwidth",
            log=True,
            group=KERNEL,
            tip="Width h of the kernel, in the unit of x: u = (query − key) / h. Small: only the nearest points count; "
            "large: the mean of all.",
        ),
    )
    all_kernels: bool = setting(
        False, Switch("Overlay all kernels", group=KERNEL, tip="The fitted curves of all five at this bandwidth.")
    )
    samples: int = setting(
        50, Range(1, MOST, 1, "Sample size", log=True, group=DATA, tip="Points to draw. x is uniform in [0, 5).")
    )
    noise: float = setting(
        0.5, Range(0, 2, 0.05, "Noise", group=DATA, tip="Standard deviation of the noise: y = 2 sin x + x^0.8 + noise.")
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=DATA, tip="Another seed draws other points."))

    learning_rate: float = setting(
        0.5,
        Range(
            0.001,
            10,
            0.001,
            "Learning rate",
            log=True,
            live=True,
            group=AT_ONCE,
            tip="Factor on the gradient of L(w) = Σ (y − ŷ)². The usual recipe, 0.5 for 5 steps, overshoots with "
            "most seeds.",
        ),
    )
    optimizer: str = setting(
        SGD,
        Choice(
            OPTIMIZERS,
            "Optimizer",
            live=True,
            group=AT_ONCE,
            tip="SGD: w − rate × gradient. Momentum keeps 0.9 of the last move. Adam scales by recent gradients. "
            "(Kingma & Ba 2015)",
        ),
    )
    pace: int = setting(
        5, Range(1, 50, 1, "Steps per second", log=True, live=True, group=AT_ONCE, tip="Slow enough to watch w move.")
    )
    sees_itself: bool = setting(
        False,
        Switch(
            "A point may see itself",
            group=NEW_RUN,
            tip="On: each training point is among its own keys, so looking only at itself is always best and w runs "
            "away.",
        ),
    )
    start_seed: int = setting(
        0,
        Range(0, 999, 1, "Seed of the start", group=NEW_RUN, tip="w starts at a random number in [0, 1)."),
    )


def points_of(params: PoolingParams) -> Points:
    """The points that the settings stand for."""
    if params.points is not None:
        return params.points
    return generate(params.samples, params.noise, params.seed)


#: Fields that a training run is made of.
OF_RUN = ("points", "known", "learning_rate", "optimizer", "sees_itself", "start_seed")


def run_params(params: PoolingParams) -> PoolingParams:
    """What a training run is made of: its points and the fields of the page "Learned w", all others untouched."""
    return PoolingParams(**of_run(vars(replace(params, points=points_of(params)))))


def of_run(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a run among others."""
    return {name: found[name] for name in OF_RUN}


def same_pooling(a: PoolingParams, b: PoolingParams) -> bool:
    """Whether the page "Kernel regression" looks the same."""
    names = ("points", "known", "query", "kernel", "bandwidth", "all_kernels", "samples", "noise", "seed")
    return all(getattr(a, name) == getattr(b, name) for name in names)


@dataclass(frozen=True, eq=False)
class PooledFrame(Frame):
    """Kernel regression at one query, along a grid and as a map.

    Sizes: N points, G places of the grid, Q queries of the map.

    Attributes
    ----------
    points : tuple of (x, y)
        What was pooled.
    order : ndarray int64 (N,)
        Sorts the points by x.
    kernel : str
    bandwidth, query, output : float
        ``output`` is 0 if the window is empty.
    empty : bool
        No key is in the query's window.
    entropy : float
        Of the query's weights, in bit.
    query_weights : ndarray float64 (N,)
        In the order of ``points``; sums to 1, or to 0 in an empty window.
    grid, fit : ndarray float64 (G,)
    filled : ndarray bool (G,)
        Where the window is not empty; ``fit`` is 0 elsewhere, which is to be drawn as a gap.
    fits : ndarray float64 (5, G), fits_filled : ndarray bool (5, G)
        Of all kernels, in the order of ``KERNELS``; empty unless asked for.
    queries : ndarray float64 (Q,)
        Rows of the map.
    weights : ndarray float64 (Q, N)
        Columns sorted by x; rows sum to 1 (to 0 where the window is empty).
    """

    points: Points = field(repr=False)
    order: npt.NDArray[np.int64] = field(repr=False)
    kernel: str
    bandwidth: float
    query: float
    output: float
    empty: bool
    entropy: float
    query_weights: Floats = field(repr=False)
    grid: Floats = field(repr=False)
    fit: Floats = field(repr=False)
    filled: npt.NDArray[np.bool_] = field(repr=False)
    fits: Floats = field(repr=False)
    fits_filled: npt.NDArray[np.bool_] = field(repr=False)
    queries: Floats = field(repr=False)
    weights: Floats = field(repr=False)


@dataclass(frozen=True, eq=False)
class LeaveOneOut(Frame):
    """Error of predicting each point from the others, over the bandwidth.

    Attributes
    ----------
    bandwidths, errors : ndarray float64 (B,)
        Mean squared error.
    lonely : ndarray int64 (B,)
        Points without a neighbor; where it is not 0 the error says little and is to be drawn as a gap.
    bandwidth, error : float, alone : int
        The same at the present bandwidth.
    best, least : float
        Bandwidth with the least error among those where no point is lonely, and that error; both 0 if there is none.
    """

    bandwidths: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    lonely: npt.NDArray[np.int64] = field(repr=False)
    bandwidth: float
    error: float
    alone: int
    best: float
    least: float


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

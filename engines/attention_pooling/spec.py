"""What both pages of the tab "Attention pooling" can ask for: they share their points. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from engines.attention_pooling.points import MOST, SPAN, Points, generate, parse, truth
from engines.core.params import Choice, Range, Switch, setting, with_role
from engines.core.training import TrainingParams

__all__ = [
    "KERNELS",
    "MOST",
    "MOST_STEPS",
    "OPTIMIZERS",
    "SPAN",
    "Points",
    "PoolingParams",
    "generate",
    "parse",
    "points_of",
    "run_params",
    "truth",
]

KERNELS = ("Gaussian", "Boxcar", "Epanechnikov", "Triangular", "Constant")
SGD, MOMENTUM, ADAM = "SGD", "Momentum", "Adam"
OPTIMIZERS = (SGD, MOMENTUM, ADAM)
MOST_STEPS = 5000  #: steps of a training run
DRAWN = ("samples", "noise", "seed")  # what drawn points are made of
KERNEL, DATA, AT_ONCE, NEW_RUN = "Kernel", "Data", "Applies immediately", "Requires a new run"


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
    """

    points: Points | None = setting(None, changes_model=True)
    known: bool = setting(True)
    query: float = setting(2.5)

    kernel: str = setting(
        "Gaussian",
        Choice(
            KERNELS,
            "Kernel",
            group=KERNEL,
            tip="How the weight decays with distance. Constant weighs all keys equally: average pooling. (Nadaraya "
            "1964, Watson 1964)",
        ),
        changes_model=True,
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
            tip="Width h of the kernel, in units of x: u = (query − key) / h. Small: only the nearest points "
            "count; large: the mean of all.",
        ),
        changes_model=True,
    )
    all_kernels: bool = setting(
        False, Switch("Overlay all kernels", group=KERNEL, tip="The fits of all five kernels at this bandwidth.")
    )
    samples: int = setting(
        50, Range(1, MOST, 1, "Sample size", log=True, group=DATA, tip="Number of points; x is uniform on [0, 5).")
    )
    noise: float = setting(
        0.5, Range(0, 2, 0.05, "Noise", group=DATA, tip="Standard deviation of the noise: y = 2 sin x + x^0.8 + noise.")
    )
    seed: int = setting(0, Range(0, 999, 1, "Seed", group=DATA, tip="Another seed samples other points."))

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
            tip="SGD: w − learning rate × gradient. Momentum keeps 0.9 of the last update. Adam scales by recent "
            "gradients. (Kingma & Ba 2015)",
        ),
    )
    pace: int = setting(
        5, Range(1, 50, 1, "Steps per second", log=True, live=True, group=AT_ONCE, tip="Slow enough to watch w move.")
    )
    sees_itself: bool = setting(
        False,
        Switch(
            "Include the point itself",
            group=NEW_RUN,
            tip="On: each training point is among its own keys, so attending only to itself is optimal and w diverges.",
        ),
    )
    start_seed: int = setting(
        0,
        Range(0, 999, 1, "Seed of the initial w", group=NEW_RUN, tip="w is initialized uniformly on [0, 1)."),
    )

    def following(self, before: Self) -> Self:
        """Sliders of the data draw new points; the query goes where the points are."""
        new = self
        if self.points == before.points and any(getattr(self, name) != getattr(before, name) for name in DRAWN):
            new = replace(self, points=None, known=True)
        if new.query == before.query and points_of(new) != points_of(before):
            x = [point[0] for point in points_of(new)]
            if not min(x) <= new.query <= max(x):
                new = replace(new, query=(min(x) + max(x)) / 2)
        return new

    def changes(self) -> int:
        """Kernel, bandwidth, and the points as one."""
        plain = PoolingParams()
        return sum(getattr(self, n) != getattr(plain, n) for n in with_role(self, "changes_model", True))

    def untouched(self) -> Self:
        """Drawn points, and the query of the first start where they reach it no more."""
        new = replace(super().untouched(), known=True)
        x = [point[0] for point in points_of(new)]
        return new if min(x) <= new.query <= max(x) else replace(new, query=PoolingParams().query)


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

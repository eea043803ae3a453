"""Answers the page "Kernel regression"; all of it takes a millisecond or two at the default size.

Runs on the CPU in double precision whatever the device: a few thousand numbers are not worth the way to another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engines.attention_pooling.model import (
    KERNELS,
    kernel_weights,
    leave_one_out,
    nadaraya_watson,
    others,
)
from engines.attention_pooling.points import Floats, Points
from engines.attention_pooling.spec import LeaveOneOut, NowW, PooledFrame, PoolingParams, points_of
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job, Progress

GRID, ROWS, CURVE = 241, 32, 61  # places of the fitted curve, queries of the map, bandwidths of the error curve
PIECE = 4  # bandwidths between two places to stop
BANDWIDTHS = (0.05, 100.0)


class Engine:
    """See `engines.attention_pooling.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._curve: tuple[object, tuple[Floats, Floats, np.ndarray]] | None = None

    def run(self, job: Job[PoolingParams]) -> Iterator[Event]:
        """Pool the points as ``job.params`` ask for."""
        params = job.params
        points = points_of(params)
        x, y = columns(points)
        if params.look is not None:
            yield now_w(params.look[0], params.look[1], x, y, params.sees_itself)
            return
        yield pooled(params, points, x, y)
        key = (points, params.kernel)
        if self._curve is None or self._curve[0] != key:
            bandwidths = np.geomspace(*BANDWIDTHS, CURVE)
            errors, alone = np.zeros(CURVE), np.zeros(CURVE, np.int64)
            for start in range(0, CURVE, PIECE):
                if start and len(points) > 100:
                    yield Progress(start, CURVE, Message("Leaving each point out"))
                for i in range(start, min(CURVE, start + PIECE)):
                    errors[i], alone[i] = left_out(x, y, params.kernel, float(bandwidths[i]))
            self._curve = key, (bandwidths, errors, alone)
        bandwidths, errors, alone = self._curve[1]
        error, now_alone = left_out(x, y, params.kernel, params.bandwidth)
        whole = np.flatnonzero(alone == 0)
        at = int(whole[errors[whole].argmin()]) if len(whole) else -1
        best, least = (float(bandwidths[at]), float(errors[at])) if at >= 0 else (0.0, 0.0)
        yield LeaveOneOut(bandwidths, errors, alone, params.bandwidth, error, now_alone, best, least)


def columns(points: Points) -> tuple[Tensor, Tensor]:
    """Points as keys and values, float64 (N,) each.

    Raises
    ------
    LabError
        There is no point, or one is not a finite number.
    """
    if not points:
        raise LabError("There is no point to attend to.")
    x, y = torch.tensor(points, dtype=torch.float64).unbind(1)
    if not bool(torch.isfinite(x).all() and torch.isfinite(y).all()):
        raise LabError("A point is not a finite number.")
    return x, y


@torch.no_grad()
def pooled(params: PoolingParams, points: Points, x: Tensor, y: Tensor) -> PooledFrame:
    """Everything on the page but the error curve."""
    kernel, bandwidth = params.kernel.lower(), params.bandwidth
    query = torch.tensor([params.query], dtype=torch.float64)
    output, at_query = nadaraya_watson(query, x, y, kernel, bandwidth)  # (1,), (1, N)
    grid, rows = span(x, GRID), span(x, ROWS)
    fit, along = nadaraya_watson(grid, x, y, kernel, bandwidth)  # (G,), (G, N)
    order = x.argsort(stable=True)
    _, weights = nadaraya_watson(rows, x[order], y[order], kernel, bandwidth)  # (Q, N)
    fits, filled = np.zeros((0, GRID)), np.zeros((0, GRID), bool)
    if params.all_kernels:
        each = [nadaraya_watson(grid, x, y, one, bandwidth) for one in KERNELS]
        fits = torch.stack([one for one, _ in each]).numpy()
        filled = torch.stack([w.sum(-1) > 0 for _, w in each]).numpy()
    shares = at_query[0]
    return PooledFrame(
        points=points,
        order=order.numpy(),
        kernel=params.kernel,
        bandwidth=bandwidth,
        query=params.query,
        output=float(output[0]),
        empty=bool(shares.sum() == 0),
        entropy=float(torch.special.entr(shares).sum()) / math.log(2),
        query_weights=shares.numpy(),
        grid=grid.numpy(),
        fit=fit.numpy(),
        filled=(along.sum(-1) > 0).numpy(),
        fits=fits,
        fits_filled=filled,
        queries=rows.numpy(),
        weights=weights.numpy(),
    )


@torch.no_grad()
def left_out(x: Tensor, y: Tensor, kernel: str, bandwidth: float) -> tuple[float, int]:
    """Leave-one-out error, and how many points have no neighbor."""
    return leave_one_out(x, y, kernel.lower(), bandwidth)


@torch.no_grad()
def now_w(step: int, w: float, x: Tensor, y: Tensor, sees_itself: bool) -> NowW:
    """The fit and the map of a learned w. Its kernel is the Gaussian of bandwidth 1/|w|; w = 0 gives the mean."""
    order = x.argsort(stable=True)
    x, y = x[order], y[order]
    grid = span(x, GRID)
    fit = weights_of_w(grid[:, None] - x[None], w) @ y  # (G,)
    may = None if sees_itself else others(len(x))
    return NowW(step, w, grid.numpy(), fit.numpy(), weights_of_w(x[:, None] - x[None], w, may).numpy())


def weights_of_w(distance: Tensor, w: float, may_attend: Tensor | None = None) -> Tensor:
    """Weights (Q, N) of `ParametricPooling` without its module."""
    if w == 0:
        return kernel_weights(distance, "constant", 1.0, may_attend)
    return kernel_weights(distance, "gaussian", 1 / abs(w), may_attend)


def span(x: Tensor, count: int) -> Tensor:
    """Evenly spaced queries from the first to the last key; around it if there is only one place."""
    low, high = float(x.min()), float(x.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return torch.linspace(low, high, count, dtype=torch.float64)

"""Answers the page "Kernel regression"; all of it takes a millisecond or two at the default size."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engines.attention_pooling.curves import GRID, columns, span
from engines.attention_pooling.kernel_regression.spec import LeaveOneOut, PooledFrame
from engines.attention_pooling.model import KERNELS, leave_one_out, nadaraya_watson
from engines.attention_pooling.points import Floats, Points
from engines.attention_pooling.spec import PoolingParams, points_of
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress

ROWS, CURVE = 32, 61  # queries of the map, bandwidths of the error curve
PIECE = 4  # bandwidths between two places to stop
BANDWIDTHS = (0.05, 100.0)


class Engine:
    """Yields a `PooledFrame`, then a `LeaveOneOut`."""

    def __init__(self) -> None:
        self._curve: tuple[object, tuple[Floats, Floats, np.ndarray]] | None = None

    def run(self, job: Job[PoolingParams]) -> Iterator[Event]:
        """Pool the points as ``job.params`` ask for."""
        params = job.params
        points = points_of(params)
        x, y = columns(points)
        yield pooled(params, points, x, y)
        key = (points, params.kernel)
        if self._curve is None or self._curve[0] != key:
            bandwidths = np.geomspace(*BANDWIDTHS, CURVE)
            errors, alone = np.zeros(CURVE), np.zeros(CURVE, np.int64)
            for start in range(0, CURVE, PIECE):
                if start and len(points) > 100:
                    yield Progress(start, CURVE, Message("Computing the leave-one-out error"))
                for i in range(start, min(CURVE, start + PIECE)):
                    errors[i], alone[i] = left_out(x, y, params.kernel, float(bandwidths[i]))
            self._curve = key, (bandwidths, errors, alone)
        bandwidths, errors, alone = self._curve[1]
        error, now_alone = left_out(x, y, params.kernel, params.bandwidth)
        whole = np.flatnonzero(alone == 0)
        at = int(whole[errors[whole].argmin()]) if len(whole) else -1
        best, least = (float(bandwidths[at]), float(errors[at])) if at >= 0 else (0.0, 0.0)
        yield LeaveOneOut(bandwidths, errors, alone, params.bandwidth, error, now_alone, best, least)


@torch.no_grad()
def pooled(params: PoolingParams, points: Points, x: Tensor, y: Tensor) -> PooledFrame:
    """Everything on the page but the error curve, from keys x (N,) and values y (N,)."""
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
    """Leave-one-out error of x (N,), y (N,), and how many points have no neighbor."""
    return leave_one_out(x, y, kernel.lower(), bandwidth)

"""Draws any step of a run again, for looking back at it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from engines.attention_pooling.curves import GRID, columns, span
from engines.attention_pooling.learned_w.spec import LookBack, NowW
from engines.attention_pooling.model import kernel_weights, others
from engines.attention_pooling.spec import PoolingParams, points_of
from engines.core.protocol import Event, Job


class Engine:
    """Yields one `NowW`."""

    def run(self, job: Job[LookBack]) -> Iterator[Event]:
        """Pool the points of the run with the w of the step."""
        asked = job.params
        x, y = columns(asked.points if asked.points is not None else points_of(PoolingParams()))
        yield now_w(asked.step, asked.w, x, y, asked.sees_itself)


@torch.no_grad()
def now_w(step: int, w: float, x: Tensor, y: Tensor, sees_itself: bool) -> NowW:
    """The fit and the map of a learned w on x (N,), y (N,).

    The kernel is the Gaussian of bandwidth 1/|w|; w = 0: the mean.
    """
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

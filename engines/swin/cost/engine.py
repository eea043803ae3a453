"""Answers the page "Cost": by formula, and timed. Only what is timed runs on the chosen device.

Source: Liu et al. 2021, section 3.2, equations 1 and 2.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.swin.cost.spec import HEAD, KINDS, CostFrame, CostParams, MeasuredFrame

SIDES = np.unique(np.round(np.geomspace(7, 224, 48)))
TIMED = (1, 2, 4, 8, 16)  # windows a side
MOST_TOKENS = 13_000  # that are timed: all to all takes a second of one core
QUERIES = 512  # between two places to stop
RUNS = 3
PATIENCE = 0.5  # seconds; slower kinds are measured no further


class Engine:
    """Yields a `CostFrame`, then what is measured."""

    def run(self, job: Job[CostParams]) -> Iterator[Event]:
        """Compute, and measure if ``job.params`` ask for it."""
        params = job.params
        yield by_formula(params)
        if params.measure:
            yield from measured(params, resolve(job.device))


def by_formula(params: CostParams) -> CostFrame:
    """The curves of the page."""
    tokens = SIDES**2
    return CostFrame(params.window, params.width, tokens, *costs(tokens, params.window, params.width))


def costs(tokens: np.ndarray, window: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Multiply-adds and numbers of the weights, each (2, M), of grids of so many tokens (M,)."""
    linear, heads = 4 * tokens * width**2, width // HEAD
    operations = np.stack([linear + 2 * window**2 * tokens * width, linear + 2 * tokens**2 * width])
    return operations, np.stack([heads * window**2 * tokens, heads * tokens**2])


def measured(params: CostParams, device: torch.device) -> Iterator[Event]:
    """Time both kinds on rising grids; each yield is a place to stop."""
    window, heads = params.window, params.width // HEAD
    sides = [window * count for count in TIMED if (window * count) ** 2 <= MOST_TOKENS]
    tokens = np.array([side**2 for side in sides], float)
    seconds = np.zeros((len(KINDS), len(sides)))
    for j, side in enumerate(sides):
        at = Progress(j, len(sides), Message("Measuring {n} × {n} tokens", {"n": side}))
        yield at
        n = side**2
        q = torch.randn(1, heads, n, HEAD, generator=torch.Generator().manual_seed(n)).to(device)
        windows = q.view(heads, -1, window**2, HEAD).transpose(0, 1).contiguous()  # (W, H, w², 32)
        for i, x in enumerate((windows, q)):
            if not (j and (seconds[i, j - 1] > PATIENCE or not seconds[i, j - 1])):
                seconds[i, j] = yield from timed(x, device, at)
        yield MeasuredFrame(window, params.width, device.type, tokens, seconds.copy(), j + 1 == len(sides))


def timed(x: Tensor, device: torch.device, at: Progress) -> Generator[Event, None, float]:
    """Least seconds of a few runs of attention (W, H, n, 32) on itself, after one that warms up.

    It goes in pieces of queries, so that there is a place to stop after each.
    """
    best = np.inf
    for run in range(RUNS + 1):
        spent = 0.0
        for first in range(0, x.shape[2], QUERIES):
            spent += once(x, first, device)
            yield at
        best = spent if run == 0 else min(best, spent)
        if spent > PATIENCE:
            break
    return float(best)


@torch.inference_mode()
def once(x: Tensor, first: int, device: torch.device) -> float:
    """Seconds that `QUERIES` of the queries x (B, H, N, d) take from the ``first`` on."""
    start = now(device)
    F.scaled_dot_product_attention(x[:, :, first : first + QUERIES], x, x)
    return now(device) - start


def now(device: torch.device) -> float:
    """The clock, once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()

"""Answers the page "Memory and time": by formula, and timed. Only what is timed runs on the chosen device."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.mamba.memory_and_time.spec import (
    HEAD,
    KINDS,
    LONGEST,
    SHORTEST,
    CostFrame,
    CostParams,
    MeasuredFrame,
    held,
)
from engines.mamba.scan import selective_scan

GRID = np.unique(np.round(np.geomspace(SHORTEST, LONGEST, 65))).astype(float)
LENGTHS = tuple(2**e for e in range(6, 15))  # 64 … 16,384
RUNS, PATIENCE = 3, 1.0  # and the seconds after which a kind is measured no further
SLICE = 64  # steps of the recurrence between two places to stop


class Engine:
    """Yields a `CostFrame`, then what is measured."""

    def run(self, job: Job[CostParams]) -> Iterator[Event]:
        """Compute, and measure if ``job.params`` ask for it."""
        params = job.params.following(job.params)
        yield CostFrame(params.channels, params.state, GRID.copy(), held(GRID, params.channels, params.state))
        if params.measure:
            yield from measured(params, resolve(job.device))


Scanned = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]  # u, Δ, A, B, C


def measured(params: CostParams, device: torch.device) -> Iterator[Event]:
    """Time all kinds at rising lengths; each yield is a place to stop."""
    seconds, more = np.zeros((len(KINDS), len(LENGTHS))), np.zeros((2, len(LENGTHS)))
    for j, length in enumerate(LENGTHS):
        at = Progress(j, len(LENGTHS), Message("Measuring at length {n}", {"n": f"{length:,}"}))
        yield at
        q, k, v = attended(params, length, device)
        case = scanned(params, length, device)
        state = case[0].new_zeros(1, params.channels, params.state)
        whole: tuple[Callable[[], object] | None, ...] = (
            partial(F.scaled_dot_product_attention, q, k, v, is_causal=True), None, partial(selective_scan, *case),
        )  # fmt: skip
        for i, work in enumerate(whole):
            if j and (seconds[i, j - 1] > PATIENCE or not seconds[i, j - 1]):
                continue  # too slow already
            timing = by_steps(case, state, device, at) if work is None else best(work, device, at)
            seconds[i, j] = yield from timing
        one: Any = tuple(x[..., :1] if x.dim() == 3 else x for x in case)
        works: tuple[Callable[[], object], ...] = (
            partial(F.scaled_dot_product_attention, q[:, :, -1:], k, v),
            partial(selective_scan, *one, start=state, return_last_state=True),
        )
        for i, step in enumerate(works):
            more[i, j] = yield from best(step, device, at)
        done = j + 1 == len(LENGTHS)
        yield MeasuredFrame(
            params.channels, params.state, device.type, np.array(LENGTHS, float), seconds.copy(), more.copy(), done
        )


def attended(params: CostParams, length: int, device: torch.device) -> Tensor:
    """Queries, keys and values, (3, 1, H, L, 64)."""
    generator = torch.Generator().manual_seed(length)
    made = torch.randn(3, 1, params.channels // HEAD, length, HEAD, generator=generator)
    return made.to(device)


def scanned(params: CostParams, length: int, device: torch.device) -> Scanned:
    """The input and Δ (1, D, L), A (D, N), B and C (1, N, L)."""
    generator = torch.Generator().manual_seed(length)
    u = torch.randn(1, params.channels, length, generator=generator)
    delta = 0.1 * torch.rand(1, params.channels, length, generator=generator)
    A = -torch.arange(1.0, params.state + 1).repeat(params.channels, 1)
    B, C = torch.randn(2, 1, params.state, length, generator=generator)
    return u.to(device), delta.to(device), A.to(device), B.to(device), C.to(device)


def best(work: Callable[[], object], device: torch.device, at: Progress) -> Generator[Event, None, float]:
    """Least seconds of a few runs, after one that warms up."""
    found = np.inf
    for run in range(RUNS + 1):
        spent = timed(work, device)
        found = spent if run == 0 else min(found, spent)
        yield at
        if spent > PATIENCE:
            break
    return float(found)


def by_steps(case: Scanned, state: Tensor, device: torch.device, at: Progress) -> Generator[Event, None, float]:
    """Seconds of the recurrence, token by token from a state (1, D, N), as when a model writes."""
    spent = 0.0
    for begin in range(0, case[0].shape[-1], SLICE):
        start = now(device)
        state = stepped(case, state, begin)
        spent += now(device) - start
        yield at
    return spent


@torch.inference_mode()
def stepped(case: Scanned, state: Tensor, begin: int) -> Tensor:
    """The state (1, D, N) after some steps more."""
    u, delta, A, B, C = case
    for t in range(begin, min(begin + SLICE, u.shape[-1])):
        part = slice(t, t + 1)
        _, state = selective_scan(
            u[..., part], delta[..., part], A, B[..., part], C[..., part], start=state, return_last_state=True
        )
    return state


@torch.inference_mode()
def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that it takes once."""
    start = now(device)
    work()
    return now(device) - start


def now(device: torch.device) -> float:
    """The clock, once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()

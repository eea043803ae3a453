"""Answers the page "Cost": by formula, and timed. Only what is timed runs on the chosen device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.core.device import resolve
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.large_kernel.convolution import depthwise
from engines.large_kernel.cost.spec import KINDS, CostFrame, CostParams, MeasuredFrame

SIDES = np.arange(3, 52, 2)
TIMED = (3, 5, 7, 9, 11, 13, 15, 17, 21, 25, 31, 41, 51)
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
    """The multiply-adds of the page."""
    kernels, places = SIDES.astype(float), float(params.channels * params.side**2)
    operations = np.stack([places * kernels**2, np.full(len(kernels), places * params.channels)])
    return CostFrame(params.channels, params.side, params.training, kernels, operations)


def measured(params: CostParams, device: torch.device) -> Iterator[Event]:
    """Time all kinds on rising kernels; each yield is a place to stop."""
    seconds = np.zeros((len(KINDS), len(TIMED)))
    kernels = np.array(TIMED, float)
    for j, side in enumerate(TIMED):
        at = Progress(j, len(TIMED), Message("Measuring {n} × {n} cells", {"n": side}))
        yield at
        works = prepared(params, side, device)
        for i, work in enumerate(works):
            if j and (seconds[i, j - 1] > PATIENCE or not seconds[i, j - 1]):
                continue  # too slow already
            best = np.inf
            for run in range(RUNS + 1):  # the first one warms up
                spent = timed(work, device)
                best = spent if run == 0 else min(best, spent)
                yield at
                if run and spent > PATIENCE:
                    break
            seconds[i, j] = best
        done = j + 1 == len(TIMED)
        yield MeasuredFrame(params.channels, params.side, params.training, device.type, kernels, seconds.copy(), done)


Work = Callable[[], object]
Way = Callable[[Tensor, Tensor], Tensor]  # x (B, C, h, w), kernel (C, 1, k, k) -> the map


def prepared(params: CostParams, side: int, device: torch.device) -> tuple[Work, ...]:
    """What is to be timed for kernels of a side, for each of `KINDS`."""
    generator = torch.Generator().manual_seed(side)
    x = torch.randn(1, params.channels, params.side, params.side, generator=generator).to(device)
    kernel = torch.randn(params.channels, 1, side, side, generator=generator).to(device)

    def plain(given: Tensor, weights: Tensor) -> Tensor:
        return F.conv2d(given, weights, padding=side // 2, groups=params.channels)

    last = x.to(memory_format=torch.channels_last), kernel.to(memory_format=torch.channels_last)
    given = ((x, kernel), last, (x, kernel), (x, kernel))
    ways: tuple[Way, ...] = (plain, plain, depthwise, by_fft)
    return tuple(
        trained(way, *one) if params.training else inferred(way, *one) for way, one in zip(ways, given, strict=True)
    )


def inferred(way: Way, x: Tensor, kernel: Tensor) -> Work:
    """The map of x (B, C, h, w) and kernel (C, 1, k, k) alone."""

    @torch.inference_mode()
    def work() -> Tensor:
        return way(x, kernel)

    return work


def trained(way: Way, x: Tensor, kernel: Tensor) -> Work:
    """The map of x (B, C, h, w) and kernel (C, 1, k, k), and its gradients to both."""
    x, kernel, after = x.detach().requires_grad_(), kernel.detach().requires_grad_(), torch.ones_like(x)

    def work() -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(x, kernel), (x, kernel), after)

    return work


def by_fft(x: Tensor, kernel: Tensor) -> Tensor:
    """Depthwise convolution as a product of spectra: x (B, C, h, w), kernel (C, 1, k, k) -> (B, C, h, w)."""
    half = kernel.shape[-1] // 2
    size = x.shape[2] + 2 * half, x.shape[3] + 2 * half  # so that nothing wraps around
    spectrum = torch.fft.rfft2(x, size) * torch.fft.rfft2(kernel.flip(2, 3)[:, 0], size)
    whole = torch.fft.irfft2(spectrum, size)
    return whole[..., half : half + x.shape[2], half : half + x.shape[3]]


def timed(work: Work, device: torch.device) -> float:
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

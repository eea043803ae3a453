"""Rows of large kernels: a depthwise 31 × 31 beside torch's default, alone and with both gradients; and the hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.benchmarks.foundation_rows import Drag, drag
from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

if TYPE_CHECKING:
    from torch import Tensor

THREADS = 2
SIZE = (128, 56, 31)  # channels, side of the map, side of the kernel
WITHIN = 1e-4  # of the largest value of the reference


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("large-kernel", "depthwise 31×31 on 128×56×56 beside torch's default", forward, most_ratio=0.10),
        Row("large-kernel-training", "the same with both gradients", training, most_ratio=0.10),
        Row("large-kernel-slider", "a field's place, a merged norm: one move of the hand, p99", slider, most=16),
    ]


def _drawn() -> tuple[Tensor, Tensor, Tensor]:
    """Input, kernel, and the gradient of what comes out."""
    import torch

    torch.set_num_threads(THREADS)
    channels, side, kernel = SIZE
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, channels, side, side, generator=generator)
    return x, torch.randn(channels, 1, kernel, kernel, generator=generator), torch.randn(x.shape, generator=generator)


def _plain(x: Tensor, kernel: Tensor) -> Tensor:
    from torch.nn import functional as F

    return F.conv2d(x, kernel, padding=kernel.shape[-1] // 2, groups=x.shape[1])


def _apart(ours: Tensor, reference: Tensor) -> float:
    return float((ours - reference).abs().max() / reference.abs().max())


def slider(changes: int = 120, warm_up: int = 5) -> Measured:
    """p99 of one move on the pages "Field", in three nets, and "Merge", engines alone; the slowest of the four."""
    import torch

    torch.set_num_threads(1)
    spent = {model or "random kernels": places(model, changes, warm_up) for model in ("", "mini-vit", "mini-swin")}
    spent["merge"] = drag(Drag("engines.large_kernel.merge.engine", "variance", 0.1, 10.0), changes, warm_up)
    found = {name: quantile(times, 0.99) for name, times in spent.items()}
    slowest = max(found, key=lambda name: found[name])
    return Measured(found[slowest], "ms", note=f"slowest: {slowest}", details=found)


def places(model: str, changes: int, warm_up: int) -> list[float]:
    """Milliseconds until the field of another place is there; what it is in other layers comes after."""
    from engines.core.protocol import Job
    from engines.large_kernel.field.engine import Engine
    from engines.large_kernel.field.spec import FieldFrame, FieldParams

    engine, spent = Engine(), []
    for index in range(changes + warm_up):
        params = FieldParams(model=model, at=(0.3 + 0.4 * index / (changes + warm_up), 0.45))
        start = time.perf_counter()
        for event in engine.run(Job(params, lambda: engine, lambda event: None)):
            if isinstance(event, FieldFrame):
                spent.append(1000 * (time.perf_counter() - start))
                break
    return spent[warm_up:]


def forward(repeats: int = 5) -> Measured:
    """The map alone."""
    import torch

    from engines.large_kernel import convolution as home

    x, kernel, _ = _drawn()
    with torch.inference_mode():
        apart = _apart(home.depthwise(x, kernel), _plain(x, kernel))
        spent = interleaved(lambda: home.depthwise(x, kernel), lambda: _plain(x, kernel), repeats=repeats, warm_up=1)
    return versus(*spent, sound=apart <= WITHIN, note=f"apart by at most {apart:.1e} of the largest")


def training(repeats: int = 3) -> Measured:
    """The map, and its gradients to input and kernel."""
    import torch

    from engines.large_kernel import convolution as home

    x, kernel, after = _drawn()
    x, kernel = x.requires_grad_(), kernel.requires_grad_()

    def ours() -> tuple[Tensor, ...]:
        return torch.autograd.grad(home.depthwise(x, kernel), (x, kernel), after)

    def theirs() -> tuple[Tensor, ...]:
        return torch.autograd.grad(_plain(x, kernel), (x, kernel), after)

    apart = max(_apart(a, b) for a, b in zip(ours(), theirs(), strict=True))
    spent = interleaved(ours, theirs, repeats=repeats, warm_up=1)
    return versus(*spent, sound=apart <= WITHIN, note=f"gradients apart by at most {apart:.1e} of the largest")

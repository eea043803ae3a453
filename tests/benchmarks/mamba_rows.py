"""Rows of Mamba: its scan beside transformers' reference and mambapy's parallel scan, with its memory; and sliders."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.foundation_rows import Drag, drag
from tests.benchmarks.table import Measured, Row, interleaved, quantile, versus

if TYPE_CHECKING:
    from torch import Tensor

WITHIN = 1e-4  # of the largest value of the reference
LAYER = (1, 1536, 16, 256)  # sequences, channels, numbers of state, steps: of a layer of Mamba 130M
TRAINING = (8, 128, 16, 1024)
OURS, THEIRS = "ours", "mambapy"


def rows() -> list[Row]:
    """What this topic adds to the table."""
    return [
        Row("mamba-scan", "selective scan, a layer of Mamba 130M, beside transformers' reference", forward,
            most_ratio=0.32),
        Row("mamba-training", "the scan with its gradients beside mambapy's parallel scan", training, most_ratio=0.6),
        Row("mamba-memory", "memory of the same", memory, most_ratio=0.5),
        Row("mamba-slider", "Mamba: Δ by hand, a channel looked at, p99", slider, most=16),
    ]  # fmt: skip


def _drawn(batch: int, channels: int, state: int, length: int) -> list[Tensor]:
    """The input, Δ before softplus, A, B, C, D, z and Δ's bias."""
    import torch

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    A = -torch.arange(1.0, state + 1).repeat(channels, 1)
    u, delta, z = (normal(batch, channels, length) for _ in range(3))
    B, C = (normal(batch, state, length) for _ in range(2))
    return [u, delta - 3, A, B, C, normal(channels), z, normal(channels)]


def _apart(ours: Tensor, reference: Tensor) -> float:
    return float((ours - reference).abs().max() / reference.abs().max())


def forward(repeats: int = 7) -> Measured:
    """Forward alone, one thread."""
    import torch
    from transformers.models.mamba.modeling_mamba import mamba_selective_scan

    from engines.mamba import selective_scan

    u, delta, A, B, C, D, z, bias = _drawn(*LAYER)

    def ours() -> Tensor:
        return selective_scan(u, delta, A, B, C, D, z, bias, True)  # type: ignore[no-any-return]

    def theirs() -> Tensor:
        return mamba_selective_scan(u, delta, A, B, C, D=D, z=z, delta_bias=bias, delta_softplus=True)  # type: ignore[no-any-return]

    with torch.inference_mode():
        apart = _apart(ours(), theirs())
        spent = interleaved(ours, theirs, repeats=repeats, warm_up=1)
    return versus(*spent, sound=apart <= WITHIN, note=f"apart by at most {apart:.1e} of the largest")


def _ours(case: list[Tensor]) -> tuple[Tensor, ...]:
    import torch

    from engines.mamba import selective_scan

    out = selective_scan(*case, True)
    return torch.autograd.grad(out.sum(), case)


def _theirs(case: list[Tensor]) -> tuple[Tensor, ...]:
    """As mambapy's block computes it, around its parallel scan."""
    import torch
    from mambapy.pscan import pscan
    from torch.nn import functional as F

    u, delta, A, B, C, D, z, bias = case
    x, step = u.transpose(1, 2), F.softplus(delta + bias[:, None]).transpose(1, 2)[..., None]
    states = pscan(torch.exp(step * A), step * B.transpose(1, 2)[:, :, None] * x[..., None])
    y = (states @ C.transpose(1, 2)[..., None])[..., 0] + D * x
    return torch.autograd.grad((y * F.silu(z.transpose(1, 2))).sum(), case)


def training(repeats: int = 3) -> Measured:
    """Forward and all gradients, one thread."""
    case = [each.requires_grad_() for each in _drawn(*TRAINING)]
    apart = max(_apart(a, b) for a, b in zip(_ours(case), _theirs(case), strict=True))
    spent = interleaved(lambda: _ours(case), lambda: _theirs(case), repeats=repeats, warm_up=1)
    return versus(*spent, sound=apart <= WITHIN, note=f"gradients apart by at most {apart:.1e} of the largest")


def memory() -> Measured:
    """What one step adds to the largest memory of a process of its own, MB."""
    found = [_grown(which) for which in (OURS, THEIRS)]
    return Measured(found[0], "MB", found[1], note="largest resident memory, a process for each")


def _grown(which: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.mamba_rows", which]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def slider(changes: int = 120, warm_up: int = 5) -> Measured:
    """p99 of Δ on the page "Scan by hand" and of another channel on "Watch", engines alone; the slower of the two."""
    import torch

    torch.set_num_threads(1)
    spent = {
        "scan by hand": drag(Drag("engines.mamba.scan_by_hand.engine", "delta", 0.01, 5.0), changes, warm_up),
        "watch": channels(changes, warm_up),
    }
    found = {name: quantile(times, 0.99) for name, times in spent.items()}
    slowest = max(found, key=lambda name: found[name])
    return Measured(found[slowest], "ms", note=f"slowest: {slowest}", details=found)


def channels(changes: int, warm_up: int) -> list[float]:
    """Milliseconds until another channel is there, every tenth time of another sequence."""
    from engines.core.protocol import Job
    from engines.mamba.watch.engine import Engine
    from engines.mamba.watch.spec import CHANNELS, OfWatch

    engine, spent = Engine(), []
    for index in range(changes + warm_up):
        params = OfWatch(channel=1 + index % CHANNELS, sequence=index // 10)
        began = time.perf_counter()
        for _ in engine.run(Job(params, lambda: engine, lambda event: None)):
            pass
        spent.append(1e3 * (time.perf_counter() - began))
    return spent[warm_up:]


def main(which: str) -> None:
    """Say what one training step adds to the largest memory of this process."""
    small = [each.requires_grad_() for each in _drawn(1, 4, 2, 8)]
    work = _ours if which == OURS else _theirs
    work(small)  # what is imported is here now
    case = [each.requires_grad_() for each in _drawn(*TRAINING)]
    before = _peak()
    work(case)
    print(_peak() - before)


def _peak() -> float:
    """The largest memory of this process, MB; ``ru_maxrss`` would begin with that of the process that started it."""
    line = next(line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1])

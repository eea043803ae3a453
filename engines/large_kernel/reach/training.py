"""Trains nets of depthwise kernels to say what stands some places to the right.

Which can is known beforehand only in part: a place that does not see its answer has to guess. That one that sees it
will say it is what large kernels are about (Ding et al. 2022, "Scaling Up Your Kernels to 31 × 31"): many small
kernels reach as far as few large ones, but hardly anything gets through to the edge of their field (Luo et al. 2016).
The run is a guest of the lane.

Shapes: B fields of side × side cells, C channels, k side of the kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Finished
from engines.data import fields
from engines.large_kernel.convolution import depthwise
from engines.large_kernel.reach.spec import (
    MIDDLE,
    NETS,
    SIDE,
    STEPS,
    PlaceAccuracy,
    ReachBegan,
    ReachParams,
    ReachStep,
    reach,
)
from engines.large_kernel.receptive_field import law, shares

WIDTH, BATCH, HELD_OUT = 24, 16, 16
LOOKED_AT = 3  # fields that the place in the middle is asked about
LOOK_EVERY = 10  # steps between two looks at the accuracy
RATE, WARM = 5e-3, 20  # of Adam, and the steps until it is reached


class KernelNet(nn.Module):
    """Symbols -> layers, each a depthwise kernel and a mixing of channels -> symbols.

    Parameters
    ----------
    kernel, layers : int
    skip : bool
        Each layer adds to what it is given.
    torus : bool
        Fields go on beyond their edges at the other end.
    seed : int
    """

    def __init__(self, kernel: int, layers: int, skip: bool, torus: bool, seed: int) -> None:
        super().__init__()
        self.skip, self.torus = skip, torus
        self.embedding = nn.Embedding(fields.SYMBOLS, WIDTH)
        self.kernels = nn.ParameterList(torch.empty(WIDTH, 1, kernel, kernel) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(layers))
        self.mixes = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(layers))
        self.head = nn.Linear(WIDTH, fields.SYMBOLS)
        generator = torch.Generator().manual_seed(seed)
        for name, p in self.named_parameters():
            if p.dim() == 4:
                nn.init.normal_(p, std=1 / kernel, generator=generator)
            elif p.dim() == 2:
                nn.init.normal_(p, std=1 if "embedding" in name else p.shape[1] ** -0.5, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, symbols: Tensor) -> Tensor:
        """(B, side, side) -> logits (B, side, side, symbols)."""
        return self.answer(self.embedding(symbols))

    def answer(self, x: Tensor) -> Tensor:
        """Embedded symbols (B, side, side, C) -> logits (B, side, side, symbols)."""
        for kernel, norm, mix in zip(self.kernels, self.norms, self.mixes, strict=True):
            seen = depthwise(x.permute(0, 3, 1, 2), kernel, torus=self.torus).permute(0, 2, 3, 1)
            said = F.gelu(mix(norm(seen)))
            x = x + said if self.skip else said
        logits: Tensor = self.head(x)
        return logits


def visible(kernel: int, layers: int, offset: int, torus: bool) -> npt.NDArray[np.bool_]:
    """Which places have their answer within the field of such a net, (side, side)."""
    found = np.zeros((SIDE, SIDE), bool)
    if reach(kernel, layers) >= offset:
        found[:, : SIDE if torus else SIDE - offset] = True
    return found


def began(nets: tuple[tuple[int, int], ...], params: ReachParams) -> ReachBegan:
    """What is known of nets (side of the kernels, layers) before they learn."""
    seen = [visible(*net, params.offset, params.torus) for net in nets]
    predicted = tuple(fields.expected(one) for one in seen)
    return ReachBegan(params.offset, nets, np.stack(seen), predicted, tuple(law(*net) for net in nets))


class KernelRun:
    """One net on its way.

    Parameters
    ----------
    kernel, layers : int
    offset : int
    skip, torus : bool
    seed : int
    """

    def __init__(
        self, kernel: int, layers: int, offset: int, skip: bool = False, torus: bool = True, seed: int = 0
    ) -> None:
        self.net = KernelNet(kernel, layers, skip, torus, seed)
        self._offset = (0, offset)
        self._values = list(self.net.parameters())
        self._adam = Adam(self._values)
        self._generator = torch.Generator().manual_seed(seed + 1)
        self._held_out = fields.draw(HELD_OUT, SIDE, torch.Generator().manual_seed(seed + 2))

    def step(self, number: int, steps: int = STEPS) -> float:
        """One step, counted from 0; returns the loss."""
        drawn = fields.draw(BATCH, SIDE, self._generator)
        logits = self.net(drawn)
        loss = F.cross_entropy(logits.flatten(0, 2), fields.answers(drawn, self._offset).flatten())
        rate = RATE * min(1.0, (number + 1) / WARM) * max(0.02, 1 - number / steps)
        self._adam.step(torch.autograd.grad(loss, self._values), rate)
        return float(loss.detach())

    @torch.no_grad()
    def accuracy(self, fresh: int = 0) -> npt.NDArray[np.float32]:
        """Share of the held-out fields (or of ``fresh`` other ones) that each place is right on, (side, side)."""
        drawn = fields.draw(fresh, SIDE, self._generator) if fresh else self._held_out
        right = self.net(drawn).argmax(-1) == fields.answers(drawn, self._offset)
        found: npt.NDArray[np.float32] = right.float().mean(0).numpy()
        return found

    def field(self) -> npt.NDArray[np.float32]:
        """What the likeliest answer of the place in the middle hangs on, (side, side); see `PlaceAccuracy`."""
        with torch.no_grad():
            x = self.net.embedding(self._held_out[:LOOKED_AT])
        x.requires_grad_(True)
        said = self.net.answer(x)[:, MIDDLE[0], MIDDLE[1]].amax(-1).sum()
        (found,) = torch.autograd.grad(said, x)
        share: npt.NDArray[np.float32] = shares(found.permute(0, 3, 1, 2)).numpy()
        return share


class Trainer:
    """See `engines.large_kernel.reach.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._number = 0
        self._step = 0
        self._runs: list[KernelRun] = []
        self._losses: list[float] = []  # of the step in hand, of the nets that have made it

    def run(self, job: Job[ReachParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self._runs or self._number != params.run:
            self._number, self._step = params.run, 0
            nets = (*NETS, (params.kernel, params.layers))
            skips = (*(False for _ in NETS), params.skip)
            self._runs = [
                KernelRun(*net, params.offset, skip, params.torus, params.seed)
                for net, skip in zip(nets, skips, strict=True)
            ]
            self._losses = []
            yield began(nets, params)
            yield self._look()
        while self._step < min(job.params.until, STEPS):
            while len(self._losses) < len(self._runs):
                if self._losses:
                    yield Progress(self._step, STEPS, Message("Step {n}", {"n": self._step}))  # a place to stop
                self._losses.append(self._runs[len(self._losses)].step(self._step))
            self._step += 1
            losses, self._losses = tuple(self._losses), []
            yield ReachStep(self._step, losses)
            if self._step % LOOK_EVERY == 0 or self._step == job.params.until:  # a run that rests shows its state
                yield self._look()
        if self._step >= STEPS:
            yield Finished(self._step)

    def _look(self) -> PlaceAccuracy:
        accuracy = np.stack([run.accuracy() for run in self._runs])
        return PlaceAccuracy(self._step, accuracy, np.stack([run.field() for run in self._runs]))

"""Trains two Swin blocks, one shifted, to say what stands two places to the right: four nets side by side.

How far each can come is known beforehand: see `predicted`. The run is a guest of the lane.
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
from engines.core.protocol import Event, Job
from engines.core.training import Finished
from engines.data import fields
from engines.swin.block import SwinBlock
from engines.swin.interventions import Change
from engines.swin.layouts import layout
from engines.swin.proofs.spec import (
    NO_BIAS,
    NO_MASK,
    NO_SHIFT,
    OFFSET,
    SHIFT,
    SIDE,
    STEPS,
    SWITCHES,
    WINDOW,
    FieldAccuracy,
    ProofBegan,
    ProofParams,
    ProofStep,
)
from engines.swin.windows.engine import joined

WIDTH, HEADS, BATCH, HELD_OUT = 32, 4, 16, 64
LOOK_EVERY = 10  # steps between two looks at the accuracy
RATE, WARM = 5e-3, 20  # of Adam, and the steps until it is reached


class CopyNet(nn.Module):
    """Symbols -> two blocks, W-MSA and SW-MSA -> symbols.

    Parameters
    ----------
    switch : str
        One of `SWITCHES`.
    seed : int
        Of the weights: the four nets of a seed start alike.
    """

    def __init__(self, switch: str, seed: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(fields.SYMBOLS, WIDTH)
        shift = 0 if switch == NO_SHIFT else SHIFT
        self.first = SwinBlock(WIDTH, HEADS, WINDOW, 0, 2.0)
        self.second = SwinBlock(WIDTH, HEADS, WINDOW, shift, 2.0)
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, fields.SYMBOLS)
        self._change = Change(unmasked=True) if switch == NO_MASK else None
        generator = torch.Generator().manual_seed(seed)
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02 if "table" in name else p.shape[-1] ** -0.5, generator=generator)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
        if switch == NO_BIAS:
            for block in (self.first, self.second):
                nn.init.zeros_(block.relative_position_bias_table)
                block.relative_position_bias_table.requires_grad_(False)

    def forward(self, symbols: Tensor) -> Tensor:
        """(B, side, side) -> logits (B, side · side, symbols)."""
        grid = (symbols.shape[1], symbols.shape[2])
        x = self.embedding(symbols.flatten(1))
        x, _ = self.first(x, grid)
        x, _ = self.second(x, grid, change=self._change)
        logits: Tensor = self.head(self.norm(x))
        return logits


def visible(switch: str) -> npt.NDArray[np.bool_]:
    """Which tokens see their answer through both blocks, (side, side)."""
    shift = 0 if switch == NO_SHIFT else SHIFT
    first = joined(layout(SIDE, SIDE, WINDOW))
    second = joined(layout(SIDE, SIDE, WINDOW, shift, masked=switch != NO_MASK))
    return fields.sees_answer((second.astype(int) @ first.astype(int)) > 0, SIDE, OFFSET)


def predicted(switch: str) -> float:
    """The accuracy of a net that says what it sees and guesses the rest; −1 without position bias.

    Without it a window is a set: a token knows who is there, not where, and nothing follows for how often it is right.
    """
    return -1.0 if switch == NO_BIAS else fields.expected(visible(switch))


class CopyRun:
    """One net on its way.

    Parameters
    ----------
    switch : str
    seed : int
    """

    def __init__(self, switch: str, seed: int) -> None:
        self.net = CopyNet(switch, seed)
        self._values = [p for p in self.net.parameters() if p.requires_grad]
        self._adam = Adam(self._values)
        self._generator = torch.Generator().manual_seed(seed + 1)
        self._held_out = fields.draw(HELD_OUT, SIDE, torch.Generator().manual_seed(seed + 2))

    def step(self, number: int, steps: int = STEPS) -> float:
        """One step, counted from 0; returns the loss."""
        drawn = fields.draw(BATCH, SIDE, self._generator)
        logits = self.net(drawn)
        loss = F.cross_entropy(logits.flatten(0, 1), fields.answers(drawn, OFFSET).flatten())
        rate = RATE * min(1.0, (number + 1) / WARM) * max(0.02, 1 - number / steps)
        self._adam.step(torch.autograd.grad(loss, self._values), rate)
        return float(loss.detach())

    @torch.no_grad()
    def accuracy(self, fresh: int = 0) -> npt.NDArray[np.float32]:
        """Share of the held-out fields (or of ``fresh`` other ones) that each token is right on, (side, side)."""
        drawn = fields.draw(fresh, SIDE, self._generator) if fresh else self._held_out
        right = self.net(drawn).argmax(-1).view(drawn.shape) == fields.answers(drawn, OFFSET)
        found: npt.NDArray[np.float32] = right.float().mean(0).numpy()
        return found


class Trainer:
    """See `engines.swin.proofs.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._number = 0
        self._step = 0
        self._runs: list[CopyRun] = []

    def run(self, job: Job[ProofParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self._runs or self._number != params.run:
            self._number, self._step = params.run, 0
            self._runs = [CopyRun(switch, params.seed) for switch in SWITCHES]
            seen = np.stack([visible(switch) for switch in SWITCHES])
            yield ProofBegan(seen, tuple(predicted(switch) for switch in SWITCHES))
            yield self._look()
        while self._step < min(job.params.until, STEPS):
            losses = tuple(run.step(self._step) for run in self._runs)
            self._step += 1
            yield ProofStep(self._step, losses)
            if self._step % LOOK_EVERY == 0 or self._step == job.params.until:  # a run that rests shows its state
                yield self._look()
        if self._step >= STEPS:
            yield Finished(self._step)

    def _look(self) -> FieldAccuracy:
        return FieldAccuracy(self._step, np.stack([run.accuracy() for run in self._runs]))

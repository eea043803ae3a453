"""Trains three kinds of nets on digits, several seeds of each, side by side. The run is a guest of the lane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.protocol import Event, Job
from engines.core.training import Finished
from engines.data import digits
from engines.resnest.race.beforehand import read
from engines.resnest.race.measures import standing
from engines.resnest.race.nets import RaceNet
from engines.resnest.race.spec import (
    KINDS,
    LOOK_EVERY,
    STEPS,
    Beforehand,
    RaceBegan,
    RaceLook,
    RaceParams,
    RaceStep,
)

BATCH, TRAINED = 32, 600
RATE, WARM = 3e-3, 20  # of Adam, and the steps until it is reached


class Pictures:
    """The digits of a seed: which are trained on, which are held out, and the batches.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        images, labels = digits.load()
        self._generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(labels), generator=self._generator)
        pixels = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)[order] / 127.5 - 1
        targets = torch.from_numpy(labels)[order]
        self._pixels, self._targets = pixels[:TRAINED], targets[:TRAINED]
        self.held_out = pixels[TRAINED:].contiguous(), targets[TRAINED:]

    def draw(self) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, 8, 8), shifted by up to a pixel, and labels (B,)."""
        index = torch.randint(len(self._targets), (BATCH,), generator=self._generator)
        down, right = torch.randint(3, (2,), generator=self._generator).tolist()
        padded = F.pad(self._pixels[index], (1, 1, 1, 1), value=-1.0)
        return padded[:, :, down : down + 8, right : right + 8], self._targets[index]


class Runner:
    """One net on its way.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    seed : int
    """

    def __init__(self, kind: str, seed: int) -> None:
        self.net = RaceNet(kind, seed)
        self._values = list(self.net.parameters())
        self._adam = Adam(self._values, weight_decay=1e-2)
        self.parameters = sum(p.numel() for p in self._values)

    def step(self, number: int, pixels: Tensor, targets: Tensor) -> float:
        """One step, counted from 0, on pixels (B, 3, h, w) and targets (B,); returns the loss."""
        self.net.train()
        loss = F.cross_entropy(self.net(pixels), targets)
        rate = RATE * min(1.0, (number + 1) / WARM) * max(0.02, 1 - number / STEPS)
        self._adam.step(torch.autograd.grad(loss, self._values), rate)
        return float(loss.detach())

    @torch.no_grad()
    def accuracy(self, pixels: Tensor, targets: Tensor) -> float:
        """Share of pictures (n, 3, h, w) whose best class is the right one."""
        self.net.eval()
        return float((self.net(pixels).argmax(-1) == targets).float().mean())


class Trainer:
    """See `engines.resnest.race.spec` for what it takes and what it yields."""

    last: ClassVar[int] = STEPS

    def __init__(self) -> None:
        self._number = 0
        self._step = 0
        self._pictures: list[Pictures] = []
        self._runners: list[list[Runner]] = []  # kind by seed
        self._spent: list[list[float]] = []  # seconds of each kind's steps
        self._looks: list[tuple[int, np.ndarray]] = []

    @cached_property
    def _before(self) -> Beforehand | None:
        return read()

    def run(self, job: Job[RaceParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self._runners or self._number != params.run:
            self._number, self._step = params.run, 0
            seeds = range(params.seed, params.seed + params.seeds)
            self._pictures = [Pictures(seed) for seed in seeds]
            self._runners = [[Runner(kind, seed) for seed in seeds] for kind in KINDS]
            self._spent, self._looks = [[] for _ in KINDS], []
            counts = tuple(runners[0].parameters for runners in self._runners)
            yield RaceBegan(counts, TRAINED, len(self._pictures[0].held_out[1]))
            if self._before is not None:
                yield self._before
            yield self._look()
        while self._step < min(job.params.until, STEPS):
            losses = self._train()
            self._step += 1
            yield RaceStep(self._step, losses)
            if self._step % LOOK_EVERY == 0 or self._step == job.params.until:  # a run that rests shows its state
                yield self._look()
        if self._step >= STEPS:
            yield Finished(self._step)

    def _train(self) -> tuple[float, ...]:
        """One step of every net, all kinds of a seed on the same batch; returns each kind's mean loss."""
        losses = np.zeros(len(KINDS))
        for number, pictures in enumerate(self._pictures):
            batch = pictures.draw()
            for kind, runners in enumerate(self._runners):
                began = time.perf_counter()
                losses[kind] += runners[number].step(self._step, *batch) / len(runners)
                self._spent[kind].append(time.perf_counter() - began)
        return tuple(losses.tolist())

    def _look(self) -> RaceLook:
        found = np.array(
            [
                [runner.accuracy(*pictures.held_out) for runner, pictures in zip(runners, self._pictures, strict=True)]
                for runners in self._runners
            ],
            np.float32,
        )
        self._looks.append((self._step, found))
        seconds = tuple(float(np.median(spent)) if spent else 0.0 for spent in self._spent)
        steps = np.array([step for step, _ in self._looks])
        return RaceLook(self._step, standing(steps, np.stack([each for _, each in self._looks]), seconds))

"""Trains four kinds of nets on a task of memory, side by side, and tries them at other lengths. A guest of the lane."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Finished, Stopped
from engines.mamba.race.beforehand import read
from engines.mamba.race.nets import RaceNet
from engines.mamba.race.spec import (
    INDUCTION,
    KINDS,
    LAST,
    LENGTHS,
    LOOK_EVERY,
    MAMBA,
    STEPS,
    STILL,
    TRAINED,
    AtLengths,
    Beforehand,
    Floats,
    RaceBegan,
    RaceLook,
    RaceParams,
    RaceStep,
    Standing,
)
from engines.mamba.race.tasks import draw

BATCH, HELD_OUT = 32, 128  # sequences of a step, and of a look
TRIED = 64, 2**15  # sequences at each length, and tokens of all of them: attention takes the square of a length
RATE, WARM, SHORTEST = 5e-3, 50, 1.0  # of Adam; the steps until it is reached; the longest gradient that is followed
#: On induction both kinds of state learn best at a rate at which attention fails (tried: 2e-3, 5e-3, 1e-2, 2e-2): a net
#: that is taught slowly finds it as well, but forgets the answer on sequences eight times as long.
FASTER = {(INDUCTION, MAMBA): 2e-2, (INDUCTION, STILL): 2e-2}
DECAY = 0.01  # of matrices
AT_ONCE = 2**13  # tokens that go through a net together


class Runner:
    """One net on its way, on sequences of its own seed.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    seed : int
    last : int
        Steps until its learning rate has fallen.
    rate : float
        Of Adam, at its highest.
    """

    def __init__(self, kind: str, seed: int, last: int = LAST, rate: float = RATE) -> None:
        self._last, self._rate = last, rate
        self.net = RaceNet(kind, seed)
        self._values = list(self.net.parameters())
        plain = [name.endswith(("A_log", ".D")) or p.dim() < 2 for name, p in self.net.named_parameters()]
        self._adam = Adam(self._values, weight_decay=[0.0 if one else DECAY for one in plain])
        self.parameters = sum(p.numel() for p in self._values)
        self.good = self.kept()

    def step(self, number: int, ids: Tensor, answers: Tensor) -> float:
        """One step, counted from 0, on ids (B, L) and answers (B, M); returns the loss, not finite if it has failed."""
        logits = self.net(ids)[:, -answers.shape[1] :]
        loss = F.cross_entropy(logits.flatten(0, 1), answers.flatten())
        gradients = torch.autograd.grad(loss, self._values)
        length = float(torch.stack(torch._foreach_norm(list(gradients))).norm())
        value = float(loss.detach())
        if not math.isfinite(value) or not math.isfinite(length):
            return math.nan
        if length > SHORTEST:
            torch._foreach_mul_(list(gradients), SHORTEST / length)
        rate = self._rate * min(1.0, (number + 1) / WARM) * max(0.02, 1 - number / self._last)
        self._adam.step(gradients, rate)
        return value

    def accuracy(self, ids: Tensor, answers: Tensor) -> float:
        """Share of answers (n, M) to ids (n, L) that are right."""
        return right(self.net, ids, answers)

    def kept(self) -> dict[str, Tensor]:
        """A copy of the weights."""
        return {key: value.detach().clone() for key, value in self.net.state_dict().items()}

    def back(self) -> None:
        """To the weights that were good last."""
        self.net.load_state_dict(self.good)


def runner(task: str, kind: str, seed: int) -> Runner:
    """A net at the beginning of a task, with the rate at which its kind learns it."""
    return Runner(kind, seed, STEPS[task], FASTER.get((task, kind), RATE))


@torch.inference_mode()
def right(net: RaceNet, ids: Tensor, answers: Tensor) -> float:
    """Share of answers (n, M) to ids (n, L) that are right."""
    found = 0
    count = max(1, AT_ONCE // ids.shape[1])
    for part, wanted in zip(ids.split(count), answers.split(count), strict=True):
        found += int((net(part)[:, -answers.shape[1] :].argmax(-1) == wanted).sum())
    return found / answers.numel()


class Trainer:
    """See `engines.mamba.race.spec` for what it takes and what it yields."""

    last: ClassVar[int] = LAST

    def __init__(self) -> None:
        self._number = 0
        self._step = 0
        self._task = ""
        self._draws: list[torch.Generator] = []  # of each seed
        self._held: list[tuple[Tensor, Tensor]] = []
        self.runners: list[list[Runner]] = []  # kind by seed
        self._losses: list[float] = []  # of the step in hand
        self._drawn: list[tuple[Tensor, Tensor]] = []
        self._spent: list[list[float]] = []  # seconds of each kind's steps
        self._looks: list[tuple[int, Floats]] = []
        self._lengths: list[Floats] = []  # (K, S) at each of `LENGTHS` that were tried after the last step
        self._failed = False

    @cached_property
    def _before(self) -> tuple[Beforehand, ...]:
        return read()

    def run(self, job: Job[RaceParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        params = job.params
        if not self.runners or self._number != params.run:
            yield from self._begin(params)
        while self._step < min(job.params.until, STEPS[self._task]) and not self._failed:
            yield from self._train()
        if self._failed:
            yield self._stopped()
        elif self._step >= STEPS[self._task]:
            yield from self._try_lengths()
            yield Finished(self._step)

    def _begin(self, params: RaceParams) -> Iterator[Event]:
        self._number, self._step, self._task, self._failed = params.run, 0, params.task, False
        seeds = range(params.seed, params.seed + params.seeds)
        self._draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._held = [draw(params.task, HELD_OUT, TRAINED, one) for one in self._draws]
        self.runners = [[runner(params.task, kind, seed) for seed in seeds] for kind in KINDS]
        self._losses, self._drawn, self._spent, self._looks = [], [], [[] for _ in KINDS], []
        self._lengths = []
        yield RaceBegan(params.task, tuple(each[0].parameters for each in self.runners))
        yield from self._before
        yield self._look()

    def _train(self) -> Iterator[Event]:
        """One step of every net, all kinds of a seed on the same batch, with a place to stop between the kinds."""
        if not self._losses:
            self._drawn = [draw(self._task, BATCH, TRAINED, one) for one in self._draws]
        while len(self._losses) < len(KINDS):
            kind = len(self._losses)
            began = time.perf_counter()
            losses = [
                runner.step(self._step, *batch)
                for runner, batch in zip(self.runners[kind], self._drawn, strict=True)
            ]  # fmt: skip
            self._spent[kind].append((time.perf_counter() - began) / len(losses))
            self._losses.append(float(np.mean(losses)))
            if not math.isfinite(self._losses[-1]):
                self._failed = True
                return
            yield Progress(self._step, STEPS[self._task], Message("Step {n}", {"n": self._step}))
        self._step += 1
        losses, self._losses = self._losses, []
        yield RaceStep(self._step, tuple(losses))
        if self._step % LOOK_EVERY == 0:
            yield self._look()

    def _stopped(self) -> Stopped:
        """A net can't go on: all of them go back to the look before."""
        good = self._looks[-1][0]
        for one in (one for each in self.runners for one in each):
            one.back()
        text = "Loss became NaN at step {n}. Stopped; weights of step {k} are kept."
        return Stopped(good, Message(text, {"n": self._step + 1, "k": good}))

    def _accuracies(self, drawn: list[tuple[Tensor, Tensor]]) -> Floats:
        """Of each kind and seed, (K, S)."""
        found = [[r.accuracy(*one) for r, one in zip(each, drawn, strict=True)] for each in self.runners]
        return np.array(found, np.float32)

    def _look(self) -> RaceLook:
        self._looks.append((self._step, self._accuracies(self._held)))
        for one in (one for each in self.runners for one in each):
            one.good = one.kept()
        seconds = tuple(float(np.median(spent)) if spent else 0.0 for spent in self._spent)
        steps = np.array([step for step, _ in self._looks])
        return RaceLook(self._step, Standing(steps, np.stack([each for _, each in self._looks]), seconds))

    def _try_lengths(self) -> Iterator[Event]:
        """The trained nets at each of `LENGTHS`, the shortest first."""
        while len(self._lengths) < len(LENGTHS):
            length = LENGTHS[len(self._lengths)]
            yield Progress(len(self._lengths), len(LENGTHS), Message("Trying length {n}", {"n": length}))
            seeds = range(len(self._draws))
            count = min(TRIED[0], TRIED[1] // length)
            drawn = [draw(self._task, count, length, torch.Generator().manual_seed(length + s)) for s in seeds]
            self._lengths.append(self._accuracies(drawn))
            yield AtLengths(self._step, np.stack(self._lengths))

"""Trains one head and two heads of the same total width side by side, as a guest of the lane.

The task asks every token for two letters at once. A head's output is one weighted mean of values, so a single head
can bring both letters but not say which is which; two heads bring one letter each. A run is kept between jobs:
pausing ends the job, going on sends another with the same ``run``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.blocks.states import as_arrays, copied, tensors
from engines.core.errors import LabError, Message
from engines.core.protocol import Event, Job
from engines.core.training import Stopped, finite
from engines.multi_head.measures import map_agreement
from engines.multi_head.model import TwoLetters
from engines.multi_head.training.spec import (
    LEFT,
    LENGTH,
    LETTERS,
    MOST_STEPS,
    SAMPLES,
    MultiHeadTraining,
    Now,
    RunBegan,
    Snapshot,
    TrainStep,
    kept,
)

HEADS = (1, 2)
BATCH = 32
EARLY, EVERY = 20, 10  # up to that step each is kept for looking back, then every tenth
Sequences: TypeAlias = tuple[Tensor, Tensor]  # letters (B, N), targets (B, N, 2)


class Trainer:
    """See `engines.multi_head.training.spec` for what it takes and what it yields."""

    told: ClassVar = (TrainStep,)
    last: ClassVar[int] = MOST_STEPS

    def __init__(self) -> None:
        self.current: Run | None = None
        self.waiting: dict[str, Any] | None = None

    def run(self, job: Job[MultiHeadTraining]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        run = self.current
        if run is None or run.params.run != job.params.run:
            self.current, state, self.waiting = None, self.waiting, None
            run = Run(job.params)
            if state is not None:
                run.load(state)
            self.current = run
            yield run.began()
            if state is None:
                yield run.told()
                yield kept(run.shown)
            yield Now(run.shown)
        while run.step < min(job.params.until, MOST_STEPS) and not run.stopped:
            run.advance(job.params.learning_rate)  # read at each step: it is live
            if run.stopped:
                yield Stopped(run.step, Message("Loss became NaN at step {n}. Stopped.", {"n": run.step + 1}))
                return
            yield run.told()
            if run.step <= EARLY or run.step % EVERY == 0:
                yield kept(run.shown)
            yield Now(run.shown)

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on."""
        return None if self.current is None else self.current.state()


def draw(task: str, count: int, random: torch.Generator) -> Sequences:
    """Sequences of different letters, so that no letter is right by chance for both places."""
    letters = torch.rand(count, len(LETTERS), generator=random).argsort(-1)[:, :LENGTH]  # (B, N)
    left, right = letters.roll(1, 1), letters.roll(-1, 1)  # in a ring
    return letters, torch.stack([left, left if task == LEFT else right], -1)


class Run:
    """One training run: both models, their optimizers, the sequences to come and where all of them stand."""

    def __init__(self, params: MultiHeadTraining) -> None:
        if params.train_width % max(HEADS):
            raise LabError("{h} heads do not divide a width of {width}.", h=max(HEADS), width=params.train_width)
        self.params, self.step, self.stopped = params, 0, False
        self._random = torch.Generator().manual_seed(params.train_seed)
        self.models = [
            TwoLetters(
                len(LETTERS), LENGTH, params.train_width, heads, torch.Generator().manual_seed(params.train_seed)
            )
            for heads in HEADS
        ]  # the same weights, cut otherwise
        self._adams = [Adam(list(model.parameters())) for model in self.models]
        self.sample = draw(params.task, SAMPLES, torch.Generator().manual_seed(1000 + params.train_seed))
        self._batch = draw(params.task, BATCH, self._random)
        self._gradients, self._loss, self._accuracy = self._measure()
        self.shown = self._look()

    def state(self) -> dict[str, Any]:
        """All that is not made of the settings alone, as copies."""
        return {
            "step": self.step,
            "models": tuple(copied(model.state_dict()) for model in self.models),
            "adams": tuple(as_arrays(adam.state()) for adam in self._adams),
            "random": self._random.get_state().numpy(),
            "batch": tuple(part.numpy().copy() for part in self._batch),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.step = state["step"]
        for model, numbers in zip(self.models, state["models"], strict=True):
            model.load_state_dict(tensors(numbers))
        for adam, numbers in zip(self._adams, state["adams"], strict=True):
            adam.load(tensors(numbers))
        self._random.set_state(torch.from_numpy(state["random"]))
        letters, targets = map(torch.from_numpy, state["batch"])
        self._batch = letters, targets
        self._gradients, self._loss, self._accuracy = self._measure()
        self.shown = self._look()

    def _measure(self) -> tuple[list[tuple[Tensor, ...]], list[float], list[float]]:
        """Gradients, loss and accuracy of both models on the batch in hand."""
        letters, targets = self._batch
        gradients, losses, right = [], [], []
        for model in self.models:
            logits, _ = model(letters)
            loss = F.cross_entropy(logits.flatten(0, 2), targets.flatten())
            gradients.append(torch.autograd.grad(loss, list(model.parameters())))
            losses.append(float(loss.detach()))
            right.append(float((logits.argmax(-1) == targets).double().mean()))
        return gradients, losses, right

    def advance(self, learning_rate: float) -> None:
        """One step of both models. A step that leaves the numbers is not told, and the run can go no further."""
        for adam, gradients in zip(self._adams, self._gradients, strict=True):
            adam.step(gradients, learning_rate)
        self._batch = draw(self.params.task, BATCH, self._random)
        fresh, losses, right = self._measure()
        if not finite(*losses):
            self.stopped = True
            return
        self.step += 1
        self._gradients, self._loss, self._accuracy = fresh, losses, right
        self.shown = self._look()

    def began(self) -> RunBegan:
        """What the run is."""
        letters, targets = (part.numpy().copy() for part in self.sample)
        one, two = (sum(p.numel() for p in model.parameters()) for model in self.models)
        return RunBegan(self.params, (one, two), math.log(2) if self.params.task != LEFT else 0.0, letters, targets)

    def told(self) -> TrainStep:
        """Where the run stands, in numbers."""
        (one, two), (right_one, right_two) = self._loss, self._accuracy
        alike = float(map_agreement(torch.from_numpy(self.shown.weights[1:]))[0, 1])
        return TrainStep(self.step, (one, two), (right_one, right_two), alike)

    @torch.no_grad()
    def _look(self) -> Snapshot:
        """Where the run stands, on the sample."""
        letters, _ = self.sample
        answers = [model(letters) for model in self.models]
        weights = torch.cat([w for _, w in answers])  # (3, N, N)
        probabilities = torch.stack([logits.softmax(-1) for logits, _ in answers], 1)  # (S, 2, N, 2, V)
        return Snapshot(self.step, weights.numpy(), probabilities.numpy())

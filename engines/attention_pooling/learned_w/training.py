"""Learns the one w of `ParametricPooling`, step by step, as a guest of the lane.

A run is kept between jobs: pausing ends the job, going on sends another with the same ``run``, so a paused run
costs nothing. Each run draws its start from a generator of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engines.attention_pooling.curves import columns
from engines.attention_pooling.learned_w.engine import now_w
from engines.attention_pooling.learned_w.spec import Landscape, NowW, RunBegan, TrainStep
from engines.attention_pooling.model import ParametricPooling, others
from engines.attention_pooling.spec import (
    ADAM,
    MOMENTUM,
    MOST_STEPS,
    PoolingParams,
    points_of,
)
from engines.core.errors import Message
from engines.core.protocol import Event, Job, Progress
from engines.core.training import Stopped

FIRST_RANGE, ROOM = 12.0, 1.15  # w that the landscape shows at first, and how much more than the largest
LARGEST_W = 1e6
TOO_FAR = "w diverged at step {n}. Stopped; w of step {kept} is kept."
CURVE, SEARCH, CLOSER = 121, 100, 41  # places of the landscape, and of the search for the best w


class Trainer:
    """See `engines.attention_pooling.learned_w.spec` for what it takes and what it yields."""

    told: ClassVar = (TrainStep,)
    last: ClassVar[int] = MOST_STEPS

    def __init__(self) -> None:
        self._run: Run | None = None
        self.waiting: dict[str, Any] | None = None

    def run(self, job: Job[PoolingParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        run = self._run
        if run is None or run.params.run != job.params.run:
            self._run, state, self.waiting = None, self.waiting, None
            run = Run(job.params)
            began = run.began()
            if state is not None:
                run.load(state)
            self._run = run
            yield began
            yield Progress(0, 0, Message("Computing the loss landscape"))  # a place to stop
            yield run.landscape()
            if state is None:
                yield run.told()
            yield run.now()
        while run.step < min(job.params.until, MOST_STEPS) and not run.stopped:
            params = job.params  # read at each step: learning rate and optimizer are live
            run.advance(params.learning_rate, params.optimizer)
            if run.stopped:
                yield Stopped(run.step, Message(TOO_FAR, {"n": run.step + 1, "kept": run.step}))
                return
            if abs(run.w) > run.reach:
                run.reach = abs(run.w) * ROOM
                yield run.landscape()
            yield run.told()
            yield run.now()

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on."""
        return None if self._run is None else self._run.state()


class Run:
    """One training run: data, module, optimizer and where they stand."""

    def __init__(self, params: PoolingParams) -> None:
        self.params = params
        x, y = columns(points_of(params))
        order = x.argsort(stable=True)
        self.x, self.y = x[order], y[order]
        random = torch.Generator().manual_seed(params.start_seed)
        start = float(torch.rand((), generator=random))
        self.net = ParametricPooling(start).double()
        self.start, self.step, self.stopped, self.reach = start, 0, False, FIRST_RANGE
        self._others = others(len(x))  # (N, N)
        self._may = None if params.sees_itself else self._others
        self._optimizer = Optimizer(params.optimizer)

    def state(self) -> dict[str, Any]:
        """All that is not made of the settings alone."""
        return {"step": self.step, "w": self.w, "reach": self.reach, "optimizer": self._optimizer.state()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        with torch.no_grad():
            self.net.w.fill_(state["w"])
        self.step, self.reach = state["step"], state["reach"]
        self._optimizer = Optimizer(*state["optimizer"])

    @property
    def w(self) -> float:
        """The present w."""
        return float(self.net.w.detach())

    def loss(self, may: Tensor | None) -> Tensor:
        """Sum of squared errors over the training points; ``may`` (N, N), True = may attend, None: everywhere."""
        y_hat, _ = self.net(self.x, self.x, self.y, may)
        return ((self.y - y_hat) ** 2).sum()

    def advance(self, learning_rate: float, kind: str) -> None:
        """One step down the gradient; w stays as it was if the step would leave the numbers."""
        if self._optimizer.kind != kind:
            self._optimizer = Optimizer(kind)  # what the one before remembered is gone
        try:
            w = self.w + self._optimizer.move(self._gradient(), learning_rate)
        except OverflowError:  # the square of a huge gradient
            w = math.inf
        if not abs(w) <= LARGEST_W:  # also where it is NaN
            self.stopped = True
            return
        with torch.no_grad():
            self.net.w.fill_(w)
        self.step += 1

    def _gradient(self) -> float:
        (gradient,) = torch.autograd.grad(self.loss(self._may), self.net.w)
        return float(gradient)

    def told(self) -> TrainStep:
        """Where the run stands, in numbers."""
        loss = self.loss(self._may)
        (gradient,) = torch.autograd.grad(loss, self.net.w)
        held_out = self.loss(self._others) if self.params.sees_itself else loss
        return TrainStep(self.step, self.w, float(loss.detach()), float(held_out.detach()), float(gradient))

    def now(self) -> NowW:
        """Where the run stands, as fit and map."""
        return now_w(self.step, self.w, self.x, self.y, self.params.sees_itself)

    def began(self) -> RunBegan:
        """What the run is."""
        w = np.geomspace(0.02, 60.0, SEARCH)
        at = int(self.losses(w)[0].argmin())
        w = np.linspace(w[max(0, at - 1)], w[min(SEARCH - 1, at + 1)], CLOSER)
        losses, _ = self.losses(w)
        best = int(losses.argmin())
        return RunBegan(self.params, self.start, float(w[best]), float(losses[best]), self.now())

    def landscape(self) -> Landscape:
        """The loss over w, from 0 to a little beyond the largest so far."""
        w = np.linspace(0.0, self.reach, CURVE)
        return Landscape(w, *self.losses(w))

    @torch.no_grad()
    def losses(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The loss at many w (M,), without seeing itself and with it; both (M,) from one table of exponentials."""
        count = len(self.x)
        if count == 1:  # nobody else to look at: predicted as 0
            return np.full(len(w), float(self.y[0]) ** 2), np.zeros(len(w))
        squares = (self.x[:, None] - self.x[None]) ** 2  # (N, N)
        squares.fill_diagonal_(math.inf)
        nearest = squares.amin(1)  # (N,), subtracted so that the largest exponential is 1
        squares -= nearest[:, None]
        both = np.empty((2, len(w)))
        for i, one in enumerate(w.tolist()):
            half = -(one**2) / 2
            table = (half * squares).exp() if one else torch.ones_like(squares).fill_diagonal_(0)  # 0 × inf is NaN
            total, pooled = table.sum(1), table @ self.y  # (N,)
            fade = (half * nearest).exp()  # what the nearest other weighs beside the point itself
            for row, y_hat in enumerate((pooled / total, (fade * pooled + self.y) / (fade * total + 1))):
                both[row, i] = float(((self.y - y_hat) ** 2).sum())
        return both[0], both[1]


class Optimizer:
    """SGD, SGD with momentum or Adam for one number.

    Written out, since that is easier to read than to configure, and the first step of torch's own loads a compiler
    for several seconds.
    """

    MOMENTUM = 0.9
    BETAS, EPS = (0.9, 0.999), 1e-8

    def __init__(self, kind: str, steps: int = 0, mean: float = 0.0, square: float = 0.0) -> None:
        self.kind = kind
        self._steps, self._mean, self._square = steps, mean, square

    def state(self) -> tuple[str, int, float, float]:
        """What it is made of."""
        return self.kind, self._steps, self._mean, self._square

    def move(self, gradient: float, learning_rate: float) -> float:
        """How far to go, given dL/dw."""
        self._steps += 1
        if self.kind == ADAM:  # Kingma & Ba 2015, algorithm 1
            first, second = self.BETAS
            self._mean = first * self._mean + (1 - first) * gradient
            self._square = second * self._square + (1 - second) * gradient**2
            mean = self._mean / (1 - first**self._steps)
            square = self._square / (1 - second**self._steps)
            return -learning_rate * mean / (math.sqrt(square) + self.EPS)
        self._mean = self.MOMENTUM * self._mean + gradient if self.kind == MOMENTUM else gradient
        return -learning_rate * self._mean

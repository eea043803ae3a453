"""Trains a Transformer on one of the tasks, as a guest of the lane or by itself.

`Run` is the bare loop: `Run.advance` makes one step and tells its figures. `Trainer` streams it: figures of each
step, how held-out examples do, where the fixed example looks ten times a second, states to look back at.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engines.blocks.optimizers import Adam
from engines.blocks.states import as_arrays, copied
from engines.blocks.states import tensors as tensors_of
from engines.core.errors import Message
from engines.core.protocol import Event, Job
from engines.core.training import Kept, Stopped, Weights, finite
from engines.data.sequences import Batch, task
from engines.data.vocabulary import PAD
from engines.transformer.checkpoint import build, put, switches, taken
from engines.transformer.model import Transformer
from engines.transformer.recipe import MOST_STEPS, Recipe, Shape, lr_at, shape_of
from engines.transformer.showing import arrays, example_of
from engines.transformer.training.spec import (
    Example,
    HeldOut,
    Now,
    RunBegan,
    StepDone,
    TrainingSettings,
    Working,
    same_run,
)

BETAS, EPS = (0.9, 0.98), 1e-9  # the paper's, 5.3
SHOW_EVERY, SHOW_SHARE = 0.096, 0.04  #: seconds from one look at the fixed example to the next, most of the time
MEASURE_EVERY, MEASURE_SHARE = 1.2, 0.01  #: the same for measurements on held-out examples
HELD_OUT_EXAMPLES = 64
DENSE = 1.06  # a state is kept whenever the step has grown by this factor
CALM = 20  # steps of the mean that tells a rise of the loss from noise
REMEMBER = 25  # steps between two states that a run may fall back on
AT_ONCE = 2_500_000_000  # multiplications and additions between two places to stop: about a tenth of a second
RISE = 2.0  # a loss so many times that of guessing is a divergence


class Run:
    """One training run: model, optimizer, the examples to come and where all of them stand.

    Parameters
    ----------
    settings : Recipe
        What it is made of; the live ones may be others at each `advance`.
    """

    def __init__(self, settings: Recipe) -> None:
        self.settings, self.shape = settings, shape_of(settings)
        self.task = task(settings.task)
        self.random = np.random.default_rng(settings.seed)
        self.noise = torch.Generator().manual_seed(settings.seed)  # weights, then dropout
        self.model = build(self.shape, self.noise).train()
        self.values = list(self.model.parameters())
        self.adam = Adam(self.values, BETAS, EPS)
        self.step = 0
        self.stopped = False
        self.parts, self._part = parts_of(self.model)
        self._switches = switches(self.shape)
        self.held_out = self.task.batch(HELD_OUT_EXAMPLES, np.random.default_rng([settings.seed, 1]), held_out=True)
        self._fixed = example_of(self.task)
        self.guessing = math.log(len(self.task.target))
        self._calm = self._best = self.guessing
        self.good = taken(self.model, 0, self.shape)

    def state(self) -> dict[str, Any]:
        """All that is not made of the settings alone, as copies."""
        return {
            "step": self.step,
            "model": copied(self.model.state_dict()),
            "adam": as_arrays(self.adam.state()),
            "examples": self.random.bit_generator.state,
            "noise": self.noise.get_state().numpy(),
            "calm": (self._calm, self._best),
            "good": self.good,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.model.load_state_dict(tensors_of(state["model"]))
        self.adam.load(tensors_of(state["adam"]))
        self.random.bit_generator.state = state["examples"]
        self.noise.set_state(torch.from_numpy(state["noise"]))
        self._calm, self._best = state["calm"]
        self.step, self.good = state["step"], state["good"]

    def advance(self, settings: Recipe | None = None, lr: float | None = None) -> StepDone | None:
        """Make one step; None if the numbers left the finite or the loss ran away, which stops the run.

        ``lr`` is another learning rate than the schedule's.
        """
        work = self.work(settings, lr)
        while True:
            try:
                next(work)
            except StopIteration as stop:
                done: StepDone | None = stop.value
                return done

    def work(self, settings: Recipe | None = None, lr: float | None = None) -> Generator[None, None, StepDone | None]:
        """`advance`, with a ``yield`` between the parts of a large batch; left in the middle, it has done nothing."""
        settings = settings or self.settings
        examples, noise = self.random.bit_generator.state, self.noise.get_state()
        complete = False
        try:
            source, lens, target = tensors(self.task.batch(settings.batch, self.random))
            self.model.dropout = settings.dropout
            parts = self._parts_of(len(source), max(source.shape[1], target.shape[1]))
            tokens = int((target[:, 1:] != PAD).sum())
            loss, right, whole = 0.0, 0.0, 0.0
            gradients: tuple[Tensor, ...] = ()
            for some in torch.arange(len(source)).chunk(parts):
                if gradients:
                    yield
                read, labels = target[some, :-1], target[some, 1:]
                logits = self.model(source[some], read, lens[some], tgt_valid_lens=_lens(read), switches=self._switches,
                                    generator=self.noise)  # fmt: skip
                share = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD, reduction="sum",
                                        label_smoothing=settings.smoothing) / tokens  # fmt: skip
                found = torch.autograd.grad(share, self.values)
                gradients = tuple(torch._foreach_add(gradients, found)) if gradients else found
                loss += float(share.detach())
                told = accuracy(logits.detach(), labels)
                right += told[0] * int((labels != PAD).sum()) / tokens
                whole += told[1] * len(some) / len(source)
            complete = True
        finally:
            if not complete:
                self.random.bit_generator.state = examples
                self.noise.set_state(noise)
        norms = part_norms(gradients, self._part, len(self.parts))
        self._calm += (loss - self._calm) / CALM
        if not finite(loss, *norms) or self._calm > RISE * self.guessing:
            self.stopped = True
            return None
        lr = lr or lr_at(self.step + 1, settings.learning_rate, settings.warmup)
        self.adam.step(gradients, lr)
        self.step += 1
        if self.step % REMEMBER == 0 and self._calm <= 1.2 * self._best + 0.05:
            self._best = min(self._best, self._calm)
            self.good = taken(self.model, self.step, self.shape)
        return StepDone(self.step, loss, right, whole, lr, norms)

    def _parts_of(self, examples: int, tokens: int) -> int:
        """Into how many parts a batch is cut so that none takes long; a rule of sizes alone, so that curves repeat."""
        each = 6 * sum(v.numel() for v in self.values) * tokens  # a number and token: 2 forward, 4 backward
        work = each * examples
        return min(examples, -(-work // AT_ONCE))

    def why_stopped(self) -> Message:
        """What happened, in words; the model is brought back to the last good state."""
        figures = {"n": f"{self.step + 1:,}", "k": f"{self.good.step:,}"}
        put(self.model, self.good)
        self.step = self.good.step
        if math.isfinite(self._calm):
            return Message(
                "The loss diverged at step {n}, far above chance. Stopped; weights of step {k} are kept. Lower the "
                "learning rate?",
                figures,
            )
        return Message("Loss became NaN at step {n}. Stopped; weights of step {k} are kept.", figures)

    def kept(self) -> Weights:
        """A copy of the present state."""
        return taken(self.model, self.step, self.shape)

    @torch.no_grad()
    def measured(self, batch: Batch | None = None) -> HeldOut:
        """How the present state does on held-out examples, each place given the right tokens before it."""
        source, lens, target = tensors(batch or self.held_out)
        self.model.eval()
        logits = self.model(source, target[:, :-1], lens, switches=self._switches)
        self.model.train()
        labels = target[:, 1:]
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD)
        return HeldOut(self.step, float(loss), *accuracy(logits, labels))

    @torch.no_grad()
    def shown(self) -> Now:
        """Where the present state looks on the fixed example."""
        source, target, _ = self._fixed
        self.model.eval()
        traced = self.model.trace(source, target, switches=self._switches)
        self.model.train()
        return Now(self.step, arrays(traced), traced.logits[0].softmax(-1).numpy())

    @property
    def example(self) -> Example:
        """The fixed example."""
        return self._fixed[2]


class Trainer:
    """The guest of the lane; see `engines.transformer.training.spec` for what it takes and what it yields."""

    told: ClassVar = (StepDone, HeldOut, Shape)
    last: ClassVar[int] = MOST_STEPS

    def __init__(self) -> None:
        self.current: Run | None = None
        self._begun: TrainingSettings | None = None
        self.waiting: dict[str, Any] | None = None

    def run(self, job: Job[TrainingSettings]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        run, settings = self.current, job.params
        fresh = run is None or self._begun is None or not same_run(self._begun, settings)
        state: dict[str, Any] | None = None
        if run is None or fresh:
            self.current, state, self.waiting = None, self.waiting, None
            run, self._begun = Run(settings), settings
            if state is not None:
                run.load(state)
            elif settings.start is not None:
                put(run.model, settings.start)
            self.current = run
        if fresh:
            count = sum(v.numel() for v in run.values)
            yield RunBegan(settings, count, run.guessing, run.parts, run.example)
            if state is None:
                yield Kept(run.kept())
                yield run.measured()
            yield run.shown()
        yield from self._train(job, run)

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on; None for one that can't."""
        return None if self.current is None or self.current.stopped else self.current.state()

    def _train(self, job: Job[TrainingSettings], run: Run) -> Iterator[Event]:
        if run.stopped:
            yield Stopped(run.step, Message("This run has ended. Restart with other settings."))
            return
        look, measure = Turn(SHOW_EVERY, SHOW_SHARE), Turn(MEASURE_EVERY, MEASURE_SHARE)
        shown_step = measured_step = kept_step = run.step
        while run.step < min(job.params.until, MOST_STEPS) and not run.stopped:
            done = yield from _told(run.work(job.params))  # read at each step: some are live
            if done is None:
                reason = run.why_stopped()
                yield run.shown()
                yield Kept(run.good)
                yield Stopped(run.good.step, reason)
                return
            yield done
            if run.step <= 10 or run.step >= DENSE * kept_step + 1:
                kept_step = run.step
                yield Kept(run.kept())
            if measure.due():
                measured_step = run.step
                with measure:
                    held = run.measured()
                yield held
            if look.due():
                shown_step = run.step
                with look:
                    shown = run.shown()
                yield shown
        if shown_step < run.step:  # the run rests: what is on screen is its last state
            yield run.shown()
        if measured_step < run.step:
            yield run.measured()
        if kept_step < run.step:
            yield Kept(run.kept())


def _told(work: Generator[None, None, StepDone | None]) -> Generator[Event, None, StepDone | None]:
    """A step's work, with a place to stop between its parts."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            done: StepDone | None = stop.value
            return done
        yield Working()


class Turn:
    """Says when it is time again for something beside the training, so that it takes only a share of the time.

    Parameters
    ----------
    every : float
        Seconds from one turn to the next, on the mean: one that is late, as steps take their time, delays no other.
    share : float
        Of the time that all turns may take; where they are long they come less often.
    """

    def __init__(self, every: float, share: float) -> None:
        self._every, self._share = every, share
        self._began = time.monotonic()
        self._next = self._began + every

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        spent = time.monotonic() - self._began
        wait = max(self._every, spent / self._share)
        self._next = (self._next if self._began < self._next + wait else self._began) + wait


def tensors(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Source (B, S), its lengths (B,) and target (B, T + 1) as tensors."""
    return torch.from_numpy(batch.source), torch.from_numpy(batch.source_lens), torch.from_numpy(batch.target)


def _lens(target: Tensor) -> Tensor:
    return (target != PAD).sum(1)


def accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Shares of tokens and of whole sequences that are right; logits (B, T, V), labels (B, T) with padding."""
    counts = labels != PAD
    right = (logits.argmax(-1) == labels) | ~counts
    tokens = (right & counts).sum() / counts.sum()
    return float(tokens), float(right.all(1).float().mean())


def parts_of(model: Transformer) -> tuple[tuple[str, ...], Tensor]:
    """Names of the parts whose gradient norms are shown, and to which of them each parameter belongs, (parameters,)."""
    names = ["embeddings", *(f"encoder {i + 1}" for i in range(len(model.encoder))),
             *(f"decoder {i + 1}" for i in range(len(model.decoder))), "output"]  # fmt: skip
    found = []
    for name, _ in model.named_parameters():
        head, *rest = name.split(".")
        part = f"{head} {int(rest[0]) + 1}" if head in ("encoder", "decoder") else "output"
        found.append(names.index("embeddings" if head.endswith("_embedding") else part))
    return tuple(names), torch.tensor(found)


def part_norms(gradients: tuple[Tensor, ...], part: Tensor, count: int) -> tuple[float, ...]:
    """L2 norm of the gradient of each of ``count`` parts; ``part`` (parameters,) says to which one each belongs."""
    squares = torch.stack(torch._foreach_norm(list(gradients))).square()
    return tuple(torch.zeros(count).index_add(0, part, squares).sqrt().tolist())

"""Trains probe, fine-tuned and fresh model side by side, as a guest of the lane.

A run is kept between jobs, with the very step it was stopped in. One that is paused makes the step in hand and
tests it: what the curves end with, and the probe, are of the step that is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from engines.blocks.backbone import Backbone
from engines.core.errors import LabError, Message
from engines.core.files import WriteError
from engines.core.protocol import Event, Job, Progress
from engines.core.training import OF_A_STUDY, Kept, NotSaved, Stopped, Weights, finite
from engines.transfer.events import Ints, Probe
from engines.transfer.learn.learners import LinearProbe, WholeModel, tuned
from engines.transfer.learn.spec import (
    LAST_STEP,
    METHODS,
    PROBE,
    SCRATCH,
    TESTS,
    TUNED,
    Result,
    Results,
    RunBegan,
    RunParams,
    Tested,
    TransferStep,
)
from engines.transfer.library import LARGEST, PAUSE, SHARED, Prepared, results_key
from engines.transfer.store import model_hash, with_results, write_results

SMALL_MODEL = (
    3_000_000  #: parameters up to which a batch is cut into larger pieces; not by the clock: same seed, same run
)


class Trainer:
    """See `engines.transfer.learn.spec` for what it takes and what it yields."""

    told: ClassVar = (TransferStep, Tested, Probe)
    last: ClassVar[int] = LAST_STEP

    def __init__(self) -> None:
        self.current: Run | None = None
        self.waiting: dict[str, Any] | None = None

    def state(self) -> dict[str, Any] | None:
        """All that the run needs to go on."""
        return None if self.current is None else self.current.state()

    def run(self, job: Job[RunParams]) -> Iterator[Event]:
        """Train up to step ``job.params.until``, from where the run stands."""
        prepared = yield from SHARED.prepare(job.params, job.device)
        run = self.current
        if run is None or run.params.run != job.params.run or run.prepared is not prepared:
            self.current, state, self.waiting = None, self.waiting, None
            run = self.current = Run(job.params, prepared, state)
            yield run.began()
        while run.goes_on(wanted := job.params):
            run.params = wanted  # the live part of it
            if (event := next(run.going, None)) is None:
                return
            yield event
            if isinstance(event, Stopped):
                return


class Pace:
    """How many pictures are tested at once, so that there is a place to stop about every ``PAUSE`` seconds."""

    def __init__(self, first: int = 2) -> None:
        self.size = first

    def took(self, count: int, seconds: float) -> None:
        """So many pictures took so long."""
        self.size = max(1, min(LARGEST, int(count * PAUSE / max(seconds, 1e-6)), 2 * self.size))


class Run:
    """One run.

    Attributes
    ----------
    params : RunParams
        With the newest live values.
    step : int
    methods : tuple of int
        Those that take part.
    going : iterator of Event
        What is left to do, held between jobs.
    """

    def __init__(self, params: RunParams, prepared: Prepared, state: dict[str, Any] | None = None) -> None:
        self.params, self.prepared, self.step = params, prepared, 0
        self._testing = True
        self._tested = -1  # the last step whose test was told
        self.labeled = np.flatnonzero(prepared.labeled(params.labels))
        self.tested = np.flatnonzero(prepared.tests)
        self.truth = prepared.truth[self.tested]
        labels, classes = prepared.truth[self.labeled], prepared.classes
        self.probe = LinearProbe(prepared.features[self.labeled], labels, classes)
        chosen = ((TUNED, params.fine_tune), (SCRATCH, params.from_scratch))
        self.methods = (PROBE, *(method for method, wanted in chosen if wanted))
        self.models: dict[int, WholeModel] = {}
        self._piece = max(1, prepared.backbone.piece(prepared.side) // 2)  # not by the clock: same seed, same run
        self._pace = Pace(1 if self._piece == 1 else 4)
        self._seconds = 0.0
        self._key = results_key(prepared, params.max_per_class)
        if state is not None:
            self._load(state)
        self.going = self._go(state)

    def state(self) -> dict[str, Any] | None:
        """All that is not made of settings and pictures alone, as copies; None where nothing is learned yet.

        A step in hand may be made by some of the methods: the others make it when the run goes on.
        """
        if len(self.models) + 1 < len(self.methods):
            return None
        return {
            "pictures": self._key,
            "step": self.step,
            "testing": self._testing,
            "tested": self._tested,
            "seconds": self._seconds,
            "probe": self.probe.state(),
            "models": {method: model.state() for method, model in self.models.items()},
        }

    def _load(self, state: dict[str, Any]) -> None:
        if state["pictures"] != self._key:
            raise LabError("These are not the pictures that the run was saved with.")
        self.step, self._testing, self._seconds = state["step"], state["testing"], state["seconds"]
        self._tested = state.get("tested", self._tested)  # runs of before do not say
        self.probe.load(state["probe"])

    def goes_on(self, wanted: RunParams) -> bool:
        """Whether there is something to do. Where a run comes to rest, the step in hand is made and tested."""
        return wanted.until > self.step or (self.step > 0 and (self._midway or self._tested < self.step))

    @property
    def _midway(self) -> bool:
        """Whether a step is begun and not told."""
        return self.probe.steps > self.step

    def began(self) -> RunBegan:
        """What the run is."""
        prepared = self.prepared
        counts = np.bincount(prepared.truth[self.labeled], minlength=prepared.classes)
        return RunBegan(
            self.params, prepared.set.names, self.methods, counts, self.tested, self.truth, prepared.backbone.hash
        )

    def _go(self, state: dict[str, Any] | None) -> Iterator[Event]:
        frozen, seed = self.prepared.backbone.net, self.params.sample
        for method in self.methods[1:]:
            yield Progress(0, 0, Message(METHODS[method]))
            net = tuned(frozen) if method == TUNED else frozen.fresh(seed)
            yield Progress(0, 0, Message(METHODS[method]))
            made = self._learner(net)
            if state is not None:
                made.load(state["models"][method])
            self.models[method] = made
        if self._testing or (self._tested < self.step and self.params.until <= self.step and not self._midway):
            yield from self._test()
        while self.step < LAST_STEP:
            began = time.perf_counter()
            yield from self._advance()
            losses = (self.probe.loss, *(model.loss for model in self.models.values()))
            if not finite(*losses):
                text = "Loss became NaN at step {n}. Stopped; the curves up to there stay."
                yield Stopped(self.step, Message(text, {"n": self.step + 1}))
                return
            self._seconds = self._seconds or time.perf_counter() - began
            self.step += 1
            self._testing = self.step in TESTS
            yield TransferStep(self.step, losses, self._seconds)
            self._testing = self._testing or self.params.until <= self.step  # it comes to rest here
            if self._testing:
                yield from self._test()

    def _learner(self, net: Backbone) -> WholeModel:
        params, prepared = self.params, self.prepared
        return WholeModel(
            net, prepared.classes, self.labeled, prepared.truth[self.labeled], prepared.pixels, params.batch,
            params.sample, prepared.backbone.device,
        )  # fmt: skip

    def _advance(self) -> Iterator[Event]:
        """One step of each method; a place to stop after each piece of a batch."""
        if self.probe.steps == self.step:  # else that part of the step is made
            self.probe.advance(self.params.probe_lr)
        text = Message("Training, step {n}", {"n": self.step + 1})
        for method, model in self.models.items():

            def lr(method: int = method) -> float:
                return self.params.fine_tuning_lr if method == TUNED else self.params.from_scratch_lr

            if model.steps > self.step:
                continue
            for _ in model.advance(lr, self._piece):
                yield Progress(self.step, LAST_STEP, text)

    def _test(self) -> Iterator[Event]:
        """Classify all test pictures by all methods."""
        began, prepared = time.perf_counter(), self.prepared
        weight, bias = self.probe.parts()
        features = prepared.features[self.tested]
        said: list[Ints] = [(features @ weight.T + bias).argmax(1)]
        done, total = 0, len(self.tested) * len(self.models)
        for model in self.models.values():
            parts: list[Ints] = []
            first = 0
            while first < len(self.tested):
                since = time.perf_counter()
                some = self.tested[first : first + self._pace.size]
                parts.append(model.said(prepared.pixels(some)))
                self._pace.took(len(some), time.perf_counter() - since)
                first, done = first + len(some), done + len(some)
                yield Progress(done, total, Message("Testing, step {n}", {"n": self.step}))
            said.append(np.concatenate(parts))
        predictions = np.stack(said)
        frozen = prepared.backbone
        intact = model_hash(frozen.net) == frozen.hash
        made = Probe(
            weight, bias, prepared.set.names, frozen.source, frozen.hash, prepared.side, prepared.set.title,
            self.params.labels, self.step,
        )  # fmt: skip
        yield Kept(Weights(self.step, {"predictions": predictions}, made))
        self._testing = self.step > 0  # until the last event is told
        right = (predictions == self.truth).sum(1).tolist()
        shares = {METHODS[m]: count / len(self.truth) for m, count in zip(self.methods, right, strict=True)}
        yield Tested(self.step, predictions, made, time.perf_counter() - began, intact, shares)
        if self.step and self.params.run == OF_A_STUDY:
            self._testing, self._tested = False, self.step
        elif self.step:
            rows = [
                Result(method, self.params.labels, count, len(self.truth), self.step, self.params.sample)
                for method, count in zip(self.methods, right, strict=True)
            ]
            kept = with_results(self._key, rows)
            try:
                write_results(self._key, kept)
            except WriteError as error:
                text = "The results can't be saved ({reason}). The run continues."
                yield NotSaved(self.step, Message(text, {"reason": error.reason}))
            self._testing = False
            self._tested = self.step
            yield Results(kept)

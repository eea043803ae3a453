"""Live contrastive runs: one step after the other, looked at while they go on, saved so that they can be left alone."""

from __future__ import annotations

import dataclasses
import json
import time
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.blocks.optimizers import Adam
from engines.core import files
from engines.core.claim import ELSEWHERE, TAKEN, Claim
from engines.core.errors import LabError, Message
from engines.core.keeping import GOES_ON
from engines.core.pack import DAMAGE
from engines.core.protocol import Event, Job
from engines.core.training import NotSaved, Stopped, Weights, finite
from engines.moco.augment import views
from engines.moco.looks import Budget, map_frame, measured, normalize, queue_frame, staleness
from engines.moco.measures import alignment, uniformity
from engines.moco.methods import KINDS, Dictionary
from engines.moco.model import MoCo
from engines.moco.parts import DIM, Twin, checked, encoder, recipe, settle
from engines.moco.pictures import PictureSet, Shelf, Wanted
from engines.moco.saved import put_aside, put_broken_aside
from engines.moco.settings import Learning
from engines.moco.spec import (
    COLLAPSED,
    Collapsed,
    KeptRun,
    MapFrame,
    Measured,
    MocoStep,
    QueueFrame,
    RunBegan,
    RunParams,
    Saved,
    run_file,
)

SETTLE = 256  # pictures that batch norm's first statistics are of
SAVE_EVERY = 20.0  # seconds
FRAME_EVERY, MAP_EVERY, MEASURE_EVERY = 0.1, 0.4, 4.0  # seconds, at least
SHARE, MAP_SHARE, MEASURE_SHARE = 1 / 150, 1 / 60, 1 / 60  # of the time that each kind of look may cost
WARM_UP = 50  # steps over which the rate rises: the noise in the queue would else press all keys together
HISTORY = 4000  # steps of the curves that are saved
TOLD = tuple(f.name for f in dataclasses.fields(MocoStep))


class Run:
    """One run: encoders, dictionary, optimizer, generator, and where all of them stand.

    Parameters
    ----------
    params : RunParams
    found : PictureSet

    Raises
    ------
    LabError
        If there are fewer pictures than the batch has, or all are the same.
    """

    def __init__(self, params: RunParams, found: PictureSet) -> None:
        self.params, self.found = params, found
        self.notes = checked(found, params)
        self.pixels = torch.from_numpy(found.pixels).permute(0, 3, 1, 2).contiguous()  # uint8 (n, 3, 32, 32)
        self.test = torch.from_numpy(found.test_pixels).permute(0, 3, 1, 2).contiguous()
        self.labels, self.test_labels = found.labels, found.test_labels
        self.generator = torch.Generator().manual_seed(params.seed)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(params.seed)
            made = encoder(params.mlp)
            self.moco = MoCo(made, DIM, params.queue_size, params.momentum, params.temperature)
            self.twin = None if self.labels is None or not params.supervised else Twin(params.mlp, len(found.names))
        self.moco.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs leave the keyword out
        settle(self.moco, made, self._views(torch.arange(min(SETTLE, len(self.pixels))), params, 1))
        if self.twin is not None:
            self.twin.encoder.load_state_dict(made.state_dict())
        self.dictionary: Dictionary = KINDS[params.method](self.moco, len(self.pixels), params.batch, self.generator)
        self.values = list(made.parameters())
        self.adam = Adam(self.values, decay=1e-4)
        self.order = torch.empty(0, dtype=torch.int64)
        self.step, self.own, self.stopped, self.collapsed = 0, 0, False, False
        self.told: list[MocoStep] = []
        self.measured: list[Measured] = []
        self.update = (self._weight(True), self._weight(False), self._weight(True))

    def _weight(self, slow: bool) -> float:
        """One weight of the first convolution."""
        encoder = self.moco.encoder_k if slow else self.moco.encoder_q
        return float(next(encoder.parameters()).detach()[0, 0, 1, 1])

    def _views(self, index: Tensor, params: Learning, view: int) -> Tensor:
        """Views (B, 3, 32, 32) of the pictures numbered (B,), in uint8 so that they can be kept as they were."""
        made = views(self.pixels[index].float() / 255, recipe(params, view), self.generator)
        return (made * 255).round_().byte()

    def advance(self, params: RunParams) -> MocoStep | None:
        """One step with the live settings of ``params``; None where the numbers left the finite."""
        moco, size = self.moco, self.params.batch
        moco.momentum, moco.temperature = params.momentum, params.temperature
        while len(self.order) < size:
            self.order = torch.cat([self.order, torch.randperm(len(self.pixels), generator=self.generator)])
        index, self.order = self.order[:size], self.order[size:]
        one, two = self._views(index, params, 1), self._views(index, params, 2)
        first = normalize(one.float() / 255)
        moco.train()
        before, query = self._weight(True), self._weight(False)
        contrast = self.dictionary.contrast(first, normalize(two.float() / 255), index)
        loss = contrast.loss
        gradients = torch.autograd.grad(loss, self.values)
        rate = params.learning_rate * min(1.0, (self.step + 1) / WARM_UP)
        self.adam.step(gradients, rate)
        if not finite(float(loss.detach()), float(self.values[0].detach().sum())):
            self.stopped = True
            return None
        self.dictionary.learned(contrast, index, two)
        if self.twin is not None and self.labels is not None:
            self.twin.step(first, torch.from_numpy(self.labels)[index], rate)
        self.step += 1
        self.own = contrast.own
        self.update = (before, query, self._weight(True))
        q, k = contrast.q.detach(), contrast.k.detach()
        told = MocoStep(
            self.step,
            float(loss.detach()),
            float((contrast.logits.detach().argmax(1) == contrast.targets).float().mean()),
            moco.momentum_distance(),
            self._weight(False),
            self._weight(True),
            alignment(q, k),
            uniformity(k),
            float((1 - k.mean(0).square().sum()).clamp(min=0).sqrt()),
            contrast.own,
        )
        self.told.append(told)
        if len(self.told) > 2 * HISTORY:
            self.told = self.told[::2]
        return told

    # -- what it is
    def began(self) -> RunBegan:
        """Where the run stands."""
        return RunBegan(
            self.params,
            self.step,
            len(self.pixels),
            len(self.test),
            sum(v.numel() for v in self.values),
            self.labels is not None,
            self.found.names,
            self.dictionary.chance,
            self.notes,
        )

    def weights(self) -> Weights:
        """A copy of both encoders and the queue, to look back at."""
        state = {name: value.detach().numpy().copy() for name, value in self.moco.state_dict().items()}
        state["keys"] = self.dictionary.keys.numpy().copy()
        state["ages"] = self.dictionary.ages.numpy().copy()
        state["pictures"] = self.dictionary.pictures.numpy().copy()
        return Weights(self.step, state, self.params)

    def mark(self) -> int:
        """A number that tells whether the pictures are the same."""
        return zlib.crc32(self.found.pixels[:: max(1, len(self.found.pixels) // 64)].tobytes())

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        thin = self.told[:: 1 + len(self.told) // HISTORY]
        return {
            "moco": self.moco.state_dict(),
            "dictionary": self.dictionary.state(),
            "adam": self.adam.state(),
            "twin": None if self.twin is None else self.twin.state(),
            "generator": self.generator.get_state(),
            "order": self.order,
            "step": self.step,
            "update": list(self.update),
            "mark": self.mark(),
            "told": torch.tensor([dataclasses.astuple(t) for t in thin], dtype=torch.float64),
            "measured": [list(dataclasses.astuple(m)) for m in self.measured],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`.

        Raises
        ------
        LabError
            If the pictures are others, or the sizes do not fit.
        """
        if state["mark"] != self.mark():
            raise LabError("The pictures are others than when the run was saved.")
        try:
            self.moco.load_state_dict(state["moco"])
        except RuntimeError as error:
            raise LabError("The saved run has other sizes than the settings.") from error
        self.dictionary.load(state["dictionary"])
        self.adam.load(state["adam"])
        if self.twin is not None and state["twin"] is not None:
            self.twin.load(state["twin"])
        self.generator.set_state(state["generator"])
        self.order, self.step = state["order"], int(state["step"])
        before, query, after = state["update"]
        self.update = (before, query, after)
        for row in state["told"].tolist():
            self.told.append(MocoStep(**dict(zip(TOLD, row, strict=True)) | {"step": int(row[0]), "own": int(row[-1])}))
        self.measured = [Measured(int(row[0]), *row[1:]) for row in state["measured"]]


def save(run: Run, path: Path) -> None:
    """Write a run and, beside it, what it is; a kill in between leaves the old files whole.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    state = run.state()
    files.write(path, lambda sink: torch.save(state, sink))
    what = {f.name: getattr(run.params, f.name) for f in dataclasses.fields(Learning)}
    files.write(path.with_suffix(".json"), json.dumps({"step": run.step, "settings": what}))


def _load(run: Run, path: Path) -> None:
    """Put a saved run into a new one; one that is damaged, or of another version, is put aside."""
    try:
        run.load(torch.load(path, weights_only=True))
    except (*DAMAGE, UnpicklingError) as error:
        raise put_broken_aside(path, error) from error


def _not_saved(run: Run, reason: Message) -> NotSaved:
    return NotSaved(run.step, Message(GOES_ON, {"reason": reason}))


class Trainer:
    """The engine behind the run: keeps it between jobs, as long as its number stays the same."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._run: Run | None = None
        self._saved, self._own = -1, False
        self._claim = Claim()
        self._refused: Message | None = None  # why it could not be saved the last time that this was said
        self._frames, self._maps = Budget(FRAME_EVERY, SHARE), Budget(MAP_EVERY, MAP_SHARE)
        self._stale, self._measures = Budget(FRAME_EVERY, SHARE), Budget(MEASURE_EVERY, MEASURE_SHARE)
        self._keep = Budget(0.0, SHARE)
        self._sample = (np.zeros(0, np.int64), np.zeros(0, np.float32))
        self._plane: np.ndarray | None = None
        self._map: MapFrame | None = None
        self._next_kept = 0

    def run(self, job: Job[RunParams]) -> Iterator[Event]:
        """Make or go on with the run of ``job.params.run``, up to ``until``."""
        run = self._run
        if run is None or run.params.run != job.params.run:
            run = yield from self._another(job.params)
        try:
            yield from self._train(run, job)
        finally:
            self._save(run)

    def close(self) -> None:
        """The window closes: let the run's file go."""
        self._claim.release()

    def _another(self, params: RunParams) -> Generator[Event, None, Run]:
        """Begin another run, or go on with the one on disk; cut short it is none, and claims no file."""
        self._run = None
        self._claim.release()
        try:
            yield from self._shelf.get(Wanted(params.data, params.paths))
            run = Run(params, self._shelf.found)
            if params.resume and params.folder:
                file = run_file(params.folder, params)
                if not self._claim.hold(file):
                    raise LabError(TAKEN)
                _load(run, file)
            self._begin(run)
            yield run.began()
            yield from run.told
            yield from run.measured
            yield from self._look(run, every=True)
            self._run = run
        finally:
            if self._run is None:
                self._claim.release()
        return run

    def _begin(self, run: Run) -> None:
        self._saved, self._next_kept, self._own = run.step, 0, run.params.resume
        self._refused = None
        self._plane, self._map = None, None
        self._sample = (np.zeros(0, np.int64), np.zeros(0, np.float32))

    def _train(self, run: Run, job: Job[RunParams]) -> Iterator[Event]:
        saved = time.monotonic()
        while not run.stopped and run.step < job.params.until:
            told = run.advance(job.params)
            if told is None:
                reason = Message("Loss became NaN at step {n}. Stopped; weights of step {k} are kept.",
                                 {"n": run.step + 1, "k": run.step})  # fmt: skip
                yield Stopped(run.step, reason)
                return
            yield told
            if run.step >= 20 and told.spread < COLLAPSED and not run.collapsed:
                run.collapsed = True
                yield Collapsed(run.step, told.spread)
            yield from self._look(run)
            if run.params.folder and time.monotonic() - saved > SAVE_EVERY:
                yield from self._kept(run)
                saved = time.monotonic()
        if not run.stopped:
            yield from self._look(run, every=True)
            yield from self._kept(run)

    def _kept(self, run: Run) -> Iterator[Event]:
        """Save the run and say so; what refuses it is said once."""
        said = self._save(run)
        if said is None:
            return
        reason = said.reason if isinstance(said, NotSaved) else None
        known, self._refused = reason is not None and reason == self._refused, reason
        if not known:
            yield said

    def _save(self, run: Run) -> NotSaved | Saved | None:
        if not run.params.folder or run.stopped or run.step == self._saved:
            return None
        path = run_file(run.params.folder, run.params)
        try:
            if not self._claim.hold(path):
                return _not_saved(run, ELSEWHERE)
            if not self._own and path.is_file():  # of an earlier run: it is put aside
                put_aside(path)
            save(run, path)
        except files.WriteError as error:
            return _not_saved(run, error.reason)
        self._saved, self._own = run.step, True
        return Saved(run.step)

    def _look(self, run: Run, every: bool = False) -> Iterator[Event]:
        """Frames, states to keep and measures, as far as their share of the time allows; ``every``: all now."""
        if self._stale.due(every):
            self._sample = staleness(run)
            self._stale.paid()
        if self._frames.due(every):
            frame = queue_frame(run, self._sample)
            self._frames.paid()
            yield frame
        if self._maps.due(every):
            shown = self._mapped(run)
            self._maps.paid()
            yield shown
        if self._keep.due(every) and (every or run.step >= self._next_kept):
            self._next_kept = max(run.step + 5, round(1.1 * run.step))
            self._sample = staleness(run)
            kept = KeptRun(run.weights(), queue_frame(run, self._sample), self._mapped(run))
            self._keep.paid()
            yield kept
        known = bool(run.measured) and run.measured[-1].step == run.step
        if not known and self._measures.due(not run.measured):
            yield from self._measured(run)
            self._measures.paid()

    def _mapped(self, run: Run) -> MapFrame:
        self._map, self._plane = map_frame(run, self._plane)
        return self._map

    def _measured(self, run: Run) -> Iterator[Event]:
        for event in measured(run):
            if isinstance(event, Measured):
                run.measured.append(event)
            yield event


__all__ = ["QueueFrame", "Run", "Trainer", "Twin", "checked", "encoder", "recipe", "save", "settle"]

"""Trains a contrastive run as a guest of the lane: measured while it goes on, saved so that it can be left alone."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch

from engines.core import files
from engines.core.claim import ELSEWHERE, TAKEN, Claim
from engines.core.errors import LabError, Message
from engines.core.keeping import GOES_ON
from engines.core.memo import Memo
from engines.core.pack import DAMAGE
from engines.core.protocol import Event, Job
from engines.core.training import NotSaved, Stopped
from engines.moco.pictures import PictureSet, Wanted, kept
from engines.moco.run import Run
from engines.moco.saved import put_aside, put_broken_aside, run_file
from engines.moco.settings import Learning
from engines.moco.snapshots import Budget, map_frame, measured, queue_frame, staleness
from engines.moco.spec import COLLAPSED, Collapsed, KeptRun, MapFrame, Measured, RunParams, Saved

SAVE_EVERY = 20.0  # seconds
FRAME_EVERY, MAP_EVERY, MEASURE_EVERY = 0.1, 0.4, 4.0  # seconds, at least
SHARE, MAP_SHARE, MEASURE_SHARE = 1 / 150, 1 / 60, 1 / 60  # of the time that each kind of snapshot may cost


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
        self._sets: Memo[PictureSet] = Memo()
        self.current: Run | None = None
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
        run = self.current
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
        self.current = None
        self._claim.release()
        try:
            run = Run(params, (yield from kept(self._sets, Wanted(params.data, params.paths))))
            if params.resume and params.folder:
                file = run_file(params.folder, params)
                if not self._claim.hold(file):
                    raise LabError(TAKEN)
                _load(run, file)
            self._begin(run)
            yield run.began()
            yield from run.told
            yield from run.measured
            yield from self._snapshots(run, every=True)
            self.current = run
        finally:
            if self.current is None:
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
            yield from self._snapshots(run)
            if run.params.folder and time.monotonic() - saved > SAVE_EVERY:
                yield from self._kept(run)
                saved = time.monotonic()
        if not run.stopped:
            yield from self._snapshots(run, every=True)
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

    def _snapshots(self, run: Run, every: bool = False) -> Iterator[Event]:
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

"""Keeps training runs on disk, so that a kill costs less than a minute of training. Imports no torch.

`Keeping` stands between the lane and a training engine. What the engine tells it notes; every so often, between two
steps, it takes a copy of the run's state, and a thread of its own writes the file. A run that is gone on with tells
its history again, so that nothing on screen is missing, and then makes the very steps that it would have made.

A file belongs to one window at a time. A run that has come to its end, or that its person has begun anew, is not kept;
one that nobody has decided about, or that another one has branched off, is put aside.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engines.core import files, memory, pack
from engines.core.claim import ELSEWHERE, TAKEN, Claim, refuse_taken, taken
from engines.core.errors import LabError, Message
from engines.core.lane import close
from engines.core.protocol import Event, Job, Record
from engines.core.training import (
    Finished,
    Kept,
    NotSaved,
    Resumable,
    Stepped,
    Stopped,
    Timeline,
    TrainingParams,
    Weights,
)

VERSION = 1
EVERY = 20.0  #: seconds of training from one copy to the next, at least
REST = 5.0  #: the same where the run rests: it may do so many times a second
LONGEST = 50.0  #: the same at most: less than the minute that a kill may cost
SHARE = 0.01  #: of the time that taking copies may use
MEMORY, STATES = 8 * 2**20, 60  #: of the states to look back at: bytes and number
BEFORE, MOST_ASIDE = "before", 3  #: what names of runs put aside end on, and how many are kept
DRIVEN = ("run", "until", "start", "keep", "resume", "branches")  #: params that are no settings of the run
GOES_ON = "The run can't be saved ({reason}). It continues."


@dataclass(frozen=True)
class SavedRun:
    """A run on disk.

    Attributes
    ----------
    file : Path
    step : int
    settings : dict
        Those it was begun with, with the live ones of the last step.
    """

    file: Path
    step: int
    settings: dict[str, Any]


# ------------------------------------------------------------------ what lies on disk
def home() -> Path:
    """The folder of everything that is kept for later, outside the project."""
    own = os.environ.get("ATTENTION_LAB_HOME")
    return (Path(own) if own else Path.home() / ".cache" / "attention-lab").expanduser()


def place_of(name: str) -> Path:
    """The file of the runs of one training page."""
    return home() / "runs" / f"{name}.npz"


def saved_runs(place: Path) -> list[SavedRun]:
    """The runs that can be gone on with, the newest first; none while another window has them."""
    found = [each for each in (place, *_aside(place)) if each.is_file()]
    if not found or taken(place):
        return []
    runs = []
    for file in found:
        with suppress(*pack.DAMAGE, MemoryError):  # a broken head may ask for any room
            said = pack.about(file)
            if said["version"] == VERSION:
                runs.append(SavedRun(file, int(said["step"]), dict(pack.unpacked(said["settings"], [], {}))))
    return runs


def forget(run: SavedRun, place: Path) -> None:
    """Remove a run of a place from the disk.

    Raises
    ------
    LabError
        If another window has taken the place since: the run may be the one that it goes on with.
    """
    refuse_taken(place)
    with suppress(OSError):
        run.file.unlink()


def first(run: SavedRun, place: Path) -> None:
    """Bring a run to the front: it is the one that is gone on with.

    Raises
    ------
    LabError
        If another window has taken the place since, or the disk refuses.
    """
    refuse_taken(place)
    if run.file == place:
        return
    try:
        if place.exists():
            files.put_aside(place, BEFORE)  # for the one that comes, so none is too many
        os.replace(run.file, place)
    except OSError as error:
        raise files.WriteError(place, files.reason(error)) from error


def _aside(place: Path) -> list[Path]:
    """Runs put aside, the newest first."""
    name = re.compile(rf"{re.escape(place.stem)}-{BEFORE}(-\d+)?{re.escape(place.suffix)}")
    with suppress(OSError):
        found = [each for each in place.parent.iterdir() if name.fullmatch(each.name)]
        return sorted(found, key=lambda each: each.stat().st_mtime_ns, reverse=True)
    return []


def _put_aside(place: Path) -> None:
    files.put_aside(place, BEFORE)
    for old in _aside(place)[MOST_ASIDE:]:
        with suppress(OSError):
            old.unlink()


def settings_of(params: TrainingParams) -> dict[str, Any]:
    """What has to be the same for a run to go on."""
    return {f.name: getattr(params, f.name) for f in fields(params) if f.name not in DRIVEN and f.init}


# ------------------------------------------------------------------ keeping
class History:
    """What a run has told: its records word for word, its states to look back at within bounds."""

    def __init__(self) -> None:
        self.lines: list[str] = []  # JSON
        self.arrays = pack.Arrays()
        self.states = Timeline(MEMORY, STATES)

    def note(self, event: Event) -> None:
        """Remember an event, if it is one to be told again."""
        if isinstance(event, Kept):
            self.states.add(event.weights)
        elif isinstance(event, Record) and not isinstance(event, Stopped | Finished | NotSaved):
            self.lines.append(json.dumps(pack.packed(event, self.arrays)))

    def kept(self) -> Iterator[Kept]:
        """The states, first to last."""
        for step in self.states.steps:
            state = self.states.at(step)
            if state is not None:
                yield Kept(state)


class Keeping:
    """A training engine whose runs are kept.

    Parameters
    ----------
    engine : Resumable
    """

    def __init__(self, engine: Resumable) -> None:
        self._engine = engine
        self._classes = {each.__name__: each for each in (*engine.told, Weights, Kept, Message)}
        self._known = (*engine.told, Kept, Stopped, Finished, NotSaved)
        self._params: TrainingParams | None = None
        self._place: Path | None = None
        self._claim = Claim()
        self._own = False  # the file is of the run in hand
        self._history = History()
        self._step = self._kept_step = 0
        self._kept_at, self._wait = time.monotonic(), EVERY
        self._writer: threading.Thread | None = None
        self._failed: Message | None = None
        self._said: Message | None = None

    def run(self, job: Job[TrainingParams]) -> Iterator[Event]:
        """As the engine, with a run's history first where it goes on from the disk."""
        again: list[Event] | None = None
        learned = False  # by a run that gives way to another
        if self._params is None or self._params.run != job.params.run:
            learned = self._step > 0
            self._begin(job.params)
            if job.params.resume and self._place is not None:
                again = self._resume(self._place)
            began = True
        else:
            began = False
        self._params = job.params
        steps = self._engine.run(job)
        try:
            while True:
                try:
                    event = next(steps)
                except StopIteration:
                    break
                except pack.DAMAGE as error:
                    if again is None:
                        raise
                    raise self._broken(error) from error
                yield event
                if began and isinstance(event, Record):  # what the run is: each run says it itself
                    began = False
                    yield from again or ()
                    again = None
                    if learned:  # its model is gone by now
                        memory.give_back()
                elif isinstance(event, Record) and not isinstance(event, self._known):
                    self._anew()  # the engine had to begin again, on another device, say
                else:
                    self._history.note(event)
                if isinstance(event, Stepped):
                    self._step, self._params = event.step, job.params
                    if time.monotonic() - self._kept_at >= self._wait:
                        self._keep()
                if isinstance(event, Stopped | Finished) or self._step >= self._engine.last:
                    self._drop()
                if self._failed != self._said:
                    self._said = self._failed
                    if self._failed is not None:
                        yield NotSaved(self._step, Message(GOES_ON, {"reason": self._failed}))
        finally:
            close(steps)
            if again is not None:
                self._params, self._own = None, False  # it never began: the file stays as it is
                self._engine.waiting = None
                self._claim.release()
            elif time.monotonic() - self._kept_at >= REST:
                self._keep()

    def close(self) -> None:
        """The window closes: bring to the disk what is not there yet, and let the file go."""
        self.join()
        self._keep()
        self.join()
        self._claim.release()

    # -- beginning
    def _begin(self, params: TrainingParams) -> None:
        """Another run: the one before was given up by its person, or has ended, or is left at a step of the past."""
        if params.branches:
            self.join()
            self._keep()
            self.join()
            self._own = False  # as a run that nobody has decided about, it is put aside when this one is kept
        self._drop()
        self._place = Path(params.keep) if params.keep else None
        self._own, self._history = False, History()
        self._step = self._kept_step = 0
        self._kept_at, self._wait = time.monotonic(), EVERY
        self._failed = self._said = None
        self._engine.waiting = None

    def _anew(self) -> None:
        self._history = History()
        self._step = self._kept_step = 0

    def _resume(self, place: Path) -> list[Event]:
        """Hand the run on disk to the engine; its history."""
        self._params = None
        if not self._claim.hold(place):
            raise LabError(TAKEN)
        try:
            said, tree, arrays = pack.load(place)
            if said["version"] != VERSION:
                raise ValueError("another version")
            state, lines, kept = pack.unpacked(tree, arrays, self._classes)
        except pack.DAMAGE as error:
            raise self._broken(error) from error
        self._engine.waiting, self._own = state, True
        self._step = self._kept_step = int(said["step"])
        again = [*lines, *kept]
        for event in again:
            self._history.note(event)
        return again

    def _broken(self, error: Exception) -> LabError:
        """A file that can't be gone on with is put aside, so that no other one takes its place."""
        self._engine.waiting, self._own = None, False
        self._params = None
        place, kind = self._place, type(error).__name__
        self._claim.release()
        assert place is not None
        try:
            name = files.put_aside(place, "broken").name
        except files.WriteError:
            return LabError("The saved run can't be read ({reason}).", reason=kind)
        return LabError("The saved run can't be read ({reason}). It is kept as {name}.", reason=kind, name=name)

    # -- the file
    def _drop(self) -> None:
        """The run in hand needs no keeping any more."""
        self.join()
        if self._own and self._place is not None:
            with suppress(OSError):
                self._place.unlink()
        self._own = False
        self._place = None
        self._claim.release()

    def _keep(self) -> None:
        """Take a copy, and have it written; at most one at a time."""
        place = self._place
        if place is None or self._step <= self._kept_step or self._params is None:
            return
        if self._writer is not None and self._writer.is_alive():
            return
        self._writer = None
        began = time.perf_counter()
        try:
            if not self._claim.hold(place):
                self._place, self._failed = None, ELSEWHERE
                return
            if not self._own and place.exists():  # of an earlier run, which nobody has decided about
                _put_aside(place)
        except files.WriteError as error:
            self._failed = error.reason
        else:
            self._write(place)
        self._kept_at = time.monotonic()
        self._wait = min(max(EVERY, (time.perf_counter() - began) / SHARE), LONGEST)

    def _write(self, place: Path) -> None:
        state, history, step = self._engine.state(), self._history, self._step
        if state is None or self._params is None:
            return
        arrays = pack.Arrays(history.arrays.all)
        parts = json.dumps(pack.packed(state, arrays)), json.dumps(pack.packed(tuple(history.kept()), arrays))
        lines = history.lines[:]
        settings = pack.packed(settings_of(self._params), pack.Arrays())
        said = {"version": VERSION, "step": step, "settings": settings}
        self._own, self._kept_step = True, step
        size = sum(array.nbytes for array in arrays.all)

        def write() -> None:
            tree = f"[{parts[0]},[{','.join(lines)}],{parts[1]}]"
            try:
                files.write(place, lambda out: pack.fill(out, said, tree, arrays.all))
            except files.WriteError as error:
                self._failed, self._kept_step = error.reason, 0
            except MemoryError:
                self._failed, self._kept_step = Message("there is not enough memory"), 0
            else:
                self._failed = None
            arrays.all.clear()
            if size >= memory.MUCH:
                memory.give_back()

        self._writer = threading.Thread(target=write, name="keeping")
        self._writer.start()

    def join(self) -> None:
        """Wait until what is being written is on the disk."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None

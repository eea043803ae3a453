"""Runs studies on this computer: a process for each core, so that one that dies takes nothing with it but its row."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from engines.core.errors import LabError, Message
from engines.studies.parts import Packed, Part, part_of, unpacked
from engines.studies.spec import Kind, Outcome, Row, ended, gone

TRIES = 2  #: of a row whose process went away
ROOT = Path(__file__).parents[2]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def cores() -> int:
    """Processes that this computer has room for."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


class Process:
    """A process that computes runs of a kind, one after the other, with one thread: so sums are added in one order.

    Parameters
    ----------
    place, params_place : str
        Of a `Kind`.
    niceness : int
        How far all else goes first.
    """

    def __init__(self, place: str, params_place: str, niceness: int = 0) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `end`
        self._pictures = tempfile.TemporaryFile()  # noqa: SIM115  # of a part that was sent here
        self._part: tuple[str, Part] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engines.studies.worker", place, params_place, str(niceness)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, encoding="utf-8",
            env=os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)},
            pass_fds=() if os.name == "nt" else (self._pictures.fileno(),),
            creationflags=getattr(subprocess, "IDLE_PRIORITY_CLASS", 0) if niceness else 0,
        )  # fmt: skip
        self.alive = True

    def ask(self, settings: dict[str, Any], seed: int, part: Part | None = None) -> dict[str, Any] | None:
        """What a run tells (`engines.studies.spec.ended`); None if the process went away in the middle of it."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            lent = {} if part is None else {"pictures": part.lent()}
            process.stdin.write(json.dumps({"settings": settings, "seed": seed, **lent}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line.endswith("\n"):
            self.alive = False
            return None
        told: dict[str, Any] = json.loads(line)
        self.alive = not told.pop("ended", False)
        return told

    def take(self, what: Packed) -> Part:
        """Pictures that were sent here, for it to look at.

        Raises
        ------
        LabError
            No process of this system can be handed an open file.
        """
        if os.name == "nt":
            raise LabError("Pictures can't be sent to a node with Windows.")
        if self._part is None or self._part[0] != what.key:
            self._part = what.key, unpacked(what, self._pictures)
        return self._part[1]

    def end(self) -> Message:
        """End it at once; how it ended, as part of a sentence."""
        process = self._process
        if self.alive:
            process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was to be written has no reader any more
                pipe.close()
        code = process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        self._errors.close()
        self._pictures.close()
        if code < 0:
            return Message("it was ended by {signal}", {"signal": _name(-code)})
        return Message("{text}", {"text": last[0] if last else f"exit {code}"})

    def kill(self) -> None:
        """End it while somebody else waits for its answer."""
        self._process.kill()


_kept: dict[tuple[str, str], Process] = {}  # of `asked`


def asked(
    place: str, params_place: str, settings: dict[str, Any], seed: int, pictures: Packed | None = None
) -> dict[str, Any]:
    """What a run tells, by a process that waits for the next row then; ``gone`` says how it went away, if it did.

    For another process than the program's, which computes one row at a time.
    """
    kind = place, params_place
    process = _kept.get(kind)
    if process is None:
        process = _kept[kind] = Process(*kind)
    told = process.ask(settings, seed, None if pictures is None else process.take(pictures))
    if not process.alive:
        why = _kept.pop(kind).end()
        return {"gone": str(why)} if told is None else told
    assert told is not None
    return told


class Local:
    """Runs rows of a kind on this computer.

    Parameters
    ----------
    kind : Kind
    workers : int
        Processes; one for each core if not given.
    niceness : int
        Of the processes: how far all else goes first.
    parts : mapping of str to Part
        Of the pictures that the rows look at.
    """

    def __init__(
        self, kind: Kind, workers: int | None = None, niceness: int = 0, parts: Mapping[str, Part] | None = None
    ) -> None:
        self._kind, self.workers, self._niceness = kind, workers or cores(), niceness
        self._parts = parts or {}
        self._lock = threading.RLock()  # a signal may stop it while it stops
        self._stopped = False
        self._processes: set[Process] = set()

    def run(self, rows: Sequence[Row]) -> Generator[Outcome]:
        """How each run ended, as they end. Closed early, it ends all processes at once.

        Raises
        ------
        LabError
            No process can be started.
        """
        left, heard = deque(rows), queue.Queue[Outcome | OSError | None]()
        threads = [
            threading.Thread(target=self._work, args=(left, heard), daemon=True)
            for _ in range(min(self.workers, len(rows)))
        ]
        self._stopped = False
        for thread in threads:
            thread.start()
        at_work = len(threads)
        try:
            while at_work:
                told = heard.get()
                if isinstance(told, OSError):
                    raise LabError("No process can be started ({reason}).", reason=str(told))
                if told is None:
                    at_work -= 1
                else:
                    yield told
        finally:
            self.stop()
            for thread in threads:
                thread.join()

    def stop(self) -> None:
        """End all processes at once; `run` ends, too. May be called by a signal's handler and from any thread."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()

    def _work(self, left: deque[Row], heard: queue.Queue[Outcome | OSError | None]) -> None:
        """Take row after row; one whose process goes away gets another process, once."""
        process: Process | None = None
        try:
            while not self._stopped:
                try:
                    row = left.popleft()
                except IndexError:
                    break
                for tries in range(1, TRIES + 1):
                    if process is None and (process := self._started()) is None:
                        return
                    told = process.ask(row.settings, row.seed, part_of(row, self._parts))
                    outcome = None if told is None else ended(row, told, tries)
                    why = None if process.alive else self._end(process)
                    process = None if why else process
                    if outcome is None and tries == TRIES and why is not None:
                        outcome = gone(row, str(why), tries)
                    if outcome is not None or self._stopped:
                        break
                if outcome is not None and not self._stopped:
                    heard.put(outcome)
        except OSError as error:
            heard.put(error)
        finally:
            if process is not None:
                self._end(process)
            heard.put(None)

    def _started(self) -> Process | None:
        with self._lock:
            if self._stopped:
                return None
            made = Process(self._kind.place, self._kind.params_place, self._niceness)
            self._processes.add(made)
            return made

    def _end(self, process: Process) -> Message:
        with self._lock:
            self._processes.discard(process)
        return process.end()


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

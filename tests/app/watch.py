"""Watches the GUI thread: how late its ticks come, what it did meanwhile, and what a process holds on to."""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from engines.core.memory import give_back

TICK = 16  #: ms between two ticks
LATE = 0.1  #: s after which a tick is late: from then on the thread's stack is looked at
LOOK = 0.02  #: s between two looks
DEEP = 14  #: frames of a stack that are told, the innermost ones
CLOCKS = ("wall", "fair", "cpu")  # all seconds; all but those in the queue for a core; those computed
AFTER = 0.5  # s after a switch of theme or language in which gaps are its own
NEW = 20  #: modules imported in a gap that make it one of a first import
ROOT = Path(__file__).resolve().parents[2]
FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')


@dataclass
class Gap:
    """A tick that came late.

    Attributes
    ----------
    wall, cpu : float
        Seconds until it came, and those that the GUI thread itself computed; the watcher's own are taken off.
    queued : float
        Seconds of them that the thread was ready and waited for a core: other programs' doing on a busy machine.
    collecting : float
        Seconds of them in Python's garbage collection, on whichever thread.
    kind : str
        ``look`` (theme or language), ``first`` (a tab built, modules imported) or empty.
    acts : list of str
        What the hands were doing.
    stack : list of str
        Where the thread stood most of the time, outermost first.
    """

    wall: float
    cpu: float
    collecting: float = 0.0
    kind: str = ""
    acts: list[str] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    queued: float = 0.0

    def length(self, clock: str) -> float:
        """Seconds by one of the `CLOCKS`."""
        return {"wall": self.wall, "fair": max(self.wall - self.queued, self.cpu), "cpu": self.cpu}[clock]

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Watch(QObject):
    """A timer in the GUI thread, and a thread that looks at it when the timer is late.

    Parameters
    ----------
    wall, cpu, queued : callable
        The clocks, in seconds; ``cpu`` and ``queued`` (for a core) are those of the calling thread.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.thread_time,
        queued: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self._wall, self._cpu, self._queued = wall, cpu, queued or queue_clock()
        self.gaps: list[Gap] = []
        self.acts: deque[str] = deque(maxlen=4)  # since the last tick
        self._act = ""  # the last of all
        self._marked = -AFTER  # when theme or language were switched
        self._own = [0.0, 0.0]  # wall and cpu of the watcher and of the hands since the last tick
        self._kind = ""
        self._collecting, self._collected_at = 0.0, 0.0
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._over = threading.Event()
        self._timer = QTimer(self, interval=TICK)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._looker = threading.Thread(target=self._look, name="watch", daemon=True)
        self.renew()

    def start(self) -> None:
        """Watch from now on."""
        gc.callbacks.append(self._gc)
        self.renew()
        self._timer.start()
        self._looker.start()

    def stop(self) -> None:
        """Leave nothing behind."""
        self._timer.stop()
        self._over.set()
        self._looker.join()
        gc.callbacks.remove(self._gc)

    def renew(self) -> None:
        """Count from now on: what was done since the last tick is nobody's."""
        self._then, self._cpu_then, self._queued_then = self._wall(), self._cpu(), self._queued()
        self._modules = len(sys.modules)
        self._own, self._kind, self._collecting = [0.0, 0.0], "", 0.0
        self.acts.clear()
        with self._lock:
            self._seen.clear()
            self._importing = False

    def tick(self) -> None:
        """The timer came; a late one is kept as a gap."""
        wall, cpu = self._wall() - self._then - self._own[0], self._cpu() - self._cpu_then - self._own[1]
        if self._kind == "look":
            self._marked = self._wall()
        if wall > LATE:
            with self._lock:
                stack = [list(found) for found, _ in self._seen.most_common(1)]
                imported = self._importing or len(sys.modules) - self._modules > NEW
            kind = self._kind or ("first" if imported else "")
            if not kind and self._then - self._marked < AFTER:
                kind = "look"  # what a switch leaves to lay out and to paint
            queued = self._queued() - self._queued_then
            self.gaps.append(
                Gap(
                    wall,
                    cpu,
                    self._collecting,
                    kind,
                    list(self.acts) or [f"after {self._act}"],
                    stack[0] if stack else [],
                    queued,
                )
            )
        self.renew()

    def doing(self, act: str) -> None:
        """Say what the hands begin to do."""
        self._act = act
        self.acts.append(act)

    def mark(self, kind: str) -> None:
        """The gap in hand is of a kind of its own."""
        self._kind = self._kind or kind

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is done meanwhile is the watcher's work, not the window's."""
        wall, cpu = self._wall(), self._cpu()
        try:
            yield
        finally:
            self._own[0] += self._wall() - wall
            self._own[1] += self._cpu() - cpu

    # -- the other thread, and the collector on any
    def _look(self) -> None:
        with tempfile.TemporaryFile("w+") as file:
            while not self._over.wait(LOOK):
                if self._wall() - self._then > LATE:
                    found, importing = stack_of(self._thread, file)
                    with self._lock:
                        self._seen[found] += 1
                        self._importing |= importing

    def _gc(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collected_at = self._wall()
        else:
            self._collecting += self._wall() - self._collected_at


def queue_clock() -> Callable[[], float]:
    """Seconds that the thread that asks for the clock has waited for a core; always 0 where nobody counts them."""
    path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
    return (lambda: int(path.read_text().split()[1]) / 1e9) if path.exists() else (lambda: 0.0)


def stack_of(thread: int, file: TextIO) -> tuple[tuple[str, ...], bool]:
    """Where a thread stands: the innermost frames, outermost first, as ``app/tab.py:120 change``.

    And whether any thread imports a module: one alone, torch's own, keeps all others waiting for half a second.

    Written by `faulthandler`: taking the frames of a thread that runs on (`sys._current_frames`) ends Python 3.11 with
    a segmentation fault now and then.

    Parameters
    ----------
    thread : int
        Its ident.
    file : text file
        An ordinary one, to write to.
    """
    file.seek(0)
    file.truncate()
    faulthandler.dump_traceback(file, all_threads=True)
    file.seek(0)
    own, importing, lines = False, False, []
    for line in file:
        importing |= "<frozen importlib._bootstrap>" in line
        if "hread 0x" in line:
            own = int(line.split()[-5 if line.startswith("Current") else 1], 16) == thread
        elif own and (found := FRAME.match(line)):
            path, number, name = found.groups()
            short = os.path.relpath(path, ROOT) if path.startswith(f"{ROOT}/") else "/".join(Path(path).parts[-2:])
            lines.append(f"{short}:{number} {name}")
    return tuple(lines[:DEEP][::-1]), importing


# ------------------------------------------------------------------ what is held on to
def memory() -> float:
    """Resident MB of this process, without what has been given back already; 0 where that cannot be known."""
    if not sys.platform.startswith("linux"):
        return 0.0
    gc.collect()
    give_back()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak() -> float:
    """Most resident MB that this process ever had; 0 where that cannot be known."""
    if not sys.platform.startswith("linux"):
        return 0.0
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith("VmHWM:"))


def kind_of(one: QObject) -> str:
    """Class of an object, and of what it belongs to."""
    parent = one.parent()
    return type(one).__name__ if parent is None else f"{type(one).__name__} of {type(parent).__name__}"


@dataclass
class Held:
    """What the process holds at a moment: MB, Qt's objects by class, Python's threads, open files."""

    memory: float
    objects: dict[str, int]
    threads: list[str]
    files: int

    @classmethod
    def now(cls) -> Held:
        """Counted now; in the GUI thread."""
        kinds: Counter[str] = Counter()
        for root in (QApplication.instance(), *QApplication.topLevelWidgets()):
            if root is not None and root.parent() is None:
                kinds.update(kind_of(one) for one in (root, *root.findChildren(QObject)))
        folder = Path("/proc/self/fd")
        files = len(list(folder.iterdir())) if folder.is_dir() else 0
        return cls(memory(), dict(kinds), sorted(t.name for t in threading.enumerate()), files)

    @property
    def count(self) -> int:
        """Qt's objects."""
        return sum(self.objects.values())

    def more(self, before: Held) -> dict[str, int]:
        """Classes of which there are more than before, and how many."""
        found = {k: n - before.objects.get(k, 0) for k, n in self.objects.items()}
        return {k: n for k, n in sorted(found.items(), key=lambda one: -one[1]) if n > 0}

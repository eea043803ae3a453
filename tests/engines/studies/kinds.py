"""Runs that take no time, and runs that go wrong in all the ways there are."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.core.errors import LabError
from engines.core.params import Choice, Params, Range, setting
from engines.core.protocol import Frame
from engines.studies.album import Album
from engines.studies.spec import Found, Kind

WELL, DIES_ONCE, DIES, REFUSES, RAISES, WAITS, LESS, ORPHANED, TOLD = WAYS = (
    "well", "dies once", "dies", "refuses", "raises", "waits", "less", "orphaned once", "waits to be told"
)  # fmt: skip


@dataclass(frozen=True)
class Drawn(Params):
    way: str = setting(WELL, Choice(WAYS, "Way"))
    times: float = setting(1.0, Range(0.0, 10.0, 0.1, "Times"))
    folder: str = setting("")
    warm: bool = setting(False)


def measure(params: Drawn, seed: int) -> dict[str, float]:
    """Draws a number, or does not."""
    print("what libraries say is no answer")
    found = {"drawn": params.times * random.Random(seed).random(), "pid": float(os.getpid())}
    mark = Path(params.folder) / f"seen-{params.way}-{seed}"
    match params.way:
        case "dies once" if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        case "orphaned once" if not mark.exists():
            mark.touch()
            os.kill(os.getppid(), signal.SIGKILL)  # on a cluster: the process of Ray that asked for this
            time.sleep(600)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refuses":
            raise LabError("{name} is not here.", name="Nobody")
        case "raises":
            raise ZeroDivisionError("by nothing")
        case "waits":
            mark.write_text(str(os.getpid()), encoding="utf-8")
            time.sleep(600)
        case "waits to be told":
            with mark.open("a", encoding="utf-8") as file:
                file.write("begun\n")
            while not (Path(params.folder) / "go").exists():
                time.sleep(0.02)
        case "less":
            del found["pid"]
    return found


KIND = Kind("drawn", Drawn, "tests.engines.studies.kinds:measure", ("drawn", "pid"))


@dataclass(frozen=True)
class Looked(Params):
    pictures: str = setting("")
    times: float = setting(1.0, Range(0.0, 10.0, 0.1, "Times"))


def look(params: Looked, seed: int, part) -> Found:
    """Adds up the bytes of each picture."""
    sums = np.array([sum(part.content(index)) for index in range(len(part))])
    return Found({"sum": params.times * float(sums.sum()) + seed}, {"sums": sums, "drawn": np.float32([seed / 3])})


def look_at_all(params: Looked, seed: int, part) -> dict[str, float]:
    return dict(look(params, seed, part).numbers)


PARTED = Kind("looked", Looked, "tests.engines.studies.kinds:look", ("sum",), part=2, arrays=True)
WHOLE = Kind("whole", Looked, "tests.engines.studies.kinds:look_at_all", ("sum",), part=4)


def says_little(line, address, *events):
    """A courier who answers one question, and is silent from then on, as if a cable were cut."""
    line.send(("ready",))
    line.send(("told", line.recv()[2], Album().pack((0, [(0, event) for event in events]))))
    with suppress(EOFError):
        while True:
            line.recv()


def says_something(line, address):
    """The same, with an event of its engine."""
    says_little(line, address, Frame())


def says_nothing(line, address):
    """The same, who has not even reached a cluster."""
    with suppress(EOFError):
        line.recv()

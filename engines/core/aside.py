"""Reads beside the compute lane: a slow disk or a long file holds up no other tab."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any, Generic, TypeVar

BEAT = 0.02  #: seconds between two places to stop of the one that waits
PATIENCE = 0.25  #: seconds that a given up reading has to come to its next place to stop; then it is left to end alone

P = TypeVar("P")
T = TypeVar("T")


class _Reader(threading.Thread, Generic[P, T]):
    """Runs a generator to its end, or to the first place to stop after `give_up` was set."""

    def __init__(self, steps: Generator[P, None, T], first: P) -> None:
        super().__init__(name="reading", daemon=True)
        self._steps = steps
        self.told = first
        self.over, self.give_up = threading.Event(), threading.Event()
        self.found: list[T] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.give_up.is_set():
                self.told = next(self._steps)
            self._steps.close()
        except StopIteration as end:
            self.found.append(end.value)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the reading is waited for
            self.error = error
        finally:
            self.over.set()


def aside(steps: Generator[P, None, T], first: P) -> Generator[P, None, T]:
    """The same generator on a thread of its own; yields what it yielded last, every 20 ms.

    Parameters
    ----------
    steps : generator
        Touches nothing that others change. Its places to stop are those at which it can be given up.
    first : object
        Yielded while it has told nothing.

    Raises
    ------
    LabError
        Whatever ``steps`` raises.
    """
    reader: _Reader[P, Any] = _Reader(steps, first)
    reader.start()
    try:
        while not reader.over.wait(BEAT):
            yield reader.told
        if reader.error is not None:
            raise reader.error
        found: T = reader.found[0]
        return found
    finally:
        reader.give_up.set()
        reader.join(PATIENCE)

"""The one contract between every tab and every engine. Imports neither Qt nor torch.

An engine is a generator: each ``yield`` is at once a result and a place to stop. `Frame` events show how things
stand now and may be replaced by a newer one; `Record` events are history and are never dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from engines.core.errors import Message
from engines.core.params import Params

P = TypeVar("P", bound=Params)
P_contra = TypeVar("P_contra", bound=Params)


@dataclass(frozen=True)
class Event:
    """One thing an engine tells its tab: builtins and CPU numpy arrays only, never tensors."""


@dataclass(frozen=True)
class Frame(Event):
    """A picture of now (attention map, boxes): a newer one of the same type replaces it."""


@dataclass(frozen=True)
class Record(Event):
    """A piece of history (loss point, note): kept in order, never dropped."""


@dataclass(frozen=True)
class Subject(Record):
    """What the frames that follow are about: a model, a set of pictures. Those of another one say nothing of it.

    The same object again says that it is still the same. A page that opens later is told the newest one of each type.
    """


@dataclass(frozen=True)
class Progress(Frame):
    """How far a long computation is.

    Attributes
    ----------
    done, total : float
        In any one unit; ``total`` 0 means that the end is not known.
    text : Message
        What is being done.
    """

    done: float
    total: float
    text: Message


@dataclass(frozen=True)
class Started(Record):
    """The lane took a job up; what follows, up to its `Ended`, belongs to these params."""

    params: Params


@dataclass(frozen=True)
class Ended(Record):
    """How a job ended. Text only, since a kept traceback would keep tensors alive.

    Attributes
    ----------
    params : Params
        Those the engine last read, which may be older than the newest ones it was handed.
    cancelled : bool
        It was asked to stop before its own end.
    error : Message, optional
        What went wrong, in words.
    details : str
        The traceback, for a bug report; empty for an error that the user can mend.
    memory : bool
        A GPU ran out of memory: the window offers the CPU.
    away : bool
        What was to compute it elsewhere cannot, or is gone: the window offers this computer.
    """

    params: Params
    cancelled: bool = False
    error: Message | None = None
    details: str = ""
    memory: bool = False
    away: bool = False

    @property
    def misplaced(self) -> bool:
        """Whether it failed by where it was computed, and not by what was asked."""
        return self.memory or self.away


class EndedError(Exception):
    """What an engine raises that was told how its job ended, as one that computes elsewhere is.

    Parameters
    ----------
    ended : Ended
        Its params count for nothing.
    """

    def __init__(self, ended: Ended) -> None:
        super().__init__(str(ended.error))
        self.ended = ended


class Engine(Protocol[P_contra]):
    """A topic's model, built once on the compute thread."""

    def run(self, job: Job[P_contra]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for, event by event."""
        ...


class Job(Generic[P]):
    """One request to the lane.

    Parameters
    ----------
    params : Params
        The settings to start from.
    engine : callable
        Makes (or returns) the engine; called on the compute thread.
    deliver : callable
        Takes each event; called on the compute thread, must not block.
    training : bool
        A guest of the lane: suspended while interactive jobs run, ended only by `Lane.withdraw`.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``: where the user wants it to run.
    """

    def __init__(
        self,
        params: P,
        engine: Callable[[], Engine[P]],
        deliver: Callable[[Event], None],
        training: bool = False,
        device: str = "auto",
    ) -> None:
        self.engine, self.deliver = engine, deliver
        self.training, self.device = training, device
        self.cancelled = threading.Event()
        self._params = self._seen = params

    @property
    def params(self) -> P:
        """The newest settings. For the engine: reading them here is what counts as having seen them."""
        self._seen = self._params
        return self._seen

    @property
    def newest(self) -> P:
        """The newest settings, for everybody but the engine."""
        return self._params

    @property
    def seen(self) -> P:
        """The settings that the engine read last."""
        return self._seen

    def saw(self, params: P) -> None:
        """For an engine that reads `newest` for another one: which settings that one has read last."""
        self._seen = params

    def update(self, params: P) -> None:
        """Hand newer live values to the running engine (GUI thread; one attribute swap, no lock needed)."""
        self._params = params


class Mailbox:
    """Worker puts, GUI drains: memory and repaints stay bounded however fast the engine is.

    Parameters
    ----------
    room : int
        Events that may wait. Records are never dropped, so a worker that is further ahead than this is slowed
        to the pace of the window, a short wait at a time (a closed window can therefore never hold it up).
    """

    PATIENCE = 0.02  #: seconds that a put waits at most for the window

    def __init__(self, room: int = 4096) -> None:
        self._changed = threading.Condition()
        self._events: dict[Any, Event] = {}
        self._room = room
        self._count = 0
        self.replaced = 0

    def put(self, event: Event) -> None:
        """Add an event; a frame takes the place of an older one of its type and moves to the end."""
        with self._changed:
            if len(self._events) >= self._room:
                self._changed.wait_for(lambda: len(self._events) < self._room, self.PATIENCE)
            self._count += 1
            key = type(event) if isinstance(event, Frame) else self._count
            self.replaced += self._events.pop(key, None) is not None
            self._events[key] = event

    def waiting(self) -> tuple[Event, ...]:
        """What would come with the next `drain`; it stays."""
        with self._changed:
            return tuple(self._events.values())

    def drain(self) -> list[Event]:
        """Take everything out, oldest first."""
        if not self._events:  # nobody waits for room then; the window looks 250 times a second
            return []
        with self._changed:
            events, self._events = self._events, {}
            self._changed.notify_all()
        return list(events.values())

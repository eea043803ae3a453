"""What answers a page on a node of a cluster: an engine with a lane of its own, as an actor of Ray.

Settings come in and events go out as `engines.studies.album` packs them. `more` waits for events and is called beside
the others, which come in the order in which they were sent.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache
from typing import Any

from engines.core.lane import Lane
from engines.core.params import Params
from engines.core.pictures import Picture
from engines.core.protocol import Ended, Engine, Event, Job, Mailbox, Started, Subject
from engines.studies.album import Album
from engines.studies.worker import load

WAIT = 1.0  #: seconds that `more` waits for an event at most


class Station:
    """Answers one question at a time; a newer one takes its place, as in the window's own lane.

    Parameters
    ----------
    place : str
        ``module:Class`` of the engine; it is made with the first question and kept.
    """

    def __init__(self, place: str) -> None:
        self._engine = cache(lambda: self._made(place))
        self._lane, self._album = Lane(), Album()
        self._changed = threading.Condition()
        self._number = 0
        self._job: Job[Any] | None = None
        self._box = Mailbox()
        self._turns: list[Params] = []  # the settings of this question, as they came
        self._held: dict[type[Subject], tuple[int, Subject]] = {}  # the newest of each type, and its number
        self._theirs: dict[type[Subject], int] = {}  # numbers of those that the other side has
        self._subjects = 0

    @staticmethod
    def _made(place: str) -> Engine[Any]:
        made: Engine[Any] = load(place)()
        return made

    def ask(
        self, number: int, packed: bytes, pictures: dict[int, Picture], used: set[int], device: str, held: set[int]
    ) -> None:
        """Take up a question.

        Parameters
        ----------
        number : int
            Greater than that of any before.
        packed : bytes
            Its settings.
        pictures, used
            Pictures that are new here, and the numbers of those in the settings; others are forgotten.
        device : str
            As of a `Job`.
        held : set of int
            Numbers of the subjects that the other side still has.
        """
        self._album.add(pictures)
        self._album.keep(used)
        params, box = self._album.unpack(packed), Mailbox()

        def deliver(event: Event) -> None:
            box.put(event)
            with self._changed:
                self._changed.notify_all()

        job = Job(params, self._engine, deliver, device=device)
        with self._changed:
            self._number, self._job, self._box, self._turns = number, job, box, [params]
            self._theirs = {kind: n for kind, (n, _) in self._held.items() if n in held}
            self._changed.notify_all()
        self._lane.submit(job)

    def update(self, number: int, packed: bytes, pictures: dict[int, Picture]) -> None:
        """Hand newer settings to the question in hand."""
        self._album.add(pictures)
        if number == self._number and self._job is not None:
            params = self._album.unpack(packed)
            self._turns.append(params)
            self._job.update(params)

    def drop(self, number: int) -> None:
        """End a question that nobody asks any more."""
        if number == self._number and self._job is not None:
            self._lane.withdraw(self._job)

    def more(self, number: int) -> bytes:
        """What there is to tell of a question: which of its settings were read last, and the events.

        Waits for the first of them, up to `WAIT`. A subject is told with its number, and without itself where the other
        side has it.
        """
        with self._changed:
            self._changed.wait_for(lambda: number < self._number or self._tells(number), WAIT)
            job, box, turns = self._job, self._box, self._turns
            if number != self._number or job is None:
                return self._album.pack((0, []))
            events = [self._told(event) for event in box.drain() if not isinstance(event, Started)]
        seen = next((turn for turn, params in enumerate(turns) if params is job.seen), 0)
        return self._album.pack((seen, events))

    def _tells(self, number: int) -> bool:
        return number == self._number and any(not isinstance(event, Started) for event in self._box.waiting())

    def _told(self, event: Event) -> tuple[int, Event | None]:
        if isinstance(event, Ended):
            return 0, replace(event, params=Params())
        if not isinstance(event, Subject):
            return 0, event
        kind = type(event)
        if kind not in self._held or self._held[kind][1] is not event:
            self._subjects += 1
            self._held[kind] = self._subjects, event
        number = self._held[kind][0]
        if self._theirs.get(kind) == number:
            return number, None
        self._theirs[kind] = number
        return number, event

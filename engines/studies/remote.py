"""An engine whose computing is done on a cluster of Ray, at an address that somebody typed.

For the lane it is an engine like any: it runs on the compute thread, hands the newest settings over, and yields what
comes back. A process of its own speaks with the cluster (`engines.studies.courier`), one for all engines.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any

from engines.core.errors import Message
from engines.core.params import Params
from engines.core.protocol import Ended, EndedError, Event, Job, Progress, Subject
from engines.studies.album import Album
from engines.studies.cluster import SILENT
from engines.studies.courier import serve

LOOK = 0.005  #: seconds between two looks for newer settings while nothing comes
BEAT = 0.02  #: seconds after which the lane is given a turn, to see whether it is still asked
LEAVE = 1.5  #: seconds that the process has to take its leave
CONNECT = 60.0  #: seconds that a cluster may take to let us in
FIRST = 120.0  #: seconds after which a station that has told nothing yet is given up: it imports torch first
SILENCE = 15.0  #: seconds after which one that has is: it speaks each second, also while it computes
QUIET = 3.0  #: seconds of silence that are told
GONE = "What computed this at {address} is gone ({reason})."
HERE = "{name} is a file on this computer: what needs it is computed here."

_numbers = count(1)


@dataclass(frozen=True)
class Away(Progress):
    """Nothing new has come from the cluster for a while: how far it was when last heard of."""


class Link:
    """The process that speaks with a cluster, and the line to it. For the compute thread alone.

    Parameters
    ----------
    address : str
    """

    def __init__(self, address: str) -> None:
        self.address, self.ready = address, False
        self.lost = set[str]()  # places of the engines whose stations are gone
        self.met = set[str]()  # of those that have told something
        self._asked = time.monotonic()  # when what is not answered yet was asked
        self._waits = True
        own = multiprocessing.get_context("spawn")
        self._line, theirs = own.Pipe()
        self._process = own.Process(target=serve, args=(theirs, address), name="courier", daemon=True)
        self._process.start()
        theirs.close()

    def send(self, method: str, place: str, number: int, *arguments: object) -> None:
        """Ask for a method of a station."""
        if method != "drop" and not self._waits:
            self._asked, self._waits = time.monotonic(), True
        try:
            self._line.send((method, place, number, arguments))
        except OSError as error:
            raise self._ended(Message("the connection ended")) from error

    def hear(self, seconds: float) -> tuple[Any, ...] | None:
        """What was told, waiting so long for it at most; None for nothing.

        Raises
        ------
        EndedError
            The cluster refuses, or the process is gone.
        """
        try:
            if not self._line.poll(seconds):
                return None
            told: tuple[Any, ...] = self._line.recv()
        except (EOFError, OSError) as error:
            raise self._ended(Message("the connection ended")) from error
        if told[0] == "refused":
            raise self._failed(told[1])
        self._waits = False
        self.ready |= told[0] == "ready"
        if told[0] == "lost":
            self.lost.add(told[3])
        return told

    def silence(self, most: float) -> float:
        """Seconds for which nothing has come that was asked for.

        A cable that is cut says nothing, and Ray's own patience has no end.

        Raises
        ------
        EndedError
            They are more than ``most``.
        """
        seconds = time.monotonic() - self._asked if self._waits else 0.0
        if seconds > most:
            raise self._failed(Message(SILENT, {"address": self.address, "n": round(seconds)}))
        return seconds

    def close(self) -> None:
        """End the process."""
        self._line.close()
        self._process.join(LEAVE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _ended(self, reason: Message) -> EndedError:
        return self._failed(Message(GONE, {"address": self.address, "reason": reason}))

    def _failed(self, why: Message) -> EndedError:
        leave()
        return away(why)


_links: list[Link] = []  # one at most


def _link(address: str) -> Link:
    if _links and _links[0].address != address:
        leave()
    if not _links:
        _links.append(Link(address))
    return _links[0]


def leave() -> None:
    """Let go of the cluster, if there is one: its stations end. For the compute thread alone."""
    while _links:
        _links.pop().close()


def away(why: Message) -> EndedError:
    """An end that offers this computer."""
    return EndedError(Ended(Params(), error=why, away=True))


class Remote:
    """Has an engine run on a cluster. Its station is kept from one job to the next.

    Parameters
    ----------
    place : str
        ``module:Class`` of the engine.
    address : str
        ``host:port`` of the head.
    """

    def __init__(self, place: str, address: str) -> None:
        self._place, self._address = place, address
        self._album = Album()
        self._station: Link | None = None  # that has a station of this engine
        self._subjects: dict[type[Subject], tuple[int, Subject]] = {}

    def run(self, job: Job[Any]) -> Iterator[Event]:
        """Yield what the engine does there.

        Raises
        ------
        EndedError
            As it ended there; the cluster refuses, or what computed is gone; the settings name a local file.
        """
        for name in _local(job.newest):
            raise away(Message(HERE, {"name": name}))
        link = _link(self._address)
        while not link.ready:
            yield Away(0, 0, Message("Connecting to {address}", {"address": self._address}))
            link.hear(BEAT)
            link.silence(CONNECT)
        number, over, turns = next(_numbers), False, [job.newest]
        self._ask(link, number, turns[0], job.device)
        try:
            for seen, told in self._told(link, number, job, turns):
                job.saw(turns[seen])
                for event in told:
                    if isinstance(event, Ended):
                        over = True
                        if event.error is not None:
                            raise EndedError(event)
                        return
                    yield event
        except EndedError:
            over = True
            raise
        finally:
            if not over:
                with suppress(EndedError):  # it is gone, and nobody asks any more
                    link.send("drop", self._place, number)

    def _ask(self, link: Link, number: int, params: Params, device: str) -> None:
        if self._station is not link or self._place in link.lost:
            self._station, self._album, self._subjects = link, Album(), {}
            link.lost.discard(self._place)
        packed, new, used = self._album.numbered(params)
        self._album.keep(used)
        held = {n for n, _ in self._subjects.values()}
        link.send("ask", self._place, number, packed, new, used, device, held)

    def _told(self, link: Link, number: int, job: Job[Any], turns: list[Any]) -> Generator[tuple[int, list[Event]]]:
        """Hand newer settings over and take what comes, with how many of ``turns`` the engine had read."""
        seen, heard = 0, time.monotonic()
        wait = Away(0, 0, Message("Computing at {address}", {"address": self._address}))
        while True:
            if job.newest is not turns[-1]:
                turns.append(job.newest)
                packed, new, _ = self._album.numbered(turns[-1])
                link.send("update", self._place, number, packed, new)
            told = link.hear(LOOK)
            if self._place in link.lost and told is not None:  # with what it knew, so that an older question's counts
                raise away(Message(GONE, {"address": self._address, "reason": told[2]}))
            if told is not None and told[:2] == ("told", number):
                seen, events = self._album.unpack(told[2])
                if events:  # before, it may import torch, and nothing else runs there while a library is loaded
                    link.met.add(self._place)
                heard = time.monotonic()
                found = [self._kept(n, event) for n, event in events]
                if not any(isinstance(event, Ended) for event in found):
                    link.send("more", self._place, number)
                for event in found:
                    wait = Away(event.done, event.total, event.text) if isinstance(event, Progress) else wait
                yield seen, found
            elif time.monotonic() - heard > BEAT:
                heard = time.monotonic()
                silence = link.silence(SILENCE if self._place in link.met else FIRST)
                told_so = Away(0, 0, Message(SILENT, {"address": self._address, "n": round(silence)}))
                yield seen, [told_so if silence > QUIET and self._place in link.met else wait]

    def _kept(self, number: int, event: Event | None) -> Event:
        """The event; a subject that is known already is the one that was told before."""
        if not number:
            assert event is not None
            return event
        if event is None:
            return next(subject for n, subject in self._subjects.values() if n == number)
        assert isinstance(event, Subject)
        self._subjects[type(event)] = number, event
        return event


def _local(params: Params) -> Iterator[str]:
    """The files and folders of this computer that settings name."""
    for one in fields(params):
        value = getattr(params, one.name)
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and Path(text).is_absolute() and os.path.lexists(text):
                yield Path(text).name

"""The process between a window and a cluster: Ray ends the process that asks it when the cluster's head is gone.

What comes over the line: ``(method, place, number, arguments)`` of a `Station`. What goes: ``("ready",)`` or
``("refused", Message)`` once, then ``("told", number, packed)`` and ``("lost", number, reason, place)``.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from engines.core.errors import LabError
from engines.studies.cluster import first_line, found_at, join
from engines.studies.station import Station

SHARE = 0.01  #: of a GPU, which stations share
LEAVE = 5.0  #: seconds after which it ends whatever Ray does, once nobody is at the other end
AT_ONCE = 32  #: questions whose events are waited for; all but one are over


def serve(line: Connection, address: str) -> None:
    """Speak for the other end of a line with the cluster at an address, until that end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the window's terminal: the window ends it
    try:
        ray = found_at(address)
        join(ray, address)
    except LabError as error:
        line.send(("refused", error.message))
        return
    with suppress(OSError):
        line.send(("ready",))
        Courier(ray, line).run()
    ray.shutdown()


class Courier:
    """Hands questions to stations, one station for each engine, and tells what they tell.

    Parameters
    ----------
    ray : module
    line : Connection
    """

    def __init__(self, ray: Any, line: Connection) -> None:
        self._ray, self._line = ray, line
        self._lock = threading.Lock()
        self._heard: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._stations: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, "courier")

    def run(self) -> None:
        """Until the line is closed."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            while (said := self._heard.get()) is not None:
                method, place, number, arguments = said
                if method == "ask" and place not in self._stations:
                    self._stations[place] = self._station(place)
                station = self._stations.get(place)
                if station is None:  # lost, as the other side will hear
                    continue
                begun = [] if method == "more" else [getattr(station, method).remote(number, *arguments)]
                if method in ("ask", "more"):
                    begun.append(station.more.options(concurrency_group="tell").remote(number))
                    self._pool.submit(self._tell, place, station, number, begun)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _listen(self) -> None:
        """Take what comes even while Ray waits for a cluster that is silent: who sends must not wait for that."""
        with suppress(EOFError, OSError):
            while True:
                self._heard.put(self._line.recv())
        self._heard.put(None)
        end = threading.Timer(LEAVE, os._exit, (1,))
        end.daemon = True
        end.start()

    def _station(self, place: str) -> Any:
        share = SHARE if self._ray.cluster_resources().get("GPU") else 0
        kind = self._ray.remote(num_cpus=0, num_gpus=share, max_restarts=0, scheduling_strategy="SPREAD",
                                concurrency_groups={"tell": AT_ONCE})  # fmt: skip
        return kind(Station).remote(place)

    def _tell(self, place: str, station: Any, number: int, begun: list[Any]) -> None:
        errors = self._ray.exceptions
        told: tuple[Any, ...]
        try:
            told = "told", number, self._ray.get(begun)[-1]
        except errors.RayTaskError as error:
            told = "lost", number, first_line(error.cause), place
        except errors.RayError as error:
            if self._stations.get(place) is station:
                del self._stations[place]
            told = "lost", number, first_line(error), place
        with self._lock, suppress(OSError):  # the other end may be closed
            self._line.send(told)

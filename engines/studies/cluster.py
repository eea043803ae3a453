"""Runs studies on a cluster of Ray, at an address that somebody typed: the same rows, the same numbers.

Ray is an extra (``pip install .[cluster]``); its nodes need this project, and the same version of it. Whoever reaches
a cluster's port runs code there: nothing connects to one but by its address.

A row is computed by a process of `engines.studies.local` on its node: so both runners compute alike, and a run that
takes its process along costs Ray none of its own. That process ends with Ray's.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from engines.core.errors import LabError
from engines.studies.local import asked
from engines.studies.parts import FIELD, Part, packed, part_of
from engines.studies.spec import Kind, Outcome, Row, ended, gone
from engines.studies.worker import failure

TRIES = 2  #: of a row whose process or node went away
AHEAD = 2  #: rows that wait for each core of the cluster, so that none is idle, and no more of them are handed over
SETTINGS = 4  #: kind of a frame of HTTP/2
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NUMBER = b"/ray.rpc.NodeInfoGcsService/GetClusterId"  #: what a head is asked for
CLIENT = "{address}: ray:// is not used here. Give host:port of the head, on one of the cluster's nodes."
TOKEN = (
    "{address} asks for a token: put the cluster's into ~/.ray/auth_token, where only you can read it, and start this "
    "program anew."
)
SILENT = "{address} has said nothing for {n} s."
PULSE, SILENCE = 3.0, 60.0  #: seconds between two questions whether a cluster is there, and until it is given up
LEAVE = 5.0  #: seconds that it may take to let us go
BEAT, PATIENCE = 0.2, 5.0  #: seconds between two looks whether to stop, and for a port to answer


class Cluster:
    """Runs rows of a kind on a cluster.

    Parameters
    ----------
    kind : Kind
    address : str
        ``host:port`` of its head, for who is on one of its nodes.
    parts : mapping of str to Part
        Of the pictures that the rows look at: they are sent there, each part once to a node.

    Raises
    ------
    LabError
        Ray is not installed, or nothing listens there.
    """

    def __init__(self, kind: Kind, address: str, parts: Mapping[str, Part] | None = None) -> None:
        self._kind, self._address, self._stopped = kind, address, False
        self._parts, self._sent = parts or {}, dict[str, Any]()  # and those that are in the object store now
        self._ray = found_at(address)

    def run(self, rows: Sequence[Row]) -> Generator[Outcome]:
        """How each run ended, as they end. Closed early, it cancels those under way.

        Raises
        ------
        LabError
            The cluster refuses, or goes away.
        """
        ray = self._ray
        join(ray, self._address)
        task = ray.remote(num_cpus=1, max_retries=0)(asked)
        most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        left, flying = deque((row, 1) for row in rows), dict[Any, tuple[Row, int]]()
        pulse = Pulse(ray)
        try:
            while (left or flying) and not self._stopped:
                if pulse.silence > SILENCE:
                    raise LabError(SILENT, address=self._address, n=round(pulse.silence))
                while left and len(flying) < most:
                    row, tries = left.popleft()
                    what = self._kind.place, self._kind.params_place, row.settings, row.seed, self._part(row)
                    flying[task.remote(*what)] = row, tries
                done, _ = ray.wait(list(flying), timeout=BEAT)
                if self._parts:
                    waiting = [row for row, _ in (*flying.values(), *([left[0]] if left else []))]
                    needed = {getattr(row.params, FIELD) for row in waiting}
                    self._sent = {key: sent for key, sent in self._sent.items() if key in needed}
                for ref in done:
                    row, tries = flying.pop(ref)
                    outcome = self._outcome(ref, row, tries)
                    if outcome is None:
                        left.appendleft((row, tries + 1))
                    else:
                        yield outcome
        finally:
            pulse.stop()
            leave(ray, list(flying))

    def stop(self) -> None:
        """Let `run` end soon; may be called by a signal's handler and from any thread."""
        self._stopped = True

    def _part(self, row: Row) -> Any:
        """The pictures of a run in Ray's object store, which brings them to each node once; None for none."""
        part = part_of(row, self._parts)
        if part is None:
            return None
        if part.key not in self._sent:
            try:
                self._sent[part.key] = self._ray.put(packed(part))
            except self._ray.exceptions.RayError as error:
                values = {"address": self._address, "n": round(part.size / 1e6), "reason": first_line(error)}
                raise LabError("{address} takes no {n} MB of pictures ({reason}).", **values) from error
        return self._sent[part.key]

    def _outcome(self, ref: Any, row: Row, tries: int) -> Outcome | None:
        """How a run ended; None if it is to be tried again, since it was lost and not refused."""
        errors = self._ray.exceptions
        try:
            told = self._ray.get(ref)
            if "gone" not in told:
                return ended(row, told, tries)
            why = str(told["gone"])
        except errors.RayTaskError as error:
            message = failure(error.cause)
            return Outcome(row, error=message, tries=tries)
        except errors.RayError as error:
            why = first_line(error)
        return None if tries < TRIES else gone(row, why, tries)


class Pulse:
    """Asks a cluster's head every few seconds whether it is there; Ray itself waits for it without end.

    Parameters
    ----------
    ray : module
        That has joined.
    """

    def __init__(self, ray: Any) -> None:
        self._ray, self._answered, self._stopped = ray, time.monotonic(), threading.Event()
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    @property
    def silence(self) -> float:
        """Seconds since it has answered."""
        return time.monotonic() - self._answered

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def _run(self) -> None:
        with suppress(*self._errors()):  # somebody has left meanwhile
            while not self._stopped.wait(PULSE):
                self._ray.nodes()
                self._answered = time.monotonic()

    def _errors(self) -> tuple[type[Exception], ...]:
        return self._ray.exceptions.RayError, RuntimeError, ConnectionError


_farewells: list[threading.Thread] = []  # that have not ended


def leave(ray: Any, flying: list[Any]) -> None:
    """Cancel what is under way and take our leave; a cluster that says nothing is not waited for."""

    def go() -> None:
        for ref in flying:
            ray.cancel(ref, force=True)
        ray.shutdown()

    farewell = threading.Thread(target=go, name="farewell", daemon=True)
    farewell.start()
    farewell.join(LEAVE)
    _farewells[:] = [one for one in (*_farewells, farewell) if one.is_alive()]


def hangs() -> bool:
    """Whether a cluster still holds this process, whose end would wait for it."""
    return any(one.is_alive() for one in _farewells)


def found_at(address: str) -> Any:
    """The module of Ray, when something listens at an address.

    Raises
    ------
    LabError
        Ray is not installed, or nothing listens there.
    """
    try:
        if "ray" not in sys.modules and asks_for_token(address):
            show_token(address)
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise LabError("Ray is not installed: pip install {name}.", name='"attention-lab[cluster]"') from error
    check_address(address)
    return ray


def show_token(address: str) -> None:
    """Bring this person's token along, as ``ray start`` does where there is one; Ray reads this when it is imported.

    Where none is asked for, it must not be: then actors end before they begin, as their owner waits for theirs.

    Raises
    ------
    LabError
        There is none.
    """
    place = os.environ.get("RAY_AUTH_TOKEN_PATH") or os.path.expanduser("~/.ray/auth_token")
    has = bool(os.environ.get("RAY_AUTH_TOKEN")) or os.path.isfile(place)
    if not has or os.environ.get("RAY_AUTH_MODE") == "disabled":
        raise LabError(TOKEN, address=address)
    os.environ.setdefault("RAY_AUTH_MODE", "token")


def asks_for_token(address: str) -> bool:
    """Whether the head at an address refuses who brings none, as Ray itself would notice after half a minute.

    It is asked for its cluster's number, by gRPC over HTTP/2; what can't be asked so is left to Ray.
    """
    if os.environ.get("RAY_USE_TLS", "0") == "1":
        return False
    try:
        host, port = host_and_port(address)
        with socket.create_connection((host, port), PATIENCE) as reached:
            reached.settimeout(PATIENCE)
            names = (b"\x83\x86\x04", NUMBER), (b"\x01", b"head"), (b"\x0f\x10", b"application/grpc"), (b"\x00", b"te")
            told = b"".join(name + bytes((len(value),)) + value for name, value in (*names, (b"", b"trailers")))
            reached.sendall(PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(1, 4, 1, told) + _frame(0, 1, 1, bytes(5)))
            file = reached.makefile("rb")
            while len(head := file.read(9)) == 9:
                said = file.read(int.from_bytes(head[:3], "big"))
                over = head[3] in (3, 7) or (head[4] & 1 and int.from_bytes(head[5:], "big"))  # of the answer
                if over:
                    return b"InvalidAuthToken" in said
    except (OSError, LabError):
        return False
    return False


def _frame(kind: int, flags: int, stream: int, inside: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113, 4.1)."""
    return len(inside).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + inside


def join(ray: Any, address: str) -> None:
    """Make this process one that may ask the cluster at an address.

    Raises
    ------
    LabError
        The cluster refuses.
    """
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise refusal(address, error) from error


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address.

    Raises
    ------
    LabError
        It is none.
    """
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if address.startswith("ray://"):
        raise LabError(CLIENT, address=address)
    if not host or not port or "/" in address:
        raise LabError("{address}: an address is host:port.", address=address)
    return host, port


def check_address(address: str) -> None:
    """See to it that something listens at an address: Ray would try for minutes.

    Raises
    ------
    LabError
        It is none, or nothing does.
    """
    try:
        with socket.create_connection(host_and_port(address), PATIENCE) as reached:
            good = os.environ.get("RAY_USE_TLS", "0") == "1" or _speaks(reached)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError("Nothing listens at {address} ({reason}).", address=address, reason=reason) from error
    if good is None:
        raise LabError("{address} says nothing.", address=address)
    if not good:
        raise LabError("What listens at {address} is no cluster of Ray.", address=address)


def _speaks(reached: socket.socket) -> bool | None:
    """Whether HTTP/2 is spoken there, as the head of a cluster does: it answers settings with settings (RFC 9113, 3.4).

    None if it says nothing at all. Ray itself would try for minutes to talk to anything else.
    """
    reached.settimeout(PATIENCE)
    try:
        reached.sendall(PREFACE + _frame(SETTINGS, 0, 0, b""))
        head = reached.recv(9, socket.MSG_WAITALL)
    except TimeoutError:
        return None
    except OSError:  # it goes away
        return False
    return len(head) == 9 and head[3] == SETTINGS


def refusal(address: str, error: BaseException) -> LabError:
    """Why a cluster does not take us, in a sentence."""
    rays, pythons = re.findall(r"Ray: (\S+)", str(error)), re.findall(r"Python: (\S+)", str(error))
    if "ersion mismatch" in str(error) and len(rays) == len(pythons) == 2:
        values = {"theirs": f"Ray {rays[0]}, Python {pythons[0]}", "ours": f"Ray {rays[1]}, Python {pythons[1]}"}
        return LabError("{address}: there is {theirs}, here is {ours}. Both have to be the same.", address=address,
                        **values)  # fmt: skip
    said = f"{error} {error.__cause__}"  # Ray hides what is the matter behind a failure to connect
    if "InvalidAuthToken" in said or "no authentication token" in said:
        return LabError(TOKEN, address=address)
    return LabError("{address}: {reason}", address=address, reason=first_line(error))


def first_line(error: BaseException) -> str:
    """What an error says first, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]

"""HTTP that can be stopped at once, from another thread, wherever it waits.

A person who clicks Cancel should not have to sit out a time limit. `Cancel.set` shuts the socket under the
waiting read (or TLS handshake), which then returns; the connection itself is dialed in slices of 50 ms.
Only the look-up of a host name can't be interrupted. Proxies and certificates are those of the environment,
as usual for urllib.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import http.client
import select
import socket
import ssl
import threading
import time
import urllib.request
from typing import Any

from engines.core.errors import LabError

SILENCE = 20.0  # seconds without a byte after which a connection counts as broken
_SLICE = 0.05  # seconds between two looks at the cancel flag while dialing


class CancelledError(LabError):
    """Raised in the downloading thread after `Cancel.set`."""


class Cancel(threading.Event):
    """A flag that also ends the network read it finds under way."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._handle: socket.socket | None = None

    def set(self) -> None:
        """Cancel: may be called from any thread, and more than once."""
        super().set()
        with self._guard:
            self._shut()

    def hold(self, sock: socket.socket) -> None:
        """Make this the connection to shut; called by the downloading thread."""
        with self._guard:
            self._drop()
            # a duplicate stays valid when TLS takes the original over; shutting either shuts the connection
            self._handle = sock.dup()
            if self.is_set():
                self._shut()

    def release(self) -> None:
        """Forget the connection."""
        with self._guard:
            self._drop()

    def _shut(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it may be gone already
                self._handle.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def opener(cancel: Cancel) -> urllib.request.OpenerDirector:
    """An opener for http and https only (no file: or ftp:, not even by redirect)."""
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Plain(cancel),
        _Secure(cancel),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        made.add_handler(handler)
    return made


def dial(address: tuple[str, int], cancel: Cancel, timeout: float) -> socket.socket:
    """Connect to (host, port), trying each of its addresses; raises OSError, or at once after a cancel."""
    failure: OSError = OSError(errno.EHOSTUNREACH, "no address")
    for family, kind, protocol, _, where in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.connect_ex(where)
            _await_connection(sock, cancel, time.monotonic() + timeout)
            sock.settimeout(SILENCE)
            cancel.hold(sock)
        except OSError as error:
            sock.close()
            failure = error
            if cancel.is_set():
                break
        else:
            return sock
    raise failure


def _await_connection(sock: socket.socket, cancel: Cancel, deadline: float) -> None:
    while True:
        if cancel.is_set():
            raise OSError(errno.ECANCELED, "cancelled")
        _, writable, failed = select.select([], [sock], [sock], _SLICE)
        if writable or failed:
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, errno.errorcode.get(code, str(code)))
            return
        if time.monotonic() > deadline:
            raise TimeoutError(errno.ETIMEDOUT, "timed out")


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, cancel: Cancel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # the one hook http.client has for the socket; both connect() methods and tunnels go through it
        self._create_connection = functools.partial(_create, cancel)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, *args: Any, cancel: Cancel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._create_connection = functools.partial(_create, cancel)


def _create(cancel: Cancel, address: tuple[str, int], timeout: float, _source: object = None) -> socket.socket:
    return dial(address, cancel, timeout if isinstance(timeout, int | float) else SILENCE)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, cancel: Cancel) -> None:
        super().__init__()
        self._cancel = cancel

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_PlainConnection, cancel=self._cancel), req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, cancel: Cancel) -> None:
        super().__init__()
        self._cancel = cancel

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        make = functools.partial(_SecureConnection, cancel=self._cancel, context=ssl.create_default_context())
        return self.do_open(make, req)

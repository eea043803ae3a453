"""Whether a window can open, asked before Qt is: Qt itself ends the process where there is no display.

What only Qt can tell (a platform plugin that is missing or does not start) comes as its message before it aborts;
`app.qtlog` says that in the same words.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
from collections.abc import Mapping

PATIENCE = 5.0  #: seconds that a display may take to answer
_X11_PORT = 6000
_HELLO = struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0)  # X11, "Connection Setup": a request without authorization

WAYS_ON = (
    "Go on with one of these:\n"
    "  on a desktop          run the same command in a terminal of the desktop session\n"
    "  over ssh              ssh -X HOST, then run it again\n"
    "  without any screen    the same command with --snapshot FOLDER writes a picture of each tab,\n"
    "                        and --export FOLDER PHOTOS... the maps and boxes of photos"
)
LIBRARIES = (
    "From a checkout, bash .ci/system-packages finds what is missing; else install the package of your system that "
    "holds this file."
)


class NoScreen(Exception):  # noqa: N818 - a state of the machine, no error of the program
    """Qt found a display without a screen."""


def trouble(environ: Mapping[str, str] = os.environ, patience: float = PATIENCE) -> str:
    """Why no window can open, as half a sentence; empty if nothing speaks against it."""
    if not sys.platform.startswith("linux"):
        return ""
    platform = environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform not in ("", "xcb") or environ.get("WAYLAND_DISPLAY"):
        return ""
    name = environ.get("DISPLAY", "")
    return silence(name, patience) if name else "there is no display here"


def silence(name: str, patience: float = PATIENCE) -> str:
    """Why the X11 display called ``name`` (``:0``, ``host:10.0``) is of no use; empty if it answers."""
    parts = re.fullmatch(r"(?:(?P<kind>\w+)/)?(?P<host>.*):(?P<number>\d{1,5})(?:\.\d+)?", name, re.DOTALL)
    if parts is None:
        return f"$DISPLAY is {name!r}, which names no display"
    host, number = parts["host"].strip("[]"), int(parts["number"])
    try:
        if host in ("", "unix"):
            _greet(number, patience)
        else:  # no greeting: ssh would tell its user that a stranger was turned away
            socket.create_connection((host, _X11_PORT + number), patience).close()
    except TimeoutError:
        return f"the display {name} does not answer"
    except (OSError, OverflowError, UnicodeError) as error:
        return f"the display {name} cannot be reached ({getattr(error, 'strerror', None) or error})"
    return ""


def _greet(number: int, patience: float) -> None:
    """Open a local display as xcb does and wait for its first byte, be it a refusal."""
    with _local(number, patience) as server:
        server.settimeout(patience)
        server.sendall(_HELLO)
        if not server.recv(1):
            raise ConnectionError("it hung up")


def _local(number: int, patience: float) -> socket.socket:
    """A connection to the first of the places of a local display that takes one."""
    path = f"/tmp/.X11-unix/X{number}"
    first: OSError | None = None
    for address in (path, "\0" + path):
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(patience)
        try:
            server.connect(address)
            return server
        except OSError as error:
            server.close()
            first = first or error
    try:
        return socket.create_connection(("localhost", _X11_PORT + number), patience)
    except (OSError, OverflowError) as error:
        raise first or error from None

"""A process that computes runs: rows come in as lines, what they found goes out as lines, both in JSON.

``python -m engines.studies.worker MODULE:FUNCTION MODULE:PARAMS [NICENESS]``; `engines.studies.local` starts it. It
ends when nobody is left who could hear it, in mid-run, too.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
from types import TracebackType
from typing import Any, TextIO

from engines.core.errors import LabError, Message
from engines.studies.parts import lent_part
from engines.studies.spec import Found, as_text, plain
from engines.studies.trained import measured


def load(place: str) -> Any:
    """What stands at ``module:name``."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def computed(
    function: str, params: str, settings: dict[str, Any], seed: int, lent: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a run finds, or why it refuses, as JSON has it; whatever else is raised, is.

    ``lent`` are the pictures that it looks at, as `engines.studies.parts.Part.lent` tells them.
    """
    began = time.monotonic()
    try:
        what, row = load(function), load(params)(**{name: _tupled(value) for name, value in settings.items()})
        if lent is not None:
            found = what(row, seed, lent_part(lent))
        else:
            found = measured(what, row, seed) if isinstance(what, type) else what(row, seed)
    except LabError as error:
        message = error.message
        return {"found": {}, "text": message.text, "values": plain(message), "seconds": time.monotonic() - began}
    numbers = found.numbers if isinstance(found, Found) else found
    told = {"found": {name: float(value) for name, value in numbers.items()}, "seconds": time.monotonic() - began}
    return told | ({"arrays": as_text(found.arrays)} if isinstance(found, Found) else {})


def _tupled(value: Any) -> Any:
    """What JSON has as lists, as settings have it."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def failure(error: BaseException) -> Message:
    """What nobody expected, in a sentence."""
    return Message("{kind}: {reason}", {"kind": type(error).__name__, "reason": str(error)})


def serve(function: str, params: str, told: TextIO) -> None:
    """Compute the rows that come in at standard input, one after the other."""
    rows: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            rows.put(line)
        os._exit(0)  # whoever asked is gone; a thread in the middle of torch can't be ended otherwise

    threading.Thread(target=listen, daemon=True).start()

    def tell(**said: object) -> None:
        told.write(json.dumps(said) + "\n")
        told.flush()

    def failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Say what nobody expected, and end: the next row begins in a fresh process."""
        message = failure(error)
        tell(found={}, text=message.text, values=plain(message), ended=True)
        sys.__excepthook__(kind, error, trace)

    sys.excepthook = failed
    load(function)
    while True:
        row = json.loads(rows.get())
        tell(**computed(function, params, row["settings"], row["seed"], row.get("pictures")))


def main(arguments: list[str]) -> None:
    """Command line. What libraries print goes to standard error: standard output is for answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever started it
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    function, params, *niceness = arguments
    if niceness and hasattr(os, "nice"):
        os.nice(int(niceness[0]))
    serve(function, params, told)


if __name__ == "__main__":
    main(sys.argv[1:])

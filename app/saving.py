"""Writes what leaves the window on a thread of its own: encoding, zipping and the disk never make it wait.

What is written was copied before, on the GUI thread. A window that closes gives up what is not on the disk yet; no
half file stays.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from PySide6.QtCore import QObject, Signal

from app import words
from engines.core import files
from engines.core.errors import LabError, Message

Filling: TypeAlias = Callable[[BinaryIO], object]  #: puts a file's content into what it is given, on any thread


class GivenUpError(Exception):
    """The window closes: what is being written is not wanted any more."""


class Tap(io.RawIOBase):
    """Passes on what is written until it is shut.

    Parameters
    ----------
    sink : binary file
    shut : threading.Event
    """

    def __init__(self, sink: BinaryIO, shut: threading.Event) -> None:
        super().__init__()
        self._sink, self._shut = sink, shut

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if self._shut.is_set():
            raise GivenUpError
        return self._sink.write(cast(bytes, data))  # any buffer, as RawIOBase.write has it


class Saving(QObject):
    """One file after the other, in the order in which they were asked for.

    Call `close` before the object goes: it ends and joins the thread.

    Signals
    -------
    told : Message
        How it goes.
    saved : Path
        It is on the disk.
    refused : Message
        Why something could not be saved.
    """

    told = Signal(object)
    saved = Signal(object)
    refused = Signal(object)
    _done = Signal(object)  # from the writing thread to the window's

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, "saving")
        self._open: dict[Future[object], Path] = {}
        self._shut = threading.Event()
        self._done.connect(self._over)

    @property
    def busy(self) -> bool:
        """Whether something is not written yet."""
        return bool(self._open)

    def write(self, place: Path, fill: Filling) -> None:
        """Have a file written; an older one stays until the new one is whole."""
        self.act(
            place, lambda: files.write(place, lambda sink: fill(cast(BinaryIO, Tap(sink, self._shut))), folder=False)
        )

    def act(self, place: Path, act: Callable[[], object]) -> None:
        """Have something done that writes a file at ``place``.

        Parameters
        ----------
        place : Path
        act : callable
            Runs on the writing thread; raises LabError if it fails.
        """
        if self._shut.is_set():
            return
        task = self._pool.submit(act)
        self._open[task] = place
        self._tell("Saving {name}", place)
        task.add_done_callback(self._done.emit)

    def close(self) -> None:
        """Give up what is not written yet, and say so; what is just being put into its place is waited for."""
        self._shut.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for task, place in self._open.items():
            error = GivenUpError() if task.cancelled() else task.exception()
            if error is not None:
                print(words.tr(_why(error, place)), file=sys.stderr)
        self._open.clear()

    def _over(self, task: Future[object]) -> None:
        if self._shut.is_set():
            return  # `close` tells
        place = self._open.pop(task)
        try:
            task.result()
        except LabError as error:
            self._tell("{name} was not saved.", place)
            self.refused.emit(error.message)
        else:
            self._tell("Saved: {name}", place)
            self.saved.emit(place)

    def _tell(self, text: str, place: Path) -> None:
        self.told.emit(Message(text, {"name": place.name}))


def _why(error: BaseException, place: Path) -> Message:
    if isinstance(error, LabError):
        return error.message
    if isinstance(error, GivenUpError):
        return Message("{name} was not saved: the window was closed.", {"name": place.name})
    return Message("Unexpected {kind}: {text}", {"kind": type(error).__name__, "text": str(error)})

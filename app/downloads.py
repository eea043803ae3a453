"""A model's download on a thread of its own: neither the window nor the compute lane waits for it."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.scrub import without_secrets
from engines.checkpoints import hub
from engines.checkpoints.hub import Cancel, CancelledError
from engines.checkpoints.reach import Reach
from engines.core.errors import LabError, Message


class Download(QObject):
    """One download, from `start` to exactly one of `finished`, `failed` and `cancelled`.

    Signals arrive on the GUI thread; none comes after `close`.

    Parameters
    ----------
    hub_id : str
        ``owner/name``, with ``@revision`` if it is not ``main``.
    reach : Reach, optional
        Address and token; those of the environment if not given.

    Attributes
    ----------
    details : str
        After `failed`: the traceback, for a bug report; empty for an error that the user can mend.

    Signals
    -------
    progress : float, float, float
        Bytes done, bytes in all (0: nobody knows), bytes per second; at most ten a second. (Floats: Qt's int ends at
        2 GB.)
    finished : Path
        The folder of the model.
    failed : Message
    cancelled
    """

    progress = Signal(float, float, float)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    _done = Signal(object)

    def __init__(self, hub_id: str, parent: QObject | None = None, reach: Reach | None = None) -> None:
        super().__init__(parent)
        self.hub_id, self._reach = hub_id, reach
        self.details = ""
        self._cancel = Cancel()
        self._over = False  # the end has been told, or nobody wants to hear it
        self._thread = threading.Thread(target=self._work, name="download", daemon=True)
        self._done.connect(self._settle)

    @property
    def running(self) -> bool:
        """Whether it has been started and its end has not been told."""
        return self._thread.ident is not None and not self._over

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Give up; `cancelled` follows at once, the thread ends a moment later."""
        if self.running:
            self._cancel.set()
            self._over = True
            self.cancelled.emit()

    def close(self) -> None:
        """Give up without a word and wait for the thread, before the object goes."""
        self._over = True
        self._cancel.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        outcome: Path | Message | CancelledError
        try:
            outcome = hub.download(self.hub_id, self._report, self._cancel, self._reach)
        except CancelledError as error:
            outcome = error
        except LabError as error:
            outcome = error.message
            self.details = "\n".join(getattr(error, "__notes__", ()))
        except BaseException as error:  # noqa: BLE001 - nobody is above this thread: it goes to the window as text
            outcome = Message("Unexpected {kind}: {text}", {"kind": type(error).__name__, "text": str(error)})
            self.details = "".join(traceback.format_exception(error))
        self.details = without_secrets(self.details)
        if not self._over:
            self._done.emit(outcome)

    def _report(self, done: int, total: int, speed: float) -> None:
        if not self._over:
            self.progress.emit(float(done), float(total), speed)

    def _settle(self, outcome: Path | Message | CancelledError) -> None:
        """On the GUI thread: tell the end, unless a cancel has done so."""
        if self._over:
            return
        self._over = True
        if isinstance(outcome, CancelledError):
            self.cancelled.emit()
        elif isinstance(outcome, Message):
            self.failed.emit(outcome)
        else:
            self.finished.emit(outcome)


def progress_text(name: str, done: float, total: float, speed: float) -> Message:
    """``Reading ViT-B/16: 212 of 346 MB, 8.1 MB/s`` for the status bar."""
    if total <= 0:
        values = {"name": name, "done": f"{done / 1e6:,.0f}", "speed": f"{speed / 1e6:.1f}"}
        return Message("Reading {name}: {done} MB, {speed} MB/s", values)
    values = {"name": name, "done": f"{done / 1e6:,.0f}", "total": f"{total / 1e6:,.0f}", "speed": f"{speed / 1e6:.1f}"}
    return Message("Reading {name}: {done} of {total} MB, {speed} MB/s", values)

"""One window at a time for what is kept on disk: a lock beside the file, which a killed program lets go."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from engines.core import files
from engines.core.errors import LabError, Message

TAKEN = "Another window is continuing this run."
ELSEWHERE = Message("another window saves its run there")  #: why a run can't be saved, as part of a sentence


class Claim:
    """What one window holds: at most one file at a time."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def hold(self, place: Path) -> bool:
        """Be the one window that writes there; False while another is. What is held already stays held.

        Raises
        ------
        WriteError
            If the disk refuses.
        """
        if self._lock is not None:
            return True
        lock = _lock(place)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except NotImplementedError:  # a disk without locks
            pass
        except OSError as error:
            raise files.WriteError(place, files.reason(error)) from error
        self._lock = lock
        return True

    def release(self) -> None:
        """Let the file go, if one is held."""
        if self._lock is not None:
            self._lock.release(force=True)
            self._lock = None


def taken(place: Path) -> bool:
    """Whether a window has claimed a file."""
    lock = _lock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except (OSError, NotImplementedError):  # a disk that can't be written on, or without locks
        return False
    lock.release()
    return False


def refuse_taken(place: Path) -> None:
    """See to it that no other window has a run's file.

    Raises
    ------
    LabError
        If one has.
    """
    if taken(place):
        raise LabError(TAKEN)


def _lock(place: Path) -> FileLock:
    return FileLock(f"{place}.lock", thread_local=False)

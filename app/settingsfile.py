"""The settings on disk: one file that several windows share.

Each window writes what was changed in it since it last looked, and leaves to the others what they changed. The file is
read, merged and written under a lock, so that two windows never write from the same state.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QLockFile

from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.files import WriteError, put_aside, write
from engines.core.reading import read_bytes

Values: TypeAlias = dict[str, Any]

RECENT = 10  #: pictures and models remembered
LISTS = ("recent_pictures", "recent_models", "recent_sessions")  # newest first: what each window added stays
WAIT, STALE = 2000, 10_000  #: ms to wait for another window, and after which a lock is of one that was killed


class UnreadableError(LabError):
    """The file is there, but holds no settings; where the disk allows it, it was put aside."""


class SettingsFile:
    """Reads and writes the file.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Values:
        """What is there; empty where nothing is.

        Raises
        ------
        UnreadableError
            Saying what became of the file.
        """
        try:
            found = json.loads(read_bytes(self.path, limits.KEPT_FILE).decode("utf-8"))
            if not isinstance(found, dict):
                raise ValueError("not an object")
        except LabError as error:
            if not os.path.lexists(self.path):
                return {}
            cause = error.__cause__  # what the system said; none for what is no ordinary file
            raise self._aside(getattr(cause, "strerror", None) or type(cause or error).__name__) from error
        except (ValueError, RecursionError) as error:
            raise self._aside(type(error).__name__) from error
        return found

    def _aside(self, reason: str) -> UnreadableError:
        try:
            name = put_aside(self.path, "broken").name
        except WriteError:
            return UnreadableError("The settings file could not be read ({reason}). Defaults are used.", reason=reason)
        return UnreadableError(
            "The settings file could not be read ({reason}). Defaults are used; the old file is kept as {name}.",
            reason=reason, name=name,
        )  # fmt: skip

    def save(self, before: Values, now: Values) -> None:
        """Write what is other ``now`` than it was ``before``; all else stays as it stands in the file.

        Raises
        ------
        LabError
            Saying why it could not be written.
        """
        if now == before and self.path.exists():
            return
        lock = QLockFile(str(self.path.with_suffix(".lock")))
        lock.setStaleLockTime(STALE)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # said by the writing
        else:
            if not lock.tryLock(WAIT) and lock.error() == QLockFile.LockError.LockFailedError:
                raise LabError(
                    "The settings could not be saved: {reason}", reason=Message("another window is writing it")
                )
        try:
            self._merge(before, now)
        except WriteError as error:
            raise LabError("The settings could not be saved: {reason}", reason=error.reason) from error
        finally:
            lock.unlock()

    def _merge(self, before: Values, now: Values) -> None:
        try:
            there = self.read()
        except UnreadableError:
            there = {}
        new = merged(before, now, there)
        if new != there:
            write(self.path, json.dumps(new, indent=1))


def merged(before: Values, now: Values, there: Values) -> Values:
    """What has changed since ``before`` over what is ``there``, setting by setting."""
    new = dict(there)
    for name, value in now.items():
        old, other = before.get(name), there.get(name)
        if isinstance(value, dict):
            one, two = (each if isinstance(each, dict) else {} for each in (old, other))
            new[name] = merged(one, value, two)
        elif name in LISTS and isinstance(other, list):
            new[name] = joined(old if isinstance(old, list) else [], value, other)
        elif name not in before or value != old or name not in there:
            new[name] = value
    return new


def joined(before: list[str], now: list[str], there: list[str]) -> list[str]:
    """Two lists of recent things: what another window added since stands after what was added here."""
    if now == before:
        return there
    added = [each for each in there if each not in before and each not in now]
    own = [each for each in now if each not in before or each in there]  # the rest was crowded out elsewhere
    fresh = [each for each in own if each not in before]
    return [*fresh, *added, *(each for each in own if each not in fresh)][:RECENT]

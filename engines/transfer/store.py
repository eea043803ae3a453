"""Features on disk, by model, size and content of the picture, so that nothing is computed twice.

One SQLite file in the user's cache. A picture is known by the hash of its bytes, a model by that of its weights: a file
that is moved keeps its features, one that is changed loses them. A cache that can't be read or written is done without.
"""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch

from engines.core import files, limits
from engines.core.assets import cached
from engines.core.errors import LabError, Message
from engines.core.reading import read_text
from engines.transfer.events import Floats
from engines.transfer.learn.spec import LAST_STEP, Result

MOST_BYTES = 1_000_000_000  #: a larger file is begun anew
MOST_RESULTS = 500

_TABLE = """CREATE TABLE IF NOT EXISTS features
    (model TEXT, side INTEGER, picture BLOB, vector BLOB, PRIMARY KEY (model, side, picture)) WITHOUT ROWID"""


def folder() -> Path:
    """Where features and results are kept, outside the project."""
    return cached("transfer")


def picture_hash(content: bytes) -> bytes:
    """What a picture is known by."""
    return hashlib.sha256(content).digest()


def model_hash(net: torch.nn.Module) -> str:
    """What a model is known by: the hash of the names, shapes and bits of all its weights."""
    found = hashlib.sha256()
    for name, tensor in net.state_dict().items():
        found.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        found.update(tensor.detach().cpu().contiguous().numpy().data)
    return found.hexdigest()


class FeatureStore:
    """The features of one model at one size.

    Open it on the thread that uses it, and close it there.

    Attributes
    ----------
    refused : Message or None
        Why features could not be kept, in words.
    """

    def __init__(self, model: str, side: int) -> None:
        self._model, self._side = model, side
        self._base: sqlite3.Connection | None = None
        self.refused: Message | None = None
        path = folder() / "features.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.stat().st_size > MOST_BYTES:
                path.unlink()
            self._base = _opened(path)
        except (OSError, sqlite3.Error) as error:
            self.refused = unsaved(error)
            with suppress(OSError):  # damaged: the next one begins anew
                path.unlink(missing_ok=True)

    def get(self, picture: bytes) -> Floats | None:
        """Features (F,) of a picture by its hash, or None."""
        if self._base is None:
            return None
        try:
            row = self._base.execute(
                "SELECT vector FROM features WHERE model = ? AND side = ? AND picture = ?",
                (self._model, self._side, picture),
            ).fetchone()
        except sqlite3.Error:
            return None
        return None if row is None else np.frombuffer(row[0], np.float32)

    def put(self, found: Iterable[tuple[bytes, Floats]]) -> None:
        """Keep features (F,) by their keys; all of these or none. A full disk is no reason to stop: see `refused`."""
        if self._base is None:
            return
        rows = [(self._model, self._side, picture, vector.tobytes()) for picture, vector in found]
        try:
            with self._base:
                self._base.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self.refused = unsaved(error)

    def close(self) -> None:
        """Let the file go."""
        if self._base is not None:
            self._base.close()
            self._base = None


def unsaved(error: OSError | sqlite3.Error) -> Message:
    """That features can't be kept, and why: what is kept is only quicker, so nothing is lost."""
    full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
    known = OSError(errno.ENOSPC, "") if full else error
    reason = files.reason(known) if isinstance(known, OSError) else Message("{text}", {"text": str(error)})
    return Message("The features can't be saved: {reason}. They will be computed again next time.", {"reason": reason})


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=2)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.execute(_TABLE)
    except sqlite3.Error:
        base.close()
        raise
    return base


# -- results
def read_results(key: str) -> tuple[Result, ...]:
    """Results of earlier runs on a set with a backbone; none where the file is missing or damaged."""
    known = {each.name for each in fields(Result)}
    try:
        rows = json.loads(read_text(folder() / f"results-{key}.json", limits.KEPT_FILE))
        return tuple(Result(**{name: int(row[name]) for name in known}) for row in rows)
    except (LabError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ()


def with_results(key: str, new: Iterable[Result]) -> tuple[Result, ...]:
    """The kept results and new ones.

    One of the same method, labels and draw gives way, unless it was complete and the new one is not.
    """
    rows = {(row.method, row.labels, row.sample): row for row in read_results(key)}
    for row in new:
        place = row.method, row.labels, row.sample
        old = rows.pop(place, None)
        rows[place] = old if old is not None and old.step >= LAST_STEP > row.step else row
    return tuple(rows.values())[-MOST_RESULTS:]


def write_results(key: str, rows: Iterable[Result]) -> None:
    """Keep results on disk.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    files.write(folder() / f"results-{key}.json", json.dumps([asdict(row) for row in rows]))

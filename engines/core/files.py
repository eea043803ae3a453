"""Writing files: whole or not at all, on the disk when it returns, and in words where it fails.

A file is written beside its place under a name of its own, brought to the disk, and then put into its place in one go
(rename(2) is atomic). Whatever goes wrong, the old file stays as it was and nothing is left beside it.
"""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import psutil

from engines.core.errors import LabError, Message

STALE = 600.0  #: seconds after which a draft is left over even if its program seems to live: no writing takes as long
MOST_ASIDE = 999  #: files put aside under one name

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of the disk is used up",
    errno.EFBIG: "the file is too large for this disk",
    errno.EACCES: "there is no permission to write",
    errno.EPERM: "there is no permission to write",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "the folder is gone",
    errno.ENOTDIR: "part of the path is not a folder",
    errno.EEXIST: "part of the path is not a folder",  # where a folder was to be made
    errno.EISDIR: "a folder of that name exists",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk has failed",
}


class WriteError(LabError):
    """A file could not be written; the old one, if any, is as it was.

    Attributes
    ----------
    reason : Message
        Why, in words, for sentences of the caller's own.
    """

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__("{name} can't be saved: {reason}.", name=path.name, reason=reason)
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[object, ...]:
        return WriteError, (self.path, self.reason)


def reason(error: OSError) -> Message:
    """Why something could not be written, as part of a sentence."""
    known = _REASONS.get(error.errno or 0)
    return Message(known) if known else Message("{text}", {"text": error.strerror or str(error)})


class Sink(io.RawIOBase):
    """A file to write into that never fails: after a failure it takes everything and keeps the reason.

    Libraries make whatever they like out of an error while they write (torch a ``RuntimeError`` of its C++ side, zip
    files a second error while they are closed), so they are not shown any.

    Attributes
    ----------
    error : OSError or None
        The first failure.
    """

    def __init__(self, handle: int) -> None:
        super().__init__()
        self._handle = handle
        self.error: OSError | None = None

    def writable(self) -> bool:
        """It is, as `io.RawIOBase` asks."""
        return True

    def write(self, data: object) -> int:
        """Write a whole buffer; after a failure, which ``error`` keeps, nothing more. Returns its size in bytes."""
        rest = memoryview(data).cast("B")  # type: ignore[arg-type]  # any buffer, as RawIOBase.write has it
        size = rest.nbytes
        try:
            while rest and self.error is None:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self.error = error
        return size


Content: TypeAlias = bytes | str | Callable[[BinaryIO], object]


def write(path: Path | str, content: Content, folder: bool = True, private: bool = False) -> None:
    """Write a file; a link is followed, and the file keeps the mode it had.

    Parameters
    ----------
    path : Path or str
    content : str, bytes or callable
        A function puts it into the `Sink` that it is given.
    folder : bool
        Whether its folder is made where it is missing.
    private : bool
        A new file is for its owner alone, from its first byte on (where the system has such modes).

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    path = Path(path)
    place = Path(os.path.realpath(path))
    draft = place.with_name(f".{_short(place.name)}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if folder:
            place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        try:
            _fill(draft, content, 0o600 if private else 0o666)
            with suppress(FileNotFoundError):
                os.chmod(draft, stat.S_IMODE(place.stat().st_mode))
            os.replace(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        _settle(place.parent)
    except OSError as error:
        raise WriteError(path, reason(error)) from error


def _fill(draft: Path, content: Content, mode: int) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        sink = Sink(handle)
        if isinstance(content, str):
            content = content.encode()
        if isinstance(content, bytes):
            sink.write(content)
        else:
            content(cast(BinaryIO, sink))
        if sink.error is not None:
            raise sink.error
        os.fsync(handle)  # a full disk may be told only now
    finally:
        os.close(handle)


def _settle(folder: Path) -> None:
    """Bring the folder's entry to the disk, too; not every system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _short(name: str) -> str:
    """A name that leaves room for what a draft's has in addition (names have 255 bytes at most)."""
    return name.encode()[:200].decode(errors="ignore")


def _sweep(place: Path) -> None:
    """Remove drafts of the same file that a killed program left."""
    pattern = re.compile(rf"\.{re.escape(_short(place.name))}\.(\d+)-[0-9a-f]{{8}}\.part")
    with suppress(OSError), os.scandir(place.parent) as entries:
        for entry in entries:
            found = pattern.fullmatch(entry.name)
            if found and (not psutil.pid_exists(int(found[1])) or time.time() - entry.stat().st_mtime > STALE):
                os.unlink(entry.path)


def free(path: Path) -> Path:
    """A name beside ``path`` that nothing has: its own, else ``NAME-2.END`` and so on."""
    found, number = path, 2
    while os.path.lexists(found):
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found


def put_aside(path: Path, mark: str) -> Path:
    """Give a file another name, ``NAME-mark.END``, or ``NAME-mark-2.END`` and so on where that is taken.

    Returns
    -------
    Path
        Its new name.

    Raises
    ------
    WriteError
        Naming file and reason.
    """
    for number in range(1, MOST_ASIDE + 1):
        aside = path.with_name(f"{path.stem}-{mark}{'' if number == 1 else f'-{number}'}{path.suffix}")
        try:
            _move_to_free(path, aside)
        except FileExistsError:
            continue
        except OSError as error:
            raise WriteError(path, reason(error)) from error
        return aside
    raise WriteError(path, Message("{n} files were put aside already", {"n": MOST_ASIDE}))


def _move_to_free(path: Path, aside: Path) -> None:
    """Rename, unless the other name is taken."""
    try:
        os.link(path, aside)  # unlike a rename it takes no other's place
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        if os.path.lexists(aside):
            raise FileExistsError(aside) from None
        os.rename(path, aside)
        return
    os.unlink(path)

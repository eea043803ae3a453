"""Opens and reads ordinary files only: no pipe that nobody writes to, no device that never ends, no folder.

The one way in for whatever a person offers. A link counts as what it leads to. What lies beyond a limit of
`engines.core.limits` is refused before it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from engines.core import limits
from engines.core.errors import LabError

S = TypeVar("S")
P = TypeVar("P")
T = TypeVar("T")

# a pipe would wait for its writer, a terminal would become this program's own
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))


def open_ordinary(path: Path, most: int | None = None, name: str = "") -> BinaryIO:
    """Open an ordinary file to read bytes.

    Parameters
    ----------
    path : Path
    most : int, optional
        Bytes that it may have.
    name : str
        What to call it; the file's name if not given.

    Raises
    ------
    LabError
        Naming the file and the reason: it is missing, a folder, a pipe, a device, too large, may not be read.
    """
    name = name or path.name or str(path)
    try:
        _check(os.stat(path), name, most)  # first, since opening a device may do something to it
        handle = os.open(path, _FLAGS)
        try:
            _check(os.fstat(handle), name, most)  # again, since another file may stand there now
            return os.fdopen(handle, "rb")
        except BaseException:
            os.close(handle)
            raise
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: Exception) -> LabError:
    """Why a file can't be read, in words, from what the system says."""
    if isinstance(error, FileNotFoundError):
        return LabError("{name}: there is no such file.", name=name)
    if isinstance(error, PermissionError):
        return LabError("{name}: no permission to read it.", name=name)
    reason = getattr(error, "strerror", None) or str(error)  # ValueError: a name with a null character
    return LabError("{name}: can't be read ({reason}).", name=name, reason=reason)


def _check(status: os.stat_result, name: str, most: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise LabError("{name}: a folder, not a file.", name=name)
    if not stat.S_ISREG(status.st_mode):
        raise LabError("{name}: not an ordinary file.", name=name)
    if most is not None and status.st_size > most:
        raise LabError(
            "{name}: the file is too large ({size} MB, the limit is {most} MB).",
            name=name,
            size=-(-status.st_size // limits.MB),
            most=most // limits.MB,
        )


POINTER = b"version https://git-lfs.github.com/spec/"  #: begins a file that only names the one that was meant


def check_pointer(start: bytes, name: str) -> None:
    """Raise LabError for a file that is a pointer of Git LFS, by its first bytes."""
    if start and POINTER.startswith(start[: len(POINTER)]) and len(start) > len("version "):
        raise LabError("{name}: a Git LFS pointer, not the file itself; git lfs pull fetches it.", name=name)


def is_pointer(start: bytes) -> bool:
    """Whether a file that begins so is a pointer of Git LFS."""
    return start.startswith(POINTER)


def is_ordinary(path: Path) -> bool:
    """Whether there is an ordinary file, or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder, or a link to one."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):  # a loop of links, a null character
        return False


def in_blocks(path: Path, most: int, name: str = "") -> Generator[tuple[int, int], None, bytes]:
    """Read a file; yields how far it is (bytes, all of them) between two blocks, returns its content.

    Raises
    ------
    LabError
        As `open_ordinary`, if it grew beyond ``most`` meanwhile, or if it is a pointer of Git LFS.
    """
    name = name or path.name or str(path)
    with open_ordinary(path, most, name) as file:
        blocks: list[bytes] = []
        total, done = os.fstat(file.fileno()).st_size, 0
        while True:
            try:
                block = file.read(min(limits.BLOCK, max(1, total - done)))
            except OSError as error:
                raise unreadable(name, error) from error
            if not done:
                check_pointer(block[: len(POINTER)], name)
            if not block:
                return b"".join(blocks) if len(blocks) != 1 else blocks[0]
            blocks.append(block)
            done += len(block)
            if done > most:  # it grew
                _check(os.fstat(file.fileno()), name, most)
            yield done, total


def read_bytes(path: Path, most: int, name: str = "") -> bytes:
    """The content of a file of at most ``most`` bytes; raises LabError as `in_blocks` does."""
    return finish(in_blocks(path, most, name))


def read_text(path: Path, most: int, name: str = "", errors: str = "strict") -> str:
    """The same as text in UTF-8, without its byte order mark.

    Raises
    ------
    LabError
        As `in_blocks`, or if it is no UTF-8.
    """
    try:
        return read_bytes(path, most, name).decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        raise LabError("{name}: not UTF-8 text.", name=name or path.name) from error


def read_ends(path: Path, count: int) -> bytes:
    """The first and the last ``count`` bytes of a file; raises LabError as `open_ordinary` does."""
    with open_ordinary(path) as file:
        try:
            head = file.read(count)
            file.seek(max(len(head), os.fstat(file.fileno()).st_size - count))
            return head + file.read(count)
        except OSError as error:
            raise unreadable(path.name, error) from error


def finish(steps: Generator[Any, None, T]) -> T:
    """What a generator returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def mapped(steps: Generator[S, None, T], tell: Callable[[S], P]) -> Generator[P, None, T]:
    """The same generator, with what it yields told otherwise."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
        yield tell(step)

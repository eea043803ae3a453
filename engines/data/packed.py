"""Arrays out of an ``.npz`` file: checked before memory is taken for them, read in pieces, never a pickle.

The formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html (arrays);
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.3.16 (the end of a zip file).
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import open_ordinary, read_ends

_END = struct.Struct("<4s4H2IH")  #: the last record of a zip file: mark, four counts, size and place of its directory
_DIRECTORY = 65_536  #: bytes of a directory: some 100 for each array
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
    RecursionError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


def reading(
    path: Path, names: Sequence[str], most: int = limits.CIFAR_FILE
) -> Generator[None, None, dict[str, np.ndarray[Any, Any]]]:
    """The arrays of these names, with places to stop.

    Raises
    ------
    LabError
        If the file is no such archive, or an array is missing, larger than ``most`` bytes, or holds objects.
    """
    refused = LabError("{name}: not a file of arrays (npz).", name=path.name)
    found: dict[str, np.ndarray[Any, Any]] = {}
    with open_ordinary(path, most) as file:
        if not _is_small(read_ends(path, _DIRECTORY)):
            raise refused
        try:
            with zipfile.ZipFile(file) as archive:
                for name in names:
                    info = archive.getinfo(f"{name}.npy")
                    if info.file_size > most:
                        raise refused
                    with archive.open(info) as inner:
                        found[name] = yield from _array(inner, info.file_size)
        except _DAMAGE as error:
            raise refused from error
    return found


def _is_small(ends: bytes) -> bool:
    """Whether the directory of a zip file is short: all of it is read when one is opened."""
    at = ends.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(ends):
        return False
    size: int = _END.unpack_from(ends, at)[5]
    return size <= _DIRECTORY


def _array(file: IO[bytes], size: int) -> Generator[None, None, np.ndarray[Any, Any]]:
    """One array; its size is checked against that of its file before it is read."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, kind = header(file)
    wanted = math.prod(shape) * kind.itemsize
    if kind.hasobject or len(shape) > 8 or wanted > size:
        raise ValueError("the array does not fit")
    blocks, left = [], wanted
    while left:
        block = file.read(min(limits.BLOCK, left))
        if not block:
            raise EOFError
        blocks.append(block)
        left -= len(block)
        yield
    flat = np.frombuffer(b"".join(blocks), kind)
    return flat.reshape(shape, order="F" if by_columns else "C")

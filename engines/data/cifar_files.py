"""CIFAR-10 as its authors give it away (https://www.cs.toronto.edu/~kriz/cifar.html), or packed: one file of it.

The python version is a pickle. Nothing that it names is run or built: what an array is made of is taken down as it
stands in the file, and the array is made of that.
"""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import in_blocks
from engines.data import cifar

Bytes = npt.NDArray[np.uint8]

PIXELS = 3 * cifar.SIDE**2
_DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    RecursionError,
    struct.error,
)


def reading(file: Path, count: int | None = None) -> Generator[object, None, tuple[Bytes, Bytes]]:
    """Pictures (n, 32, 32, 3) and labels (n,) of one file in any of the three versions, with places to stop.

    Raises
    ------
    LabError
        If it is not what it should be.
    """
    if file.suffix == ".npz":
        return (yield from cifar.decoding(file, count))
    content = yield from in_blocks(file, limits.CIFAR_FILE)
    flat, labels = _binary(content, file.name) if file.suffix == ".bin" else _pickled(content, file.name)
    labels = cifar.checked_labels(labels, file.name)
    return flat.reshape(-1, 3, cifar.SIDE, cifar.SIDE).transpose(0, 2, 3, 1), labels


def _binary(content: bytes, name: str) -> tuple[Bytes, np.ndarray]:
    """A byte of label and 3,072 of pixels, over and over."""
    if not content or len(content) % (1 + PIXELS):
        raise LabError("{name}: not a file of CIFAR-10.", name=name)
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    return rows[:, 1:], rows[:, 0]


def _pickled(content: bytes, name: str) -> tuple[Bytes, np.ndarray]:
    """A dict with ``data``, an array uint8 (n, 3072), and ``labels``, a list of n numbers."""
    refused = LabError("{name}: not a file of CIFAR-10.", name=name)
    try:
        found = _Taken(io.BytesIO(content), encoding="bytes").load()
        data, labels = found[b"data"], found[b"labels"]
        if not isinstance(data, _Array) or not isinstance(labels, list):
            raise refused
        _, shape, kind, by_columns, raw = data.state
        if not isinstance(kind, _Kind) or kind.code not in ("u1", b"u1") or by_columns or not isinstance(raw, bytes):
            raise refused
        if shape != (len(labels), PIXELS) or len(raw) != len(labels) * PIXELS or not labels:
            raise refused
        if not all(type(label) is int and abs(label) < 2**31 for label in labels):
            raise refused
    except _DAMAGE as error:
        raise refused from error
    return np.frombuffer(raw, np.uint8).reshape(-1, PIXELS), np.array(labels, np.int64)


class _Array:
    """What a pickle says of an array."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


class _Kind:
    """What a pickle says of a kind of numbers."""

    def __init__(self, code: object, *_further: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like say nothing new of a byte."""


def _begun(*_what: object) -> _Array:
    return _Array()


def _encoded(text: str, _kind: str) -> bytes:
    return text.encode("latin-1")  # the way in which newer pickles keep bytes for older readers


#: what a dict of texts, numbers, lists and one array is written with in protocols 2 to 5; the rest is refused
_OPERATIONS = re.findall(
    r"\w+",
    """PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINSTRING
    SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINUNICODE SHORT_BINUNICODE EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1
    TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET GLOBAL STACK_GLOBAL
    REDUCE BUILD""",
)


class _Taken(pickle._Unpickler):
    """Reads what CIFAR-10's python files hold (a dict of bytes, lists and one array) and nothing that could run.

    The reader in Python: that in C takes gigabytes for a number in a damaged file.
    """

    dispatch: ClassVar[dict[int, Any]] = {
        getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]] for name in _OPERATIONS
    }

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in for what builds an array."""
        match module, name:
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return _begun
            case "numpy", "ndarray":
                return _Array
            case "numpy", "dtype":
                return _Kind
            case "_codecs", "encode":
                return _encoded
        raise pickle.UnpicklingError(f"{module}.{name}")

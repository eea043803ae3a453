"""The file ``.attnlab``: a ZIP of one JSON, arrays as NPY and pictures as PNG.

Nothing in it can run, and no name in it becomes a file. Whatever lies beyond `engines.core.limits`, or is none of these
three, is refused by its name before it is unpacked.
"""

from __future__ import annotations

import io
import json
import re
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from app.session.content import hash_of
from app.session.values import NUMBERS, Array, Parts, Tree
from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.pictures import Picture
from engines.core.reading import open_ordinary

Text: TypeAlias = str | Message

SETTINGS = "session.json"
_ARRAY, _PICTURE = re.compile(r"arrays/(\d{1,4})\.npy"), re.compile(r"pictures/([0-9a-f]{64})\.png")
DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, RuntimeError, NotImplementedError, SyntaxError,
           zipfile.BadZipFile, zlib.error, tokenize.TokenError)  # fmt: skip
FAST = 1  #: compression: a photo takes a second instead of ten
NO_SESSION = "{name}: not a session that can be opened: {reason}."


# ------------------------------------------------------------------ writing
def filled(said: dict[str, Tree], parts: Parts, pngs: Mapping[str, bytes]) -> Callable[[BinaryIO], None]:
    """Writes a session into the file that it is given, on any thread.

    Parameters
    ----------
    said : Tree
    parts : Parts
        Its arrays.
    pngs : mapping of str to bytes
        Its pictures, by their hash.
    """

    def fill(out: BinaryIO) -> None:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=FAST) as made:
            made.writestr(SETTINGS, json.dumps(said))  # in ASCII: names of files may hold what no UTF-8 has
            for number, array in enumerate(parts.arrays):
                made.writestr(f"arrays/{number}.npy", as_npy(array))
            for sha256, png in pngs.items():
                made.writestr(zipfile.ZipInfo(f"pictures/{sha256}.png"), png)  # packed already

    return fill


def as_npy(array: Array) -> bytes:
    """An array as the content of an NPY file."""
    store = io.BytesIO()
    np.lib.format.write_array(store, np.asarray(array, order="C"), (1, 0), allow_pickle=False)
    return store.getvalue()


def as_png(picture: Picture) -> bytes:
    """A picture as the content of a PNG file, every pixel as it is."""
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(picture.rgb, "RGB").save(store, "PNG", compress_level=FAST)
    return store.getvalue()


# ------------------------------------------------------------------ reading
class Packed:
    """What a session file holds, its pictures still packed.

    Attributes
    ----------
    said : Tree
    parts : Parts
        Arrays alone.
    pngs : dict of str to bytes
        By hash.
    """

    def __init__(self, said: Tree, parts: Parts, pngs: dict[str, bytes]) -> None:
        self.said, self.parts, self.pngs = said, parts, pngs


def read(path: Path) -> Packed:
    """Read a session file.

    Raises
    ------
    LabError
        Naming the file, and what in it is none of a session's.
    """
    name = path.name
    with open_ordinary(path, limits.SESSION_FILE) as file:
        try:
            with zipfile.ZipFile(file) as parts:
                return _read(parts, name)
        except LabError:
            raise
        except MemoryError as error:
            raise refused(name, "something in it is too large") from error
        except RecursionError as error:
            raise refused(name, "its settings are nested too deep") from error
        except DAMAGE as error:
            raise refused(name, Message("it is damaged ({reason})", {"reason": type(error).__name__})) from error


def refused(name: Text, reason: Text) -> LabError:
    """Why a file is not opened."""
    return LabError(NO_SESSION, name=name, reason=_said(reason))


def _said(text: Text) -> Message:
    return Message(text) if isinstance(text, str) else text


def _read(parts: zipfile.ZipFile, name: str) -> Packed:
    entries = parts.infolist()
    if len(entries) > limits.SESSION_ENTRIES:
        raise refused(name, Message("it holds {n} entries, the limit is {most}",
                                    {"n": len(entries), "most": limits.SESSION_ENTRIES}))  # fmt: skip
    if len({entry.filename for entry in entries}) < len(entries):
        raise refused(name, "it holds two entries of one name")
    for entry in entries:
        _check(entry, name)
    _check_size(Message("all of it"), sum(entry.file_size for entry in entries), limits.SESSION_FILE, name)
    if SETTINGS not in parts.namelist():
        raise refused(name, Message("{entry} is missing", {"entry": SETTINGS}))
    said = json.loads(parts.read(SETTINGS).decode("utf-8"), parse_constant=_no_number)
    arrays: dict[int, Array] = {}
    pngs: dict[str, bytes] = {}
    for entry in entries:
        if found := _ARRAY.fullmatch(entry.filename):
            arrays[int(found[1])] = array_of(parts.read(entry), entry.filename, name)
        elif found := _PICTURE.fullmatch(entry.filename):
            pngs[found[1]] = parts.read(entry)
    if sorted(arrays) != list(range(len(arrays))):
        raise refused(name, "some of its arrays are missing")
    return Packed(said, Parts([arrays[number] for number in range(len(arrays))]), pngs)


def _check(entry: zipfile.ZipInfo, name: str) -> None:
    """Refuse an entry that no session has, or one that unpacks to more than it may."""
    if entry.filename == SETTINGS:
        most = limits.SESSION_SETTINGS
    elif _ARRAY.fullmatch(entry.filename):
        most = limits.SESSION_ARRAY
    elif _PICTURE.fullmatch(entry.filename):
        most = limits.SESSION_PICTURE
    else:
        raise refused(name, Message("it holds {entry}, which no session has", {"entry": entry.filename}))
    _check_size(entry.filename, entry.file_size, most, name)


def _check_size(entry: Text, size: int, most: int, name: str) -> None:
    if size > most:
        raise refused(name, Message(
            "{entry} would unpack to {size} MB, the limit is {most} MB",
            {"entry": entry, "size": -(-size // limits.MB), "most": most // limits.MB},
        ))  # fmt: skip


def array_of(content: bytes, entry: Text, name: Text) -> Array:
    """An array whose size its file really holds; numpy alone would make room for whatever the head says."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise refused(name, Message("{entry} is no array", {"entry": entry}))
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in NUMBERS:
        raise refused(name, Message("{entry} holds no numbers", {"entry": entry}))
    rest = content[stream.tell() :]
    count = 1
    for side in shape:
        count *= side
    if by_columns or any(side < 0 for side in shape) or count * dtype.itemsize != len(rest):
        raise refused(name, Message("{entry} is not as large as it says", {"entry": entry}))
    found: Array = np.frombuffer(rest, dtype).reshape(shape)
    return found


def _no_number(text: str) -> Any:
    raise ValueError(text)


def picture_of(content: bytes, sha256: str, name: str) -> Picture:
    """The picture in a PNG.

    Raises
    ------
    LabError
        If it is none, too large, or not the one that its name says.
    """
    from engines.data.pictures import read_picture

    found = read_picture(content, name)
    if hash_of(found) != sha256:
        raise LabError("{name}: the picture is not the one that the session was saved with.", name=name)
    return found

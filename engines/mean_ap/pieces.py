"""A JSON file parsed entry by entry: one of a hundred megabytes has places to stop, and the window goes on meanwhile.

The parser of the standard library keeps the interpreter to itself until a text is read to its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from json import JSONDecodeError
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from engines.core.errors import LabError

FILE_LIMIT = 1_000_000_000  # bytes
EACH = 1 << 20  # characters between two places to stop
OUTLINES, BOX = "segmentation", "bbox"  #: the bulk of most files, which boxes need none of; what they do need

T = TypeVar("T")
Reading: TypeAlias = Generator[tuple[int, int], None, T]

_SPACE = re.compile(r"[ \t\r\n]*")
_NEXT = re.compile(r"[ \t\r\n]*(,?)[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def read_json(path: Path) -> Reading[Any]:
    """The content of a JSON file without the outlines of its entries, or a message on why there is none; yields how
    far it is (characters, all of them)."""
    name = path.name
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise LabError("{name}: larger than 1 GB.", name=name)
        raw = path.read_bytes()
        return (yield from parsing(raw.decode(json.detect_encoding(raw), "surrogatepass")))
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError("{name}: can't be read ({reason}).", name=name, reason=reason) from error
    except UnicodeDecodeError as error:
        raise LabError("{name}: not text in UTF-8.", name=name) from error
    except JSONDecodeError as error:
        raise LabError("{name}, line {line}: not valid JSON.", name=name, line=error.lineno) from error
    except RecursionError as error:
        raise LabError("{name}: not COCO: nested too deeply.", name=name) from error
    except ValueError as error:  # whole numbers of thousands of digits are refused by the interpreter
        raise LabError("{name}: not COCO: a number is too long.", name=name) from error


def parsing(text: str) -> Reading[Any]:
    """What ``json.loads`` makes of a text, piece by piece where it is a list or an object of lists."""
    value: Any
    here = _past(text, 0)
    if text.startswith("[", here):
        value, here = yield from _list(text, here)
    elif text.startswith("{", here):
        value, here = yield from _object(text, here)
    else:
        value, here = _DECODER.raw_decode(text, here)
    if _past(text, here) != len(text):
        raise JSONDecodeError("Extra data", text, here)
    return value


def _object(text: str, here: int) -> Reading[tuple[dict[str, Any], int]]:
    found: dict[str, Any] = {}
    here = _past(text, here + 1)
    more = not text.startswith("}", here)
    while more:
        key, after = _DECODER.raw_decode(text, here)
        if not isinstance(key, str):
            raise JSONDecodeError("Expecting property name", text, here)
        here = _past(text, after)
        if not text.startswith(":", here):
            raise JSONDecodeError("Expecting ':' delimiter", text, here)
        here = _past(text, here + 1)
        if text.startswith("[", here):
            found[key], here = yield from _list(text, here)
        else:
            found[key], here = _DECODER.raw_decode(text, here)
        here, more = _on(text, here, "}")
    return found, here + 1


def _list(text: str, here: int) -> Reading[tuple[list[Any], int]]:
    found: list[Any] = []
    here = told = _past(text, here + 1)
    more = not text.startswith("]", here)
    while more:
        entry, here = _DECODER.raw_decode(text, here)
        if isinstance(entry, dict):
            entry.pop(OUTLINES, None)
            if isinstance(entry.get(BOX), list):  # what holds no list is nothing for the garbage collector to walk
                entry[BOX] = tuple(entry[BOX])
        found.append(entry)
        here, more = _on(text, here, "]")
        if here - told >= EACH:
            yield here, len(text)
            told = here
    return found, here + 1


def _on(text: str, here: int, end: str) -> tuple[int, bool]:
    """The place of the next entry, or of the sign that ends the whole."""
    mark = _NEXT.match(text, here)
    assert mark is not None  # it matches nothing at all, too
    if not mark[1] and not text.startswith(end, mark.end()):
        raise JSONDecodeError("Expecting ',' delimiter", text, mark.end())
    return mark.end(), bool(mark[1])


def _past(text: str, here: int) -> int:
    """The place after blanks."""
    mark = _SPACE.match(text, here)
    return here if mark is None else mark.end()

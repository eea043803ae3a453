"""Reads a long JSON file entry by entry: each entry's line is known, there are places to stop, nothing is read twice.

The parser of the standard library keeps the interpreter to itself until a text is read to its end; here it is given
one entry at a time, out of a window of the file that moves on. So the memory taken is that of what the caller keeps.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator
from enum import Enum, auto
from json import JSONDecodeError
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from engines.core import limits
from engines.core.errors import LabError
from engines.core.reading import POINTER, check_pointer, open_ordinary, unreadable

NOT_JSON = "{name}, line {line}: not valid JSON."
LINES = "{name}: JSON Lines, an object on each line. One object with images, annotations and categories is needed."
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_NEAR = 16  #: characters before the end of the window in which a mistake may be a word that is cut in two
_TAIL = 4  #: characters that a number may lack at the end of the window to be taken for a shorter one: "1e+"


class Entry(NamedTuple):
    """One element of the list at the top or of a list that is a member of the object there, or another member.

    Attributes
    ----------
    key : str, optional
        The member's name; None for what does not lie in an object.
    place : int
        In the list; -1 for what is no list, and for a list without elements.
    value : object
    line : int
        In the file, from 1.
    """

    key: str | None
    place: int
    value: Any
    line: int


class _At(Enum):
    TOP = auto()
    FIRST_KEY = auto()
    KEY = auto()
    COLON = auto()
    MEMBER = auto()
    FIRST = auto()
    ELEMENT = auto()
    AFTER_ELEMENT = auto()
    AFTER_MEMBER = auto()
    END = auto()


class Entries:
    """The entries of a JSON file, and None at each place to stop.

    Parameters
    ----------
    path : Path
    most : int
        Bytes that the file may have.
    only_object : bool
        Whether anything else at the top is refused.

    A file of JSON Lines, an object on each line, reads as the list of them.

    Attributes
    ----------
    done, total : int
        How far the reading is, in bytes.

    Raises
    ------
    LabError
        If the file can't be read, is too large, or (while iterating) is no JSON, with its line.
    """

    def __init__(self, path: Path, most: int = limits.COCO_FILE, only_object: bool = False) -> None:
        self.name, self._path, self._most, self._only_object = path.name, path, most, only_object
        self.done, self.total = 0, 0
        self._text, self._at, self._line, self._counted = "", 0, 1, 0
        self._all_there = self._of_lines = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._piece = limits.PIECE
        with open_ordinary(path, most) as file:  # what can't be read is said before anything waits for it
            try:
                check_pointer(file.read(len(POINTER)), self.name)
            except OSError as error:
                raise unreadable(self.name, error) from error

    @property
    def line(self) -> int:
        """Line, from 1, of what is read next."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def __iter__(self) -> Iterator[Entry | None]:
        with open_ordinary(self._path, self._most) as file:
            self.total = os.fstat(file.fileno()).st_size
            yield from self._entries(file)

    def _entries(self, file: BinaryIO) -> Iterator[Entry | None]:
        """A machine of few states, so that there is one place at which more of the file is read."""
        state, key, place = _At.TOP, None, 0
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at == len(self._text) and not self._all_there:
                self._more(file)
                yield None
                continue
            sign = self._text[self._at : self._at + 1]
            if state is _At.END:
                if sign:
                    raise self._wrong()
                return
            if state is _At.TOP and sign == "{" and self._begins_lines():
                if self._only_object:
                    raise LabError(LINES, name=self.name)
                state, place, self._of_lines = _At.ELEMENT, 0, True
            elif (state is _At.TOP and sign in ("{", "[")) or (state is _At.MEMBER and sign == "["):
                if self._only_object and state is _At.TOP and sign == "[":
                    raise self._wrong()
                state, place = (_At.FIRST_KEY if sign == "{" else _At.FIRST), 0
                self._at += 1
            elif state is _At.FIRST and sign == "]":
                yield Entry(key, -1, [], self.line)
                self._at += 1
                state = _At.END if key is None else _At.AFTER_MEMBER
            elif state is _At.COLON:
                self._take(":")
                state = _At.MEMBER
            elif state is _At.AFTER_ELEMENT and self._of_lines:
                if not sign:
                    return
                state = _At.ELEMENT
            elif state is _At.AFTER_ELEMENT and sign == "]":
                self._at += 1
                state = _At.END if key is None else _At.AFTER_MEMBER
            elif state is _At.AFTER_ELEMENT:
                self._take(",")
                state = _At.ELEMENT
            elif state in (_At.AFTER_MEMBER, _At.FIRST_KEY) and sign == "}":
                self._at += 1
                state = _At.END
            elif state is _At.AFTER_MEMBER:
                self._take(",")
                state = _At.KEY
            else:  # a value stands here
                if state is _At.TOP and self._only_object:
                    raise self._wrong()
                ready, value, end = self._value()
                if not ready:
                    self._more(file)
                    yield None
                    continue
                if state in (_At.KEY, _At.FIRST_KEY):
                    if not isinstance(value, str):
                        raise self._wrong()
                    key, state = value, _At.COLON
                elif state in (_At.FIRST, _At.ELEMENT):
                    yield Entry(key, place, value, self.line)
                    place, state = place + 1, _At.AFTER_ELEMENT
                else:
                    yield Entry(key, -1, value, self.line)
                    state = _At.END if state is _At.TOP else _At.AFTER_MEMBER
                self._at = end

    def _begins_lines(self) -> bool:
        """Whether an object ends with the first line, and another one begins after it."""
        end = self._text.find("\n", self._at)
        if end < 0 or not self._text[end:].lstrip().startswith("{"):
            return False
        try:
            return isinstance(json.loads(self._text[self._at : end]), dict)
        except (ValueError, RecursionError):
            return False

    def _value(self) -> tuple[bool, Any, int]:
        """Whether the value here is whole, the value, and where it ends."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _NEAR
            if cut and not self._all_there:
                return False, None, 0
            self._at = error.pos
            raise self._wrong() from error
        except RecursionError as error:
            raise LabError("{name}, line {line}: nested too deeply.", name=self.name, line=self.line) from error
        except ValueError as error:  # whole numbers of thousands of digits are refused by the interpreter
            raise LabError("{name}, line {line}: a number is too long.", name=self.name, line=self.line) from error
        if end > len(self._text) - _TAIL and not self._all_there:  # more of a number may follow
            return False, None, 0
        return True, value, end

    def _more(self, file: BinaryIO) -> None:
        """Move the window on; it grows where one entry does not fit in it."""
        line, rest = self.line, len(self._text) - self._at
        if rest > limits.JSON_ENTRY:
            raise LabError(
                "{name}, line {line}: one entry is larger than {size} MB.",
                name=self.name, line=line, size=limits.JSON_ENTRY // limits.MB,
            )  # fmt: skip
        try:
            raw = file.read(max(4, self._piece, rest))  # four tell the encoding
        except OSError as error:
            raise unreadable(self.name, error) from error
        self.done += len(raw)
        self._all_there = not raw
        if self.done > self._most:
            raise LabError("{name}: the file is still being written.", name=self.name)
        if self._decoder is None:
            kind = json.detect_encoding(raw)
            self._decoder = codecs.getincrementaldecoder(kind)("strict")
        try:
            text = self._decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            raise LabError("{name}: not UTF-8 text.", name=self.name) from error
        self._text = self._text[self._at :] + text
        self._at = self._counted = 0

    def _take(self, sign: str) -> None:
        if not self._text.startswith(sign, self._at):
            raise self._wrong()
        self._at += 1

    def _wrong(self) -> LabError:
        return LabError(NOT_JSON, name=self.name, line=self.line)

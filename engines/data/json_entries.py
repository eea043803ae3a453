"""Reads a long JSON object entry by entry, so that each entry's line is known and nobody waits for the whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from engines.core.errors import LabError

LARGEST = 600 * 2**20  #: bytes of a file that are read
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Entry(NamedTuple):
    """A member of the object, or one element of a list that is a member: ``key``, ``place`` in the list (-1 for a
    member that is no list), ``value``, ``at`` = its place in the text."""

    key: str
    place: int
    value: Any
    at: int


class Entries:
    """The entries of a JSON file.

    Parameters
    ----------
    path : Path
        An object at its top; members that are lists are given element by element.

    Raises
    ------
    LabError
        If the file can't be read, is too large, or (while iterating) is no such JSON, with its line.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            if path.stat().st_size > LARGEST:
                raise LabError("{name}: larger than {size} MB.", name=self.name, size=LARGEST // 2**20)
            self.text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            reason = error.strerror or str(error)
            raise LabError("{name}: can't be read ({reason}).", name=self.name, reason=reason) from error
        except UnicodeDecodeError as error:
            raise LabError("{name}: can't be read ({reason}).", name=self.name, reason="UTF-8") from error
        self._counted, self._line = 0, 1

    def line(self, at: int) -> int:
        """Line, from 1, of a place in the text; quick for places that rise."""
        if at < self._counted:
            self._counted, self._line = 0, 1
        self._line += self.text.count("\n", self._counted, at)
        self._counted = at
        return self._line

    def __iter__(self) -> Iterator[Entry]:
        at = self._skip(0)
        if self.text[at : at + 1] != "{":
            raise self._wrong(at)
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            key, at = self._value(at)
            if not isinstance(key, str):
                raise self._wrong(at)
            at = self._skip(self._expect(at, ":"))
            if self.text[at : at + 1] == "[":
                at = self._skip(at + 1)
                place = 0
                while self.text[at : at + 1] != "]":
                    start = at
                    value, at = self._value(at)
                    yield Entry(key, place, value, start)
                    place += 1
                    at = self._next(at, "]")
                at = self._skip(at + 1)
            else:
                start = at
                value, at = self._value(at)
                yield Entry(key, -1, value, start)
            at = self._next(at, "}")

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        assert found is not None
        return found.end()

    def _value(self, at: int) -> tuple[Any, int]:
        try:
            value, end = _DECODER.raw_decode(self.text, at)
        except (ValueError, RecursionError) as error:  # not only of its syntax: a number may be too long
            raise self._wrong(getattr(error, "pos", at)) from error
        return value, self._skip(end)

    def _expect(self, at: int, sign: str) -> int:
        if self.text[at : at + 1] != sign:
            raise self._wrong(at)
        return at + 1

    def _next(self, at: int, end: str) -> int:
        """After an entry: past the comma that leads to the next one, or on the sign that ends the list."""
        if self.text[at : at + 1] == end:
            return at
        at = self._skip(self._expect(at, ","))
        if self.text[at : at + 1] == end:  # a comma before the end
            raise self._wrong(at)
        return at

    def _wrong(self, at: int) -> LabError:
        return LabError("{name}, line {line}: not valid JSON.", name=self.name, line=self.line(at))

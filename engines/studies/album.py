"""How settings and events travel to a cluster and back: pickled, each picture once.

Pictures are compared by identity, and a memo of an engine hangs on that; so both sides know each by a number, and the
one that comes back is the one that was sent.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from engines.core.pictures import Picture


class Album:
    """The pictures that both sides know by a number."""

    def __init__(self) -> None:
        self._pictures: dict[int, Picture] = {}
        self._numbers: dict[Picture, int] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def pack(self, what: Any) -> bytes:
        """Pickle something; its pictures are numbers where the other side has them."""
        store = io.BytesIO()
        _Pickler(store, self._numbers).dump(what)
        return store.getvalue()

    def unpack(self, packed: bytes) -> Any:
        """The same, with the pictures that this side has."""
        return _Unpickler(io.BytesIO(packed), self._pictures).load()

    def numbered(self, what: Any) -> tuple[bytes, dict[int, Picture], set[int]]:
        """Pickle something, all of whose pictures get numbers: also those that are new, and the numbers in it."""
        store, before = io.BytesIO(), self._last
        used = _Finder(store, self)
        used.dump(what)
        return store.getvalue(), {n: self._pictures[n] for n in used.found if n > before}, used.found

    def number(self, picture: Picture) -> int:
        """That of a picture, a new one for a new picture."""
        if picture not in self._numbers:
            self._last += 1
            self.add({self._last: picture})
        return self._numbers[picture]

    def add(self, pictures: dict[int, Picture]) -> None:
        """Know pictures by the numbers that the other side gave them."""
        self._pictures |= pictures
        self._numbers |= {picture: number for number, picture in pictures.items()}

    def keep(self, numbers: set[int]) -> None:
        """Forget all others."""
        self._pictures = {number: one for number, one in self._pictures.items() if number in numbers}
        self._numbers = {one: number for number, one in self._pictures.items()}


class _Pickler(pickle.Pickler):
    def __init__(self, store: io.BytesIO, numbers: dict[Picture, int]) -> None:
        super().__init__(store, protocol=5)
        self._numbers = numbers

    def persistent_id(self, obj: Any) -> int | None:
        return self._numbers.get(obj) if isinstance(obj, Picture) else None


class _Finder(pickle.Pickler):
    def __init__(self, store: io.BytesIO, album: Album) -> None:
        super().__init__(store, protocol=5)
        self._album, self.found = album, set[int]()

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, Picture):
            return None
        number = self._album.number(obj)
        self.found.add(number)
        return number


class _Unpickler(pickle.Unpickler):
    def __init__(self, store: io.BytesIO, pictures: dict[int, Picture]) -> None:
        super().__init__(store)
        self._pictures = pictures

    def persistent_load(self, pid: Any) -> Picture:
        return self._pictures[pid]

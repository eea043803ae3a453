"""Keeps the newest results of a stage of work, so that a slider that doesn't touch it does not do it again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

T = TypeVar("T")
Y = TypeVar("Y")


class Memo(Generic[T]):
    """The results of the keys asked for last.

    Parameters
    ----------
    most : int
        How many are kept. The oldest is let go *before* a new one is made, so that no more than ``most`` ever need
        memory together.
    """

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._kept: OrderedDict[object, T] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """What was made for this key (hashable), or what ``make`` makes; where it raises, nothing is kept."""
        if key not in self._kept:
            self._make_room()
            self._kept[key] = make()
        return self._used(key)

    def get_in_steps(self, key: object, make: Callable[[], Generator[Y, None, T]]) -> Generator[Y, None, T]:
        """As `get`, for what is made step by step: its yields are handed on; cut short, nothing is kept."""
        if key not in self._kept:
            self._make_room()
            made = yield from make()
            self._make_room()  # something else may have been asked for meanwhile
            self._kept[key] = made
        return self._used(key)

    def __contains__(self, key: object) -> bool:
        """Whether nothing would have to be made for this key."""
        return key in self._kept

    def values(self) -> tuple[T, ...]:
        """What is kept, the one used last at the end."""
        return tuple(self._kept.values())

    def _used(self, key: object) -> T:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _make_room(self) -> None:
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Let everything go."""
        self._kept.clear()

"""The pages of a tab, each made when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from PySide6.QtWidgets import QWidget

from app.topic.page import Page


class Pages(Sequence[Page]):
    """The pages of a tab; each is made when it is first looked at."""

    def __init__(self, kinds: Sequence[type[Page]], make: Callable[[type[Page]], Page]) -> None:
        self.kinds = tuple(kinds)
        self._make = make
        self._made: dict[int, Page] = {}

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = range(len(self.kinds))[index]
        if at not in self._made:
            self._made[at] = self._make(self.kinds[at])
        return self._made[at]

    @property
    def made(self) -> Iterator[Page]:
        """Those that have been looked at."""
        return iter(tuple(self._made.values()))

    def index_of(self, page: QWidget) -> int:
        """The place of a page that was made."""
        return next(at for at, made in self._made.items() if made is page)

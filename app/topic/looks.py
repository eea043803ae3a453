"""What a run tells of itself from time to time, kept to look back at where no state of it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

from app.plots.curves import Curves
from app.transport import Transport


class HasStep(Protocol):
    """Something of one step of a run."""

    @property
    def step(self) -> int:
        """Steps made when it was told."""


Told = TypeVar("Told", bound=HasStep)


class Looks(Generic[Told]):
    """The newest of what was told, or what was there at the step that the scrubber is at.

    Parameters
    ----------
    transport : Transport
        Whose scrubber it is; told which step is really shown.
    curves : sequence of Curves
        Whose cursors stand at that step while the pointer is not on them.
    draw : callable
        Draws the page anew: what is to be seen is another one.
    """

    def __init__(self, transport: Transport, curves: Sequence[Curves], draw: Callable[[], object]) -> None:
        self._transport, self._curves, self._redraw = transport, curves, draw
        self._told: list[Told] = []
        transport.looked.connect(self._look)
        for one in curves:
            one.pointed.connect(partial(self._point, one))

    def begin(self) -> None:
        """A new run: all that was told is of the one before."""
        self._told.clear()
        self._point_all()

    def add(self, told: Told) -> None:
        """Keep what is told now; the first one is what is seen from steps before it, too."""
        self._told.append(told)
        if len(self._told) == 1 and self.back is not None:
            self._look(None)

    @property
    def back(self) -> int | None:
        """The step of what is looked back at; None is live."""
        seen = self.seen
        return None if self._transport.selected is None or seen is None else seen.step

    @property
    def seen(self) -> Told | None:
        """What is to be drawn: told at the step looked back at or last before it; live, the newest."""
        if not self._told:
            return None
        step = self._transport.selected
        if step is None:
            return self._told[-1]
        return next((told for told in reversed(self._told) if told.step <= step), self._told[0])

    def _look(self, _step: int | None) -> None:
        if (back := self.back) is not None:
            self._transport.set_state(back)
        self._point_all()
        self._redraw()

    def _point_all(self) -> None:
        for one in self._curves:
            self._point(one, None)

    def _point(self, curves: Curves, x: float | None) -> None:
        curves.set_cursor(self.back if x is None else x)

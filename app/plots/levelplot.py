"""How something changes with a setting that was given a few values: means, and a band of one deviation around them.

Numbers stand where they belong, those that differ by more than `WIDE` at their logarithms; words stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg

from app import theme, words
from app.plots.errorplot import ErrorLine, ErrorPlot
from app.plots.items import Stroke
from app.words import Text

WIDE = 20.0  #: ratio of the largest to the least number from which on their logarithms stand on the axis
BAND = 46  # of 255, how strong a band is


@dataclass(frozen=True)
class Level:
    """A value of the setting.

    Attributes
    ----------
    value : float or None
        None for words.
    name : str or Message
        As it is written.
    """

    value: float | None
    name: Text


def places(levels: Sequence[Level]) -> list[float]:
    """Where levels stand on the axis, in the units of its items."""
    numbers = [level.value for level in levels if level.value is not None]
    if len(numbers) < len(levels) or not numbers:
        return [float(at) for at in range(len(levels))]
    if min(numbers) > 0 and max(numbers) / min(numbers) > WIDE:
        return [math.log10(number) for number in numbers]
    return numbers


class LevelPlot(ErrorPlot):
    """Lines over the values of a setting.

    Parameters
    ----------
    name : str or Message
    """

    def __init__(self, name: Text) -> None:
        self._levels_of_x: tuple[Level, ...] = ()
        self._bands: list[pg.FillBetweenItem] = []
        self._edges: list[tuple[Stroke, Stroke]] = []
        super().__init__(name, "", (0.0, 1.0), log=False)
        self.export_name = "study"

    def set_levels(self, levels: Sequence[Level], axis: Text, lines: Sequence[ErrorLine]) -> None:
        """Show lines.

        Parameters
        ----------
        levels : sequence of Level
            All there will be, rising.
        axis : str or Message
            What they are values of.
        lines : sequence of ErrorLine
            Their ``x`` are `places` of levels.
        """
        self._levels_of_x = tuple(levels)
        ends = [end for line in lines for pair in line.ends for end in pair.tolist()]
        low, top = (min(ends), max(ends)) if ends else (0.0, 1.0)
        room = 0.07 * (top - low) or 0.1 * abs(top) or 1.0
        self._y = low - room, top + room
        self.plot.getAxis("bottom").set_title(axis)
        self.set_lines(lines, places(levels))

    def named(self, index: int) -> str:
        return words.drawn(self._levels_of_x[index].name) if index < len(self._levels_of_x) else ""

    def numbers(self) -> dict[str, np.ndarray]:
        """The values as they are, not where they stand; words as text."""
        found = super().numbers()
        where = dict(zip(self._ticks, self._levels_of_x, strict=True))
        for name, array in found.items():
            if name.endswith("_x"):
                met = [where[float(at)] for at in array]
                found[name] = np.array([words.drawn(one.name) if one.value is None else one.value for one in met])
        return found

    def _place(self, *_: object) -> None:
        super()._place()
        while len(self._bands) < len(self._lines):
            edges = Stroke(pen=None), Stroke(pen=None)
            band = pg.FillBetweenItem(*edges)
            for item in (*edges, band):
                self.put(item, 1)
            self._edges.append(edges)
            self._bands.append(band)
        for index, band in enumerate(self._bands):  # those that are over stay, hidden
            line = self._lines[index] if index < len(self._lines) else None
            if line is None or len(line.x) < 2 or not (line.spread > 0).any():
                band.hide()
                continue
            x, _ = self.curves[index].getData()
            for edge, end in zip(self._edges[index], line.ends, strict=True):
                edge.show_line(x, end)
            band.setBrush(theme.color(line.token, BAND))
            band.show()

"""What a row is, how its figures are taken, and how the table is written. Knows neither torch nor Qt."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

HEADS = ("what", "ours", "reference", "ratio", "reach", "reached")


@dataclass(frozen=True)
class Measured:
    """What a row found.

    Attributes
    ----------
    ours : float
    unit : str
    reference : float, optional
        In the same unit.
    sound : bool
        False where the two did not compute the same, which no speed makes up for.
    note : str
        How it was measured, in a few words.
    here : bool
        False where this machine lacks what the row is about; the note says what.
    details : dict
        Further figures, for the JSON file.
    """

    ours: float
    unit: str
    reference: float | None = None
    sound: bool = True
    note: str = ""
    here: bool = True
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours in parts of the reference."""
        return None if self.reference is None else self.ours / self.reference


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    name : str
        As typed to choose it.
    what : str
    measure : callable
    most, least, most_ratio : float, optional
        What is to be reached; one of them.
    """

    name: str
    what: str
    measure: Callable[[], Measured]
    most: float | None = None
    least: float | None = None
    most_ratio: float | None = None

    def reached(self, found: Measured) -> bool:
        """Whether the figure is as good as it should be."""
        if not found.sound:
            return False
        if self.most_ratio is not None:
            return found.ratio is not None and found.ratio <= self.most_ratio
        if self.least is not None:
            return found.ours >= self.least
        return self.most is not None and found.ours <= self.most

    def reach(self, unit: str) -> str:
        """What is to be reached, in words."""
        if self.most_ratio is not None:
            return f"≤ {self.most_ratio:.2f} ×"
        return f"≥ {self.least:g} {unit}" if self.least is not None else f"≤ {self.most:g} {unit}"


def interleaved(*works: Callable[[], object], repeats: int, warm_up: int = 2) -> list[list[float]]:
    """Seconds of each work and each repeat; they take turns, so that a slow moment of the machine hits all alike."""
    for _ in range(warm_up):
        for work in works:
            work()
    spent: list[list[float]] = [[] for _ in works]
    for turn in range(repeats):
        order = range(len(works)) if turn % 2 == 0 else reversed(range(len(works)))
        for index in order:
            began = time.perf_counter()
            works[index]()
            spent[index].append(time.perf_counter() - began)
    return spent


def versus(ours: Sequence[float], reference: Sequence[float], **more: Any) -> Measured:
    """Medians in milliseconds of two lists of seconds."""
    both = {"ours_ms": in_ms(ours), "reference_ms": in_ms(reference)}
    details = both | more.pop("details", {})
    return Measured(1000 * statistics.median(ours), "ms", 1000 * statistics.median(reference), details=details, **more)


def in_ms(seconds: Sequence[float]) -> list[float]:
    """Milliseconds, rounded for a file."""
    return [round(1000 * value, 2) for value in seconds]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not pass."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cells(row: Row, found: Measured) -> tuple[str, ...]:
    """A line of the table."""
    return (
        row.what,
        f"{found.ours:.4g} {found.unit}",
        "" if found.reference is None else f"{found.reference:.4g} {found.unit}",
        "" if found.ratio is None else f"{found.ratio:.3f}",
        row.reach(found.unit),
        "not here" if not found.here else "yes" if row.reached(found) else "NO",
    )


def written(results: Sequence[tuple[Row, Measured]]) -> str:
    """The whole table, and a line on each row that has something to say."""
    lines = [HEADS, *(cells(row, found) for row, found in results)]
    wide = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    rule = tuple("-" * width for width in wide)
    text = ["  ".join(part.ljust(width) for part, width in zip(line, wide, strict=True)).rstrip()
            for line in (lines[0], rule, *lines[1:])]  # fmt: skip
    notes = [f"{row.name}: {found.note}" for row, found in results if found.note]
    return "\n".join([*text, *([""] if notes else []), *notes])


def as_data(results: Sequence[tuple[Row, Measured]]) -> list[dict[str, Any]]:
    """The same for a JSON file."""
    return [
        {
            "row": row.name,
            "what": row.what,
            "unit": found.unit,
            "ours": found.ours,
            "reference": found.reference,
            "ratio": found.ratio,
            "reach": row.reach(found.unit),
            "reached": row.reached(found),
            "sound": found.sound,
            "here": found.here,
            "note": found.note,
            "details": found.details,
        }
        for row, found in results
    ]

"""The points that are pooled: drawn at random around a known curve, or read from a text. Imports no torch.

The curve and the noise are those of the book *Dive into Deep Learning*, section on attention pooling:
y = 2 sin x + x^0.8 + noise.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engines.core.errors import LabError, Message

Points: TypeAlias = tuple[tuple[float, float], ...]
Floats: TypeAlias = npt.NDArray[np.float64]

SPAN = 5.0  #: x of drawn points lies in [0, SPAN)
MOST = 500  #: points that a tab can hold
LARGEST = 1e6  #: a pasted number may be this large; squares of larger ones lose the digits that matter
NAMED = 3  #: bad lines that are named one by one


def truth(x: Floats) -> Floats:
    """The curve without noise, 2 sin x + x^0.8, for x (N,) ≥ 0."""
    return 2 * np.sin(x) + np.power(x, 0.8)


def generate(samples: int, noise: float, seed: int) -> Points:
    """Draw points around the curve, sorted by x; x is uniform, the noise normal with deviation ``noise``.

    A larger sample begins with other numbers than a smaller one; the same three values give the same points.
    """
    random = np.random.default_rng(seed)
    x = np.sort(random.random(samples) * SPAN)
    y = truth(x) + random.normal(0.0, 1.0, samples) * noise
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def parse(text: str) -> tuple[Points, Message | None]:
    """Read two columns of numbers: x and y, with commas, semicolons, tabs or blanks between them.

    A first line of words is taken for the names of the columns; ``#`` starts a comment. With semicolons or tabs a
    comma is a decimal comma.

    Returns
    -------
    points : tuple of (x, y)
        As they came, at most `MOST`.
    note : Message or None
        What was passed over.

    Raises
    ------
    LabError
        No line holds two numbers.
    """
    points: list[tuple[float, float]] = []
    bad: list[int] = []
    lines = [(i, line.split("#")[0].strip()) for i, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)]
    lines = [(i, line) for i, line in lines if line]
    for at, (i, line) in enumerate(lines):
        pair = _pair(line)
        if pair is not None:
            points.append(pair)
        elif at or any(c.isdigit() for c in line):  # a first line without a digit names the columns
            bad.append(i)
    if not points:
        raise LabError("No line has two numbers, x and y. The points are unchanged.")
    return tuple(points[:MOST]), _note(bad, len(points))


def _note(bad: list[int], count: int) -> Message | None:
    """What was passed over, in words."""
    named = ", ".join(map(str, bad[:NAMED]))
    if len(bad) > NAMED:
        more = "Lines {lines} and {n} more are not two numbers and were skipped."
        return Message(more, {"lines": named, "n": len(bad) - NAMED})
    if bad:
        text = "{n:Line|Lines} {lines} {n:is|are} not two numbers and {n:was|were} skipped."
        return Message(text, {"lines": named, "n": len(bad)})
    return Message("Only the first {n} points were used.", {"n": MOST}) if count > MOST else None


def _pair(line: str) -> tuple[float, float] | None:
    """Two finite numbers of a line, or None."""
    if ";" in line or "\t" in line:
        cells = [cell.strip().replace(",", ".") for cell in re.split("[;\t]", line)]
    elif "," in line:
        cells = [cell.strip() for cell in line.split(",")]
    else:
        cells = line.split()
    if len(cells) != 2:
        return None
    try:
        x, y = (float(cell.replace("−", "-").strip('"')) for cell in cells)
    except ValueError:
        return None
    return (x, y) if all(math.isfinite(v) and abs(v) <= LARGEST for v in (x, y)) else None

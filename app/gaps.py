"""Takes out the gaps beside numbers that are shorter than their slots: what follows in their row moves up to them.

A formula is typeset once, with the widest number in each slot. What stands in a row is told from its bars: of a
fraction, what is above and what is below; of a root, what is below. A bar becomes as long as its longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

NEAR = 1.0  #: px of `app.typesetter.SIZE` within which two places are the same


@dataclass(eq=False)
class Part:
    """A glyph, a slot or a bar: place and width, px of `app.typesetter.SIZE`; a glyph's width is not asked for."""

    x: float
    y: float
    width: float = 0.0
    is_bar: bool = False
    less: float = 0.0  #: what a slot's number leaves of its width, and a bar loses with its rows
    rows: list[list[Part]] = field(default_factory=list)  #: of a bar, those above and below

    @property
    def right(self) -> float:
        return self.x + self.width


def close(parts: Sequence[Part]) -> float:
    """Move the parts of a formula up to each other, each slot being narrower by its ``less``.

    Returns
    -------
    float
        What the formula loses of its width.
    """
    row = _row(parts)
    lost = _measure(row)
    _move(row, 0.0)
    return lost


def _row(parts: Sequence[Part]) -> list[Part]:
    """The parts of a row; what belongs to a bar hangs on that."""
    left = list(parts)
    row: list[Part] = []
    for bar in sorted((one for one in parts if one.is_bar), key=lambda one: -one.width):
        if bar not in left:
            continue  # a shorter one within a longer one
        inside = [one for one in left if one is not bar and bar.x - NEAR <= one.x < bar.right - NEAR]
        left = [one for one in left if one not in inside]
        sides = [one for one in inside if one.y < bar.y], [one for one in inside if one.y >= bar.y]
        bar.rows = [_row(side) for side in sides if side]
    row.extend(left)
    return row


def _measure(row: Sequence[Part]) -> float:
    """How much shorter a row gets; sets ``less`` of the bars in it, and clears it where something stands above."""
    for one in row:
        if one.is_bar:
            lost = [_measure(each) for each in one.rows]
            long = [one.width - 2 * (min(p.x for p in each) - one.x) for each in one.rows]
            kept = max((wide - less for wide, less in zip(long, lost, strict=True)), default=one.width)
            one.less = max(0.0, max(long, default=one.width) - kept) if any(lost) else 0.0
        elif any(one.x - NEAR <= p.x < one.right - NEAR for p in row if p is not one):
            one.less = 0.0  # above or below other signs, as one of two scripts is: those would be torn apart
    return sum(one.less for one in row)


def _move(row: Sequence[Part], by: float) -> None:
    """Move each part by what those before it lose, and the whole row."""
    before = [(one.right - NEAR, one.less) for one in row if one.less]
    for one in row:
        shift = by - sum(less for right, less in before if right <= one.x)
        for each in one.rows:
            lost = sum(p.less for p in each)
            middle = (one.less - lost) / -2 if len(one.rows) > 1 else 0.0  # a fraction's row stays in its middle
            _move(each, shift + middle)
        one.x += shift
        one.width -= one.less

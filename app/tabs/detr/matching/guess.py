"""How good guessed pairs are."""

from __future__ import annotations

from collections.abc import Collection

from app import words
from engines.core.errors import Message
from engines.detr.matching.spec import Matched

TASK = "Click a cell for each object: the pairs of least total cost."


def judged(found: Matched, mine: Collection[tuple[int, int]]) -> tuple[float, Message]:
    """The share of the pairs (prediction, object) that the optimal assignment has, too, and what both cost."""
    best = {(int(r), int(c)) for r, c in found.pairs}
    right = len(best.intersection(mine))
    costs = [sum(float(found.total[pair]) for pair in pairs) for pairs in (mine, best)]
    values = {"right": right, "n": len(best), "mine": words.number(costs[0], 2), "best": words.number(costs[1], 2)}
    return right / max(1, len(best)), Message("{right} of {n} pairs; yours cost {mine}, the best {best}.", values)

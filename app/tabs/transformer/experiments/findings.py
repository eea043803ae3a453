"""What the experiments have found so far, in a few numbers each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app import words
from app.tabs.transformer.labwords import above, below, place_name, tiny
from app.views.verdicts import Finding
from engines.core.errors import Message
from engines.core.protocol import Event
from engines.transformer.experiments.spec import (
    ABLATION,
    CAUSAL,
    CONVOLUTIONS,
    CROSSING,
    MOVES,
    NORMS,
    PARTS,
    POSITIONS,
    RESIDUALS,
    RESTS,
    SAME,
    Ablated,
    Causality,
    Convolved,
    Crossed,
    Gradients,
    Normalized,
    Placed,
)

#: Names of the numbers of each experiment, before anything is known.
NAMES = {
    CAUSAL: ("Mask on", "Mask off"),
    CROSSING: ("Source → Q", "Target → K, V"),
    RESIDUALS: ("Smallest ratio", "Largest ratio"),
    NORMS: ("LayerNorm", "BatchNorm"),
    POSITIONS: ("With", "Without"),
    CONVOLUTIONS: ("Difference",),
    ABLATION: ("Not measured yet.",),
}


def findings(name: str, seen: Mapping[type[Event], Event]) -> tuple[Finding, ...]:
    """The numbers of an experiment; names alone while they are not known."""
    for kind, event in seen.items():
        if kind is KINDS[name]:
            return found(event)
    return tuple(Finding(Message(text), "") for text in NAMES[name])


KINDS: dict[str, type[Event]] = {
    CAUSAL: Causality,
    CROSSING: Crossed,
    RESIDUALS: Gradients,
    NORMS: Normalized,
    POSITIONS: Placed,
    CONVOLUTIONS: Convolved,
    ABLATION: Ablated,
}


def found(event: Event) -> tuple[Finding, ...]:
    """The numbers of one answer."""
    match event:
        case Causality(target=(_,)):  # an empty answer: nothing stands before its only token
            return Finding(Message("Mask on"), "–"), Finding(Message("Mask off"), "–")
        case Causality(earlier=(off, on)):
            return (
                Finding(Message("Mask on"), below(on, RESTS), on < RESTS),
                Finding(Message("Mask off"), above(off, MOVES), off > MOVES),
            )
        case Crossed(by_source=by_source, by_target=by_target):
            q = float(by_source[0, PARTS.index("Q")].max())  # of later layers it has been through the first
            kv = float(by_target[:, [PARTS.index("K"), PARTS.index("V")]].max())
            return (
                Finding(Message("Source → Q"), below(q, RESTS), q < RESTS),
                Finding(Message("Target → K, V"), below(kv, RESTS), kv < RESTS),
            )
        case Gradients():
            low, high = ratios(event)
            return (
                Finding(Message("Smallest ratio"), f"× {tiny(low)}"),
                Finding(Message("Largest ratio"), f"× {tiny(high)}"),
            )
        case Normalized(moved=(layer, batch)):
            return (
                Finding(words.plain("LayerNorm"), below(layer, RESTS), layer < RESTS),
                Finding(words.plain("BatchNorm"), tiny(batch)),
            )
        case Placed(accuracy=(without, having)):
            return (
                Finding(Message("With"), words.percent(having)),
                Finding(Message("Without"), words.percent(without)),
            )
        case Convolved(apart=apart):
            return (Finding(Message("Difference"), below(apart, SAME), apart < SAME),)
        case Ablated():
            return (worst_head(event),)
    return ()


def ratios(frame: Gradients) -> tuple[float, float]:
    """Least and largest ratio of a gradient norm without to with the connections."""
    kept = frame.kept > 0
    if not kept.any():
        return 1.0, 1.0
    shares = frame.cut[kept] / frame.kept[kept]
    return float(shares.min()), float(shares.max())


def worst(frame: Ablated) -> tuple[int, int] | None:
    """Row and number of the head that costs most, of those measured."""
    if not (frame.heads >= 0).any():
        return None
    heads = np.where(frame.heads >= 0, frame.heads, np.inf)
    at = np.unravel_index(int(heads.argmin()), heads.shape)
    return int(at[0]), int(at[1])


def worst_head(frame: Ablated) -> Finding:
    """The head that costs most, in points."""
    at = worst(frame)
    if at is None:
        return Finding(Message("Not measured yet."), "")
    points = 100 * (float(frame.heads[at]) - frame.untouched)
    name = Message("{place} H{n}", {"place": place_name(frame.rows[at[0]]), "n": at[1] + 1})
    return Finding(name, words.number(points, 1, signed=True))

"""Which normalization won when both were trained beforehand, in numbers."""

from __future__ import annotations

import numpy as np

from app import words
from engines.core.errors import Message, joined
from engines.transformer.experiments.norm_results import STEPS, Case, Outcome, read, summary

BEFORE = "Trained beforehand, {steps} steps, {n} {n:seed|seeds}; held-out accuracy:"
PLAIN = "batches of {batch}: LayerNorm {layer}, BatchNorm {running}, one at a time {alone}."
COUNTED = (
    "batches of {batch}, {padding} tokens of padding counted: LayerNorm {layer}, BatchNorm {running}, one at a time "
    "{alone}."
)
VERDICTS = ("LayerNorm wins.", "BatchNorm wins.", "No difference beyond the seeds'.")


def measured_before() -> Message:
    """All cases, one after the other; empty where nothing comes along."""
    found = read()
    cases = sorted({one.case for one in found})
    if not cases:
        return Message("")
    seeds = min(len([one for one in found if one.case == case]) for case in cases)
    head = Message(BEFORE, {"steps": STEPS, "n": seeds})
    return joined([head, *(_said(found, case) for case in cases)])


def _said(found: list[Outcome], case: Case) -> Message:
    mean, spread, _ = summary(found, case, "evaluation")
    alone, apart, _ = summary(found, case, "alone")
    values = {
        "batch": case.batch,
        "padding": case.padding,
        "layer": _percent(mean[0], spread[0]),
        "running": _percent(mean[1], spread[1]),
        "alone": _percent(alone[1], apart[1]),
    }
    told = Message(COUNTED if case.count_padding else PLAIN, values)
    return joined([told, Message(VERDICTS[winner(mean, spread)])])


def winner(mean: np.ndarray, spread: np.ndarray) -> int:
    """0 for layer normalization, 1 for batch normalization, 2 where their deviations overlap; (2,) each."""
    apart = float(mean[0] - mean[1])
    if abs(apart) <= float(spread.sum()):
        return 2
    return int(apart < 0)


def _percent(mean: float, spread: float) -> str:
    return f"{words.number(100 * mean, 1)} ± {words.number(100 * spread, 1)} %"

"""The words and numbers of the page "Step through": where each value of one head comes from."""

from __future__ import annotations

import numpy as np

from app.terms import products, signed
from app.views.photomap import weight_percent
from app.words import Text, number, plain
from engines.core.errors import Message
from engines.vit.events import Floats
from engines.vit.step_through.spec import HeadSteps

STAGES = ("Scores", "Scale", "Softmax", "Weighted sum")
SCORES, SCALE, SOFTMAX, SUM = range(4)


def exponentials(event: HeadSteps) -> Floats:
    """exp(score − largest), 0 where masked: (N,)."""
    scores = np.where(event.masked, -np.inf, event.scaled)
    made: Floats = np.exp(scores - scores.max())
    return made


def formula(event: HeadSteps, stage: int, key: int, dim: int) -> tuple[Text, ...]:
    """The lines under a stage.

    Parameters
    ----------
    key : int
        The chosen token.
    dim : int
        The number of the output that `SUM` explains.
    """
    raw, scaled = float(event.raw[key]), float(event.scaled[key])
    size = len(event.query)
    if stage == SCORES:
        return (
            plain(f"q · k = {products(event.query, event.keys[key])}"),
            Message("= {value}: {n} products added, the largest are written out",
                    {"value": number(raw, 2), "n": size}),
        )  # fmt: skip
    if stage == SCALE:
        temperature = event.divisor / size**0.5
        untempered = abs(temperature - 1) < 1e-6
        named, by = ("√d", f"√{size}") if untempered else ("(√d × T)", f"(√{size} × {number(temperature, 2)})")
        return (
            plain(f"q · k / {named} = {number(raw, 2)} / {by} = {number(raw, 2)} / {number(event.divisor, 2)}"),
            plain(f"= {number(scaled, 3)}"),
        )
    if stage == SOFTMAX:
        raised = exponentials(event)
        if event.masked[key]:
            return plain("exp(−∞) / Σ = 0"), Message("This patch is masked: no token attends to it.")
        top = float(event.scaled[~event.masked].max())
        total = float(raised.sum())
        return (
            plain(f"exp({number(scaled, 2)} − {signed(top)}) / Σ exp(x − max) = "
                  f"{number(float(raised[key]), 4)} / {number(total, 2)}"),
            Message("= {value}, one of {n} weights that sum to 1",
                    {"value": weight_percent(float(event.weights[key])), "n": len(event.weights)}),
        )  # fmt: skip
    return (
        Message("output, component {n} = Σ weight × value = {terms}",
                {"n": dim + 1, "terms": products(event.weights, event.values[:, dim], write_a=lambda w: number(w, 3))}),
        Message("= {value}; this patch adds {weight} × {one} = {part}",
                {"value": number(float(event.output[dim]), 3), "weight": number(float(event.weights[key]), 3),
                 "one": signed(float(event.values[key, dim])),
                 "part": number(float(event.weights[key] * event.values[key, dim]), 4)}),
    )  # fmt: skip


def strands(event: HeadSteps, stage: int, key: int) -> tuple[tuple[Text, Floats], ...]:
    """What the neuron view shows, each (d,): the two factors and their product, dimension by dimension."""
    if stage == SUM:
        part: Floats = event.weights[key] * event.values[key]
        return (
            (Message("v of the key"), event.values[key]),
            (Message("weight × v"), part),
            (Message("output"), event.output),
        )
    return (
        (Message("q of the query"), event.query),
        (Message("k of the key"), event.keys[key]),
        (plain("q × k"), event.query * event.keys[key]),
    )

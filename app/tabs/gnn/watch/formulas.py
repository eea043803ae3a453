"""How a message is weighed, as a formula, and the same in live numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app import words
from engines.gnn.spec import AVERAGED, GAT, GATV2, GCN, GIN, LARGEST, SUMMED
from engines.gnn.watch.spec import Messages

FORMULAS = {
    GCN: "w_ij = a_ij / √(d_i d_j)",
    AVERAGED: "w_ij = 1 / |N(i)|",
    SUMMED: "w_ij = 1",
    LARGEST: "max_j x_j",
    GAT: "w_ij = softmax_j(leaky(a_s·W x_j + a_t·W x_i))",
    GATV2: "w_ij = softmax_j(a·leaky(W_l x_j + W_r x_i))",
    GIN: "(1 + ε) x_i + Σ_j x_j",
}


def formula(kind: str) -> str:
    """The weight of a layer's messages."""
    return FORMULAS[kind]


def weight_of(answer: Messages, edge: int) -> float:
    """What an edge of GCN weighs in the graph: of several between two nodes each its own; of loops the last, or 1."""
    source, target = answer.edges[:, edge]
    given = answer.given[(answer.arcs[0] == source) & (answer.arcs[1] == target)]
    if source == target:
        return float(given[-1]) if len(given) else 1.0
    alike = (answer.edges[0, :edge] == source) & (answer.edges[1, :edge] == target)
    return float(given[int(alike.sum())])


def term(answer: Messages, edge: int, head: int, names: Sequence[str]) -> str:
    """The weight of one edge in numbers."""
    source, target = (int(each) for each in answer.edges[:, edge])
    made = words.number(float(answer.coefficients[edge, head]), 3)
    pair = f"{names[source]} → {names[target]}"
    if answer.kind == GCN:
        given = weight_of(answer, edge)
        degrees = [words.number(float(answer.degree[n]), 1).removesuffix(".0") for n in (target, source)]
        return f"{pair}: {words.number(given, 2).rstrip('0').rstrip('.')} / √({degrees[0]} · {degrees[1]}) = {made}"
    if answer.kind == AVERAGED:
        return f"{pair}: 1 / {len(answer.into(target))} = {made}"
    if answer.kind in (GAT, GATV2):
        scores = answer.scores[answer.into(target), head]
        mine = words.number(float(answer.scores[edge, head]), 2)
        total = words.number(float(np.exp(scores.astype(float)).sum()), 2)
        return f"{pair}: exp({mine}) / {total} = {made}"
    if answer.kind == LARGEST:
        return f"{pair}: {words.percent(float(answer.coefficients[edge, head]), 0)}"
    return f"{pair}: {made}"

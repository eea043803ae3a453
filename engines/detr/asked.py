"""What the settings ask of a model: changes inside it, a query, a cell, and which predictions count."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engines.detr.config import DetrConfig
from engines.detr.interventions import (
    ATTENTIONS,
    CROSS,
    DECODER_SELF,
    ENCODER_SELF,
    HeadChange,
    Interventions,
)
from engines.detr.spec import ALL_LAYERS, BEST_REAL_CLASS, ONE_HEAD, DetrParams
from engines.detr.stages import Answer


def interventions(params: DetrParams, layers: dict[str, int], heads: dict[str, int], num_queries: int) -> Interventions:
    """Put the settings of the tab into changes of a model.

    Parameters
    ----------
    params : DetrParams
    layers, heads : dict of str to int
        How many layers and heads each of ``ATTENTIONS`` has; settings beyond them stand for the last one.
    num_queries : int
    """
    changes = []
    for attention in ATTENTIONS:
        chosen = params.attention == attention and params.temperature != 1.0
        for layer in range(layers[attention]):
            off = {entry.head for entry in params.heads_off if (entry.attention, entry.layer) == (attention, layer)}
            here = chosen and (params.scope == ALL_LAYERS or layer == min(params.layer, layers[attention]) - 1)
            hot = _hot_heads(params, heads[attention]) if here else ()
            on = tuple(head not in off for head in range(heads[attention]))
            if hot or not all(on):
                temperatures = tuple(params.temperature if head in hot else 1.0 for head in range(heads[attention]))
                changes.append((attention, layer, HeadChange(temperatures, on)))
    return Interventions(tuple(changes), tuple(sorted(q for q in set(params.queries_off) if 0 <= q < num_queries)))


def _hot_heads(params: DetrParams, heads: int) -> Iterable[int]:
    return (min(params.head, heads) - 1,) if params.scope == ONE_HEAD else range(heads)


def changes(params: DetrParams, config: DetrConfig) -> Interventions:
    """The interventions that the settings ask for."""
    layers = {CROSS: config.decoder_layers, DECODER_SELF: config.decoder_layers, ENCODER_SELF: config.encoder_layers}
    heads = {CROSS: config.decoder_heads, DECODER_SELF: config.decoder_heads, ENCODER_SELF: config.encoder_heads}
    return interventions(params, layers, heads, config.num_queries)


def switched_on(answer: Answer, chosen: Interventions) -> np.ndarray:
    """Which queries (Q,) are not switched off."""
    on = np.ones(answer.scores.shape[1], bool)
    on[list(chosen.queries_off)] = False
    return on


def best_query(params: DetrParams, answer: Answer, chosen: Interventions) -> int:
    """The query that was asked for, or the one with the best score of those that are on."""
    if 0 <= params.query < answer.scores.shape[1]:
        return params.query
    return int(np.where(switched_on(answer, chosen), answer.scores[-1], -1).argmax())


def passing(params: DetrParams, answer: Answer) -> np.ndarray:
    """Which predictions (L, Q) count, by the threshold and the decode rule."""
    real = np.ones_like(answer.scores, bool) if params.rule == BEST_REAL_CLASS else answer.scores > answer.no_object
    return (answer.scores >= params.threshold) & real

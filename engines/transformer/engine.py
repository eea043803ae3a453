"""Answers the tab: how the bundled model was trained, where a state looks on the fixed example, what it answers.

A request that is displaced by the next one shows one frame only. That has to be the one that the hand is moving: the
maps while a scrubber is dragged, the answer while an input is typed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from engines.core.protocol import Event, Job
from engines.core.training import Weights
from engines.data.sequences import BOS, task
from engines.transformer.checkpoint import bundled, load, switches
from engines.transformer.decoding import Path, beam_steps, may_be_said, ranked
from engines.transformer.model import Trace, Transformer
from engines.transformer.recipe import Shape
from engines.transformer.showing import arrays, example_of
from engines.transformer.spec import (
    CANDIDATES,
    GREEDY,
    PAUSE,
    Answer,
    Bundled,
    Candidate,
    Fixed,
    Hypothesis,
    TransformerParams,
)
from engines.transformer.switches import Switches

MODELS = 4  # models kept: those in use, and those that a scrubber may come back to

#: A state and its model.
State: TypeAlias = tuple[Weights, Transformer]


class Engine:
    """See `engines.transformer.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: list[State] = []
        self._fixed: tuple[Weights, Fixed] | None = None

    def run(self, job: Job[TransformerParams]) -> Iterator[Event]:
        """The fixed example if the hand looks back, the answer, else the fixed example now, and the bundled model."""
        params = job.params
        own, card = bundled(params.task)
        if params.look is not None:
            yield self._shown(params.look)  # whichever task its run learns
        yield from answer(params, *self._of(params.weights, own))
        if params.look is None:
            yield self._shown(own)
        yield told(params.task, card)

    def _shown(self, weights: Weights) -> Fixed:
        """Where a state looks, computed once while it is looked at."""
        if self._fixed is None or self._fixed[0] is not weights:
            self._fixed = weights, fixed(*self._model_of(weights))
        return self._fixed[1]

    def _of(self, asked: Weights | None, own: Weights) -> State:
        """The state asked for if it learned the same task, else the bundled one, with its model."""
        assert isinstance(own.made_of, Shape)
        fits = asked is not None and isinstance(asked.made_of, Shape) and asked.made_of.task == own.made_of.task
        return self._model_of(asked if fits and asked is not None else own)

    def _model_of(self, weights: Weights) -> State:
        for entry in self._models:
            if entry[0] is weights:
                return entry
        entry = weights, load(weights)
        self._models = [entry, *self._models][:MODELS]
        return entry


def told(name: str, card: dict[str, Any]) -> Bundled:
    """What the card of a bundled model says."""
    rows = np.array(card["curves"]["rows"], np.float32).reshape(-1, 7)
    training, metric = card["training"], card["metric"]
    return Bundled(name, card["parameters"], training["steps"], training["minutes"], metric["value"], rows)


@torch.no_grad()
def fixed(weights: Weights, model: Transformer) -> Fixed:
    """Where a state looks on the fixed example of the task that it learned."""
    assert isinstance(weights.made_of, Shape)
    name = weights.made_of.task
    one = task(name)
    source, target, example = example_of(one)
    traced = model.trace(source, target, switches=switches(weights.made_of))
    probabilities = traced.logits[0].softmax(-1)  # (T, V)
    said = tuple(one.target.tokens[i] for i in probabilities.argmax(-1).tolist())
    return Fixed(name, weights.step, example, arrays(traced), probabilities.numpy().copy(), said)


@torch.no_grad()
def traced_once(model: Transformer, source: Tensor, target: Tensor, off: Switches) -> Trace:
    """Where the model looks, in one pass over the whole answer."""
    return model.trace(source, target, switches=off)


def answer(params: TransformerParams, weights: Weights, model: Transformer) -> Generator[Event, None, None]:
    """What a state makes of the typed input: an `Answer`, with a place to stop after each token."""
    one = task(params.task)
    text = params.text or one.sample
    ids, note = one.read(text)
    assert isinstance(weights.made_of, Shape)
    source, off = torch.tensor([ids]), switches(weights.made_of)
    beams, penalty = (1, 0.0) if params.method == GREEDY else (params.beams, params.penalty)
    steps: list[list[Path]] = []
    for kept in beam_steps(model, source, beams, one.most_target - 1, penalty, off):
        steps.append(kept)
        yield PAUSE
    best = ranked(steps, beams, penalty)
    said = best[0].tokens
    read = [BOS, *said[:-1]]
    traced = traced_once(model, source, torch.tensor([read]), off)
    chances, places = may_be_said(traced.logits[0]).softmax(-1).topk(CANDIDATES)  # (T, C)
    names = one.target.tokens

    def told(path: Path) -> Hypothesis:
        score = path.score(penalty)
        return Hypothesis(tuple(names[i] for i in path.tokens), path.log_probability, score, path.parent, path.ended)

    right = one.right_answer(text)
    yield Answer(
        task=params.task,
        step=weights.step,
        source=tuple(one.source.tokens[i] for i in ids),
        note=note,
        target=tuple(names[i] for i in read),
        said=tuple(names[i] for i in said),
        text=one.target.text(list(said)),
        right=None if right is None else one.target.text(one.target.ids(one.target.pieces(right))),
        candidates=tuple(
            tuple(Candidate(names[i], p) for i, p in zip(at, chance, strict=True))
            for at, chance in zip(places.tolist(), chances.tolist(), strict=True)
        ),
        steps=tuple(tuple(told(path) for path in kept) for kept in steps),
        best=tuple(told(path) for path in best),
        weights=arrays(traced),
    )

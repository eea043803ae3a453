"""Answers the tab: how the bundled model was trained, where a state looks on the fixed example, what it answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from engines.core.protocol import Event, Job
from engines.core.training import Weights
from engines.data.sequences import BOS, task
from engines.transformer.checkpoint import bundled, load, switches
from engines.transformer.decoding import Path, beam_search, may_be_said
from engines.transformer.model import Transformer
from engines.transformer.recipe import Shape
from engines.transformer.showing import arrays, example_of
from engines.transformer.spec import (
    CANDIDATES,
    GREEDY,
    Answer,
    Bundled,
    Candidate,
    Fixed,
    Hypothesis,
    TransformerParams,
)

MODELS = 4  # models kept: those in use, and those that a scrubber may come back to


class Engine:
    """See `engines.transformer.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._models: list[tuple[Weights, Transformer]] = []

    def run(self, job: Job[TransformerParams]) -> Iterator[Event]:
        """The bundled model, the fixed example, the answer."""
        params = job.params
        own, card = bundled(params.task)
        rows = np.array(card["curves"]["rows"], np.float32).reshape(-1, 7)
        training, metric = card["training"], card["metric"]
        yield Bundled(params.task, card["parameters"], training["steps"], training["minutes"], metric["value"], rows)
        yield fixed(params.task, *self._of(params.look, own))
        yield answer(params, *self._of(params.weights, own))

    def _of(self, asked: Weights | None, own: Weights) -> tuple[Weights, Transformer]:
        """The state asked for if it learned the same task, else the bundled one, with its model."""
        assert isinstance(own.made_of, Shape)
        fits = asked is not None and isinstance(asked.made_of, Shape) and asked.made_of.task == own.made_of.task
        weights = asked if fits and asked is not None else own
        for entry in self._models:
            if entry[0] is weights:
                return entry
        entry = weights, load(weights)
        self._models = [entry, *self._models][:MODELS]
        return entry


@torch.no_grad()
def fixed(name: str, weights: Weights, model: Transformer) -> Fixed:
    """Where a state looks on the task's fixed example."""
    one = task(name)
    source, target, example = example_of(one)
    traced = model.trace(source, target, switches=switches(weights.made_of))
    probabilities = traced.logits[0].softmax(-1)  # (T, V)
    said = tuple(one.target.tokens[i] for i in probabilities.argmax(-1).tolist())
    return Fixed(name, weights.step, example, arrays(traced), probabilities.numpy().copy(), said)


@torch.no_grad()
def answer(params: TransformerParams, weights: Weights, model: Transformer) -> Answer:
    """What a state makes of the typed input."""
    one = task(params.task)
    text = params.text or one.sample
    ids, note = one.read(text)
    source, off = torch.tensor([ids]), switches(weights.made_of)
    beams, penalty = (1, 0.0) if params.method == GREEDY else (params.beams, params.penalty)
    best, steps = beam_search(model, source, beams, one.most_target - 1, penalty, off)
    said = best[0].tokens
    read = [BOS, *said[:-1]]
    traced = model.trace(source, torch.tensor([read]), switches=off)
    chances, places = may_be_said(traced.logits[0]).softmax(-1).topk(CANDIDATES)  # (T, C)
    names = one.target.tokens

    def told(path: Path) -> Hypothesis:
        score = path.score(penalty)
        return Hypothesis(tuple(names[i] for i in path.tokens), path.log_probability, score, path.parent, path.ended)

    right = one.right_answer(text)
    return Answer(
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

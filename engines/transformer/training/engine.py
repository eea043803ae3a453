"""Answers the page "Training" beside its run: where a state looks on the fixed example, how the bundled one learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.core.training import Weights
from engines.data.sequences import task
from engines.transformer.checkpoint import bundled, load, switches
from engines.transformer.model import Transformer
from engines.transformer.recipe import Shape
from engines.transformer.showing import arrays, example_of
from engines.transformer.training.spec import Bundled, Fixed, LookParams

STATES = 4  # kept: the bundled one, and those that a scrubber may come back to


class Engine:
    """See `engines.transformer.training.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._seen: Memo[Fixed] = Memo(STATES)

    def run(self, job: Job[LookParams]) -> Iterator[Event]:
        """The fixed example of the state that is looked back at, else of the bundled one; and that one's training."""
        own, card = bundled(job.params.task)
        state = job.params.look or own  # whichever task a run learns
        yield self._seen.get(state, lambda: fixed(state, load(state)))
        yield told(job.params.task, card)


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

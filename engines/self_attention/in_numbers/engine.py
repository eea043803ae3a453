"""Answers the page "In numbers": one row of one head, from its query to what is handed on."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from engines.core.protocol import Event, Job
from engines.self_attention.in_numbers.spec import NumbersAnswer, NumbersParams
from engines.self_attention.language.model import UNCHANGED
from engines.self_attention.language.subject import Collection, Specimen, array, shared, written


class Engine:
    """Yields one `NumbersAnswer`.

    Parameters
    ----------
    collection : Collection, optional
        What it shares with the other pages' engines; that of this thread if not given.
    """

    def __init__(self, collection: Collection | None = None) -> None:
        self._collection = collection or shared()

    def run(self, job: Job[NumbersParams]) -> Iterator[Event]:
        """Take the row apart that ``job.params`` ask for."""
        params = job.params
        one, layer, head = yield from self._collection.both(params, job.device)
        yield answer(one, layer, head, params.query, params.key)


@torch.inference_mode()
def answer(one: Specimen, layer: int, head: int, query: int, key: int) -> NumbersAnswer:
    """One query of a head, counted from 0, step by step."""
    stream, last = one.stream, len(one.tokens) - 1
    net, change = stream.net, one.plan.changes(stream.net.config.heads, "cpu").get(layer, UNCHANGED)
    made = net.layer(layer)
    q, k, v = (each[0, head] for each in made.projected(stream.entering[layer]))  # (N, D)
    weights = stream.weights(layer)  # (H, N, N)
    query = min(max(0, query), last)
    key = int(weights[head, query].argmax()) if key < 0 else min(key, last)
    temperature = 1.0 if change.temperature is None else float(change.temperature[head])
    scores = k @ q[query]  # (N,)
    scaled = scores * q.shape[-1] ** -0.5 / temperature
    seen = torch.ones_like(scores, dtype=torch.bool)
    if stream.allowed is not None:
        seen = stream.allowed[0, 0, query] == 0
    row = scaled.masked_fill(~seen, -torch.inf).softmax(-1)
    output = weights[head, query] @ v  # (D,)
    if change.gate is not None:
        output = output * float(change.gate[0, head])
    return NumbersAnswer(
        text=written(one.tokens),
        layer=layer + 1,
        head=head + 1,
        query=query,
        key=key,
        q=array(q[query]),
        k=array(k[key]),
        scores=array(scores),
        scaled=array(scaled),
        seen=seen.cpu().numpy(),
        row=array(row),
        weights=array(weights[head]),
        values=array(v),
        output=array(output),
        temperature=temperature,
    )

"""Answers the pages "Compare" and "Step through": the same queries and keys through all scoring functions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.scoring.compare.spec import Compared
from engines.scoring.model import ConcatenatedMLP, additive_parts, attend, dot_product_scores, entropy_bits
from engines.scoring.numbers import Numbers, additive, numbers_of
from engines.scoring.spec import EQUAL_KEYS, VALUE_DIM, ScoringParams, may_attend, query_length


class Engine:
    """Yields one `Compared`."""

    def __init__(self) -> None:
        self._compared: Memo[Compared] = Memo()

    def run(self, job: Job[ScoringParams]) -> Iterator[Event]:
        """Score as ``job.params`` ask for."""
        params = job.params
        yield self._compared.get(compared_key(params), lambda: compared(params, numbers_of(params.seed)))


def compared_key(params: ScoringParams) -> tuple[object, ...]:
    """What `compared` depends on."""
    return (
        params.valid_lens, params.masked, params.dim, query_length(params), params.num_queries, params.num_keys,
        params.temperature, params.hidden, params.data, params.seed,
    )  # fmt: skip


@torch.no_grad()
def compared(params: ScoringParams, numbers: Numbers) -> Compared:
    """All scoring functions on the same queries and keys."""
    query_size, key_size = query_length(params), params.dim
    queries = numbers.queries[: params.num_queries, :query_size]  # (Q, dq)
    keys, values = numbers.keys[: params.num_keys, :key_size], numbers.values[: params.num_keys]  # (K, d), (K, dv)
    if params.data == EQUAL_KEYS:
        keys = torch.ones_like(keys)
        values = torch.arange(float(params.num_keys * VALUE_DIM)).reshape(params.num_keys, VALUE_DIM)
    attention = additive(numbers, query_size, key_size, params.hidden)
    hidden, scores = additive_parts(attention, queries[None], keys[None])  # (1, Q, K, h), (1, Q, K)
    mlp = ConcatenatedMLP(attention)(queries[None], keys[None])[0]  # (Q, K)
    equal = query_size == key_size
    dots = dot_product_scores(queries, keys) if equal else torch.zeros_like(scores[0])
    raw = torch.stack([scores[0], dots, dots])  # (F, Q, K)
    scale = torch.tensor([1.0, 1.0, math.sqrt(key_size)])
    final = raw / scale[:, None, None]
    allowed = torch.from_numpy(may_attend(params))  # (Q, K)
    possible = torch.tensor([True, equal, equal])
    output, weights = attend(final, values, allowed & possible[:, None, None], params.temperature)
    return Compared(
        params=params,
        possible=possible.numpy(),
        queries=queries.numpy(),
        keys=keys.numpy(),
        values=values.numpy(),
        raw=raw.numpy(),
        scale=scale.numpy(),
        scores=final.numpy(),
        allowed=allowed.numpy(),
        weights=weights.numpy(),
        output=output.numpy(),
        entropy=entropy_bits(weights).numpy(),
        hidden=hidden[0].numpy(),
        w_q=attention.W_q.weight.numpy(),
        w_k=attention.W_k.weight.numpy(),
        w_v=attention.w_v.weight[0].numpy(),
        mlp=mlp.numpy(),
        difference=float((mlp - raw[0]).abs().max()),
    )

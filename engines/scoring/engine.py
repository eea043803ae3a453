"""Answers the tab "Scoring functions"; all of it takes a few milliseconds, and nothing is computed twice.

Runs on the CPU whatever the device: so few numbers are not worth the way to another one. All random numbers of a seed
are drawn at once in full size; a longer key or one key more therefore keeps what was there before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.blocks.attention import AdditiveAttention
from engines.core.errors import LabError
from engines.core.protocol import Event, Job
from engines.scoring.model import ConcatenatedMLP, additive_parts, attend, dot_product_scores, entropy_bits
from engines.scoring.spec import (
    ARROWS,
    COMPARE,
    DIMENSION,
    EQUAL_KEYS,
    FIELD,
    FUNCTIONS,
    MOST_DIM,
    MOST_HIDDEN,
    MOST_KEYS,
    MOST_QUERIES,
    REACH,
    SAMPLES,
    SHOWN_QUERIES,
    VALUE_DIM,
    WALK,
    Compared,
    Floats,
    Place,
    Pulled,
    ScoringParams,
    Spread,
    Sweep,
    may_attend,
    query_length,
)

BINS = 48
ROWS, GROUPS = 32, 12  # queries, and groups of keys at most, behind a mean entropy
DIMS = tuple(sorted({round(2 ** (i / 2)) for i in range(21)}))  #: 1, 2, 3, 4, 6 ... 1024


@dataclass(frozen=True)
class Numbers:
    """Everything random of a seed, in full size and unit normal, but for the weights, which keep variances near 1."""

    seed: int

    def _draw(self, stream: int, *shape: int) -> Tensor:
        generator = torch.Generator().manual_seed(8 * self.seed + stream)
        return torch.randn(*shape, generator=generator)

    @cached_property
    def queries(self) -> Tensor:
        """(Q, dim) in full size."""
        return self._draw(0, MOST_DIM, MOST_QUERIES).T.contiguous()  # drawn by dimension: a prefix stays a prefix

    @cached_property
    def keys(self) -> Tensor:
        """(K, dim) in full size."""
        return self._draw(1, MOST_DIM, MOST_KEYS).T.contiguous()

    @cached_property
    def values(self) -> Tensor:
        """(K, value size) in full size."""
        return self._draw(2, MOST_KEYS, VALUE_DIM)

    @cached_property
    def maps(self) -> tuple[Tensor, Tensor, Tensor]:
        """W_q and W_k (h, dim), w_v (h,) in full size, unit normal."""
        return (
            self._draw(3, MOST_HIDDEN, MOST_DIM),
            self._draw(4, MOST_HIDDEN, MOST_DIM),
            self._draw(5, MOST_HIDDEN),
        )

    @cached_property
    def samples(self) -> tuple[Tensor, Tensor]:
        """Queries and keys (256, 1024) of the page "Dimension"."""
        return self._draw(6, SAMPLES, MOST_DIM), self._draw(7, SAMPLES, MOST_DIM)

    @cached_property
    def products(self) -> Tensor:
        """Dot products (D, 256, 256) over the first d numbers, for each d of ``DIMS``."""
        queries, keys = self.samples
        edges = (0, *DIMS)
        parts = [queries[:, a:b] @ keys[:, a:b].T for a, b in itertools.pairwise(edges)]
        return torch.stack(parts).cumsum(0)

    @cached_property
    def stds(self) -> Tensor:
        """Standard deviation of the ``products``, (D,)."""
        return self.products.std((1, 2))

    def product(self, dim: int) -> Tensor:
        """Dot products (256, 256) over the first ``dim`` numbers."""
        if dim in DIMS:
            return self.products[DIMS.index(dim)]
        queries, keys = self.samples
        return queries[:, :dim] @ keys[:, :dim].T


class Engine:
    """See `engines.scoring.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._numbers = Numbers(0)
        self._kept: dict[str, tuple[object, Event]] = {}

    def run(self, job: Job[ScoringParams]) -> Iterator[Event]:
        """Score as ``job.params`` ask for."""
        params = job.params
        if self._numbers.seed != params.seed:
            self._numbers = Numbers(params.seed)
        numbers = self._numbers
        if params.page in (-1, COMPARE, WALK):
            yield self._once("compared", compared_key(params), lambda: compared(params, numbers))
        if params.page in (-1, ARROWS):
            yield self._once("pulled", pulled_key(params), lambda: pulled(params, numbers))
        if params.page in (-1, DIMENSION):
            shown = (params.num_keys, params.temperature, params.seed)
            yield self._once("spread", (params.dim, *shown), lambda: spread(params, numbers))
            yield self._once("sweep", shown, lambda: sweep(params, numbers))

    def _once(self, name: str, key: object, make: Callable[[], Any]) -> Any:
        kept = self._kept.get(name)
        if kept is None or kept[0] != key:
            kept = self._kept[name] = key, make()
        return kept[1]


def compared_key(params: ScoringParams) -> tuple[object, ...]:
    """What `compared` depends on."""
    return (
        params.valid_lens, params.masked, params.dim, query_length(params), params.num_queries, params.num_keys,
        params.temperature, params.hidden, params.data, params.seed,
    )  # fmt: skip


def pulled_key(params: ScoringParams) -> tuple[object, ...]:
    """What `pulled` depends on."""
    return (
        params.arrow_query, params.arrow_keys, params.arrow_values, params.own_values, params.temperature,
        params.hidden, params.seed, (params.function, params.arrow_at) if params.field else None,
    )  # fmt: skip


def additive(numbers: Numbers, query_size: int, key_size: int, hidden: int) -> AdditiveAttention:
    """Additive attention with the seed's weights: W_q q, W_k k and the score have variances near 1."""
    made = AdditiveAttention(query_size, key_size, hidden)
    w_q, w_k, w_v = numbers.maps
    with torch.no_grad():
        made.W_q.weight.copy_(w_q[:hidden, :query_size] / math.sqrt(query_size))
        made.W_k.weight.copy_(w_k[:hidden, :key_size] / math.sqrt(key_size))
        made.w_v.weight.copy_(2 * w_v[None, :hidden] / math.sqrt(hidden))
    return made


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
        w_v=attention.w_v.weight[0].numpy(),
        mlp=mlp.numpy(),
        difference=float((mlp - raw[0]).abs().max()),
    )


@torch.no_grad()
def pulled(params: ScoringParams, numbers: Numbers) -> Pulled:
    """The page "Arrows".

    Raises
    ------
    LabError
        There is no key, or an arrow is no point of the plane.
    """
    keys = params.arrow_keys
    values = params.arrow_values[: len(keys)] if params.own_values else keys
    if not keys or len(values) != len(keys):
        raise LabError("There is no key to attend to.")
    k, v = plane(keys), plane(values)  # (K, 2)
    q = plane((params.arrow_query,))  # (1, 2)
    attention = additive(numbers, 2, 2, params.hidden)
    each = all_scores(attention, q, k)  # (F, 1, K)
    output, weights = attend(each, v, None, params.temperature)
    at = min(params.arrow_at, len(keys) - 1)
    field = np.zeros((0, 0), np.float32)
    if params.field:
        side = (torch.arange(FIELD) + 0.5) * (2 * REACH / FIELD) - REACH  # middles of the cells
        places = torch.cartesian_prod(side.flip(0), side).flip(1)  # (n², 2): y falls row by row, x grows
        scores = all_scores(attention, places, k)[FUNCTIONS.index(params.function)]  # (n², K)
        field = (scores / params.temperature).softmax(-1)[:, at].reshape(FIELD, FIELD).contiguous().numpy()
    return Pulled(
        query=params.arrow_query,
        keys=keys,
        values=values,
        scores=each[:, 0].numpy(),
        weights=weights[:, 0].numpy(),
        output=output[:, 0].numpy(),
        entropy=entropy_bits(weights[:, 0]).numpy(),
        at=at,
        field=field,
    )


def all_scores(attention: AdditiveAttention, q: Tensor, k: Tensor) -> Tensor:
    """Scores (F, Q, K) of queries (Q, d) and keys (K, d) by all functions."""
    _, additive_scores = additive_parts(attention, q[None], k[None])  # (1, Q, K)
    dots = dot_product_scores(q, k)  # (Q, K)
    return torch.cat([additive_scores, dots[None], dots[None] / math.sqrt(k.shape[1])])


def plane(places: tuple[Place, ...]) -> Tensor:
    """Points as (N, 2).

    Raises
    ------
    LabError
        If one is not finite or lies outside of the plane that is shown.
    """
    made = torch.tensor(places, dtype=torch.float32)
    if not bool(torch.isfinite(made).all()) or float(made.abs().max()) > REACH:
        raise LabError("An arrow must end at two numbers between −{reach} and {reach}.", reach=f"{REACH:g}")
    return made


@torch.no_grad()
def spread(params: ScoringParams, numbers: Numbers) -> Spread:
    """Histograms and weights at one dimension."""
    scores = both(numbers.product(params.dim), params.dim)  # (2, 256, 256)
    half = [4 * math.sqrt(params.dim), 4.0]
    edges = np.stack([np.linspace(-end, end, BINS + 1, dtype=np.float32) for end in half])
    counts = [
        np.histogram(part.double().clamp(-end, end).numpy(), np.linspace(-end, end, BINS + 1))[0]
        for part, end in zip(scores, half, strict=True)
    ]
    weights = (scores[:, :, : params.num_keys] / params.temperature).softmax(-1)  # (2, 256, K)
    return Spread(
        dim=params.dim,
        edges=edges,
        counts=np.stack(counts).astype(np.int64),
        std=scores.std((1, 2)).numpy(),
        weights=weights[:, :SHOWN_QUERIES].contiguous().numpy(),
        entropy=entropy_bits(weights).mean(1).numpy(),
        top=weights.amax(-1).mean(1).numpy(),
    )


@torch.no_grad()
def sweep(params: ScoringParams, numbers: Numbers) -> Sweep:
    """Spread and entropy at all dimensions."""
    dims = np.array(DIMS, np.int64)
    root = torch.from_numpy(dims.astype(np.float32)).sqrt()[:, None, None]  # (D, 1, 1)
    std = numbers.stds  # (D,)
    groups = min(GROUPS, SAMPLES // params.num_keys)
    some = numbers.products[:, :ROWS, : groups * params.num_keys]  # (D, 32, G K): other keys in each group
    some = some.unflatten(-1, (groups, params.num_keys)).flatten(1, 2)  # (D, 32 G, K)
    bits: list[Floats] = [entropy_bits((part / params.temperature).softmax(-1)).numpy() for part in (some, some / root)]
    each = np.stack(bits)  # (2, D, 32 G)
    low, high = np.quantile(each, [0.1, 0.9], axis=-1).astype(np.float32)
    return Sweep(
        dims=dims,
        std=torch.stack([std, std / root[:, 0, 0]]).numpy(),
        entropy=each.mean(-1),
        low=low,
        high=high,
        most=math.log2(params.num_keys),
    )


def both(products: Tensor, dim: int) -> Tensor:
    """Dot products (Q, K) of vectors of size ``dim``, raw and scaled: (2, Q, K)."""
    return torch.stack([products, products / math.sqrt(dim)])


assert len(FUNCTIONS) == 3  # what is stacked above

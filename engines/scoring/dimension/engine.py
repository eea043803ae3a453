"""Answers the page "Dimension": how dot products of unit normal vectors spread, and weights sharpen, with d."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engines.core.memo import Memo
from engines.core.protocol import Event, Job
from engines.scoring.dimension.spec import Spread, Sweep
from engines.scoring.model import entropy_bits
from engines.scoring.numbers import Numbers, numbers_of
from engines.scoring.spec import SAMPLES, SHOWN_QUERIES, Floats, ScoringParams

BINS = 48
ROWS, GROUPS = 32, 12  # queries, and groups of keys at most, behind a mean entropy
DIMS = tuple(sorted({round(2 ** (i / 2)) for i in range(21)}))  #: 1, 2, 3, 4, 6 ... 1024


class Products:
    """Dot products of the seed's samples at each dimension of ``DIMS``; costly, so made once a seed."""

    def __init__(self, numbers: Numbers) -> None:
        self._samples = numbers.samples

    @cached_property
    def products(self) -> Tensor:
        """Dot products (D, 256, 256) over the first d numbers, for each d of ``DIMS``."""
        queries, keys = self._samples
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
        queries, keys = self._samples
        return queries[:, :dim] @ keys[:, :dim].T


class Engine:
    """Yields one `Spread` and one `Sweep`."""

    def __init__(self) -> None:
        self._products: Memo[Products] = Memo()
        self._spread: Memo[Spread] = Memo()
        self._sweep: Memo[Sweep] = Memo()

    def run(self, job: Job[ScoringParams]) -> Iterator[Event]:
        """Measure as ``job.params`` ask for."""
        params = job.params
        products = self._products.get(params.seed, lambda: Products(numbers_of(params.seed)))
        shown = (params.num_keys, params.temperature, params.seed)
        yield self._spread.get((params.dim, *shown), lambda: spread(params, products))
        yield self._sweep.get(shown, lambda: sweep(params, products))


@torch.no_grad()
def spread(params: ScoringParams, products: Products) -> Spread:
    """Histograms and weights at one dimension."""
    scores = both(products.product(params.dim), params.dim)  # (2, 256, 256)
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
def sweep(params: ScoringParams, products: Products) -> Sweep:
    """Spread and entropy at all dimensions."""
    dims = np.array(DIMS, np.int64)
    root = torch.from_numpy(dims.astype(np.float32)).sqrt()[:, None, None]  # (D, 1, 1)
    std = products.stds  # (D,)
    groups = min(GROUPS, SAMPLES // params.num_keys)
    some = products.products[:, :ROWS, : groups * params.num_keys]  # (D, 32, G K): other keys in each group
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

"""The random numbers behind all pages, and additive attention with some of them as weights.

Runs on the CPU whatever the device: so few numbers are not worth the way to another one. All random numbers of a seed
are drawn at once in full size; a longer key or one key more therefore keeps what was there before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from engines.blocks.attention import AdditiveAttention
from engines.scoring.model import additive_parts, dot_product_scores
from engines.scoring.spec import FUNCTIONS, MOST_DIM, MOST_HIDDEN, MOST_KEYS, MOST_QUERIES, SAMPLES, VALUE_DIM


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


@lru_cache(maxsize=2)
def numbers_of(seed: int) -> Numbers:
    """The numbers of a seed; pages with the same one share them."""
    return Numbers(seed)


def additive(numbers: Numbers, query_size: int, key_size: int, hidden: int) -> AdditiveAttention:
    """Additive attention with the seed's weights: W_q q, W_k k and the score have variances near 1."""
    made = AdditiveAttention(query_size, key_size, hidden)
    w_q, w_k, w_v = numbers.maps
    with torch.no_grad():
        made.W_q.weight.copy_(w_q[:hidden, :query_size] / math.sqrt(query_size))
        made.W_k.weight.copy_(w_k[:hidden, :key_size] / math.sqrt(key_size))
        made.w_v.weight.copy_(2 * w_v[None, :hidden] / math.sqrt(hidden))
    return made


def all_scores(attention: AdditiveAttention, q: Tensor, k: Tensor) -> Tensor:
    """Scores (F, Q, K) of queries (Q, d) and keys (K, d) by all functions."""
    _, additive_scores = additive_parts(attention, q[None], k[None])  # (1, Q, K)
    dots = dot_product_scores(q, k)  # (Q, K)
    return torch.cat([additive_scores, dots[None], dots[None] / math.sqrt(k.shape[1])])


assert len(FUNCTIONS) == 3  # what is stacked above

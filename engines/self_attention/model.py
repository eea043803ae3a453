"""Self-attention of one head with its maps in the open, and the three kinds of positions.

Sources: Vaswani et al. 2017 (self-attention, sine and cosine), Gehring et al. 2017 (learned positions),
Su et al. 2021 (rotary positions, RoFormer, section 3.2). Shapes: N tokens, d width.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.blocks.attention import scaled_dot_product_attention
from engines.blocks.positions import BASE, sinusoidal

POSITION_STD = 0.5**0.5  # sines and cosines have a mean square of 1/2: learned vectors are as long


def embed(token: str, dim: int, seed: int) -> Tensor:
    """Embedding (d,) of a token: normal numbers that depend on nothing but the token and the seed."""
    random = torch.Generator().manual_seed(zlib.crc32(token.encode("utf-8", "replace")) * 1000 + seed)
    return torch.randn(dim, generator=random, dtype=torch.float64)


def learned(length: int, dim: int, seed: int) -> Tensor:
    """A table of position vectors (length, d) as it is before training: random, as long as sines and cosines.

    A row does not depend on the length.
    """
    random = torch.Generator().manual_seed(7_919 + seed)
    return torch.randn(length, dim, generator=random, dtype=torch.float64) * POSITION_STD


def sines(length: int, dim: int) -> Tensor:
    """`engines.blocks.positions.sinusoidal` in double precision, (length, d)."""
    return sinusoidal(length, dim).double()


def rotate(x: Tensor, start: int = 0) -> Tensor:
    """Rotary positions: row p turns each pair of columns (2i, 2i + 1) by the angle ``p / 10000^(2i/d)``.

    Parameters
    ----------
    x : Tensor (..., N, d)
        Queries or keys; with an odd d the last column stays as it is.
    start : int
        Position of the first row.

    Returns
    -------
    Tensor (..., N, d)
        Rows as long as before; the dot product of two rows depends on the distance of their positions alone.
    """
    rows, dim = x.shape[-2:]
    pairs = dim // 2
    frequencies = BASE ** (-torch.arange(0, 2 * pairs, 2, dtype=x.dtype) / dim)  # (d / 2,)
    angles = (torch.arange(rows, dtype=x.dtype) + start)[:, None] * frequencies  # (N, d / 2)
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0 : 2 * pairs : 2], x[..., 1 : 2 * pairs : 2]  # (..., N, d / 2)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)  # (..., N, d)
    return torch.cat([turned, x[..., 2 * pairs :]], -1)


@dataclass(frozen=True)
class Attended:
    """All steps of one self-attention: inputs, queries, keys, values, output (N, d); scores, weights (N, N)."""

    inputs: Tensor
    queries: Tensor
    keys: Tensor
    values: Tensor
    scores: Tensor
    weights: Tensor
    output: Tensor


class SelfAttention:
    """Q = X W_q, K = X W_k, V = X W_v, and their attention.

    Parameters
    ----------
    dim : int
        Width d.
    seed : int or None
        Of the random weights, normal with variance 1/d; None for the identity.
    """

    def __init__(self, dim: int, seed: int | None) -> None:
        if seed is None:
            self.W_q = self.W_k = self.W_v = torch.eye(dim, dtype=torch.float64)
        else:
            random = torch.Generator().manual_seed(104_729 + seed)
            drawn = torch.randn(3, dim, dim, generator=random, dtype=torch.float64) * dim**-0.5
            self.W_q, self.W_k, self.W_v = drawn.unbind(0)

    def __call__(
        self, x: Tensor, positions: Tensor | None = None, rotary: bool = False, temperature: float = 1.0
    ) -> Attended:
        """Attend.

        Parameters
        ----------
        x : Tensor (N, d)
            Embeddings of the tokens.
        positions : Tensor (N, d), optional
            Added to ``x``.
        rotary : bool
            Turn queries and keys by their positions.
        temperature : float
            Divides the scaled scores.
        """
        inputs = x if positions is None else x + positions  # (N, d)
        q, k, v = inputs @ self.W_q, inputs @ self.W_k, inputs @ self.W_v  # (N, d)
        if rotary:
            q, k = rotate(q), rotate(k)
        output, weights = scaled_dot_product_attention(q, k, v, temperature=temperature)
        scores = q @ k.T * q.shape[-1] ** -0.5 / temperature  # (N, N)
        return Attended(inputs, q, k, v, scores, weights, output)


def shuffled(count: int, seed: int) -> Tensor:
    """An order (N,) that leaves not every token where it was (if there are two)."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order if count < 2 or bool((order != torch.arange(count)).any()) else order.roll(1)


def by_offset(dots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, least and largest entry (2 L − 1,) of each diagonal of ``dots`` (L, L), the lowest diagonal first."""
    length = len(dots)
    at = torch.arange(length)
    offset = (at[None] - at[:, None] + length - 1).flatten()  # (L²,)
    count = torch.zeros(2 * length - 1, dtype=dots.dtype).scatter_add_(0, offset, torch.ones_like(dots).flatten())
    mean = torch.zeros_like(count).scatter_add_(0, offset, dots.flatten()) / count
    low = torch.zeros_like(count).scatter_reduce_(0, offset, dots.flatten(), "amin", include_self=False)
    high = torch.zeros_like(count).scatter_reduce_(0, offset, dots.flatten(), "amax", include_self=False)
    return mean, low, high

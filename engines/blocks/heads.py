"""One attention on one input, opened: what can be said of its heads as matrices, and of its softmax.

Sources: Vaswani et al. 2017, section 3.2 (heads); Elhage et al. 2021, "A mathematical framework for Transformer
circuits" (a head is the two matrices QK and OV; heads add up); Nadaraya 1964 and Watson 1964 (kernel regression);
Vaswani et al. 2017, section 3.5 (positions shifted by k are a linear map of them: a rotation).
Shapes: H heads, Q queries, K keys, d size of a head, E width, N either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.blocks.attention import softmax_where
from engines.blocks.positions import BASE


@dataclass(frozen=True, eq=False)
class Heads:
    """An attention and what it is given.

    Attributes
    ----------
    x, looked_at : Tensor (Q, E), (K, E)
        What queries, and what keys and values are made of.
    w_q, w_k, w_v : Tensor (E, H·d)
        As in ``x @ w + b``; the columns of a head stand together.
    b_q, b_k, b_v : Tensor (H·d,)
    w_o, b_o : Tensor (H·d, E), (E,)
    count : int
        H.
    mask : Tensor bool (Q, K), optional
        True where a query may attend.
    """

    x: Tensor
    looked_at: Tensor
    w_q: Tensor
    w_k: Tensor
    w_v: Tensor
    b_q: Tensor
    b_k: Tensor
    b_v: Tensor
    w_o: Tensor
    b_o: Tensor
    count: int
    mask: Tensor | None = None

    @property
    def size(self) -> int:
        """D."""
        return self.w_q.shape[1] // self.count

    def _of(self, head: int) -> slice:
        return slice(head * self.size, (head + 1) * self.size)

    def queries(self, head: int, added: Tensor | None = None) -> Tensor:
        """Queries (Q, d) of a head; ``added`` (H·d,) to their bias."""
        q = self.x @ self.w_q[:, self._of(head)] + self.b_q[self._of(head)]
        return q if added is None else q + added[self._of(head)]

    def keys(self, head: int, added: Tensor | None = None) -> Tensor:
        """Keys (K, d) of a head; ``added`` (H·d,) to their bias."""
        k = self.looked_at @ self.w_k[:, self._of(head)] + self.b_k[self._of(head)]
        return k if added is None else k + added[self._of(head)]

    def weights(self, head: int) -> Tensor:
        """Weights (Q, K) of a head; rows sum to 1."""
        return softmax(scores(self.queries(head), self.keys(head)), self.mask)

    def qk(self, head: int) -> Tensor:
        """``W_q W_kᵀ`` (E, E): what of two tokens makes them attend; its rank is at most d."""
        return self.w_q[:, self._of(head)] @ self.w_k[:, self._of(head)].T

    def ov(self, head: int) -> Tensor:
        """``W_v W_o`` (E, E): what a token that is attended to adds; its rank is at most d."""
        return self.w_v[:, self._of(head)] @ self.w_o[self._of(head)]

    def through(self, head: int) -> Tensor:
        """``A X W_OV`` (Q, E): what one head adds, but for the biases."""
        return self.weights(head) @ self.looked_at @ self.ov(head)

    def summed(self) -> Tensor:
        """All heads and the biases (Q, E): the attention's output, since each row of the weights sums to 1."""
        total = self.b_v @ self.w_o + self.b_o
        return total + torch.stack([self.through(head) for head in range(self.count)]).sum(0)

    def output(self) -> Tensor:
        """The attention's output (Q, E) as it is computed: weights times values, joined, then ``W_o``."""
        values = self.looked_at @ self.w_v + self.b_v
        joined = torch.cat([self.weights(h) @ values[:, self._of(h)] for h in range(self.count)], -1)
        return joined @ self.w_o + self.b_o


def scores(queries: Tensor, keys: Tensor) -> Tensor:
    """``q kᵀ / √d`` (Q, K) of queries (Q, d) and keys (K, d)."""
    return queries @ keys.T / math.sqrt(queries.shape[-1])


def softmax(of: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax of scores (..., K) where the mask (..., K) allows."""
    return of.softmax(-1) if mask is None else softmax_where(of, mask)


def gaussian(queries: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weights (Q, K) of Nadaraya and Watson's regression with a Gaussian kernel of σ² = √d.

    ``exp(−‖q − k‖² / 2√d)``, normalized. With keys of one length they are those of dot-product attention: ‖q‖² and
    ‖k‖² are then the same for all keys of a row, and a softmax ignores what all of a row share.
    Queries (Q, d), keys (K, d).
    """
    squares = (queries[:, None] - keys[None]).square().sum(-1)  # (Q, K)
    return softmax(-squares / (2 * math.sqrt(queries.shape[-1])), mask)


def equally_long(keys: Tensor) -> Tensor:
    """Keys (K, d), each brought to their mean length."""
    lengths = keys.norm(dim=-1, keepdim=True)
    return keys / lengths.clamp_min(torch.finfo(keys.dtype).tiny) * lengths.mean()


def participation(singular: Tensor) -> float:
    """How many of singular values (n,) take part: (Σσ²)² / Σσ⁴, from 1 to n."""
    squares = singular.square()
    return float(squares.sum().square() / squares.square().sum())


def jacobian(weights: Tensor) -> Tensor:
    """Of a softmax's weights p (..., K): diag(p) − p pᵀ (..., K, K), how each weight moves with each score."""
    return torch.diag_embed(weights) - weights[..., :, None] * weights[..., None, :]


def measured_jacobian(of: Tensor, step: float = 1e-4) -> Tensor:
    """The same (K, K) by finite differences of scores (K,), from both sides; of doubles, or it says little."""
    moves = step * torch.eye(len(of), dtype=of.dtype, device=of.device)
    return ((of + moves).softmax(-1) - (of - moves).softmax(-1)).T / (2 * step)


def rotation(shift: int, dim: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """R (dim, dim) with ``sinusoidal(t + shift) = sinusoidal(t) @ R.T``: a turn of each pair of columns by its angle.

    Pair i turns by ``shift / 10000^(2i/dim)``.
    """
    frequencies = BASE ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)  # (dim / 2,)
    made = torch.zeros(dim, dim, dtype=torch.float64)
    for i, angle in enumerate((shift * frequencies).tolist()):
        cos, sin = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)
        end = min(2 * i + 2, dim)
        made[2 * i : end, 2 * i : end] = turn[: end - 2 * i, : end - 2 * i]
    return made.to(dtype)

"""Answers all pages of the tab; at the default size all of it takes a few milliseconds.

Attention and position codes run on the CPU in double precision whatever the device: a few thousand numbers are not
worth the way to another one, and "the same rows" then means the same to the last digits. Only the timings of the
page "Cost" run on the chosen device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from engines.core.protocol import Event, Job
from engines.self_attention.cost import by_formula, measured
from engines.self_attention.model import (
    POSITION_STD,
    Attended,
    SelfAttention,
    by_offset,
    embed,
    learned,
    rotate,
    shuffled,
    sines,
)
from engines.self_attention.spec import (
    IDENTITY,
    KINDS,
    ROTARY,
    SINUSOIDAL,
    AttentionFrame,
    Floats,
    PositionsFrame,
    SelfAttentionParams,
    tokens_of,
)


class Engine:
    """See `engines.self_attention.spec` for what it takes and what it yields."""

    def __init__(self) -> None:
        self._embeddings: dict[tuple[str, int, int], Tensor] = {}
        self._layer: tuple[tuple[int, int | None], SelfAttention] | None = None
        self._positions: tuple[tuple[str, int, int, int], PositionsFrame] | None = None

    def run(self, job: Job[SelfAttentionParams]) -> Iterator[Event]:
        """Compute what ``job.params`` ask for."""
        params = job.params
        yield self.attend(params)
        key = params.kind, params.length, params.dim, params.seed
        if self._positions is None or self._positions[0] != key:
            self._positions = key, positions_frame(*key)
        yield self._positions[1]
        yield by_formula(params)
        if params.measure:
            yield from measured(params, job)

    @torch.no_grad()
    def attend(self, params: SelfAttentionParams) -> AttentionFrame:
        """Attention over the sentence as shown, and over the sentence in order and shuffled for the comparison."""
        names, rows, left_out = tokens_of(params)
        x = self._inputs(names, rows, params)  # (N, d)
        order = shuffled(len(names), params.shuffle_seed)  # (N,)
        straight = self._attend(x, params, params.positions)
        mixed = self._attend(x[order], params, params.positions)
        other, other_mixed = (self._attend(rows_, params, not params.positions) for rows_ in (x, x[order]))
        restored = mixed.output[order.argsort()]  # (N, d)
        now = float((restored - straight.output).abs().max())
        then = float((other_mixed.output[order.argsort()] - other.output).abs().max())
        shown = mixed if params.shuffle else straight
        places = order.tolist() if params.shuffle else list(range(len(names)))
        return AttentionFrame(
            tokens=tuple(names[i] for i in places),
            order=tuple(places),
            left_out=left_out,
            inputs=_array(shown.inputs),
            queries=_array(shown.queries),
            keys=_array(shown.keys),
            values=_array(shown.values),
            scores=_array(shown.scores),
            weights=_array(shown.weights),
            output=_array(shown.output),
            entropy=_array(torch.special.entr(shown.weights).sum(-1) / math.log(2)),
            names=tuple(names),
            straight=_array(straight.output),
            restored=_array(restored),
            difference=now,
            without=then if params.positions else now,
            with_positions=now if params.positions else then,
        )

    def _attend(self, x: Tensor, params: SelfAttentionParams, positions: bool) -> Attended:
        added = None
        if positions and params.kind != ROTARY:
            added = added_code(params.kind, len(x), params.dim, params.seed)
        rotary = positions and params.kind == ROTARY
        return self.layer(params)(x, added, rotary, params.temperature)

    def layer(self, params: SelfAttentionParams) -> SelfAttention:
        """The layer with the weights asked for."""
        key = params.dim, None if params.weights == IDENTITY else params.seed
        if self._layer is None or self._layer[0] != key:
            self._layer = key, SelfAttention(*key)
        return self._layer[1]

    def _inputs(self, names: list[str], rows: list[tuple[float, ...]] | None, params: SelfAttentionParams) -> Tensor:
        """Embeddings (N, d): of words from the seed, of numbers the numbers themselves, then zeros."""
        if rows is not None:
            x = torch.zeros(len(rows), params.dim, dtype=torch.float64)
            for i, row in enumerate(rows):
                x[i, : len(row)] = torch.tensor(row, dtype=torch.float64)
            return x
        if len(self._embeddings) > 4096:
            self._embeddings.clear()
        out = []
        for name in names:
            key = name, params.dim, params.seed
            if key not in self._embeddings:
                self._embeddings[key] = embed(*key)
            out.append(self._embeddings[key])
        return torch.stack(out)


def added_code(kind: str, length: int, dim: int, seed: int) -> Tensor:
    """What sine-and-cosine or learned positions add to X, (length, d)."""
    return sines(length, dim) if kind == SINUSOIDAL else learned(length, dim, seed)


def code_of(kind: str, length: int, dim: int, seed: int) -> Tensor:
    """The rows that the page "Positions" shows, (length, d); for rotary one vector turned by each position."""
    if kind != ROTARY:
        return added_code(kind, length, dim, seed)
    vector = learned(1, dim, seed) / POSITION_STD  # a normal vector
    return rotate(vector.expand(length, dim) * POSITION_STD)


@torch.no_grad()
def positions_frame(kind: str, length: int, dim: int, seed: int) -> PositionsFrame:
    """Code, dot products and their dependence on the offset."""
    found = []
    for each in KINDS:
        code = code_of(each, length, dim, seed)
        dots = code @ code.T / code.square().sum(-1).mean()  # (L, L)
        found.append((code, dots, *by_offset(dots)))
    code, dots = found[KINDS.index(kind)][:2]
    mean, low, high = (torch.stack([one[i] for one in found]) for i in (2, 3, 4))  # (3, 2 L − 1)
    return PositionsFrame(
        kind=kind,
        code=_array(code),
        dots=_array(dots),
        offsets=torch.arange(1 - length, length).numpy(),
        mean=_array(mean),
        low=_array(low),
        high=_array(high),
        spread=_array((high - low).amax(-1)),
    )


def _array(values: Tensor) -> Floats:
    """A contiguous copy of its own."""
    return values.contiguous().numpy().copy()
